from collections import defaultdict
from decimal import Decimal

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.table.tables import ACCOUNT, FILE, ISSUE, ROWS, one_event, said, translated
from voidtrail.errors import MappingInvalid, Refused
from voidtrail.event.model import Channel, Kind, Method, Role, Tag, Unreadable, Via
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import table
from voidtrail.sources.table.mapping import parse_mapping
from voidtrail.sources.table.reread import retranslate
from voidtrail.testing import contract

AT = "2024-03-01 12:00:00"
NOON = 1_709_294_400_000_000


def test_mapping_of_the_issue_tells_the_orders_of_a_chinese_shop():
    found = said(ROWS, ISSUE)
    kinds = [[event.kind for event in events] for events in found]
    assert kinds == [[Kind.ORDER], [Kind.ORDER, Kind.CAPTURE, Kind.REFUND], [Kind.ORDER]]
    paid = found[1][1]
    assert (paid.payment, paid.order, paid.amount_minor, paid.currency) == ("2", "2", 2100, "CNY")
    assert (paid.role, paid.via, paid.tag) == (Role.IMPORT, Via.FILE, Tag.OWN)
    assert [events[0].amount_minor for events in found] == [17880, 2100, 3700]
    assert all(not event.dimensions for events in found for event in events)


def test_delivery_holds_the_raw_row_and_its_place():
    delivery, _ = translated(ROWS, ISSUE)[1]
    assert msgspec.json.decode(delivery.body) == {name: values[1] for name, values in ROWS.items()}
    assert (delivery.header("file-name"), delivery.header("file-row")) == ("orders.csv", "1")
    assert delivery.header("file-digest") == FILE.digest
    assert delivery.context == parse_mapping(ISSUE).digest
    assert (delivery.via, delivery.received_at) == (Via.FILE, 7)


def test_source_keeps_the_contract():
    contract.check_tables(table)
    contract.check_query_needs_credentials(table, ACCOUNT)
    account = msgspec.structs.replace(ACCOUNT, options={"mapping": ISSUE})
    for delivery, events in translated(ROWS, ISSUE):
        table.verify(delivery, {}, 0)
        contract.check_events(events, delivery)
        assert contract.check_translation(table, delivery, account, {}) == events
        assert isinstance(table.translate(delivery, ACCOUNT, {}), Unreadable)
        with pytest.raises(Refused):
            table.verify(msgspec.structs.replace(delivery, via=Via.PUSH), {}, 0)


def test_equal_rows_are_real():
    rows = {"id": ["1", "1"], "at": [AT, AT], "amount": ["5", "5"]}
    [first], [second] = said(rows, one_event())
    assert first.identity != second.identity
    assert (first.operation, second.operation) == ("", "2")  # two captures of one payment
    text = one_event(group_by=["id"], event={"amount": 'SUM("amount")'})
    [[both]] = said(rows, text)
    assert both.amount_minor == 1000


def test_rows_in_slices_are_the_rows_of_the_whole():
    frame = pl.DataFrame({"id": list("abcd"), "at": [AT] * 4, "amount": [1, 2, 3, 4]})
    whole = translated(frame, one_event())
    assert whole == [*translated(frame[:2], one_event()),
                     *translated(frame[2:], one_event(), start=2)]  # fmt: skip


LINES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.integers(-5, 50),
        st.decimals(-99, 999, places=3),
        st.integers(0, 86_400),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150)
@given(LINES, st.booleans())
def test_groups_equal_a_plain_fold(lines, as_float):
    prices = [float(price) if as_float else str(price) for _, _, price, _ in lines]
    rows = {
        "id": [line[0] for line in lines],
        "count": [line[1] for line in lines],
        "price": prices,
        "at": [1_709_251_200 + line[3] for line in lines],
    }
    text = one_event(
        group_by=["id"], rounding="half_even", event={"amount": 'SUM("count" * "price")'}
    )
    groups = defaultdict(list)
    for place, line in enumerate(lines):
        groups[line[0]].append((place, line))
    found = translated(rows, text)
    assert len(found) == len(groups)
    for (delivery, events), (key, members) in zip(found, groups.items(), strict=True):
        total = sum(Decimal(count) * price for _, (_, count, price, _) in members)
        exact = int(total.scaleb(2).to_integral_value("ROUND_HALF_EVEN"))
        places = [place for place, _ in members]
        assert delivery.header("file-row") == ",".join(map(str, places))
        if exact < 0:
            assert isinstance(events, Unreadable)
            continue
        [event] = events
        assert (event.order, event.payment, event.amount_minor) == (key, key, exact)
        assert event.identity == (FILE.digest, str(places[0]))
        earliest = min(moment for _, (_, _, _, moment) in members)
        assert event.occurred_at == (1_709_251_200 + earliest) * 10**6


