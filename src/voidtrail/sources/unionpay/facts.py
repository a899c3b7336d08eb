"""What UnionPay's notices and answers say: transactions by type, codes by what they decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.event.account import Account
from voidtrail.event.model import Channel, Delivery, Event, Kind, Method, Micros, Result
from voidtrail.event.reason import number
from voidtrail.money import currency_code
from voidtrail.sources import reading
from voidtrail.sources.contract import ReasonRow, Row, Translation, first, unreadable
from voidtrail.sources.telling import (
    ASKED,
    AUTHORISE,
    CAPTURE,
    EXPIRE,
    OPEN,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    REFUSED,
    REVERSE,
    SUBMIT,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
    ordered,
)
from voidtrail.sources.unionpay import wire

_TYPES_DOC: Final = "open.unionpay.com, 平台接入接口规范, txnType"
_CODES_DOC: Final = "open.unionpay.com, 平台接入接口规范-附录, respCode (unconfirmed)"
EVENTS: Final[Mapping[str, Row]] = {
    **reading.event_rows(
        _TYPES_DOC,
        """
        CAPTURE SUCCEEDED: 01 03
        AUTHORISE SUCCEEDED: 02
        REFUND SUCCEEDED: 04
        VOID SUCCEEDED: 31 32 33
        REVERSE SUCCEEDED: 99
        """,
    ),
    "query/34": Row(Kind.ABSENT, Result.SUCCEEDED, _CODES_DOC),
}
"""By `txnType`, for a transaction that succeeded; `respCode` says whether it did."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        _CODES_DOC,
        """
        declined: 01 60 63
        risk_refused: 30 38
        not_permitted: 31 32 39 40 62
        limit_exceeded: 33 37 67
        card_data_wrong: 61 65
        insufficient_funds: 64
        authentication_failed: 66
        platform_fault: 06
        shop_fault: 10 11 12 13 14
        """,
    ),
    **reading.reason_rows(
        _TYPES_DOC,
        """
        merchant_refund: txn/04
        merchant_request: txn/31 txn/32 txn/33
        reversed: txn/99
        """,
    ),
}
DONE: Final = frozenset({"00", "A6"})
"""A6 is a success with defects."""
WAITING: Final = frozenset({"03", "04", "05"})
_DONE_BEFORE: Final = frozenset({"12"})
"""重复交易: an earlier try of the same order was taken, and its answer was lost."""
_TARGET: Final = {"31": "capture", "32": "authorise", "33": "capture", "99": "capture"}
_METHODS: Final = {
    "000201": Method.HOSTED_CHECKOUT, "000202": Method.HOSTED_CHECKOUT,
    "000301": Method.CARD_FORM, "000302": Method.CARD_FORM, "000901": Method.CARD_FORM,
}  # fmt: skip
_CHANNELS: Final = {"05": Channel.PHONE, "07": Channel.WEB, "08": Channel.APP}
_SECOND: Final = 1_000_000


def reference(order: str, sent: str) -> str:
    """Return the name by which a transaction can be asked about: its order number and instant."""
    return f"{order}@{sent}" if order and sent else ""


def facts(fields: Mapping[str, str], delivery: Delivery, account: Account) -> Translation:
    """Tell what a notice or an answer says."""
    ours = account.options.get("mer_id")
    if ours and fields.get("merId", ours) != ours:
        return unreadable("merId", "the statement belongs to another UnionPay merchant")
    asked = delivery.via is ASKED
    stated = reference(fields.get("orderId", ""), fields.get("txnTime", ""))
    kind = fields.get("txnType", "")
    deed = ordered(delivery.context)
    if asked and deed is None and stated not in ("", delivery.request):
        return unreadable("orderId", "the answer is about another order than the question")
    original = first(
        fields.get("origQryId"),
        reference(fields.get("origOrderId", ""), fields.get("origTxnTime", "")),
    )
    is_own = kind in ("00", "01", "02", "99") or not original
    payment = first(delivery.request if asked else "", stated if is_own else original,
                    fields.get("queryId"))  # fmt: skip
    if not payment:
        return unreadable("orderId", "the statement names no transaction")
    try:
        amount = _fen(fields)
    except ValueError:
        return unreadable("txnAmt", "no whole number of fen")
    tell = _teller(fields, delivery, account, payment, is_own=is_own)
    if deed is not None:
        return [_done(tell, fields, deed)]
    if asked or "origRespCode" in fields:
        # An answer is signed like a notice: whoever saw one might push it, and its respCode is that
        # of the question.
        told = _answered(tell, fields, delivery, account, amount)
        return reading.with_waiting(told, delivery) if asked else told
    return _transaction(tell, fields, kind, fields.get("respCode", ""), amount)


def _teller(
    fields: Mapping[str, str], delivery: Delivery, account: Account, payment: str, *, is_own: bool
) -> Teller:
    asked = delivery.via is ASKED
    stated = reference(fields.get("orderId", ""), fields.get("txnTime", ""))
    # A refund's or a void's own numbers are names of that operation, not of the payment.
    may_name = is_own or fields.get("txnType") == "03"
    names = (stated, fields.get("queryId", "")) if may_name else ()
    at = wire.told_at(fields)
    settled = wire.settled_on(fields)
    code = fields.get("currencyCode", "156")
    field = account.options.get("order_field", "order")
    passed = reading.passed_on_order(_unwrapped(fields.get("reqReserved", "")), field)
    return Teller(
        REASONS,
        (
            "answer" if asked else "", first(fields.get("queryId"), stated, payment),
            fields.get("txnType", ""), fields.get("respCode", ""), fields.get("origRespCode", ""),
        ),
        payment,
        delivery.received_at if at is None else at,
        tuple(dict.fromkeys(name for name in names if name and name != payment)),
        first(passed, fields.get("orderId") if is_own else ""),
        _currency(code),
        delivery.via,
        _METHODS.get(fields.get("bizType", ""), Method.UNKNOWN),
        _CHANNELS.get(fields.get("channelType", ""), Channel.UNKNOWN),
        life=not asked,
        dimensions=(("settle_on", settled),) if settled else (),
        merchant=fields.get("subMerId", ""),
    )  # fmt: skip


