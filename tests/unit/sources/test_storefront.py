"""The shop's statements: who may say what, and what it means."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.errors import (
    KeyUnknown,
    Refused,
    SignatureExpired,
    SignatureInvalid,
    SignatureMissing,
)
from voidtrail.event.account import Account, Secret
from voidtrail.event.model import Channel, Delivery, Event, Kind, Method, Result, Role, Tag
from voidtrail.event.reason import BY_NUMBER
from voidtrail.sources import storefront
from voidtrail.testing import contract

NOW = 1_700_000_000
KEY, OLD, OTHER = Secret("merchant-key"), Secret("old-key"), Secret("foreign-key")
SECRETS = {"signing": (KEY, OLD)}
ACCOUNT = Account(source="storefront", name="main")
PLACED = {"id": "s1", "statement": "order_placed", "order": "A1001", "amount": "12.30",
          "currency": "CNY", "at": "2023-11-15T06:13:20+08:00"}  # fmt: skip


def delivery(body, *, key=KEY, at=NOW, headers=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    if headers is None:
        headers = (("voidtrail-signature", storefront.sign(key, raw, at)),)
    return Delivery(
        source="storefront", account="main", received_at=NOW * 10**6, body=raw, headers=headers
    )


def page(statement="cancel_pressed", *, order="A1001", token_order=None, until=NOW + 60, **more):
    token = storefront.mint_token(KEY, token_order or order, until)
    body = {"id": "p1", "statement": statement, "order": order, "token": token, **more}
    return delivery(body, headers=())


def verify(sent, secrets=SECRETS, now=NOW):
    storefront.verify(sent, secrets, now * 10**6)


def translate(sent):
    return storefront.translate(sent, ACCOUNT, SECRETS)


def only(statement, **more):
    [event] = translate(delivery({"id": "s1", "statement": statement, "order": "A1", **more}))
    return event


def test_server_keeps_the_contract_of_a_source():
    genuine = contract.Genuine(delivery(PLACED), SECRETS, NOW * 10**6)
    [event] = contract.check_genuine(storefront, genuine, ACCOUNT)
    assert (event.kind, event.result, event.role) == (Kind.ORDER, Result.SUCCEEDED, Role.SHOP)
    assert (event.amount_minor, event.currency, event.tag) == (1230, "CNY", Tag.OWN)
    assert event.occurred_at == NOW * 10**6


def test_every_current_key_signs_and_no_other():
    verify(delivery(PLACED, key=OLD))
    with pytest.raises(SignatureInvalid):
        verify(delivery(PLACED, key=OTHER))
    with pytest.raises(KeyUnknown):
        verify(delivery(PLACED), {})


@pytest.mark.parametrize("late", [-301, 301, 86_400])
def test_signature_outside_of_its_window_is_refused(late):
    verify(delivery(PLACED, at=NOW + (300 if late > 0 else -300)))
    with pytest.raises(SignatureExpired):
        verify(delivery(PLACED, at=NOW + late))


@pytest.mark.parametrize("value", ["", "t=1", "v1=00", "t=x,v1=00", "t=1,t=2,v1=00", "t=１,v1=0"])
def test_malformed_header_is_refused(value):
    with pytest.raises(Refused):
        verify(delivery(PLACED, headers=(("voidtrail-signature", value),)))


def test_unsigned_body_without_a_token_is_refused():
    with pytest.raises(SignatureMissing):
        verify(delivery(PLACED, headers=()))


@pytest.mark.parametrize("statement", sorted(storefront.PAGE_STATEMENTS))
def test_page_may_speak_of_its_order(statement):
    sent = page(statement, method="wechat_qr", channel="mini_program", at=1, reason="too_difficult")
    verify(sent)
    [event] = translate(sent)
    assert event.occurred_at == NOW * 10**6  # never by the page's own clock
    assert (event.method, event.channel) == (Method.WECHAT_QR, Channel.MINI_PROGRAM)
    assert event.identity[0] == "page"


def test_page_may_send_a_list():
    token = storefront.mint_token(KEY, "A1001", NOW + 60)
    statements = [
        {"id": "p1", "statement": "checkout_opened", "order": "A1001"},
        {"id": "p2", "statement": "method_chosen", "order": "A1001", "method": "alipay_qr"},
    ]
    sent = delivery({"token": token, "statements": statements}, headers=())
    verify(sent)
    assert [event.kind for event in translate(sent)] == [Kind.OPEN, Kind.METHOD]
    mixed = [*statements, {"id": "p3", "statement": "checkout_opened", "order": "A1002"}]
    with pytest.raises(SignatureInvalid):
        verify(delivery({"token": token, "statements": mixed}, headers=()))


@pytest.mark.parametrize(
    "forged",
    [
        page(order="A1002", token_order="A1001"),
        page("order_paid"),
        page("order_cancelled"),
        page(amount="1.00", currency="CNY"),
        page(amount_minor=0),
        page(payment={"source": "alipay", "account": "main", "reference": "2"}),
        page(customer="somebody"),
        page(actor="merchant"),
        page(dimensions={"country": "CN"}),
        page(reason="4 " * 9000),
    ],
    ids=lambda forged: forged.body.decode()[:90],
)
def test_page_may_not_say_more(forged):
    with pytest.raises(SignatureInvalid):
        verify(forged)


def test_token_is_short_lived_and_signed():
    for until in (NOW - 1, NOW + storefront.TOKEN_LONGEST_S + 1):
        with pytest.raises(SignatureExpired):
            verify(page(until=until))
    sent = page()
    body = json.loads(sent.body)
    body["token"] = body["token"].replace(str(NOW + 60), str(NOW + 61))
    with pytest.raises(SignatureInvalid):
        verify(delivery(body, headers=()))


def test_token_is_no_signature_of_a_body():
    """The two uses of one key cannot be taken for one another."""
    token = storefront.mint_token(KEY, "A1001", NOW)
    value = f"t={NOW},v1={token.rpartition('.')[2]}"
    with pytest.raises(SignatureInvalid):
        verify(delivery(b"A1001", headers=(("voidtrail-signature", value),)))


@pytest.mark.parametrize(
    ("statement", "kind", "result", "life"),
    [
        ("order_placed", Kind.ORDER, Result.SUCCEEDED, True),
        ("checkout_opened", Kind.OPEN, Result.SUCCEEDED, True),
        ("method_chosen", Kind.METHOD, Result.SUCCEEDED, True),
        ("payment_created", Kind.OPEN, Result.PENDING, True),
        ("payment_submitted", Kind.SUBMIT, Result.REQUESTED, True),
        ("payment_failed", Kind.SUBMIT, Result.REFUSED, True),
        ("cancel_pressed", Kind.CANCEL, Result.REQUESTED, False),
        ("order_cancelled", Kind.CANCEL, Result.SUCCEEDED, False),
        ("order_paid", Kind.CAPTURE, Result.SUCCEEDED, True),
        ("returned", Kind.REFUND, Result.REQUESTED, False),
        ("gift_wrapped", Kind.OTHER, Result.UNKNOWN, False),
    ],
)
def test_statement_means(statement, kind, result, life):
    event = only(statement)
    assert (event.kind, event.result, event.life) == (kind, result, life)
    assert (event.payment, event.scope, event.order) == ("A1", "", "A1")
    assert event.code == ("gift_wrapped" if kind is Kind.OTHER else "")


def test_statement_falls_on_the_platforms_payment():
    event = only("order_paid", payment={"source": "alipay", "account": "main", "reference": "T1"})
    assert (event.scope, event.payment, event.order) == ("alipay/main", "T1", "A1")


@pytest.mark.parametrize(
    ("given", "slug", "code"),
    [
        ({}, "customer_request", ""),
        ({"reason": "price_too_high"}, "price_too_high", ""),
        ({"reason": "ZU-TEUER"}, "unlisted", "ZU-TEUER"),
        ({"reason": "ring me: 555 0100"}, "unlisted", ""),
        ({"reason": "actor/merchant"}, "unlisted", "actor/merchant"),
        ({"actor": "merchant"}, "merchant_request", ""),
        ({"actor": "nobody"}, "customer_request", ""),
    ],
)
def test_reason_of_a_pressed_cancel(given, slug, code):
    event = only("cancel_pressed", **given)
    assert (BY_NUMBER[event.reason].slug, event.code) == (slug, code)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"amount": "1,230.00"}, "amount"),
        ({"amount": "12.305"}, "amount"),
        ({"amount": 12.3}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount_minor": 5}, "amount"),
        ({"currency": "RMB"}, "currency"),
        ({"at": "2023-11-15T06:13:20"}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"at": 1_700_000_000_000}, "at"),
        ({"id": ""}, "id"),
        ({"order": "x" * 300}, "order"),
        ({"payment": {"source": "a/b", "account": "main", "reference": "1"}}, "payment.source"),
        ({"dimensions": {"": "x"}}, "dimensions"),
    ],
)
def test_bad_field_is_named_without_its_value(change, path):
    found = translate(delivery({**PLACED, **change}))
    assert not isinstance(found, list)
    assert found.path == path
    assert all(str(value) not in found.why for value in change.values() if value)
    listed = translate(delivery({"statements": [PLACED | {"id": "s0"}, {**PLACED, **change}]}))
    assert listed.path.startswith("statements[1].") or path in listed.path


def test_repeated_statement_is_said_once_and_a_contradiction_is_unreadable():
    assert len(translate(delivery({"statements": [PLACED, PLACED]}))) == 1
    other = {**PLACED, "amount": "99.00"}
    assert translate(delivery({"statements": [PLACED, other]})).path == "statements[1].id"


def test_returns_are_operations_of_their_own():
    assert only("returned").operation == "s1"
    assert only("order_paid").operation == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*storefront.Statement.__struct_fields__, "token"]), JSON))
def test_translate_and_verify_are_total(change):
    try:
        raw = json.dumps({**PLACED, **change}).encode()
    except UnicodeEncodeError:
        return
    found = contract.check_translation(storefront, delivery(raw), ACCOUNT, SECRETS)
    assert isinstance(found, list) or found.why
    assert contract.is_refused(storefront, delivery(raw, headers=()), SECRETS, NOW * 10**6)


def test_statement_sent_again_is_the_same_event():
    first, again = only("order_paid"), only("order_paid")
    assert isinstance(first, Event)
    assert msgspec.structs.asdict(first) == msgspec.structs.asdict(again)
