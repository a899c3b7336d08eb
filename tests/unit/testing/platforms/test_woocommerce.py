"""The fake WooCommerce answers as the real one where its source depends on it."""

import base64
import json

import pytest

from tests.unit.testing.platforms.recorder import Recorder, kinds
from voidtrail.event.model import Kind
from voidtrail.testing.platforms.fake import Asked, Situation, Step
from voidtrail.testing.platforms.woocommerce import FakeWoocommerce

NOW = 1_790_000_000_000_000


@pytest.fixture
def fake():
    return FakeWoocommerce(seed=1)


def put(fake, payment, status):
    known = fake.secrets()
    pair = f"{known['consumer_key']}:{known['consumer_secret']}".encode()
    headers = (("authorization", f"Basic {base64.b64encode(pair).decode()}"),)
    path = f"/wp-json/wc/v3/orders/{payment.reference}"
    body = json.dumps({"status": status}).encode()
    said = fake.answer(Asked("PUT", path, "", headers, body), NOW)
    return said.status, json.loads(said.body)


def test_stranger_is_told_nothing(fake):
    payment = fake.open("A", 100, NOW)
    asked = Asked("GET", f"/wp-json/wc/v3/orders/{payment.reference}")
    assert fake.answer(asked, NOW).status == 401


def test_ping_is_the_form_that_nobody_signs(fake):
    delivery = fake.delivery(fake.ping(NOW), "main", NOW)
    assert (delivery.headers, delivery.body) == ((), b"webhook_id=11")
    assert kinds(Recorder(fake).hear(delivery)) == {Kind.OTHER}


def test_order_is_cancelled_once_and_then_stays_so(fake):
    payment = fake.open("A", 100, NOW)
    assert put(fake, payment, "cancelled")[1]["status"] == "cancelled"
    assert put(fake, payment, "cancelled")[0] == 200
    assert sum(step is Step.CLOSE for step, _ in payment.done) == 1


def test_paid_order_is_not_cancelled(fake):
    payment = fake.play(Situation.PAID, "A", 100, NOW)
    assert put(fake, payment, "cancelled")[0] == 400
    assert payment.status == "paid"


def test_dates_have_no_zone_and_gmt_ones_are_gmt(fake):
    order = fake.order(fake.open("A", 100, NOW))
    assert order["date_created"] != order["date_created_gmt"]
    assert order["date_created_gmt"] == "2026-09-21T14:13:20"
    assert order["date_paid_gmt"] is None


def test_failed_payment_may_be_tried_again(fake):
    payment = fake.play(Situation.DECLINED, "A", 100, NOW)
    assert fake.order(payment)["status"] == "failed"
    assert fake.do(payment, Step.AUTHORISE, NOW + 10**9)
    assert fake.order(payment)["status"] == "on-hold"
