"""The fake Klarna answers as the real one where the source depends on it."""

import base64
import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder
from voidtrail.event.model import QUERY, Kind
from voidtrail.testing.platforms.fake import Asked, Situation
from voidtrail.testing.platforms.klarna import FakeKlarna

NOW = 1_790_000_000_000_000
ORDERS = "/ordermanagement/v1/orders"


@pytest.fixture
def fake():
    return FakeKlarna(seed=1)


def _send(fake, method, path, body=b"", key=""):
    pair = "{username}:{password}".format(**fake.secrets()).encode()
    headers = (
        ("authorization", "Basic " + base64.b64encode(pair).decode()),
        ("klarna-idempotency-key", key),
    )
    answer = fake.answer(Asked(method, path, "", headers, body), NOW)
    return answer.status, json.loads(answer.body) if answer.body else None


def test_stranger_is_told_nothing(fake):
    assert fake.answer(Asked("GET", f"{ORDERS}/x"), NOW) == (401, (), b"")


def test_push_is_an_address_and_nothing_else(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    bought, captured = fake.take()
    assert fake.sign(bought, NOW) == fake.sign(captured, NOW)
    delivery = fake.delivery(bought, "main", NOW)
    assert delivery.body == b""
    assert delivery.headers == ((QUERY, f"klarna_order_id={payment.reference}"),)
    [event] = Recorder(fake).hear(delivery)
    assert (event.kind, event.payment) == (Kind.NUDGE, payment.reference)


def test_cancellation_is_done_once_and_refused_after_the_capture(fake):
    held = fake.play(Situation.REFUSED_CANCELLATION, "A", 100, NOW)
    path = f"{ORDERS}/{held.reference}/cancel"
    assert _send(fake, "POST", path, key="k1") == (204, None)
    assert _send(fake, "POST", path, key="k1") == (204, None)
    paid = fake.play(Situation.PAID, "B", 100, NOW)
    status, said = _send(fake, "POST", f"{ORDERS}/{paid.reference}/cancel", key="k2")
    assert (status, said["error_code"]) == (403, "CANCEL_NOT_ALLOWED")


def test_one_key_refunds_once_and_another_no_more_than_is_left(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    path = f"{ORDERS}/{payment.reference}/refunds"
    assert _send(fake, "POST", path, b'{"refunded_amount":60}', "k1")[0] == 201
    assert _send(fake, "POST", path, b'{"refunded_amount":60}', "k1")[0] == 201
    assert _send(fake, "POST", path, b'{"refunded_amount":60}', "k2")[0] == 403
    assert payment.returned == 60
    said = _send(fake, "GET", f"{ORDERS}/{payment.reference}")[1]
    assert (said["status"], said["refunded_amount"]) == ("CAPTURED", 60)


def test_checkout_is_unknown_until_it_is_completed_and_can_be_aborted(fake):
    payment = fake.play(Situation.LEFT, "A", 100, NOW)
    assert _send(fake, "GET", f"{ORDERS}/{payment.reference}")[0] == 404
    path = f"/checkout/v3/orders/{payment.reference}/abort"
    assert _send(fake, "POST", path, key="k1") == (200, {"order_id": payment.reference})
    assert _send(fake, "POST", path, key="k2")[0] == 403
    assert payment.status == "closed"
    assert _send(fake, "POST", f"{ORDERS}/{payment.reference}/refunds", b"{")[0] == 400