def _unwrapped(text: str) -> str:
    """Return pairs without the braces in which UnionPay wants them, JSON as it is."""
    return text if '"' in text else text.removeprefix("{").removesuffix("}")


def _currency(code: str) -> str:
    try:
        return currency_code(int(code)) if code.isascii() and code.isdigit() else ""
    except (KeyError, ValueError):
        return ""


def _fen(fields: Mapping[str, str]) -> int | None:
    text = fields.get("txnAmt", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


def _transaction(
    tell: Teller, fields: Mapping[str, str], kind: str, code: str, amount: int | None
) -> list[Event]:
    """Tell one transaction by its type, as far as its code says that it went."""
    row = EVENTS.get(kind)
    if row is None:
        return [tell(OTHER, UNKNOWN, reason=(0, f"{kind}/{code}"))]
    if code in WAITING:
        result, why = PENDING, (0, code)
    elif code in DONE:
        result, why = SUCCEEDED, (tell.why("", "unstated", f"txn/{kind}")[0], "")
        why = why if kind in ("04", "31", "32", "33", "99") else (0, "")
    else:
        result, why = REFUSED, tell.why("", "declined", code)
    operation = first(fields.get("queryId"), tell.payment)
    original = fields.get("origQryId", "")
    if row.kind in (CAPTURE, AUTHORISE):
        # One try was refused, or nobody knows yet: neither is a statement about taken money.
        told = {REFUSED: AUTHORISE, PENDING: SUBMIT}.get(result, row.kind)
        named = operation if told is not SUBMIT else ""
        return [tell(told, result, named, amount, OWN, reason=why)]
    if row.kind is REFUND:
        return [tell(REFUND, result, operation, amount, OWN, reason=why)]
    target = f"{_TARGET[kind]}:{original}" if original else ""
    if row.kind is REVERSE:
        return [_reversed(tell, fields, result, target, why)]
    return [tell(VOID, result, operation, amount, OWN, reverses=target, reason=why)]


def _reversed(
    tell: Teller, fields: Mapping[str, str], result: Result, target: str, why: tuple[int, str]
) -> Event:
    """Tell of a reversal (99), which has the order number and the instant of its original."""
    operation = first(fields.get("queryId"), f"{tell.payment}:reversed")
    if not target:
        return tell(VOID, result, operation, reason=why)
    return tell(REVERSE, result, operation, reverses=target, reason=why)


def _answered(
    tell: Teller,
    fields: Mapping[str, str],
    delivery: Delivery,
    account: Account,
    amount: int | None,
) -> list[Event]:
    """Tell what a query learnt: `respCode` is the question's own, `origRespCode` decides."""
    outer, inner = fields.get("respCode", ""), fields.get("origRespCode", "")
    if outer not in DONE or not inner:
        row = EVENTS.get(f"query/{outer}") if fields.get("signature") else None
        if row is None:
            tell = tell._replace(identity=(*tell.identity, str(delivery.received_at)))
            return [tell(OTHER, UNKNOWN, reason=(0, f"query/{outer}"))]
        return [tell(row.kind, row.result, reason=(0, outer), at=delivery.received_at)]
    until = _until(fields, account)
    if inner not in DONE and until is not None and delivery.received_at > until:
        why = (number("timed_out"), inner)
        return [tell(EXPIRE, SUCCEEDED, "", amount, reason=why, at=until)]
    kind = fields.get("txnType", "")
    if kind not in EVENTS:
        kind = account.options.get("txn_type", "01")  # a query does not repeat its original's
    if inner in WAITING:
        # Not paid, as far as UnionPay knows; it is to be asked again.
        why = (0, inner)
        return [tell(OPEN, PENDING, "", amount, reason=why, until=until, at=delivery.received_at)]
    return _transaction(tell, fields, kind, inner, amount)


def _until(fields: Mapping[str, str], account: Account) -> Micros | None:
    """Return when the payment closes by itself, if the answer or the account says so."""
    stated = reading.compact_instant(fields.get("payTimeout"))
    sent, timeout = reading.compact_instant(fields.get("txnTime")), account.options.get("timeout_s")
    if stated is None and sent is not None and timeout and timeout.isdigit():
        return sent + int(timeout) * _SECOND
    return stated


def _done(tell: Teller, fields: Mapping[str, str], deed: Kind) -> Event:
    """Tell what became of a deed: 00 means that it was accepted, not that it is done."""
    code = fields.get("respCode", "")
    if deed not in (VOID, REFUND) or not fields.get("signature"):
        return tell(OTHER, UNKNOWN, reason=(0, code))
    original, kind = fields.get("origQryId", ""), fields.get("txnType", "31")
    operation = first(fields.get("queryId"), f"{tell.payment}:{fields.get('orderId', '')}")
    if code in DONE | WAITING | _DONE_BEFORE:
        result, why = PENDING, (number("merchant_request"), code)
    else:
        result, why = REFUSED, tell.why("", "unlisted", code)
    target = f"{_TARGET.get(kind, 'capture')}:{original}" if original and deed is VOID else ""
    return tell(deed, result, operation, reverses=target, reason=why)
