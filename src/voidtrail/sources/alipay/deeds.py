"""What Alipay is asked and told, as signed requests, and what it answers to what it was told.

A refused closing is no closing, and a cancelled trade may have moved money: `action` says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Delivery, Kind, Micros, Request, Verb
from voidtrail.event.reason import number
from voidtrail.money import major_text
from voidtrail.sources import crypto, reading
from voidtrail.sources.alipay import wire
from voidtrail.sources.contract import ReasonRow, Translation, first, unreadable
from voidtrail.sources.telling import (
    ASKED,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    OPEN,
    OTHER,
    PENDING,
    REFUND,
    REFUSED,
    SUCCEEDED,
    UNKNOWN,
    Teller,
    ordered,
)

_GATEWAY: Final = "https://openapi.alipay.com"
_CURRENCY: Final = "CNY"
_DONE: Final = "10000"
_REFUSED: Final = "40004"
_UNDECIDED: Final = ("SYSTEM_ERROR", "ACQ.SELLER_BALANCE_NOT_ENOUGH", "REQUEST_LIMITED")
"""Ends of sub-codes after which the same order may still be carried out."""
_METHODS: Final = {
    Verb.CLOSE: "alipay.trade.close",
    Verb.VOID: "alipay.trade.cancel",
    Verb.REFUND: "alipay.trade.refund",
    Verb.PAY_LINK: "alipay.trade.precreate",
}


class Done(msgspec.Struct):
    """The fields of an answer to an order."""

    code: str = ""
    sub_code: str = ""
    out_trade_no: str = ""
    trade_no: str = ""
    action: str = ""
    fund_change: str = ""
    refund_fee: str = ""
    gmt_refund_pay: str = ""
    qr_code: str = ""


_DECODER: Final = msgspec.json.Decoder(Done)


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask alipay.trade.query by `out_trade_no`; None without "private_key" and an app id."""
    return _signed(
        "alipay.trade.query", {"out_trade_no": reference}, reference, "", account, secrets, now
    )


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Close an unpaid trade, cancel, refund, or make a code to pay by.

    A closing never gives money back: that is what a cancellation may do (`Verb.VOID`). A refund is
    once by its `out_request_no`, the deed's key.
    """
    content: dict[str, str] = {"out_trade_no": deed.payment}
    if deed.verb in (Verb.REFUND, Verb.PAY_LINK):
        if deed.amount_minor is None:
            return None
        yuan = major_text(deed.amount_minor, _CURRENCY)
        if deed.verb is Verb.REFUND:
            content |= {"refund_amount": yuan, "out_request_no": deed.key}
        else:
            content |= {"total_amount": yuan, "subject": deed.order or deed.payment}
    context = f"act:{deed.verb.value}"
    return _signed(_METHODS[deed.verb], content, deed.payment, context, account, secrets, now)


def _signed(
    method: str, content: Mapping[str, str], payment: str, context: str, account: Account,
    secrets: Secrets, now: Micros,
) -> Request | None:  # fmt: skip
    keys = secrets.get("private_key", ())
    app_id = account.options.get("app_id") or _first(secrets, "app_id")
    if not keys or not app_id:
        return None
    form = {
        "app_id": app_id,
        "biz_content": msgspec.json.encode(content).decode(),
        "charset": "utf-8",
        "format": "JSON",
        "method": method,
        "sign_type": "RSA2",
        "timestamp": reading.wall_text(now),
        "version": "1.0",
    }
    token = _first(secrets, "app_auth_token")
    if token:
        form["app_auth_token"] = token
    if context == "act:pay_link" and account.options.get("notify_url"):
        form["notify_url"] = account.options["notify_url"]
    # Unlike a notice, a request signs its sign_type too.
    signed = "&".join(f"{name}={value}" for name, value in sorted(form.items()))
    form["sign"] = crypto.rsa_sign(keys[0].reveal(), signed.encode())
    base = account.options.get("api_base", _GATEWAY).rstrip("/")
    return Request(
        method="POST",
        url=account.options.get("gateway", f"{base}/gateway.do"),
        payment=payment,
        headers=(("Content-Type", "application/x-www-form-urlencoded;charset=utf-8"),),
        body=urlencode(form).encode(),
        context=context,
    )


def _first(secrets: Secrets, purpose: str) -> str:
    return first(*(secret.reveal() for secret in secrets.get(purpose, ())))


def answered(
    reasons: Mapping[str, ReasonRow], delivery: Delivery, answer: wire.Answer
) -> Translation:
    """Read the answer to an order."""
    try:
        done = _DECODER.decode(answer.raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "a field of the answer has another type")
    payment, told = first(delivery.request, done.out_trade_no), ordered(delivery.context)
    if told is None or not payment:
        return unreadable("out_trade_no", "the answer is to no order of ours")
    if done.out_trade_no and payment not in (done.out_trade_no, done.trade_no):
        return unreadable("out_trade_no", "the answer is about another trade than the order")
    code = first(done.sub_code, done.code, answer.name)
    is_refusal = done.code == _REFUSED and answer.sign and not code.endswith(_UNDECIDED)
    is_done = done.code == _DONE and bool(answer.sign)
    stamp = f"{code}/{delivery.received_at}"
    tell = Teller(
        reasons,
        ("act", payment, told.name if is_done else stamp, done.refund_fee, done.action),
        payment,
        delivery.received_at,
        (done.trade_no,) if done.trade_no and done.trade_no != payment else (),
        currency=_CURRENCY,
        via=ASKED,
        life=False,
    )
    if is_done:
        return _done(tell, told, done)
    return [tell(told, REFUSED, reason=(0, code)) if is_refusal
            else tell(OTHER, UNKNOWN, reason=(0, code))]  # fmt: skip


def _done(tell: Teller, told: Kind, done: Done) -> Translation:
    """Tell what was carried out: for a cancellation only `action` knows what that was."""
    if told is OPEN:
        return [tell(OPEN, PENDING, reason=(0, "qr_code"))]
    if told is REFUND:
        return _refunded(tell, done)
    closed = tell(CANCEL, SUCCEEDED, reason=(number("closed_unpaid"), "TRADE_CLOSED"))
    if told is CANCEL or done.action == "close":
        return [closed]
    number_there = first(done.trade_no, tell.payment)
    if done.action == "refund":
        why = (number("merchant_refund"), "")
        return [
            tell(CAPTURE, SUCCEEDED, number_there),
            tell(REFUND, SUCCEEDED, f"{number_there}:refunded", reason=why),
        ]
    return [tell(OTHER, UNKNOWN, reason=(0, first(done.action, "no_action")))]


def _refunded(tell: Teller, done: Done) -> Translation:
    """Tell of a refund: `refund_fee` is the trade's total, and N moved no money *this* time."""
    try:
        returned = wire.fen(done.refund_fee)
    except ValueError:
        return unreadable("refund_fee", "the amount is no yuan with at most two decimals")
    operation = f"{first(done.trade_no, tell.payment)}:refunded"
    result = SUCCEEDED if done.fund_change == "Y" else PENDING
    at, why = reading.instant(done.gmt_refund_pay), (number("merchant_refund"), done.fund_change)
    return [tell(REFUND, result, operation, returned, CUMULATIVE, reason=why, at=at)]
