"""A PayPal of our own: orders that are authorised and captured, and webhooks with a certificate.

Source: developer.paypal.com/docs/api/orders/v2, /payments/v2, /customer-disputes/v1, and
developer.paypal.com/api/rest/webhooks/rest (the signature).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from voidtrail.event.model import Micros
from voidtrail.money import major_text, minor_from_major
from voidtrail.testing.platforms.fake import (
    PLAYS,
    Answer,
    Asked,
    FakePayment,
    FakePlatform,
    Known,
    Notice,
    Posting,
    Refund,
    Situation,
    Step,
)
from voidtrail.testing.world.keys import new_key

_JSON: Final = (("Content-Type", "application/json"),)
_CERTIFICATE: Final = "CERT-360caa42-fca2a594-7a8eb8c1"
_NAME: Final = "messageverificationcerts.paypal.com"
_API: Final = "https://api.paypal.com"
_HONOUR: Final = timedelta(days=29)
_ENDED: Final = (Step.VOID, Step.EXPIRE)
_DECLINED: Final = "5120"  # insufficient funds
Json = dict[str, Any]


@lru_cache(maxsize=1)
def _identity() -> tuple[RSAPrivateKey, str]:
    """Make the key and the certificate that every PayPal of this process signs with."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0x0FA4E)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
    )
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return key, pem.decode()


