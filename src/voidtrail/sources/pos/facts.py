"""What an ISO 8583 message says: which transaction it is, which slip, when, and about what.

A slip (one transaction of one terminal) is named by terminal, merchant, batch and trace number in
the UnionPay dialect, by acquirer, transmission time and trace number in the international ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from voidtrail.event.account import Account
from voidtrail.event.model import Kind, Micros
from voidtrail.money import currency_code
from voidtrail.sources import reading
from voidtrail.sources.contract import ReasonRow
from voidtrail.sources.pos.wire import Message
from voidtrail.sources.telling import AUTHORISE, CAPTURE, REFUND, VOID

_DAY_S: Final = 86_400
_LATE_S: Final = 31 * _DAY_S
"""An older instant than this before its receipt is taken for a wrong clock."""
_CUP_DOC: Final = "UnionPay Q/CUP 009, POS terminal specification"
_ISO_DOC: Final = "ISO 8583:1987"


class Deal(NamedTuple):
    """A transaction of a terminal.

    Attributes:
        kind: of what it does, if it is approved.
        of: kind of the operation that it undoes, for voids.
        starts: whether a payment begins with it.
        document: where it is described.
    """

    kind: Kind
    of: str = ""
    starts: bool = False
    document: str = _CUP_DOC + ", DE60.1"


DEALS: Final[Mapping[str, Deal]] = {
    "10": Deal(AUTHORISE, starts=True),  # 预授权
    "11": Deal(VOID, "authorise"),  # 预授权撤销
    "20": Deal(CAPTURE),  # 预授权完成
    "21": Deal(VOID, "capture"),  # 预授权完成撤销
    "22": Deal(CAPTURE, starts=True),  # 消费
    "23": Deal(VOID, "capture"),  # 消费撤销
    "24": Deal(CAPTURE, document=_CUP_DOC + ", DE60.1 (unconfirmed)"),  # 预授权完成通知
    "25": Deal(REFUND),  # 退货
    "30": Deal(CAPTURE, starts=True, document=_CUP_DOC + ", DE60.1 (unconfirmed)"),  # 离线结算
    "36": Deal(CAPTURE, starts=True, document=_CUP_DOC + ", DE60.1 (unconfirmed)"),  # 脱机消费
    "intl/01": Deal(AUTHORISE, starts=True, document=_ISO_DOC + ", MTI x1xx, DE3 00, 01, 09"),
    "intl/02": Deal(CAPTURE, starts=True, document=_ISO_DOC + ", MTI x2xx, DE3 00, 01, 09"),
    "intl/completion": Deal(CAPTURE, document=_ISO_DOC + ", MTI x2xx with DE90"),
    "intl/20": Deal(REFUND, document=_ISO_DOC + ", DE3 20"),
}
"""Transactions by DE60.1; in other dialects by message class and processing code."""
_BY_CODES: Final = {
    ("01", "03", "06"): "10", ("01", "20", "06"): "11", ("02", "00", "06"): "20",
    ("02", "20", "06"): "21", ("02", "00", "00"): "22", ("02", "20", "00"): "23",
}  # fmt: skip
"""By class, processing code and DE25, for messages without DE60.1."""

APPROVED: Final = frozenset({"00", "10", "11", "16", "A2", "A3", "A4", "A5", "A6"})
REVERSED: Final = frozenset({"00", "25", "12", "A2", "A3", "A4", "A5", "A6"})
"""Answers after which a reversal need not be repeated: done, or never booked (12: unconfirmed)."""
REASONS: Final[Mapping[str, ReasonRow]] = reading.reason_rows(
    _CUP_DOC + ", DE39",
    """
    customer_request: answer/17 reversal/17
    reversed_unanswered: reversal/98 reversal/A0 reversal/68
    reversed_by_terminal: reversal/96 reversal/06 reversal/22
    merchant_request: void/
    merchant_refund: refund/
    declined: answer/01 answer/05 answer/13 answer/25
    insufficient_funds: answer/51
    card_expired: answer/54
    card_data_wrong: answer/14 answer/15
    authentication_failed: answer/38 answer/55 answer/75
    card_lost_or_stolen: answer/04 answer/07 answer/33 answer/35 answer/36 answer/37 answer/41
    card_lost_or_stolen: answer/43
    issuer_suspects_fraud: answer/34
    limit_exceeded: answer/61 answer/65
    not_permitted: answer/03 answer/12 answer/40 answer/45 answer/57 answer/58 answer/62
    issuer_unavailable: answer/91 answer/98
    platform_fault: answer/22 answer/30 answer/77 answer/90 answer/92 answer/96 answer/97
    duplicate: answer/94
    network_fault: answer/68 answer/99 answer/A0
    """,
)


class Slip(NamedTuple):
    """What a message is about.

    Attributes:
        own: reference of this transaction; an answer and a reversal have that of their request.
        original: reference of the slip that it refers to; "" if none.
        names: other references of the payment.
    """

    own: str
    original: str
    names: tuple[str, ...]


def is_cup(message: Message) -> bool:
    """Whether a message is of the UnionPay terminal dialect."""
    return message.dialect.packed


def deal_of(message: Message) -> str:
    """Return the word of a transaction in `DEALS`, or how it is written if it is not there."""
    kind, processing = message.mti[1:3].rjust(2, "0"), message.get(3)[:2]
    family = "0" + kind[0]
    if family == "04":  # a reversal repeats what it reverses
        family = "01" if _original_mti(message)[1:2] == "1" else "02"
    if is_cup(message):
        stated = message.get(60)[:2]
        if stated:
            return stated
        if family == "02" and message.mti[:3] == "022" and processing == "20":
            return "25"
        return _BY_CODES.get((family, processing, message.get(25)), f"{family}/{processing}")
    if processing == "20":
        return "intl/20"
    if processing not in ("00", "01", "09"):
        return f"intl/{family}/{processing}"
    if family == "02" and not is_reversal(message) and message.get(90):
        return "intl/completion"
    return f"intl/{family}"


def _original_mti(message: Message) -> str:
    stated = message.get(90)[:4]
    if stated:
        return stated
    return "0100" if message.get(3)[:2] == "03" or message.get(60)[:2] in ("10", "11") else "0200"


def is_reversal(message: Message) -> bool:
    """Whether it is a reversal or the answer to one."""
    return message.mti[1] == "4"


def is_answer(message: Message) -> bool:
    """Whether it is an answer: its third digit is odd, that of what it answers is even."""
    return message.mti[2] in "13579"


def slip_of(message: Message) -> Slip | None:
    """Return what a message is about; None if it names no trace number."""
    trace = message.get(11)
    if not trace:
        return None
    terminal, merchant = message.get(41), message.get(42)
    names = []
    if is_cup(message):
        own = _reference(terminal, merchant, message.get(60)[2:8], trace)
        original = _original(message, terminal, merchant)
        code = message.get(38)
        on = message.get(13) or message.get(61)[12:16]
        if code and on and deal_of(message) in ("10", "11", "20", "24"):
            names.append(_reference("auth", merchant, on, code))
    else:
        own = _reference(message.get(32).lstrip("0"), message.get(7), trace)
        data = message.get(90)
        is_named = data[4:10].strip("0") != ""
        acquirer = data[20:31].strip().lstrip("0")
        original = _reference(acquirer, data[10:20], data[4:10]) if is_named else ""
    retrieval = message.get(37)
    if retrieval.strip("0"):
        names.append(_reference("rrn", merchant, retrieval))
    return Slip(own, original, tuple(names))


def _original(message: Message, terminal: str, merchant: str) -> str:
    """Return the slip that DE61 names.

    A refund may be made at another terminal, of which DE61 says nothing: DE37 names its original.
    """
    if deal_of(message) == "25" and message.get(37).strip("0"):
        return ""
    batch, trace = message.get(61)[:6], message.get(61)[6:12]
    return _reference(terminal, merchant, batch, trace) if trace.strip("0") else ""


def _reference(*parts: str) -> str:
    return "-".join(part.replace(" ", "") for part in parts)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | timezone:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return timezone(timedelta(hours=8))


def instant_of(message: Message, zone: str, received_at: Micros) -> Micros | None:
    """Return when the terminal or the host says it was, by DE12 and DE13.

    No year stands there: it is the one that brings the instant nearest to its receipt. More than a
    day after the receipt, or long before it, the clock is wrong and None is returned.
    """
    date, clock = message.get(13), message.get(12)
    if not (len(date) == 4 and len(clock) == 6 and (date + clock).isdigit() and date.isascii()):
        return None
    received = datetime.fromtimestamp(received_at // 1_000_000, UTC)
    best: datetime | None = None
    for year in (received.year - 1, received.year, received.year + 1):
        try:
            moment = datetime(
                year, int(date[:2]), int(date[2:]), int(clock[:2]), int(clock[2:4]),
                int(clock[4:]), tzinfo=_zone(zone),
            )  # fmt: skip
        except ValueError:  # no such day in this year, or no such time at all
            continue
        if best is None or abs(moment - received) < abs(best - received):
            best = moment
    if best is None or best - received > timedelta(seconds=_DAY_S):
        return None
    if received - best > timedelta(seconds=_LATE_S):
        return None
    return int(best.timestamp()) * 1_000_000


def amount_of(message: Message, number: int = 4) -> int | None:
    """Return an amount in minor units, None if it is absent or no number."""
    text = message.get(number)[:12]
    return int(text) if len(text) == 12 and text.isascii() and text.isdigit() else None


def currency_of(message: Message, account: Account) -> str:
    """Return the currency of DE49, or the account's own; "" if neither is known."""
    stated = message.get(49)
    if not stated:
        return account.options.get("currency", "")
    try:
        return currency_code(int(stated)) if stated.isdigit() else ""
    except KeyError:
        return ""


def order_of(message: Message, account: Account) -> str:
    """Return the merchant's order number, where the account's options say that it stands."""
    place = account.options.get("order_field", "")
    if not place.isdigit():
        return ""
    text = message.get(int(place))
    known = message.dialect.fields.get(int(place))
    if known is not None and known.kind == "b":
        text = bytes.fromhex(text).decode("ascii", "replace")
    before = account.options.get("order_prefix", "")
    _, found, behind = text.partition(before) if before else ("", "x", text)
    words = behind.split()
    order = words[0].strip("\x00\ufffd") if found and words else ""
    return order if order.isprintable() and len(order) <= 64 else ""