@settings(max_examples=150)
@given(LINES, st.sampled_from([[], ["id"]]))
def test_same_file_twice_gives_the_same_and_every_row_reads_again(lines, group_by):
    rows = {
        "id": [line[0] for line in lines],
        "amount": [abs(line[2]) for line in lines],
        "at": [AT] * len(lines),
    }
    amount = 'SUM("amount")' if group_by else "amount"
    text = one_event(group_by=group_by, rounding="half_even", event={"amount": amount})
    found = translated(rows, text)
    assert found == translated(rows, text)
    mapping = parse_mapping(text)
    assert all(retranslate(delivery, mapping, ACCOUNT) == events for delivery, events in found)


def test_every_type_of_column_reads_again():
    frame = pl.DataFrame({
        "id": pl.Series([7.0, None]),
        "at": pl.Series([AT, None]).str.to_datetime().dt.replace_time_zone("Asia/Tokyo"),
        "day": pl.Series(["2024-03-01", None]).str.to_date(),
        "naive": pl.Series([AT, None]).str.to_datetime(time_unit="ms"),
        "amount": pl.Series(["1.50", None]).cast(pl.Decimal(10, 2)),
        "yes": pl.Series([True, None]),
        "n": pl.Series([3, None], dtype=pl.UInt8),
        "kind": pl.Series(["x", None], dtype=pl.Categorical),
        "list": pl.Series([[1, 2], None]),
    })  # fmt: skip
    text = one_event(event={"when": '"yes" AND "n" = 3 AND "kind" = \'x\''})
    (first, [event]), (second, fault) = translated(frame, text)
    assert (event.payment, event.amount_minor) == ("7", 150)
    assert event.occurred_at == NOON - 9 * 3600 * 10**6
    assert retranslate(first, parse_mapping(text), ACCOUNT) == [event]
    assert isinstance(fault, Unreadable)
    assert retranslate(second, parse_mapping(text), ACCOUNT) == fault


def test_row_reads_again_by_a_mended_mapping():
    rows = {"id": ["1"], "at": [AT], "amount": ["12.345"]}
    [(delivery, fault)] = translated(rows, one_event())
    assert isinstance(fault, Unreadable)
    mended = parse_mapping(one_event(rounding="half_even"))
    again = retranslate(delivery, mended, ACCOUNT)
    assert isinstance(again, list)
    assert again[0].amount_minor == 1234


GOOD = {"id": "1", "at": AT, "amount": "5.00", "flag": "1"}


@pytest.mark.parametrize(
    ("change", "path", "why"),
    [
        ({"amount": "1,234.00"}, "row 2, column amount", "thousands"),
        ({"amount": "5.001"}, "row 2, column amount", "half_even"),
        ({"amount": "-5"}, "row 2, column amount", "negative"),
        ({"amount": "9" * 30}, "row 2, column amount", "large"),
        ({"amount": ""}, "row 2, column amount", "empty"),
        ({"at": "01/02/2024"}, "row 2, column at", "instant"),
        ({"at": " "}, "row 2, column at", "empty"),
        ({"id": ""}, "row 2, column id", "empty"),
        ({"flag": "0"}, "row 2", "no [[event]]"),
        ({"flag": "yes"}, "row 2, column flag", "number"),
    ],
)
def test_bad_row_is_named_and_the_rest_is_imported(change, path, why):
    rows = [GOOD, {**GOOD, **change}, GOOD]
    columns = {name: [row[name] for row in rows] for name in GOOD}
    text = one_event(event={"when": '"flag" = 1'})
    first, fault, third = said(columns, text)
    assert isinstance(first, list)
    assert isinstance(third, list)
    assert isinstance(fault, Unreadable)
    assert fault.path == path
    assert why in fault.why
    values = [value for value in change.values() if len(value.strip()) > 2]
    assert all(value not in fault.why for value in values)


def test_bad_line_item_spoils_its_group_only():
    rows = {"id": ["a", "b", "a"], "at": [AT] * 3, "amount": ["1", "2", "x"]}
    text = one_event(group_by=["id"], event={"amount": "SUM(amount)"})
    fault, [event] = said(rows, text)
    assert fault.path == "row 3, column amount"
    assert event.amount_minor == 200


def test_line_items_without_a_key_are_named_one_by_one():
    rows = {"id": ["a", None, None], "at": [AT] * 3, "amount": [1, 2, 3]}
    _, first, second = said(rows, one_event(group_by=["id"], event={"amount": "SUM(amount)"}))
    assert (first.path, second.path) == ("row 2, column id", "row 3, column id")


