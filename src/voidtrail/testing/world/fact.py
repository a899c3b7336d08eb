"""The rehearsal room's own vocabulary: who said what about which payment, and in which letter.

None of it is shared with the product: the auditor reads these words, Voidtrail reads the letters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from voidtrail.event.model import Delivery, Micros, Via

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

Headers = tuple[tuple[str, str], ...]


class Said(Enum):
    """One statement in plain words."""

    ORDER_PLACED = "the order was placed"
    CHECKOUT_OPENED = "the checkout was opened"
    METHOD_CHOSEN = "a payment method was chosen"
    OPENED = "the payment exists and waits"
    SUBMITTED = "the customer sent the payment off"
    ATTEMPT_DECLINED = "an attempt was declined"
    ATTEMPT_FAULTED = "an attempt failed for a technical reason"
    AUTHORISED = "money is held"
    PAID = "money was taken"
    PRESSED = "the customer pressed cancel"
    ORDER_CANCELLED = "the shop called the order off"
    ORDER_PAID = "the shop believes that the order is paid"
    CLOSED = "the payment was called off"
    EXPIRED = "the payment ran out of time"
    RELEASED = "the held money was let go"
    LAPSED = "the held money was let go because time ran out"
    REFUND_PENDING = "a refund is under way"
    REFUNDED = "a refund succeeded"
    REFUND_FAILED = "a refund did not reach the customer"
    DISPUTE_OPENED = "the customer disputes, or asks; no money moved"
    DISPUTE_WITHDRAWN = "disputed money was taken from the merchant"
    DISPUTE_REINSTATED = "disputed money came back to the merchant"
    FINISHED = "can no longer be refunded"
    NOT_KNOWN = "asked, the platform does not know the payment"
    WAITING = "asked, the platform says that it still waits"
    OTHER = "something that no list names"


@dataclass(frozen=True, slots=True)
class Notice:
    """One statement of one speaker.

    Attributes:
        source: who speaks, as "stripe" or "storefront".
        account: the speaker's account.
        order: the order it belongs to.
        payment: the payment's reference at its platform; "" if only the order is meant.
        at: when it happened, by the speaker's clock.
        holder: source and account that hold the payment; the speaker unless a shop speaks.
        names: further references of the same payment.
        so_far_minor: of a refund that is told as the sum so far, instead of by its own amount.
        code: the platform's word for the reason, verbatim; "" if none was given.
        timed_out: a close that came exactly when the time-out had run out.
        asked: an answer to our question.
        test: the platform marks it as test traffic.
    """

    source: str
    account: str
    order: str
    payment: str
    said: Said
    at: Micros
    holder: tuple[str, str] = ("", "")
    names: tuple[str, ...] = ()
    amount_minor: int = 0
    so_far_minor: int = 0
    currency: str = ""
    operation: str = ""
    code: str = ""
    method: str = ""
    timed_out: bool = False
    asked: bool = False
    test: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A notification before it is signed.

    Attributes:
        sent_at: virtual instant at which the platform first sent it.
        at: virtual instant at which it arrives here.
        body: the bytes; for Alipay the form without its signature.
        notices: what it says, for the auditor; never sent.
        lost: the platform gave up on it, or it never left: only a question reveals the fact.
        spoil: "" or how its signature is made bad, so that it must be refused.
        copy: 0, or how manieth repetition of the same notice.
    """

    sent_at: Micros
    source: str
    account: str
    body: bytes
    notices: tuple[Notice, ...] = ()
    at: Micros = 0
    lost: bool = False
    spoil: str = ""
    copy: int = 0

    @property
    def path(self) -> str:
        """The place that it is posted to."""
        return f"/hooks/{self.source}/{self.account}"

    def arriving(self, at: Micros) -> Letter:
        """Return the same letter with another instant of arrival."""
        return replace(self, at=at)

    def delivery(self, received_at: Micros, headers: Headers = ()) -> Delivery:
        """Return it as the house receives it, for tests that call `translate` without HTTP."""
        body = self.body
        if self.source == "alipay":
            body += b"&sign_type=RSA2&sign=dW5zaWduZWQ%3D"
        return Delivery(
            source=self.source,
            account=self.account,
            received_at=received_at,
            body=body,
            headers=tuple((name.lower(), value) for name, value in headers),
            via=Via.PUSH,
        )


@dataclass(frozen=True, slots=True)
class Post:
    """A signed notification, ready to be sent.

    Attributes:
        number: its place in the script.
        at: virtual instant of arrival; the script is sorted by it.
        sent_at: virtual instant at which the platform first sent it.
        expected: the HTTP status that a correct server gives.
    """

    number: int
    at: Micros
    sent_at: Micros
    source: str
    account: str
    path: str
    headers: Headers
    body: bytes
    expected: int = 200
