"""What Lakala says, in its three dialects: aggregate scan, cashier, and the newer camel case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Event, Kind, Method, Micros
from voidtrail.event.reason import number
from voidtrail.money import currency_code
from voidtrail.sources import canonical, reading
from voidtrail.sources.contract import ReasonRow, Row, Translation, first, unreadable
from voidtrail.sources.telling import (
    ASKED,
    CANCEL,
    CAPTURE,
    CUMULATIVE,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    REFUSED,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
    ordered,
)

_DOC: Final = "o.lakala.com, 聚合扫码 v3, 交易状态"
_CASHIER_DOC: Final = "o.lakala.com, 收银台 ccss, payStatus"
_UNCONFIRMED: Final = "o.lakala.com, 收银台 ccss, order_status (unconfirmed)"
_CODES_DOC: Final = "o.lakala.com, 返回码 (unconfirmed)"
EVENTS: Final[Mapping[str, Row]] = {
    **reading.event_rows(
        _DOC,
        """
        OPEN PENDING: trade/INIT trade/CREATE
        SUBMIT PENDING: trade/DEAL trade/UNKNOWN
        CAPTURE SUCCEEDED: trade/SUCCESS trade/PART_REFUND trade/REFUND
        AUTHORISE REFUSED: trade/FAIL
        CANCEL SUCCEEDED: trade/CLOSE trade/REVOKED
        """,
    ),
    **reading.event_rows(
        _CASHIER_DOC,
        """
        CAPTURE SUCCEEDED: pay/S order/2
        AUTHORISE REFUSED: pay/F
        CANCEL SUCCEEDED: pay/C
        """,
    ),
    **reading.event_rows(
        _UNCONFIRMED,
        """
        OPEN PENDING: order/0
        SUBMIT PENDING: order/1
        AUTHORISE REFUSED: order/3
        EXPIRE SUCCEEDED: order/4
        CANCEL SUCCEEDED: order/5
        CAPTURE SUCCEEDED: order/6 order/7
        """,
    ),
    **reading.event_rows(
        _CODES_DOC,
        """
        SUBMIT PENDING: BBS10000 BPS10034 BBS11105 BBS11112 BBS00100 BBS00101
        ABSENT SUCCEEDED: BBS11114
        """,
    ),
}
"""A status by its dialect, or the code of an answer that has no data."""

REASONS: Final[Mapping[str, ReasonRow]] = reading.reason_rows(
    _DOC + " (Lakala states no reason besides)",
    """
    closed_unpaid: trade/CLOSE pay/C order/5
    merchant_request: trade/REVOKED
    declined: trade/FAIL pay/F order/3
    timed_out: order/4
    """,
)
DONE: Final = frozenset({"BBS00000", "000000"})
_ALL_BACK: Final = frozenset({"trade/REFUND", "order/7"})
_RESULTS: Final = {
    "trade/SUCCESS": SUCCEEDED, "pay/S": SUCCEEDED, "order/2": SUCCEEDED, "trade/FAIL": REFUSED,
    "trade/CLOSE": REFUSED, "pay/F": REFUSED, "pay/C": REFUSED, "order/3": REFUSED,
}  # fmt: skip
_METHODS: Final = {
    ("WECHAT", "PREORDER"): Method.WECHAT_QR, ("WECHAT", "MICROPAY"): Method.WECHAT_BARCODE,
    ("ALIPAY", "PREORDER"): Method.ALIPAY_QR, ("ALIPAY", "MICROPAY"): Method.ALIPAY_QR,
    ("UQRCODEPAY", "PREORDER"): Method.WALLET, ("UQRCODEPAY", "MICROPAY"): Method.WALLET,
}  # fmt: skip


class Said(NamedTuple):
    """One statement, whatever its dialect; "" where it says nothing.

    Attributes:
        order: our order number, of the operation that it is about.
        there: Lakala's number of it.
        channel: the number of WeChat Pay, Alipay or UnionPay behind it.
        original, original_there: the same of the payment that a refund or a void is about.
        kind: PREORDER, MICROPAY, PAY, REFUND or CANCEL.
        state: with its dialect in front, as in `EVENTS`.
    """

    order: str
    there: str
    channel: str
    original: str
    original_there: str
    kind: str
    state: str
    amount: str
    returned: str
    at: Micros | None
    account_type: str
    merchant: str
    currency: str


def said_of(fields: Mapping[str, str]) -> Said:
    """Read a statement of any dialect."""

    def one(*names: str) -> str:
        return first(*(fields.get(name) for name in names))

    state = one("trade_status", "trade_state", "tradeState")
    word = f"trade/{state}" if state else ""
    if not word and fields.get("payStatus"):
        word = f"pay/{fields['payStatus']}"
    elif not word and fields.get("order_status"):
        word = f"order/{fields['order_status']}"
    # The cashier has two clocks in one body: payTime in UTC, tradeTime in Beijing.
    at = reading.instant(fields.get("payTime"))
    compact = reading.compact_instant(one("payTime", "trade_time", "tradeTime"))
    return Said(
        one("out_trade_no", "merchantOrderNo", "out_order_no", "orderId"),
        one("trade_no", "payOrderNo", "pay_order_no", "lklOrderNo"),
        one("acc_trade_no", "accountChannelOrderNo"),
        one("origin_out_trade_no", "origMerchantOrderNo"),
        one("origin_trade_no", "origPayOrderNo"),
        one("trade_main_type", "tradeType"),
        word,
        one("total_amount", "amount"),
        one("refund_amount", "refundAmount"),
        compact if at is None else at,
        one("account_type", "accountType"),
        one("merchant_no", "merchantNo", "mercId"),
        fields.get("currency", ""),
    )


def facts(delivery: Delivery, account: Account) -> Translation:
    """Tell what a notice or an answer says."""
    fields = canonical.json_fields(delivery.body)
    if fields is None:
        return unreadable("body", "no JSON object")
    asked, code = delivery.via is ASKED, fields.get("code", "")
    if asked:
        within = canonical.json_fields(fields.get("resp_data", "").encode("utf-8", "replace"))
        fields = within or {}
    said = said_of(fields)
    ours = account.options.get("merchant_no")
    if ours and said.merchant not in ("", ours):
        return unreadable("merchant_no", "the statement belongs to another Lakala merchant")
    deed = ordered(delivery.context)
    if asked and deed is None and said.order and delivery.request not in (said.order, said.there):
        return unreadable("out_trade_no", "the answer is about another order than the question")
    is_about = said.kind in ("REFUND", "CANCEL")
    named = first(said.original, said.original_there) if is_about else ""
    payment = first(delivery.request if asked else "", named, said.order, said.there)
    if not payment:
        return unreadable("out_trade_no", "the statement names no order")
    tell = _teller(said, delivery, account, payment, code, is_about=is_about)
    try:
        if deed is not None:
            signed = bool(delivery.header("lklapi-signature"))
            return [_done(tell, said, deed, code) if signed else _coded(tell, code, delivery)]
        if asked and not said.state:
            return [_coded(tell, code, delivery)]
        told = _about(tell, said) if is_about else _payment(tell, said)
    except ValueError:
        return unreadable("total_amount", "no whole number of fen")
    return reading.with_waiting(told, delivery) if asked else told


def _teller(
    said: Said, delivery: Delivery, account: Account, payment: str, code: str, *, is_about: bool
) -> Teller:
    asked = delivery.via is ASKED
    names = () if is_about else (said.order, said.there, said.channel)
    return Teller(
        REASONS,
        ("answer" if asked else "", first(said.there, said.order, payment), said.kind, said.state,
         said.returned, code),
        payment,
        delivery.received_at if said.at is None else said.at,
        tuple(dict.fromkeys(name for name in names if name and name != payment)),
        "" if is_about else said.order,
        _currency(said.currency),
        delivery.via,
        _METHODS.get((said.account_type, said.kind), Method.UNKNOWN),
        life=not asked,
        merchant=said.merchant,
    )  # fmt: skip


def _currency(text: str) -> str:
    if text.isascii() and text.isdigit() and len(text) == 3:
        try:
            return currency_code(int(text))
        except KeyError:
            return ""
    return "CNY" if text in ("", "CNY") else ""


def _fen(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


def _payment(tell: Teller, said: Said) -> list[Event]:
    row = EVENTS.get(said.state)
    word = said.state.partition("/")[2]
    if row is None:
        return [tell(OTHER, UNKNOWN, reason=(0, first(word, said.kind, "no_status")))]
    total, operation = _fen(said.amount), first(said.there, tell.payment)
    why = (tell.why("", "unstated", said.state)[0], word)
    if row.kind in (CAPTURE, Kind.AUTHORISE):
        reason = why if row.result is REFUSED else (0, "")
        events = [tell(row.kind, row.result, operation, total, OWN, reason=reason)]
        returned = total if said.state in _ALL_BACK else _fen(said.returned)
        if row.kind is CAPTURE and returned:
            back = (number("merchant_refund"), word)
            events.append(
                tell(REFUND, SUCCEEDED, f"{operation}:refunded", returned, CUMULATIVE, reason=back)
            )
        return events
    events = [tell(row.kind, row.result, "", total, reason=why)]
    if said.state == "trade/REVOKED":
        # A scanned payment may have been taken before it was revoked.
        target = f"capture:{operation}"
        events.append(tell(VOID, SUCCEEDED, f"{operation}:revoked", reverses=target, reason=why))
    return events


def _about(tell: Teller, said: Said) -> list[Event]:
    """Tell of a refund or a void, which names the payment that it is about."""
    result = _RESULTS.get(said.state)
    if result is None:
        known = EVENTS.get(said.state)
        if known is None:
            return [tell(OTHER, UNKNOWN, reason=(0, said.state.partition("/")[2] or said.kind))]
        result = PENDING
    operation = first(said.there, said.order, tell.payment)
    amount = _fen(first(said.returned, said.amount))
    word = said.state.partition("/")[2]
    if said.kind == "REFUND":
        why = (number("merchant_refund"), word)
        return [tell(REFUND, result, operation, amount, OWN, reason=why)]
    target = f"capture:{said.original_there}" if said.original_there else ""
    why = (number("merchant_request"), word)
    return [tell(VOID, result, operation, amount, OWN, reverses=target, reason=why)]


def _coded(tell: Teller, code: str, delivery: Delivery) -> Event:
    """Tell of an answer without data; an error that nobody lists leads to no conclusion."""
    row = EVENTS.get(code)
    if row is None or not delivery.header("lklapi-signature"):
        tell = tell._replace(identity=(*tell.identity, str(delivery.received_at)))
        return tell(OTHER, UNKNOWN, reason=(0, first(code, "no_code")))
    return tell(row.kind, row.result, reason=(0, code), at=delivery.received_at)


def _done(tell: Teller, said: Said, deed: Kind, code: str) -> Event:
    """Tell what became of a deed; a second closing is an error too, and the next question tells."""
    tell = tell._replace(names=(), order="")
    row = EVENTS.get(code)
    result = REFUSED
    if code in DONE:
        result = _RESULTS.get(said.state, PENDING) if deed is REFUND else SUCCEEDED
    elif row is not None and row.result is PENDING:
        result = PENDING
    if deed is CANCEL:
        why = (number("merchant_request" if result is SUCCEEDED else "unlisted"), code)
        return tell(CANCEL, result, reason=why)
    if deed not in (VOID, REFUND):
        return tell(OTHER, UNKNOWN, reason=(0, code))
    operation = first(said.there, said.order, f"{tell.payment}:{deed.name.lower()}")
    why = (number("merchant_refund" if deed is REFUND else "merchant_request"), code)
    why = why if result is not REFUSED else (number("unlisted"), first(code, "no_code"))
    target = f"capture:{said.original_there}" if deed is VOID and said.original_there else ""
    return tell(deed, result, operation, reverses=target, reason=why)
