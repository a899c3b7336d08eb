"""Terminals: what each message means, and each trap of the protocol by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract import cells
from tests.pos_messages import PAN, message, sale, terminal, void
from tests.signers import secrets
from voidtrail.errors import SignatureMissing
from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Delivery, Kind, Method, Result, Tag, Unreadable, Via
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import pos as source
from voidtrail.sources.contract import Outcome
from voidtrail.testing.contract import check_translation

ACCOUNT = Account(source="pos", name="main")
SLIP = "10000019-850100082410002-000024-000403"
OWN = "10000019-850100082410002-000024-000404"
AT = cells.RECEIVED
DONE, ASKED, NO = Result.SUCCEEDED, Result.REQUESTED, Result.REFUSED


def told(body, account=ACCOUNT, headers=()):
    delivery = Delivery(source="pos", account="main", received_at=AT, body=body, headers=headers)
    found = check_translation(source, delivery, account, {})
    assert not isinstance(found, Unreadable), found
    return found


def said(body, **more):
    return [(e.kind, e.result, e.operation, e.reverses) for e in told(body, **more)]


def verdict(*bodies, after_s=0, payment=""):
    cell = cells.Cell(
        situation="customer", cites="platforms.md:1", says="s", after_s=after_s, payment=payment,
        expect=cells.Expected("open", "none", "unknown", "none"),
        delivery=[cells.Told(body_hex=body.hex()) for body in bodies],
    )  # fmt: skip
    found = cells.verdict(cells.Recognition(platform="pos", cell=[cell]), cell, source)
    return found.state, found.how, found.actor, found.money


def test_a_request_is_an_intention_and_its_answer_decides():
    assert said(sale()) == [(Kind.CAPTURE, ASKED, SLIP, "")]
    assert said(sale("0210", d39="00")) == [(Kind.CAPTURE, DONE, SLIP, "")]
    assert said(sale("0210", d39="51")) == [(Kind.AUTHORISE, NO, SLIP, "")]


def test_what_an_event_carries():
    (event,) = told(
        sale("0210", d39="00", d37="600108000403", d12="080405", d13="0101", d22="0710"),
        headers=(("card", "c" * 32),),
    )
    assert (event.payment, event.names) == (SLIP, ("rrn-850100082410002-600108000403",))
    assert (event.amount_minor, event.currency, event.tag) == (1230, "CNY", Tag.OWN)
    assert (event.method, event.channel, event.customer) == (Method.POS_CARD, Channel.POS, "c" * 32)
    assert dict(event.dimensions) == {"terminal": "10000019", "entry": "07"}
    assert event.occurred_at == AT + 245_000_000
    assert event.merchant == "850100082410002"
    ours = Account(source="pos", name="main", options={"merchant": "850100082410002"})
    assert told(sale(), ours)[0].merchant == ""


def test_only_the_approved_amount_counts():
    """Answer code 10 approves a part: what was asked for must not count."""
    assert told(sale())[0].tag == Tag.NONE
    (event,) = told(sale("0210", d39="10", d4="000000000800"))
    assert (event.result, event.amount_minor, event.tag) == (DONE, 800, Tag.OWN)


@pytest.mark.parametrize("code", ["00", "10", "11", "16", "A2", "A3", "A4", "A5", "A6"])
def test_conditional_approvals_are_approvals(code):
    assert said(sale("0210", d39=code)) == [(Kind.CAPTURE, DONE, SLIP, "")]
    assert verdict(sale(), sale("0210", d39="00"), void(), void("0210", d39=code))[0] == "cancelled"


@pytest.mark.parametrize(
    ("code", "slug"),
    [("51", "insufficient_funds"), ("54", "card_expired"), ("55", "authentication_failed"),
     ("61", "limit_exceeded"), ("41", "card_lost_or_stolen"), ("91", "issuer_unavailable"),
     ("96", "platform_fault"), ("A0", "network_fault"), ("Z9", "unlisted"), ("", "unstated")],
)  # fmt: skip
def test_refusals_keep_their_code_and_say_why(code, slug):
    more = {"d39": code} if code else {}
    (event,) = told(sale("0210", **more))
    assert (event.kind, event.result, event.code) == (Kind.AUTHORISE, NO, code)
    assert BY_NUMBER[event.reason].slug == slug


def test_a_void_is_of_the_sale_that_it_names_and_its_answer_is_found_by_its_own_slip():
    (asked,), (answer,) = told(void()), told(void("0210", d39="00"))
    assert (asked.payment, asked.names[0]) == (SLIP, OWN)
    assert (asked.kind, asked.result, asked.reverses) == (Kind.VOID, ASKED, f"capture:{SLIP}")
    assert (answer.payment, answer.operation, answer.reverses) == (OWN, OWN, "")


SOLD = [sale(), sale("0210", d39="00")]
VOIDED = [void(), void("0210", d39="00")]
UNDO = {"d39": "98", "d61": "000024000403"}


def reversal_of_void(mti="0400", **more):
    return terminal(mti, "23", "000404", "200000", **more)


PAID = ("paid", "none", "unknown", "taken")
REVERSED = ("cancelled", "reversed", "network", "returned")


def test_void_counts_only_on_its_approved_answer():
    assert verdict(*SOLD, void()) == PAID
    assert verdict(*SOLD, void(), void("0210", d39="22")) == PAID
    assert verdict(*SOLD, *VOIDED) == ("cancelled", "merchant_voided", "merchant", "returned")


def test_void_that_is_refused_first_and_approved_when_repeated_counts():
    again = [terminal("0200", "23", "000405", "200000", d61="000024000403"),
             terminal("0210", "23", "000405", "200000", d39="00")]  # fmt: skip
    assert verdict(*SOLD, void(), void("0210", d39="96"), *again)[0] == "cancelled"


def test_late_approval_stays_reversed_in_every_order():
    asked, approved, sent = sale(), sale("0210", d39="00"), sale("0400", d39="98")
    accepted = sale("0410", d39="00")
    for order in (
        [asked, sent, approved], [asked, sent, approved, accepted],
        [sent, asked, accepted, approved], [approved, accepted, sent, asked],
    ):  # fmt: skip
        assert verdict(*order) == REVERSED


def test_reversal_never_answered_counts_since_the_terminal_repeats_it():
    assert verdict(*SOLD, sale("0400", d39="98")) == REVERSED
    assert verdict(*SOLD, sale("0400", d39="98"), sale("0401", d39="98")) == REVERSED


def test_refused_reversal_leaves_the_sale_until_a_repetition_is_accepted():
    refused = [*SOLD, sale("0400", d39="98"), sale("0410", d39="96")]
    assert verdict(*refused) == PAID
    for code in ("00", "25", "12"):
        assert verdict(*refused, sale("0410", d39=code)) == REVERSED


def test_reversal_of_a_void_restores_the_sale_in_every_order():
    undo, undone = reversal_of_void(**UNDO), reversal_of_void("0410", d39="00")
    assert verdict(*SOLD, *VOIDED, undo, undone) == PAID
    assert verdict(*SOLD, void(), undo, void("0210", d39="00"), undone) == PAID
    assert verdict(undone, undo, *reversed(VOIDED), *SOLD) == PAID
    assert Kind.CANCEL not in {kind for kind, *_ in said(undo)}


def test_refused_reversal_of_a_void_leaves_it_void():
    story = [*SOLD, *VOIDED, reversal_of_void(**UNDO), reversal_of_void("0410", d39="94")]
    assert verdict(*story)[:2] == ("cancelled", "merchant_voided")


def test_a_repeated_message_says_the_same_again():
    assert told(sale("0401", d39="98"))[0].identity == told(sale("0400", d39="98"))[0].identity
    first, later = told(sale("0410", d39="96"))[0], told(sale("0410", d39="00"))[0]
    assert first.identity != later.identity


def test_reversed_refund_gives_the_money_back_to_the_merchant():
    refund = terminal("0220", "25", "000405", "200000", d37="600108000403")
    back = terminal("0230", "25", "000405", "200000", d39="00")
    sold = [sale(), sale("0210", d39="00", d37="600108000403")]
    assert verdict(*sold, refund) == PAID
    assert verdict(*sold, refund, back)[1] == "refunded_in_full"
    undo = terminal("0400", "25", "000405", "200000", d39="98")
    assert verdict(*sold, refund, back, undo) == PAID


def test_completion_of_an_authorisation_takes_the_money():
    hold = [terminal("0100", "10", processing="030000"),
            terminal("0110", "10", processing="030000", d39="00")]  # fmt: skip
    assert verdict(*hold) == ("open", "none", "unknown", "held")
    done = terminal("0200", "20", "000405", d61="000024000403")
    assert verdict(*hold, done, terminal("0210", "20", "000405", d39="00")) == PAID
    refused = terminal("0210", "20", "000405", d39="05")
    assert verdict(*hold, done, refused) == ("open", "none", "unknown", "held")
    assert verdict(*hold, done, terminal("0400", "20", "000405", d39="98"))[3] == "held"


def test_a_part_may_be_reversed():
    key = {32: "123456", 49: "978", 3: "000000", 41: "TERM0001"}
    taken = {**key, 4: "000000001230", 7: "0101070500", 11: "000111"}
    data = "0200" + "000111" + "0101070500" + "00000123456" + "0" * 11
    undo = {**key, 4: "000000001230", 7: "0101070700", 11: "000112", 90: data}
    kept = message("0420", undo | {95: "000000001000" + "0" * 30}, "ascii")
    story = [message("0200", taken, "ascii"), message("0210", taken | {39: "00"}, "ascii")]
    assert verdict(*story, kept) == PAID
    assert verdict(*story, message("0420", undo, "ascii"))[:2] == ("cancelled", "reversed")
    events = told(kept)
    assert [(e.kind, e.amount_minor) for e in events if e.kind == Kind.CAPTURE] == [
        (Kind.CAPTURE, 1000)
    ]
    answer = message("0430", {**key, 7: "0101070700", 11: "000112", 39: "96"}, "ascii")
    assert verdict(*story, message("0420", undo, "ascii"), answer) == PAID


def test_two_orders_are_two_payments_and_one_order_number_joins():
    account = Account(source="pos", name="main", options={"order_field": "62"})
    (event,) = told(sale(d62=b"A1001".hex()), account)
    assert event.order == "A1001"


def test_what_no_table_lists_is_said_all_the_same():
    for body, code in (
        (terminal("0200", "01", processing="310000"), "0200/01"),
        (terminal("0220", "34"), "0220/34"),
        (terminal("0500", "00"), "0500/00"),
    ):
        (event,) = told(body)
        assert (event.kind, event.code, event.life) == (Kind.OTHER, code, False)


def test_keys_and_echoes_are_not_about_money():
    assert not source.is_about_money(terminal("0800", "00"))
    assert not source.is_about_money(terminal("0500", "00"))
    assert source.is_about_money(sale("0410"))
    assert source.is_about_money(b"whatever it is")


def test_a_message_without_trace_number_is_unreadable():
    body = message("0200", {3: "000000"})
    found = source.translate(
        Delivery(source="pos", account="main", received_at=AT, body=body), ACCOUNT, {}
    )
    assert found.path == "DE11"


def test_received_masks_before_anything_is_stored():
    delivery = source.received(sale(d35=PAN + "D2806"), ACCOUNT, secrets(card_key="k"), AT)
    assert PAN not in delivery.body.hex()
    assert len(delivery.header("card")) == 32
    assert source.received(sale(), ACCOUNT, {}, AT).headers == ()
    whole = [(e.payment, e.kind, e.amount_minor) for e in told(sale())]
    assert [(e.payment, e.kind, e.amount_minor) for e in told(delivery.body)] == whole


def test_nothing_is_taken_in_over_http():
    push = source.received(sale(), ACCOUNT, {}, AT)
    with pytest.raises(SignatureMissing, match="listen"):
        source.verify(push, {}, AT)
    source.verify(source.received(sale(), ACCOUNT, {}, AT, Via.FILE), {}, AT)
    assert source.acknowledge(Outcome.KEPT).status == 200
    assert source.acknowledge(Outcome.BUSY).status == 503


@given(st.binary(max_size=120))
def test_translate_never_raises(tail):
    for body in (tail, sale()[:21] + tail, sale("0400", d39="98")[:13] + tail):
        delivery = Delivery(source="pos", account="main", received_at=AT, body=body)
        check_translation(source, delivery, ACCOUNT, {})


@given(st.integers(11, 90), st.binary(min_size=1, max_size=4))
def test_translate_never_raises_on_damaged_messages(place, noise):
    body = sale(d37="600108000403", d61="000024000403", d62="AB" * 9)
    delivery = Delivery(source="pos", account="main", received_at=AT,
                        body=body[:place] + noise + body[place + len(noise):])  # fmt: skip
    check_translation(source, delivery, ACCOUNT, {})
    check_translation(source, source.received(delivery.body, ACCOUNT, {}, AT), ACCOUNT, {})
