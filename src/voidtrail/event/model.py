"""The values that flow through the house: Delivery, Event, Unreadable, Request.

Instants inside the house are integers: microseconds since 1970-01-01 UTC (`Micros`), because they
are compared, merged and grouped in four engines; they become ISO 8601 text at the doors (ADR 3).
Numbers of enumerations are frozen and append-only: they stand in the ledger.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final

import msgspec

QUERY: Final = ":query"
"""The name under which `Delivery.headers` holds the query string of the address, as it came."""
STATUS: Final = ":status"
"""The name under which an answer's `Delivery.headers` hold its HTTP status, as "404"."""

Micros = int
"""An instant: microseconds since 1970-01-01 00:00 UTC."""


class Kind(IntEnum):
    """What a statement is about."""

    OTHER = 0  # a genuine statement that no table lists; never silence
    ORDER = 1  # the order was placed
    OPEN = 2  # the payment object, checkout or trade exists and waits
    METHOD = 3  # a payment method was chosen
    SUBMIT = 4  # the customer sent the payment off
    AUTHENTICATE = 5
    AUTHORISE = 6
    CAPTURE = 7
    CANCEL = 8  # of the payment as a whole
    VOID = 9  # of one operation (`reverses`), or of every authorisation if none is named
    EXPIRE = 10
    REVERSE = 11  # a failure after success, of the operation in `reverses`
    REFUND = 12
    DISPUTE = 13  # one withdrawal of disputed money; an inquiry is PENDING and moves nothing
    PROMISE = 14  # a price
    CONTACT = 15
    FEEDBACK = 16
    LINK = 17  # two names are one payment
    FINISH = 18  # can no longer be refunded
    ABSENT = 19  # the platform, asked, does not know the payment
    NUDGE = 20  # the platform says that something changed, but not what: ask


class Result(IntEnum):
    """How far the thing went that the statement is about."""

    REQUESTED = 0
    PENDING = 1
    SUCCEEDED = 2
    REFUSED = 3
    UNKNOWN = 4


class Actor(IntEnum):
    """Who ended it."""

    UNKNOWN = 0
    CUSTOMER = 1
    MERCHANT = 2
    PLATFORM = 3
    ISSUER = 4
    NETWORK = 5
    SYSTEM = 6


class Cause(IntEnum):
    """Why, as far as a code can tell; the room `explanation` goes further."""

    UNKNOWN = 0
    QUALITY = 1
    FRICTION = 2
    TECHNICAL_FAULT = 3
    PRICE_OR_PROMOTION = 4
    LAW_OR_POLICY = 5
    CHANGE_OF_MIND = 6
    PAYMENT_MEANS = 7
    FRAUD_OR_ABUSE = 8


class Tag(IntEnum):
    """What an amount counts."""

    NONE = 0
    OWN = 1  # this operation alone
    CUMULATIVE = 2  # the payment (or the operation) so far


class Role(IntEnum):
    """Who is speaking: the one that holds the money, or somebody who saw."""

    MOVER = 0
    BILL = 1
    IMPORT = 2
    SHOP = 3
    LOG = 4


class Via(IntEnum):
    """How a statement reached us."""

    PUSH = 0
    ASKED = 1  # answer to our query: never a sign of the customer's life
    FILE = 2
    OWN = 3  # our own note, as that a platform did not answer; sources never read it


class Method(IntEnum):
    """A rail and the way it was entered; patience hangs on it."""

    UNKNOWN = 0
    CARD_FORM = 1
    HOSTED_CHECKOUT = 2
    ALIPAY_PAGE = 3
    ALIPAY_APP = 4
    ALIPAY_QR = 5
    WECHAT_QR = 6
    WECHAT_JSAPI = 7
    WECHAT_APP = 8
    WECHAT_H5 = 9
    WECHAT_BARCODE = 10
    BANK_TRANSFER = 11
    DIRECT_DEBIT = 12
    WALLET = 13
    PAY_LATER = 14
    CASH = 15
    POS_CARD = 16
    VOUCHER = 17
    OTHER = 18