def test_overflow_spoils_its_own_row_only():
    rows = {"id": ["1", "2", "3"], "at": [AT] * 3, "amount": ["2", "9" * 30, "3"]}
    first, fault, third = said(rows, one_event(event={"amount": "amount * amount"}))
    assert [first[0].amount_minor, third[0].amount_minor] == [400, 900]
    assert isinstance(fault, Unreadable)
    assert fault.path == "row 2"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns": {"order": "ID"}}, ["columns.order", "'ID'", '"id"']),
        ({"event": {"at": "att"}}, ["event 1 (CAPTURE), at", '"at"']),
        ({"event": {"amount": "amuont"}}, ["amount", "'amuont'", '"amount"']),
        ({"event": {"amount": '"amount" * "qty"'}}, ["qty"]),
        ({"event": {"when": '"flagg" = 1'}}, ["when", "flagg", '"flag"']),
        ({"event": {"when": '"flag"'}}, ["when", "yes or no"]),
        ({"event": {"amount": '"amount" / 3'}}, ["divided"]),
        ({"event": {"amount": "SUM(amount)"}}, ["group_by"]),
        ({"event": {"when": "COUNT(*) OVER () > 1"}}, ["OVER"]),
        ({"group_by": ["id"], "event": {"amount": "AVG(amount)"}}, ["averaged"]),
        ({"event": {"reason": "price_to_high"}}, ["reason", '"price_too_high"']),
        ({"event": {"actor": "custommer"}}, ["actor", '"customer"']),
        ({"event": {"reason": "duplicate", "how": "duplicate"}}, ["reason", "how"]),
        ({"event": {"kind": "ORDER", "operation": "id"}}, ["operation", "ORDER"]),
        ({"public": {"dimensions": ["country"]}}, ["public.dimensions", "country"]),
        ({"session": {"by": ["land"], "within_s": 5}}, ["session.by", "land"]),
    ],
)
def test_mapping_that_does_not_fit_the_file_is_refused_before_its_first_row(change, words):
    with pytest.raises(MappingInvalid) as caught:
        translated({name: [value] for name, value in GOOD.items()}, one_event(**change))
    for word in words:
        assert word in str(caught.value)


def test_column_names_are_met_despite_spaces_around_them():
    rows = {"id ": ["1"], " at": [AT], "amount": ["5"]}
    text = one_event(event={"when": '"id " IS NOT NULL AND "at" IS NOT NULL'})
    [[event]] = said(rows, text)
    assert (event.order, event.occurred_at) == ("1", NOON)


def test_column_may_be_called_like_an_expression():
    rows = {"id": ["1"], "at": [AT], "Amount (EUR)": ["5"]}
    assert said(rows, one_event(event={"amount": "Amount (EUR)"}))[0][0].amount_minor == 500


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("0", 0), ("amount", 1050), ('"amount" * 0.1', 105), ('"amount" - 0.25', 1025),
     ("GREATEST(amount, 20)", 2000), ("CASE WHEN id = '1' THEN amount ELSE 0 END", 1050),
     ('"amount" * "n"', 3150)],
)  # fmt: skip
@pytest.mark.parametrize("kind", [pl.String, pl.Float64, pl.Decimal(10, 2)])
def test_amounts_are_expressions(amount, minor, kind):
    rows = pl.DataFrame({"id": ["1"], "at": [AT], "amount": ["10.50"], "n": [3]})
    rows = rows.with_columns(pl.col("amount").cast(kind))
    assert said(rows, one_event(event={"amount": amount}))[0][0].amount_minor == minor


def test_currency_of_a_column_has_its_own_minor_unit():
    rows = {"id": list("abcd"), "at": [AT] * 4, "amount": ["12", "12.5", "1.234", "1"],
            "money": ["JPY", "EUR", "KWD", "RMB"]}  # fmt: skip
    yen, euro, dinar, fault = said(rows, one_event(event={"currency": "money"}))
    assert [(each[0].amount_minor, each[0].currency) for each in (yen, euro, dinar)] == [
        (12, "JPY"), (1250, "EUR"), (1234, "KWD")]  # fmt: skip
    assert fault.path == "row 4, column money"


def test_minor_units_are_whole():
    rows = {"id": ["1", "2"], "at": [AT] * 2, "amount": ["1250", "12.5"]}
    [event], fault = said(rows, one_event(amount_unit="minor"))
    assert event.amount_minor == 1250
    assert isinstance(fault, Unreadable)


