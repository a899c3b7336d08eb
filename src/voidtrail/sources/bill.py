"""Bills: what a platform says of a day afterwards, row by row, as a witness of its own account.

Each row of a bill becomes one delivery, whose body is the row's cells, and what the row says of its
payment. The platform's own notices stay the ones that count (a bill is a witness, house rule 7); a
payment of which nobody else ever spoke is known by its bill alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final, cast

import msgspec

from voidtrail.errors import SignatureInvalid
from voidtrail.event.account import Account, Secrets
from voidtrail.event.bill import BillRow, Standing
from voidtrail.event.model import (
    Acknowledgement,
    Delivery,
    Event,
    Kind,
    Micros,
    Result,
    Role,
    Tag,
    Via,
)
from voidtrail.sources.adyen import bill as adyen_bill
from voidtrail.sources.alipay import bill as alipay_bill
from voidtrail.sources.bill_reading import Form, Hints, Unfit
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    never_asked,
    never_told,
    unreadable,
)
from voidtrail.sources.paypal import bill as paypal_bill
from voidtrail.sources.shopify import bill as shopify_bill
from voidtrail.sources.stripe import bill as stripe_bill
from voidtrail.sources.table import bill as table_bill
from voidtrail.sources.wechatpay import bill as wechatpay_bill

NAME: Final = "bill"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(title="Bills of platforms", bill_file=True, amount_unit="major")
IDENTITY: Final = Identity(fields=("SHA-256 of the file", "line in the file"), role=Role.BILL)

_DOC: Final = "docs/how-to/reconcile.md"
EVENTS: Final[Mapping[str, Row]] = {
    "payment": Row(Kind.CAPTURE, Result.SUCCEEDED, _DOC),
    "refund": Row(Kind.REFUND, Result.SUCCEEDED, _DOC),
    "dispute": Row(Kind.DISPUTE, Result.SUCCEEDED, _DOC),
}
REASONS: Final[Mapping[str, ReasonRow]] = {}
"""Empty: a bill says that money moved, never why."""

_MODULES: Final[tuple[ModuleType, ...]] = (
    alipay_bill, wechatpay_bill, stripe_bill, paypal_bill, adyen_bill, shopify_bill, table_bill,
)  # fmt: skip
FORMS: Final[Mapping[str, Form]] = {str(module.SOURCE): cast("Form", module) for module in _MODULES}
"""Readers by the source whose bills they read; "table" reads any table by a mapping file."""

FILE: Final = "bill-file"
LINE: Final = "bill-line"
FORM: Final = "bill-form"
OF: Final = "bill-of"
"""Headers of a row's delivery: digest of the file, line, form, and the platform's account."""

_RESULTS: Final = {
    Standing.SUCCEEDED: Result.SUCCEEDED, Standing.PENDING: Result.PENDING,
    Standing.FAILED: Result.REFUSED, Standing.REVERSED: Result.REFUSED,
}  # fmt: skip
_DECODER: Final = msgspec.json.Decoder(dict[str, str])


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Refuse what did not come from a file: nobody can push a bill over the network.

    Raises:
        SignatureInvalid: the delivery was pushed.
    """
    if delivery.via is not Via.FILE:
        raise SignatureInvalid(
            f"account {delivery.account}: a bill comes only from a file; "
            "take it in with `voidtrail reconcile`"
        )


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a row of a bill."""
    form = FORMS.get(delivery.header(FORM) or "")
    line = delivery.header(LINE) or ""
    if form is None or not (line.isascii() and line.isdigit() and len(line) < 16):
        return unreadable("headers", "the delivery does not say of which bill it is a row")
    try:
        fields = _DECODER.decode(delivery.body)
        row = form.row_of(fields, int(line), hints_of(account))
    except Unfit as error:
        return unreadable(f"line {line}, column {error.column}", error.why)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
        return unreadable("body", "is not a row of a bill")
    return events_of(row, delivery.header(FILE) or "", delivery.header(OF) or "")


def hints_of(account: Account) -> Hints:
    """Return what an account knows and a bill may not say."""
    return Hints(account.zone, account.options.get("currency", "CNY").upper())


def events_of(row: BillRow, digest: str, scope: str) -> list[Event]:
    """Return what a row says of its payment; nothing, if it is about none that has a reference.

    Args:
        row: of the bill.
        digest: of the file.
        scope: the platform's account, as "alipay/main".
    """
    word = row.item.name.lower()
    meant = EVENTS.get(word)
    if meant is None or not row.reference or not scope or row.amount_minor < 0:
        return []
    return [
        Event(
            label=f"{word}:{row.operation or row.reference}", identity=(digest, str(row.line)),
            kind=meant.kind, result=_RESULTS[row.standing], payment=row.reference, scope=scope,
            names=row.names, order=row.order, operation=row.operation or row.reference,
            occurred_at=row.at, amount_minor=row.amount_minor, currency=row.currency,
            tag=Tag.OWN, role=Role.BILL, via=Via.FILE, code=row.status[:64], life=False,
        )
    ]  # fmt: skip


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an answer for the protocol's sake; a file waits for none."""
    return Acknowledgement(status=200 if outcome is Outcome.KEPT else 503)


query: Final = never_asked
act: Final = never_told