class Channel(IntEnum):
    """Where the customer stood."""

    UNKNOWN = 0
    WEB = 1
    APP = 2
    MINI_PROGRAM = 3
    POS = 4
    LINK = 5
    PHONE = 6
    OTHER = 7


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes and headers as received; never changed, never dropped.

    Attributes:
        source: name of the source's module, as "stripe".
        account: the merchant's account at that source, as configured.
        received_at: when the bytes were complete here.
        body: the raw body.
        headers: names in lower case; a header that came twice stands twice. What stood behind "?"
            in the address is the last of them, named `QUERY`; absent if there was nothing. An
            answer's last is `STATUS`: some platforms answer "done" and "unknown" with no body.
        via: pushed, an answer to our question, or a row of a file.
        request: for answers: the name of the payment that was asked about.
        context: for answers and files: what the reader must know besides the body.
    """

    source: str
    account: str
    received_at: Micros
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    via: Via = Via.PUSH
    request: str = ""
    context: str = ""

    def header(self, name: str) -> str | None:
        """Return the value of a header that came exactly once, else None.

        A signature header that came twice is refused by treating it as absent.
        """
        found = [value for key, value in self.headers if key == name]
        return found[0] if len(found) == 1 else None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One canonical statement about one payment.

    Attributes:
        label: which fact of the delivery this is, as "refund:re_1"; never a list index.
        identity: the raw fields that the source's frozen IDENTITY names, in its order. The event's
            id is the hash of source, account, identity and label.
        payment: the platform's (or shop's) reference of the payment, scoped by `scope`.
        scope: "source/account" that gave the reference, if it is not the speaker's own.
        names: further references of the same payment, in the same scope; each is a LINK.
        order: the merchant's order reference, scoped by the shop; "" if unknown.
        operation: the platform's id of the operation, scoped by kind; "" for the only one.
        reverses: "kind:operation" of the operation that this one undoes, as "refund:re_1".
        occurred_at: when it happened, by the speaker's clock.
        until: when the platform will close the payment by itself, if it said so.
        amount_minor: in minor units; None if the statement carries no amount.
        currency: ISO 4217 code; "" without amount.
        reason: number in `voidtrail.event.reason`; 0 if none was given.
        code: the platform's verbatim reason or status code.
        customer: the platform's or shop's id of the customer (made a pseudonym before storing).
        test: test traffic: the platform itself said so, or the account is in test mode.
        life: a sign that the customer or the platform is still working on the payment.
        dimensions: public dimensions (shop, country, version …), never personal.
        merchant: the sub-merchant at the platform whom a service provider's delivery names.
    """

    label: str
    identity: tuple[str, ...]
    kind: Kind
    result: Result
    payment: str
    occurred_at: Micros
    scope: str = ""
    names: tuple[str, ...] = ()
    order: str = ""
    operation: str = ""
    reverses: str = ""
    until: Micros | None = None
    amount_minor: int | None = None
    currency: str = ""
    tag: Tag = Tag.NONE
    role: Role = Role.MOVER
    via: Via = Via.PUSH
    reason: int = 0
    code: str = ""
    method: Method = Method.UNKNOWN
    channel: Channel = Channel.UNKNOWN
    customer: str = ""
    test: bool = False
    life: bool = True
    dimensions: tuple[tuple[str, str], ...] = ()
    merchant: str = ""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that cannot be understood: kept, quarantined, translatable again after a fix.

    Attributes:
        path: where reading stopped, as "data.object.amount" or "row 17, column 总金额".
        why: a sentence for a person; holds no value that could be personal.
    """

    path: str
    why: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a platform as a value; the runtime carries it out.

    Attributes:
        payment: the payment's reference, so that the answer can be filed.
        context: handed back to `translate` with the answer.
    """

    method: str
    url: str
    payment: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    context: str = ""


class Verb(Enum):
    """What a platform can be told to do."""

    CLOSE = "close"  # end an unpaid payment, so that nobody can pay it any more
    VOID = "void"  # let go what is held
    REFUND = "refund"  # give back what was taken
    PAY_LINK = "pay_link"  # make it payable by a link


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform shall do about one payment; a source makes a `Request` of it.

    Attributes:
        payment: the platform's reference, as in the events about it.
        key: idempotency key, the same for every try of one decision.
        operation: the platform's id of the authorisation or capture that it is about; "" if the
            payment has one name for everything.
        amount_minor: for refunds and links; None means all of it.
        total_minor: what was taken altogether, which some platforms want beside a refund.
        decided_at: when it was decided, the same for every try; 0 takes the present.
    """

    verb: Verb
    payment: str
    key: str
    operation: str = ""
    amount_minor: int | None = None
    currency: str = ""
    order: str = ""
    total_minor: int | None = None
    decided_at: Micros = 0


class Acknowledgement(msgspec.Struct, frozen=True):
    """The exact answer that a platform expects."""

    status: int
    content_type: str = "text/plain"
    body: bytes = b""
