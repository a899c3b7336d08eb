"""A Braintree of our own: card sales, void, refund; webhooks only for what is settled or disputed.

Source: developer.paypal.com/braintree/docs/reference/general/statuses, …/request/transaction/void,
…/request/transaction/refund, …/guides/webhooks/parse (the signature).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import ClassVar, Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

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

_XML: Final = (("Content-Type", "application/xml; charset=utf-8"),)
_STATUS: Final = {
    Step.AUTHORISE: "authorized", Step.CAPTURE: "settled", Step.DECLINE: "processor_declined",
    Step.VOID: "voided", Step.EXPIRE: "authorization_expired",
}  # fmt: skip
_NOT_VOIDABLE: Final = "91504"
_NOT_REFUNDABLE: Final = "91506"
_TOO_MUCH: Final = "91521"


class FakeBraintree(FakePlatform):
    """One Braintree merchant with one webhook address."""

    SOURCE = "braintree"
    CURRENCY = "USD"
    PLAYS: ClassVar[Mapping[Situation, tuple[Step, ...]]] = {
        each: PLAYS[each]
        for each in (
            Situation.PAID, Situation.LEFT, Situation.MERCHANT_VOIDED, Situation.DECLINED,
            Situation.RETURNED, Situation.DISPUTED, Situation.REFUSED_CANCELLATION,
        )
    } | {Situation.EXPIRED: (Step.OPEN, Step.AUTHORISE, Step.EXPIRE)}  # fmt: skip
    KNOWN: ClassVar[Mapping[Situation, Known]] = {
        Situation.PAID: Known("paid", money="taken"),
        # Without a submission there is no transaction: only a shop can say that there was a wish.
        Situation.LEFT: Known("unknown"),
        Situation.MERCHANT_VOIDED: Known("cancelled", "merchant_voided", "merchant"),
        Situation.EXPIRED: Known("cancelled", "expired", "platform"),
        Situation.DECLINED: Known("cancelled", "gave_up_after_decline", "issuer"),
        Situation.RETURNED: Known("cancelled", "refunded_in_full", "merchant", "returned"),
        Situation.DISPUTED: Known("cancelled", "reversed", "customer", "returned"),
        Situation.REFUSED_CANCELLATION: Known("open", money="held"),
    }
    ASKED: ClassVar[Mapping[Situation, Known]] = {
        # A sale gives only the names of its refunds, and nothing of disputes.
        Situation.RETURNED: Known("paid", money="taken"),
        Situation.DISPUTED: Known("paid", money="taken"),
    }

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._merchant = self.alnum(16).lower()
        self._public = self.alnum(16).lower()
        self._private = self.alnum(32).lower()
        self._answered: dict[str, Answer] = {}

    def secrets(self) -> Mapping[str, str]:
        """Return the merchant's id and both keys, which sign and authorise alike."""
        return {
            "public_key": self._public, "private_key": self._private,
            "merchant_id": self._merchant,
        }  # fmt: skip

    def reference(self, order: str) -> str:
        """Make up a transaction's id."""
        return self.alnum(8).lower()

    def challenge(self, riddle: str) -> str:
        """Return what an address must answer when it is registered."""
        return f"{self._public}|{self._mac(riddle.encode())}"

    def _mac(self, message: bytes) -> str:
        key = hashlib.sha1(self._private.encode(), usedforsecurity=False).digest()
        return hmac.new(key, message, "sha1").hexdigest()

    # ------------------------------------------------------------------ elements

    def sale(self, payment: FakePayment) -> Element:
        """Return the transaction as it stands, with its history."""
        steps = [(step, at) for step, at in payment.done if step in _STATUS]
        status = _STATUS[steps[-1][0]]
        found = self._transaction(payment, payment.reference, "sale", status, payment.amount_minor)
        if status == "processor_declined":
            _put(found, "processor-response-code", "2001")
        history = SubElement(found, "status-history", type="array")
        for step, at in steps:
            event = SubElement(history, "status-event")
            _put(event, "timestamp", _text(at), type="datetime")
            _put(event, "status", _STATUS[step])
            _put(event, "amount", major_text(payment.amount_minor, payment.currency))
            _put(event, "user", "api@shop.example" if step is Step.VOID else "")
        _put(found, "updated-at", _text(steps[-1][1]), type="datetime")
        refunds = SubElement(found, "refund-ids", type="array")
        for refund in payment.refunds:
            _put(refunds, "item", refund.id)
        return found

    def _credit(self, payment: FakePayment, refund: Refund) -> Element:
        status = "processor_declined" if refund.failed else "settled"
        found = self._transaction(payment, refund.id, "credit", status, refund.amount_minor)
        _put(found, "refunded-transaction-id", payment.reference)
        _put(found, "updated-at", _text(refund.at), type="datetime")
        return found

    def _transaction(
        self, payment: FakePayment, name: str, kind: str, status: str, amount_minor: int
    ) -> Element:
        found = Element("transaction")
        _put(found, "id", name)
        _put(found, "status", status)
        _put(found, "type", kind)
        _put(found, "currency-iso-code", payment.currency)
        _put(found, "amount", major_text(amount_minor, payment.currency))
        _put(found, "order-id", payment.order)
        _put(found, "payment-instrument-type", "credit_card")
        _put(found, "created-at", _text(payment.opened_at), type="datetime")
        return found

    def _dispute(self, payment: FakePayment, status: str) -> Element:
        found = Element("dispute")
        _put(found, "id", self.id_of(payment, "dispute", length=8).lower())
        _put(found, "amount-disputed", major_text(payment.captured, payment.currency))
        _put(found, "amount-won", "0.00")
        _put(found, "received-date", _text(payment.opened_at)[:10], type="date")
        _put(found, "currency-iso-code", payment.currency)
        _put(found, "kind", "chargeback")
        _put(found, "reason", "fraud")
        _put(found, "status", status)
        about = SubElement(found, "transaction")
        _put(about, "id", payment.reference)
        _put(about, "order-id", payment.order)
        _put(about, "amount", major_text(payment.captured, payment.currency))
        return found

    # ------------------------------------------------------------------ notices

    def tell(self, payment: FakePayment, step: Step, at: Micros) -> Iterable[Notice]:
        """Tell of what is settled, refunded or disputed; of nothing that comes before."""
        for kind, subject in self._events(payment, step):
            found = Element("notification")
            _put(found, "timestamp", _text(at), type="datetime")
            _put(found, "kind", kind)
            SubElement(found, "subject").append(subject)
            yield Notice(tostring(found, "utf-8"), at)

    def _events(self, payment: FakePayment, step: Step) -> list[tuple[str, Element]]:
        if step is Step.CAPTURE:
            return [("transaction_disbursed", self.sale(payment))]
        if step is Step.REFUND:
            return [("transaction_disbursed", self._credit(payment, payment.refunds[-1]))]
        if step is Step.REFUND_FAIL:
            return [("refund_failed", self._credit(payment, payment.refunds[-1]))]
        if step is Step.DISPUTE:
            return [("dispute_opened", self._dispute(payment, "open")),
                    ("dispute_lost", self._dispute(payment, "lost"))]  # fmt: skip
        if step is Step.DISPUTE_WON:
            return [("dispute_won", self._dispute(payment, "won"))]
        return []

    def sign(self, notice: Notice, at: Micros) -> Posting:
        """Sign the base64 text of a notice."""
        payload = base64.encodebytes(notice.body)
        signature = f"{self._public}|{self._mac(payload)}"
        body = urlencode({"bt_signature": signature, "bt_payload": payload.decode()}).encode()
        return Posting((("Content-Type", "application/x-www-form-urlencoded"),), body)

    # ------------------------------------------------------------------ requests

    def answer(self, asked: Asked, at: Micros) -> Answer:
        """Answer about transactions, void and refund them."""
        pair = base64.b64encode(f"{self._public}:{self._private}".encode()).decode()
        if asked.header("authorization") != f"Basic {pair}":
            return Answer(401, _XML, b"")
        parts = asked.path.removeprefix(f"/merchants/{self._merchant}/transactions/").split("/")
        payment = self.payments.get(parts[0])
        if asked.method == "GET":
            return self._found(parts[0], payment)
        if payment is None or len(parts) != 2:
            return Answer(404, _XML, b"")
        said = fromstring(asked.body or b"<transaction/>")  # our own tests ask
        key = said.findtext("api-request-key") or ""
        if key not in self._answered or not key:
            stated = said.findtext("amount")
            amount = minor_from_major(stated, payment.currency) if stated else 0
            self._answered[key] = self._done(parts[1], payment, amount, key, at)
        return self._answered[key]

    def _found(self, name: str, payment: FakePayment | None) -> Answer:
        if payment is not None and any(step in _STATUS for step, _ in payment.done):
            return _ok(200, self.sale(payment))
        for each in self.payments.values():
            for refund in each.refunds:
                if refund.id == name:
                    return _ok(200, self._credit(each, refund))
        return Answer(404, _XML, b"")

    def _done(
        self, verb: str, payment: FakePayment, amount_minor: int, key: str, at: Micros
    ) -> Answer:
        if verb == "void" or (verb == "reverse" and payment.status == "held"):
            if payment.status != "held" or not self.do(payment, Step.VOID, at):
                return _refusal(_NOT_VOIDABLE)
            return _ok(200, self.sale(payment))
        left = payment.captured - payment.returned
        if payment.status != "paid" or left <= 0:
            return _refusal(_NOT_REFUNDABLE)
        if amount_minor > left or not self.do(payment, Step.REFUND, at, amount_minor, key):
            return _refusal(_TOO_MUCH)
        return _ok(201, self._credit(payment, payment.refunds[-1]))


def _put(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = text


def _text(at: Micros) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _ok(status: int, found: Element) -> Answer:
    return Answer(status, _XML, tostring(found, "utf-8", xml_declaration=True))


def _refusal(code: str) -> Answer:
    found = Element("api-error-response")
    errors = SubElement(SubElement(found, "errors"), "transaction")
    error = SubElement(SubElement(errors, "errors", type="array"), "error")
    _put(error, "code", code)
    _put(error, "attribute", "base", type="symbol")
    return _ok(422, found)