def test_words_of_a_table_become_words_of_ours():
    rows = {"id": list("abc"), "at": [AT] * 3, "amount": ["1"] * 3, "who": ["c1", "c1", None],
            "how": ["支付宝", "Wechat QR", "barter"], "where": ["web", None, "kiosk"],
            "why": ["price_too_high", "NO_FUNDS", "ask Li on 13800001111"]}  # fmt: skip
    columns = {"customer": "who", "method": "how", "channel": "where"}
    found = [events[0] for events in said(
        rows, one_event(columns=columns, event={"reason": "why"}))]  # fmt: skip
    assert [event.method for event in found] == [
        Method.ALIPAY_PAGE, Method.WECHAT_QR, Method.OTHER]  # fmt: skip
    assert [event.channel for event in found] == [Channel.WEB, Channel.UNKNOWN, Channel.OTHER]
    assert [event.customer for event in found] == ["c1", "c1", ""]
    assert [(BY_NUMBER[event.reason].slug, event.code) for event in found] == [
        ("price_too_high", ""), ("unlisted", "NO_FUNDS"), ("unlisted", "")]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "slug"),
    [({"actor": "customer"}, "customer_request"), ({"how": "expired"}, "timed_out"),
     ({"actor": "merchant", "how": "duplicate"}, "duplicate"), ({"actor": "issuer"}, "declined"),
     ({}, "unstated"), ({"reason": "out_of_stock"}, "out_of_stock")],
)  # fmt: skip
def test_actor_and_how_choose_a_standard_reason(given, slug):
    rows = {"id": ["1"], "at": [AT], "amount": ["1"]}
    [[event]] = said(rows, one_event(event={"kind": "CANCEL", **given}))
    assert BY_NUMBER[event.reason].slug == slug


def test_only_public_dimensions_stand_in_clear():
    rows = {"id": ["1", "2"], "at": [AT] * 2, "amount": ["1"] * 2, "city": ["X", None],
            "street": ["Y", "Z"]}  # fmt: skip
    text = one_event(columns={"dimensions": ["city", "street"]}, public={"dimensions": ["city"]})
    [first], [second] = said(rows, text)
    assert (first.dimensions, second.dimensions) == ((("city", "X"),), ())


def test_session_chains_attempts_into_orders():
    moments = [0, 30, 91, 20, 40, None, 500]
    rows = {
        "at": [None if at is None else 1_709_251_200 + at for at in moments],
        "country": ["DE", "DE", "DE", "AT", "DE", "DE", None],
        "amount": [5, 5, 5, 5, 6, 5, 5],
    }
    text = one_event(columns={"order": ""}, session={"by": ["country", "amount"], "within_s": 60})
    found = said(rows, text)
    own = FILE.digest[:16]
    orders = [None if isinstance(each, Unreadable) else each[0].order for each in found]
    assert orders == [f"{own}:{row}" if row is not None else None
                      for row in (0, 0, 2, 3, 4, None, 6)]  # fmt: skip
    assert [each[0].payment for each in found[:2]] == [f"{own}:0", f"{own}:1"]


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from("xy")), min_size=1, max_size=15))
def test_session_equals_a_plain_chain(attempts):
    rows = {"at": [1_709_251_200 + at for at, _ in attempts], "k": [k for _, k in attempts],
            "amount": [1] * len(attempts)}  # fmt: skip
    text = one_event(columns={"order": ""}, session={"by": ["k"], "within_s": 60})
    found = [each[0].order for each in said(rows, text)]
    chains: dict[int, int] = {}
    for key in "xy":
        last, chain = None, []
        for at, place in sorted((at, place) for place, (at, k) in enumerate(attempts) if k == key):
            if last is not None and at - last > 60:
                chains |= dict.fromkeys(chain, min(chain))
                chain = []
            chain.append(place)
            last = at
        chains |= dict.fromkeys(chain, min(chain, default=0))
    assert found == [f"{FILE.digest[:16]}:{chains[place]}" for place in range(len(attempts))]


def test_labels_tell_statements_apart_by_their_own_words():
    event = '[[event]]\nkind = "OPEN"\nresult = "PENDING"\nat = "at"\n'
    text = one_event() + "\n" + event + event
    [[capture, first, second]] = said({"id": ["1"], "at": [AT], "amount": ["1"]}, text)
    assert [each.label for each in (capture, first, second)] == [
        "capture:succeeded:at", "open:pending:at", "open:pending:at#2"]  # fmt: skip


def test_empty_table_says_nothing():
    assert translated({"id": [], "at": [], "amount": []}, one_event()) == []