class FakePaypal(FakePlatform):
    """One PayPal app with one webhook."""

    SOURCE = "paypal"
    CURRENCY = "USD"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        each: PLAYS[each]
        for each in (
            Situation.PAID, Situation.LEFT, Situation.MERCHANT_VOIDED, Situation.DECLINED,
            Situation.DECLINED_THEN_PAID, Situation.RETURNED, Situation.DISPUTED,
            Situation.REFUSED_CANCELLATION,
        )
    } | {Situation.EXPIRED: (Step.OPEN, Step.AUTHORISE, Step.EXPIRE)}  # fmt: skip
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        Situation.LEFT: Known("cancelled", "abandoned", "customer"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.DECLINED_THEN_PAID: Known("paid", money="taken"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.DISPUTED: Known("cancelled", "reversed", "customer", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        Situation.DISPUTED: Known("paid", money="taken"),  # an order does not tell of disputes
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._webhook = self.alnum(17)
        self._client = (f"A{self.alnum(40)}", f"E{self.alnum(40)}")
        self._token = f"A21AA{self.alnum(40)}"
        self._answered: dict[str, Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the webhook's id, the certificate under its name, and the app's credentials."""
        return {
            "webhook_id": self._webhook, "certificate": f"{_CERTIFICATE}={_identity()[1]}",
            "client_id": self._client[0], "client_secret": self._client[1],
        }  # fmt: skip

    def reference(self, order: str) -> str:
        """Make up an order's id."""
        return self.alnum(17)

    # ------------------------------------------------------------------ objects

    def order(self, payment: FakePayment) -> Json:
        """Return the order as it stands, with the payments inside of it."""
        inside: Json = {"captures": [self._capture(payment, n) for n in self._tries(payment)]}
        if payment.at(Step.AUTHORISE):
            inside["authorizations"] = [self._authorization(payment)]
        if payment.refunds:
            inside["refunds"] = [self._refund(payment, each) for each in payment.refunds]
        through = payment.at(Step.AUTHORISE) or payment.captured
        status = "COMPLETED" if through else "APPROVED" if payment.at(Step.ARRIVE) else "CREATED"
        return {
            "id": payment.reference, "intent": "AUTHORIZE", "status": status,
            "create_time": _text(payment.opened_at),
            "purchase_units": [{
                "reference_id": "default", "custom_id": payment.order,
                "amount": _money(payment, payment.amount_minor), "payments": inside,
            }],
            "links": [{"rel": "self", "href": f"{_API}/v2/checkout/orders/{payment.reference}"}],
        }  # fmt: skip

    def _tries(self, payment: FakePayment) -> range:
        """Return the numbers of the captures so far; all but a last good one were declined."""
        return range(sum(step in (Step.DECLINE, Step.CAPTURE) for step, _ in payment.done))

    def _capture(self, payment: FakePayment, number: int) -> Json:
        tried = [done for done in payment.done if done[0] in (Step.DECLINE, Step.CAPTURE)]
        step, at = tried[number]
        name = self.id_of(payment, f"capture{number}", length=17)
        found: Json = {
            "id": name, "status": "DECLINED" if step is Step.DECLINE else "COMPLETED",
            "amount": _money(payment, payment.captured or payment.amount_minor),
            "final_capture": True, "custom_id": payment.order,
            "supplementary_data": {"related_ids": {"order_id": payment.reference}},
            "create_time": _text(at), "update_time": _text(at),
            "links": [{"rel": "self", "href": f"{_API}/v2/payments/captures/{name}"}],
        }  # fmt: skip
        if step is Step.DECLINE:
            found["processor_response"] = {"response_code": _DECLINED}
        elif payment.returned:
            whole = payment.returned >= payment.captured
            found["status"] = "REFUNDED" if whole else "PARTIALLY_REFUNDED"
        return found

    def _authorization(self, payment: FakePayment) -> Json:
        held_at = payment.at(Step.AUTHORISE) or 0
        ended = next(((step, at) for step, at in payment.done if step in _ENDED), None)
        until = _moment(held_at) + _HONOUR
        if ended and ended[0] is Step.EXPIRE:
            until = _moment(ended[1])
        status = "VOIDED" if ended else "CAPTURED" if payment.captured else "CREATED"
        return {
            "id": self.id_of(payment, "authorization", length=17), "status": status,
            "amount": _money(payment, payment.amount_minor), "custom_id": payment.order,
            "expiration_time": f"{until:%Y-%m-%dT%H:%M:%SZ}",
            "supplementary_data": {"related_ids": {"order_id": payment.reference}},
            "create_time": _text(held_at), "update_time": _text(ended[1] if ended else held_at),
        }  # fmt: skip

    def _refund(self, payment: FakePayment, refund: Refund) -> Json:
        taken = self._tries(payment)[-1]
        up = f"{_API}/v2/payments/captures/{self.id_of(payment, f'capture{taken}', length=17)}"
        return {
            "id": refund.id, "status": "FAILED" if refund.failed else "COMPLETED",
            "amount": _money(payment, refund.amount_minor), "create_time": _text(refund.at),
            "links": [{"rel": "up", "href": up, "method": "GET"}],
        }  # fmt: skip

    def _dispute(self, payment: FakePayment, status: str, outcome: str = "") -> Json:
        name = self.id_of(payment, f"capture{self._tries(payment)[-1]}", length=17)
        found: Json = {
            "dispute_id": self.id_of(payment, "dispute", "PP-D-", 6), "status": status,
            "reason": "UNAUTHORISED", "dispute_amount": _money(payment, payment.captured),
            "disputed_transactions": [{"seller_transaction_id": name}],
        }  # fmt: skip
        return found | ({"dispute_outcome": {"outcome_code": outcome}} if outcome else {})

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of a step as a webhook that listens to everything is told."""
        for kind, resource in self._events(payment, step):
            event = {
                "id": f"WH-{self.alnum(17)}-{self.alnum(17)}", "event_version": "1.0",
                "create_time": _text(at), "resource_version": "2.0", "event_type": kind,
                "resource": resource,
            }  # fmt: skip
            yield Notice(msgspec.json.encode(event), at)

    def _events(self, payment: FakePayment, step: Step) -> list[tuple[str, Json]]:
        last = len(self._tries(payment)) - 1
        if step is Step.ARRIVE:
            return [("CHECKOUT.ORDER.APPROVED", self.order(payment))]
        if step is Step.AUTHORISE:
            return [("PAYMENT.AUTHORIZATION.CREATED", self._authorization(payment))]
        if step is Step.CAPTURE:
            return [("PAYMENT.CAPTURE.COMPLETED", self._capture(payment, last))]
        if step is Step.DECLINE:
            return [("PAYMENT.CAPTURE.DECLINED", self._capture(payment, last))]
        if step in _ENDED and payment.at(Step.AUTHORISE):
            return [("PAYMENT.AUTHORIZATION.VOIDED", self._authorization(payment))]
        if step is Step.EXPIRE and payment.at(Step.ARRIVE):
            gone = {"order_id": payment.reference, "purchase_units": []}
            return [("CHECKOUT.PAYMENT-APPROVAL.REVERSED", gone)]
        if step is Step.REFUND:
            return [("PAYMENT.CAPTURE.REFUNDED", self._refund(payment, payment.refunds[-1]))]
        if step is Step.REFUND_FAIL:
            return [("PAYMENT.REFUND.FAILED", self._refund(payment, payment.refunds[-1]))]
        if step is Step.DISPUTE:
            taken = Refund(self.id_of(payment, "reversal", length=17), payment.captured,
                           payment.done[-1][1])  # fmt: skip
            lost = self._dispute(payment, "RESOLVED", "RESOLVED_BUYER_FAVOUR")
            return [("CUSTOMER.DISPUTE.CREATED", self._dispute(payment, "OPEN")),
                    ("PAYMENT.CAPTURE.REVERSED", self._refund(payment, taken)),
                    ("CUSTOMER.DISPUTE.RESOLVED", lost)]  # fmt: skip
        return []

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign transmission, instant, webhook and checksum with the certificate's key."""
        transmission = f"{self.alnum(8)}-{self.alnum(4)}".lower()
        text = f"{transmission}|{_text(at)}|{self._webhook}|{zlib.crc32(notice.body)}"
        raw = _identity()[0].sign(text.encode(), PKCS1v15(), hashes.SHA256())
        headers = (
            ("PAYPAL-TRANSMISSION-ID", transmission),
            ("PAYPAL-TRANSMISSION-TIME", _text(at)),
            ("PAYPAL-TRANSMISSION-SIG", base64.b64encode(raw).decode()),
            ("PAYPAL-CERT-URL", f"{_API}/v1/notifications/certs/{_CERTIFICATE}"),
            ("PAYPAL-AUTH-ALGO", "SHA256withRSA"),
        )
        return Posting((*_JSON, *headers), notice.body)

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Hand out a token, answer about orders and their parts, void and refund."""
        pair = base64.b64encode(":".join(self._client).encode()).decode()
        if asked.header("authorization") not in (f"Basic {pair}", f"Bearer {self._token}"):
            return _error(401, "AUTHENTICATION_FAILURE")
        if asked.path == "/v1/oauth2/token":
            token = {"access_token": self._token, "token_type": "Bearer", "expires_in": 32_400}
            return Answer(200, _JSON, msgspec.json.encode(token))
        if asked.method == "GET":
            return self._found(asked.path)
        key = asked.header("paypal-request-id")
        if key not in self._answered or not key:
            self._answered[key] = self._done(asked, key, at)
        return self._answered[key]

    def _found(self, path: str) -> Answer:
        match path.removeprefix("/v2/").split("/"):
            case "checkout", "orders", name if name in self.payments:
                payment = self.payments[name]
                # An approval that was not captured in time is reversed, and the order is gone.
                if payment.status != "closed" or payment.at(Step.AUTHORISE):
                    return _ok(self.order(payment))
            case "payments", "captures", name:
                for payment in self.payments.values():
                    for number in self._tries(payment):
                        if payment.ids.get(f"capture{number}") == name:
                            return _ok(self._capture(payment, number))
            case "payments", "authorizations", name:
                owner = self._owner(name)
                if owner is not None:
                    return _ok(self._authorization(owner))
        return _error(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")

    def _owner(self, name: str) -> FakePayment | None:
        return next((p for p in self.payments.values() if name in p.ids.values()), None)

    def _done(self, asked: Asked, key: str, at: Micros) -> Answer:
        parts = asked.path.removeprefix("/v2/payments/").split("/")
        payment = self._owner(parts[1]) if len(parts) == 3 else None
        if payment is None:
            return _error(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        if parts[2] == "void":
            if payment.status != "held" or not self.do(payment, Step.VOID, at):
                is_taken = payment.status == "paid"
                issue = "PREVIOUSLY_CAPTURED" if is_taken else "PREVIOUSLY_VOIDED"
                return _error(422, "UNPROCESSABLE_ENTITY", issue)
            return _ok(self._authorization(payment))
        stated = msgspec.json.decode(asked.body or b"{}").get("amount")
        left = payment.captured - payment.returned
        amount = minor_from_major(stated["value"], stated["currency_code"]) if stated else left
        if left <= 0 or amount > left or not self.do(payment, Step.REFUND, at, amount, key):
            issue = "CAPTURE_FULLY_REFUNDED" if left <= 0 else "REFUND_AMOUNT_EXCEEDED"
            return _error(422, "UNPROCESSABLE_ENTITY", issue)
        return _ok(self._refund(payment, payment.refunds[-1]))


def _moment(at: Micros) -> datetime:
    return datetime.fromtimestamp(at // 1_000_000, UTC)


def _text(at: Micros) -> str:
    return f"{_moment(at):%Y-%m-%dT%H:%M:%SZ}"


def _money(payment: FakePayment, amount_minor: int) -> Json:
    value = major_text(amount_minor, payment.currency)
    return {"currency_code": payment.currency, "value": value}


def _ok(found: Json) -> Answer:
    return Answer(200, _JSON, msgspec.json.encode(found))


def _error(status: int, name: str, issue: str = "") -> Answer:
    body = {
        "name": name,
        "debug_id": "b1d1f06c7246c",
        "details": [{"issue": issue}] if issue else [],
    }
    return Answer(status, _JSON, msgspec.json.encode(body))
