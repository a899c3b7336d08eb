"""Years, amounts, slips and orders of terminals' messages."""

from datetime import UTC, datetime

import pytest

from tests.pos_messages import message, sale, terminal, void
from voidtrail.event.account import Account
from voidtrail.sources.pos import facts as pos_facts
from voidtrail.sources.pos.wire import decode, dialect_of

ACCOUNT = Account(source="pos", name="main")


def decoded(body):
    return decode(body, dialect_of(body))


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def told_at(date, clock, received, zone="Asia/Shanghai"):
    found = decoded(sale("0210", d12=clock, d13=date))
    return pos_facts.instant_of(found, zone, at(received))


@pytest.mark.parametrize(
    ("date", "clock", "received", "expected"),
    [
        ("1231", "235959", "2025-12-31T16:00:05", "2025-12-31T15:59:59"),  # local New Year
        ("0101", "000010", "2025-12-31T16:00:05", "2025-12-31T16:00:10"),
        ("1231", "120000", "2026-01-01T04:00:00", "2025-12-31T04:00:00"),  # stored and sent later
        ("0101", "070000", "2025-12-31T23:30:00", "2025-12-31T23:00:00"),
        ("0229", "120000", "2028-02-29T04:00:01", "2028-02-29T04:00:00"),
        ("1215", "120000", "2026-01-03T04:00:00", "2025-12-15T04:00:00"),  # an old advice
    ],
)
def test_the_year_is_the_one_nearest_to_the_receipt(date, clock, received, expected):
    assert told_at(date, clock, received) == at(expected)


@pytest.mark.parametrize(
    ("date", "clock", "received"),
    [
        ("0103", "120000", "2026-01-01T00:00:00"),  # more than a day ahead: a wrong clock
        ("0701", "120000", "2026-01-01T00:00:00"),
        ("1120", "120000", "2026-01-01T00:00:00"),  # too long ago
        ("0229", "120000", "2026-03-01T00:00:00"),  # no leap year is near enough
        ("1301", "120000", "2026-01-01T00:00:00"),
        ("0101", "996199", "2026-01-01T00:00:00"),
    ],
)
def test_a_wrong_clock_is_not_believed(date, clock, received):
    assert told_at(date, clock, received) is None


def test_another_zone_is_another_instant():
    assert told_at("0101", "120000", "2026-01-01T12:00:00", "Europe/Berlin") == at(
        "2026-01-01T11:00:00"
    )
    assert told_at("0101", "120000", "2026-01-01T04:00:00", "Mars/Olympus") == at(
        "2026-01-01T04:00:00"
    )


@pytest.mark.parametrize(
    ("number", "currency"), [("156", "CNY"), ("392", "JPY"), ("414", "KWD"), ("352", "ISK"),
                             ("999", "XXX"), ("001", ""), ("X12", "")],
)  # fmt: skip
def test_currency_is_that_of_de49(number, currency):
    assert pos_facts.currency_of(decoded(sale(d49=number)), ACCOUNT) == currency


def test_a_message_without_currency_takes_the_accounts_own():
    found = decoded(message("0100", {2: "4", 11: "000001"}, "ascii"))
    euros = Account(source="pos", name="main", options={"currency": "EUR"})
    assert pos_facts.currency_of(found, ACCOUNT) == ""
    assert pos_facts.currency_of(found, euros) == "EUR"


def test_minor_units_stay_what_they_are_in_every_currency():
    for number in ("156", "392", "414"):
        assert pos_facts.amount_of(decoded(sale(d4="000000001230", d49=number))) == 1230


@pytest.mark.parametrize(
    ("options", "fields", "order"),
    [
        ({"order_field": "48"}, {"d48": b"A1001 ".hex()}, "A1001"),
        ({"order_field": "59"}, {"d59": "A1001"}, "A1001"),
        ({"order_field": "62", "order_prefix": "ORD="}, {"d62": b"T1 ORD=A1001 X".hex()}, "A1001"),
        ({"order_field": "62", "order_prefix": "ORD="}, {"d62": b"T1 A1001".hex()}, ""),
        ({"order_field": "62"}, {}, ""),
        ({"order_field": "x"}, {"d59": "A1001"}, ""),
        ({}, {"d59": "A1001"}, ""),
        ({"order_field": "62"}, {"d62": "00" * 8}, ""),
    ],
)
def test_order_stands_where_the_options_say(options, fields, order):
    account = Account(source="pos", name="main", options=options)
    assert pos_facts.order_of(decoded(sale(**fields)), account) == order


def test_request_answer_and_reversal_have_one_slip():
    slips = {
        pos_facts.slip_of(decoded(each)).own
        for each in (sale(), sale("0210", d39="00"), sale("0400", d39="98"), sale("0410"))
    }
    assert slips == {"10000019-850100082410002-000024-000403"}


def test_a_void_names_its_original():
    slip = pos_facts.slip_of(decoded(void()))
    assert slip.own.endswith("-000404")
    assert slip.original == "10000019-850100082410002-000024-000403"
    assert slip.names == ("rrn-850100082410002-600108000403",)


def test_a_refund_at_another_terminal_is_found_by_its_retrieval_reference():
    """DE61 would name a slip of the refunding terminal, which may be another sale altogether."""
    here = terminal("0220", "25", "000009", "200000", d37="600108000403", d61="0000240004030101",
                    d41="20000001")  # fmt: skip
    slip = pos_facts.slip_of(decoded(here))
    assert slip.original == ""
    assert slip.names == ("rrn-850100082410002-600108000403",)
    bare = terminal("0220", "25", "000009", "200000", d61="0000240004030101")
    assert pos_facts.slip_of(decoded(bare)).original.endswith("-000024-000403")


def test_a_completion_elsewhere_is_found_by_authorisation_code_and_day():
    hold = terminal("0110", "10", processing="030000", d38="123456", d13="0101", d39="00")
    done = terminal("0200", "20", "000007", d38="123456", d61="0000000000000101", d41="20000001")
    shared = {*pos_facts.slip_of(decoded(hold)).names} & {*pos_facts.slip_of(decoded(done)).names}
    assert shared == {"auth-850100082410002-0101-123456"}


@pytest.mark.parametrize(
    ("mti", "processing", "condition", "kind"),
    [("0100", "030000", "06", "10"), ("0100", "200000", "06", "11"), ("0200", "000000", "06", "20"),
     ("0200", "200000", "06", "21"), ("0200", "000000", "00", "22"), ("0200", "200000", "00", "23"),
     ("0220", "200000", "00", "25"), ("0210", "310000", "00", "02/31")],
)  # fmt: skip
def test_a_message_without_de60_is_told_by_its_other_codes(mti, processing, condition, kind):
    body = message(mti, {3: processing, 11: "000001", 25: condition})
    assert pos_facts.deal_of(decoded(body)) == kind
