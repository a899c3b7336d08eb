"""Klarna: a push proves nothing and tells nothing but whom to ask about."""

import json

import pytest

from tests.signers import NOW, events, secrets
from voidtrail.event.account import Account
from voidtrail.event.model import QUERY, STATUS, Delivery, Kind, Method, Result, Unreadable, Via
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import klarna as source
from voidtrail.testing.contract import check_events

KEYS = secrets(username="PK1_ab", password="pw")
KLARNA = Account(source="klarna", name="main")
ORDER = {
    "order_id": "ord-1", "status": "AUTHORIZED", "fraud_status": "ACCEPTED", "order_amount": 1230,
    "captured_amount": 0, "refunded_amount": 0, "remaining_authorized_amount": 1230,
    "purchase_currency": "EUR", "merchant_reference1": "A1001", "merchant_reference2": "B2",
    "created_at": "2026-01-05T09:00:00Z",
}  # fmt: skip
YES, NO, PENDING = Result.SUCCEEDED, Result.REFUSED, Result.PENDING


def pushed(body=b"", query="", account=KLARNA):
    headers = ((QUERY, query),) if query else ()
    delivery = Delivery(
        source="klarna", account="main", received_at=NOW, body=body, headers=headers
    )
    source.verify(delivery, {}, NOW)
    found = source.translate(delivery, account, {})
    check_events(found, delivery)
    return found


def asked(said, *, status="200", request="ord-1", account=KLARNA):
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()
    delivery = Delivery(
        source="klarna", account="main", received_at=NOW, body=raw, headers=((STATUS, status),),
        via=Via.ASKED, request=request,
    )  # fmt: skip
    source.verify(delivery, {}, NOW)
    found = source.translate(delivery, account, {})
    check_events(found, delivery)
    return found


def order(**changes):
    return asked({**ORDER, **changes})


def session(status, **changes):
    said = {"session_id": "ses-1", "status": status, "updated_at": "2026-01-05T09:05:00Z",
            "expires_at": "2026-01-07T09:00:00Z", **changes}  # fmt: skip
    return asked(said, request="hpp:ses-1")


def facts(said):
    return [(e.kind, e.result, e.operation, e.amount_minor) for e in said]


def slug(event):
    return BY_NUMBER[event.reason].slug


# ------------------------------------------------------------------------------------------- pushes


def test_push_without_a_body_names_its_order_in_the_address():
    [event] = pushed(query="klarna_order_id=ord-1&x=1")
    assert (event.kind, event.payment, event.life) == (Kind.NUDGE, "ord-1", False)
    assert (event.names, event.order, event.amount_minor) == ((), "", None)


def test_merchant_chooses_the_name_in_the_address():
    account = Account(source="klarna", name="main", options={"query_field": "sid"})
    assert pushed(query="sid=ord%2F1", account=account)[0].payment == "ord/1"
    assert isinstance(pushed(query="klarna_order_id=ord-1", account=account), Unreadable)


@pytest.mark.parametrize(
    ("body", "query"),
    [(b"", ""), (b"", "klarna_order_id="), (b"", "klarna_order_id=a&klarna_order_id=b"),
     (b"{}", ""), (b"[]", ""), (b"\xff", ""), (b"", "&".join(["klarna_order_id=a"] * 99)),
     (b'{"session":{}}', "")],
)  # fmt: skip
def test_push_that_names_nothing_or_two_orders_is_kept_unread(body, query):
    found = pushed(body, query)
    assert isinstance(found, Unreadable)
    assert found.path == ":query"


def test_notification_of_a_rejected_order_is_no_rejection_but_a_reason_to_ask():
    body = {"order_id": "ord-1", "event_type": "FRAUD_RISK_REJECTED"}
    [event] = pushed(json.dumps(body).encode())
    assert (event.kind, event.payment, event.code) == (Kind.NUDGE, "ord-1", "FRAUD_RISK_REJECTED")


def test_callback_of_a_hosted_session_names_the_session_and_not_its_order():
    said = {"session_id": "ses-1", "status": "CANCELLED", "order_id": "ord-1"}
    [event] = pushed(json.dumps({"event_id": "e", "session": said}).encode())
    assert (event.kind, event.payment, event.names) == (Kind.NUDGE, "hpp:ses-1", ())


