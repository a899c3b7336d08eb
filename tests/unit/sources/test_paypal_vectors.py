"""PayPal: notices that its sandbox really signed, with the certificate that it offered then."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from tests.signers import secrets
from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Kind, Result
from voidtrail.sources import certificate
from voidtrail.sources import paypal as source
from voidtrail.testing.contract import Genuine, check_genuine

VECTORS = json.loads((Path(__file__).parent / "vectors" / "paypal.json").read_text("utf-8"))
NOTICES = VECTORS["notices"]
NAME = VECTORS["certificate_url"].rpartition("/")[2]
CERTIFICATE = f"{NAME}={VECTORS['certificate']}"
HOST = "messageverificationcerts.sandbox.paypal.com"
PAYPAL = Account(source="paypal", name="main")
FACTS = {
    "7DW85331GX749735N": ("PAY-1A142943SV880364LKVJEFPQ", 2000),
    "4EU7004268015634R": ("PAY-86C81811X5228590KKVNARQQ", 2000),
    "80F85758S3080410K": ("PAY-7F371669SL612941HK7RQFDQ", 2100),
}


def micros(text):
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def pushed(notice, **changes):
    told = {**notice, **changes}
    now = micros(notice["transmission_time"]) + 2_000_000
    headers = (
        ("paypal-transmission-id", told["transmission_id"]),
        ("paypal-transmission-time", told["transmission_time"]),
        ("paypal-transmission-sig", told["signature"]),
        ("paypal-cert-url", VECTORS["certificate_url"]),
        ("paypal-auth-algo", "SHA256withRSA"),
    )
    delivery = Delivery(source="paypal", account="main", received_at=now,
                        body=told["body"].encode(), headers=headers)  # fmt: skip
    keys = secrets(webhook_id=told["webhook_id"], certificate=CERTIFICATE)
    return Genuine(delivery, keys, now)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice["transmission_time"])
def test_really_signed_notices_are_verified_and_their_forgeries_refused(notice):
    [event] = check_genuine(source, pushed(notice), PAYPAL)
    sale = json.loads(notice["body"])["resource"]["id"]
    assert (event.payment, event.amount_minor) == FACTS[sale]
    assert (event.kind, event.result, event.test) == (Kind.CAPTURE, Result.SUCCEEDED, True)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice["transmission_time"])
def test_what_another_notice_was_signed_with_is_refused(notice):
    other = NOTICES[NOTICES.index(notice) - 1]
    for name in ("transmission_id", "webhook_id", "signature", "body"):
        delivery, keys, now = pushed(notice, **{name: other[name]})
        with pytest.raises(SignatureInvalid):
            source.verify(delivery, keys, now)


def test_certificate_that_ran_out_in_2017_names_itself():
    delivery, keys, _ = pushed(NOTICES[0])
    late = micros("2017-03-22T12:00:01Z")
    with pytest.raises(SignatureExpired, match="before now"):
        source.verify(delivery, keys, late)
    certificate.check(VECTORS["certificate"], late - 1_000_000, [HOST])
    with pytest.raises(KeyUnknown, match="not after 2017-03-22"):
        certificate.check(VECTORS["certificate"], late, [HOST])


def test_certificate_of_the_sandbox_proves_nothing_of_the_live_platform():
    with pytest.raises(KeyUnknown, match=re.escape(f"'{HOST}'")):
        certificate.check(VECTORS["certificate"], micros("2016-01-01T00:00:00Z"),
                          ["messageverificationcerts.paypal.com"])  # fmt: skip