def test_each_push_is_a_reason_of_its_own_to_ask():
    delivery = Delivery(source="klarna", account="main", received_at=NOW + 1, body=b"",
                        headers=((QUERY, "klarna_order_id=ord-1"),))  # fmt: skip
    [later] = events(source, delivery, KLARNA, {})
    assert later.identity != pushed(query="klarna_order_id=ord-1")[0].identity


def test_shape_examples_are_read(shared):
    found = json.loads((shared / "psp/klarna/shape_examples.json").read_text("utf-8"))
    query = found["kco_push"]["url"].partition("?")[2]
    assert pushed(query=query)[0].payment == "ORDER-ID"
    [event] = pushed(json.dumps(found["pending_order_notification"]).encode())
    assert event.payment == "f3392f8b-6116-4073-ab96-e330819e2c07"


def test_legacy_scheme_is_a_plain_hash_and_not_ours(shared):
    """The published vector holds, and nothing is believed because of it."""
    import base64
    import hashlib

    vector = json.loads((shared / "psp/klarna/vector_legacy_notification.json").read_text("utf-8"))
    raw = (vector["raw_body"] + vector["shared_secret"]).encode()
    mac = base64.b64encode(hashlib.sha256(raw).digest()).decode()
    assert vector["header"] == f"Authorization: Klarna {mac}"
    assert isinstance(pushed(vector["raw_body"].encode()), Unreadable)


# ------------------------------------------------------------------------------------------ orders


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [(Kind.AUTHORISE, YES, "ord-1", 1230)]),
        ({"fraud_status": "PENDING"}, [(Kind.OPEN, PENDING, "", 1230)]),
        ({"status": "CAPTURED", "captured_amount": 1230},
         [(Kind.AUTHORISE, YES, "ord-1", 1230), (Kind.CAPTURE, YES, "ord-1", 1230)]),
        ({"status": "PART_CAPTURED", "captured_amount": 500},
         [(Kind.AUTHORISE, YES, "ord-1", 1230), (Kind.CAPTURE, YES, "ord-1", 500)]),
        ({"status": "CLOSED", "captured_amount": 500, "remaining_authorized_amount": 0},
         [(Kind.AUTHORISE, YES, "ord-1", 1230), (Kind.CAPTURE, YES, "ord-1", 500),
          (Kind.VOID, YES, "ord-1:ended", None)]),
        ({"status": "CLOSED", "remaining_authorized_amount": 0},
         [(Kind.CANCEL, YES, "", 1230), (Kind.VOID, YES, "ord-1:ended", None)]),
        ({"status": "CANCELLED"},
         [(Kind.CANCEL, YES, "", 1230), (Kind.VOID, YES, "ord-1:ended", None)]),
        ({"status": "EXPIRED"},
         [(Kind.EXPIRE, YES, "", 1230), (Kind.VOID, YES, "ord-1:ended", None)]),
        ({"status": "EXPIRED", "captured_amount": 500, "remaining_authorized_amount": 0},
         [(Kind.AUTHORISE, YES, "ord-1", 1230), (Kind.CAPTURE, YES, "ord-1", 500),
          (Kind.VOID, YES, "ord-1:ended", None)]),
        ({"status": "SOMETHING_NEW"}, [(Kind.OTHER, Result.UNKNOWN, "", None)]),
    ],
)  # fmt: skip
def test_order_tells_by_its_status_and_its_amounts(changes, expected):
    said = order(**changes)
    assert facts(said) == expected
    assert not any(event.life for event in said)
    assert {event.method for event in said} == {Method.PAY_LATER}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "CANCELLED"}, "merchant_request"),
        ({"status": "CANCELLED", "fraud_status": "REJECTED"}, "risk_refused"),
        ({"status": "AUTHORIZED", "fraud_status": "REJECTED"}, "risk_refused"),
        ({"status": "EXPIRED"}, "authorisation_lapsed"),
    ],
)
def test_who_ended_an_order_is_told_by_its_status_and_its_risk(changes, expected):
    assert {slug(event) for event in order(**changes)} == {expected}


def test_refunds_are_told_one_by_one_and_as_a_sum():
    refunds = [{"refund_id": "r1", "refunded_amount": 100, "refunded_at": "2026-01-06T09:00:00Z"},
               {"refund_id": "r2", "refunded_amount": 200}, {"refunded_amount": 5}]  # fmt: skip
    said = order(status="CAPTURED", captured_amount=1230, refunded_amount=305, refunds=refunds)
    assert facts(said)[2:] == [
        (Kind.REFUND, YES, "r1", 100), (Kind.REFUND, YES, "r2", 200),
        (Kind.REFUND, YES, "ord-1:refunded", 305),
    ]  # fmt: skip
    assert said[2].occurred_at == 1_767_690_000_000_000


def test_capture_has_the_instant_of_the_last_one():
    captures = [{"captured_at": "2026-01-05T10:00:00Z"}, {"captured_at": "2026-01-05T11:00:00Z"}]
    said = order(status="CAPTURED", captured_amount=1230, captures=captures)
    assert [event.occurred_at for event in said] == [1_767_603_600_000_000, 1_767_610_800_000_000]


def test_either_reference_of_the_merchant_may_be_the_order():
    assert order()[0].order == "A1001"
    other = Account(source="klarna", name="main", options={"order_field": "merchant_reference2"})
    assert asked(ORDER, account=other)[0].order == "B2"


# ---------------------------------------------------------------------------------- hosted sessions


@pytest.mark.parametrize(
    ("status", "expected", "why"),
    [
        ("WAITING", [(Kind.OPEN, PENDING)], "unstated"),
        ("IN_PROGRESS", [(Kind.OPEN, PENDING)], "unstated"),
        ("BACK", [(Kind.OPEN, PENDING)], "unstated"),
        ("MANUAL_ID_CHECK", [(Kind.OPEN, PENDING)], "unstated"),
        ("COMPLETED", [(Kind.OPEN, PENDING)], "unstated"),
        ("CANCELLED", [(Kind.CANCEL, YES)], "customer_request"),
        ("DISABLED", [(Kind.CANCEL, YES)], "merchant_request"),
        ("FAILED", [(Kind.AUTHORISE, NO), (Kind.OPEN, PENDING)], "declined"),
        ("ERROR", [(Kind.AUTHORISE, NO), (Kind.OPEN, PENDING)], "platform_fault"),
    ],
)
def test_hosted_session_tells_who_left_it(status, expected, why):
    said = session(status)
    assert [(event.kind, event.result) for event in said] == expected
    assert slug(said[0]) == why
    assert {event.payment for event in said} == {"hpp:ses-1"}


def test_customer_who_went_back_has_not_cancelled_and_may_still_pay():
    [event] = session("BACK")
    assert (event.code, event.until) == ("BACK", 1_767_776_400_000_000)


def test_completed_session_is_its_order_and_holds_what_the_order_says():
    [event] = session("COMPLETED", order_id="ord-1")
    assert event.names == ("ord-1",)
    assert (event.kind, event.result, event.operation) == (Kind.AUTHORISE, YES, "ord-1")
    assert event.operation == order()[0].operation, "one authorisation"


def test_order_is_asked_about_rather_than_the_session_that_it_came_from():
    from voidtrail.sources.contract import spoken_to_as

    assert spoken_to_as(source, ("hpp:ses-1", "ord-1")) == "ord-1"
    assert spoken_to_as(source, ("hpp:ses-1",)) == "hpp:ses-1"
    assert spoken_to_as(source, ()) == ""


# ------------------------------------------------------------------------------------------ errors


def test_unknown_order_is_absent_and_wrong_credentials_say_nothing():
    for said in ({"error_code": "NO_SUCH_ORDER"}, b""):
        [event] = asked(said, status="404")
        assert (event.kind, event.result, event.payment) == (Kind.ABSENT, YES, "ord-1")
    [event] = asked(b"", status="401")
    assert (event.kind, event.result, event.code) == (Kind.OTHER, Result.UNKNOWN, "401")


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"order_id": "ord-2"}, "order_id"), ({"purchase_currency": "???"}, "purchase_currency"),
     ({"status": None}, "status"), ({"captured_amount": "much"}, "captured_amount")],
)  # fmt: skip
def test_answer_that_cannot_be_read_says_where(changes, path):
    found = order(**changes)
    assert isinstance(found, Unreadable)
    assert found.path == path
