"""What a delivery of a described platform says, by the description's tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from voidtrail.event.codec import OPERATIONS
from voidtrail.event.model import Channel, Event, Kind, Method, Micros, Result, Via
from voidtrail.event.reason import number
from voidtrail.money import currency_code, currency_number, minor_from_major
from voidtrail.sources.contract import ReasonRow, Translation, first, unreadable
from voidtrail.sources.custom.description import Meaning
from voidtrail.sources.custom.wire import Message, instant
from voidtrail.sources.telling import CUMULATIVE, OTHER, OWN, SUCCEEDED, UNKNOWN, Teller

REASONS: Final[Mapping[str, ReasonRow]] = {}
"""Empty: a description names standard reasons."""

_MAJOR: Final = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_MINOR: Final = re.compile(r"\d{1,18}", re.ASCII)
_TEST: Final = frozenset({"true", "1", "test", "sandbox"})
_TRIED: Final = (Kind.AUTHORISE, Kind.CAPTURE)


class NotStated(ValueError):
    """A value that cannot be read; the message is its place."""


def facts(message: Message) -> Translation:
    """Tell what one delivery says; of what no table lists, that it came."""
    said = message.description
    fields = said.fields
    if not message.is_readable:
        return unreadable("body", f"the body is no {said.body} of {said.title}")
    for place, value in said.expect.items():
        if message.value(place) != value:
            return unreadable(place, "the delivery belongs to another account")
    payment = message.value(fields.payment)
    if not payment:
        return unreadable(fields.payment, "the delivery names no payment")
    word = _status(message)
    meaning = said.status.get(word)
    try:
        currency = _currency(message)
        amount = _amount(message, meaning, currency)
    except NotStated as error:
        return unreadable(str(error), "not an amount in the unit and currency described")
    operation = _own(message, meaning, "operation")
    at = instant(_own(message, meaning, "at"), said.zone)
    asked = message.delivery.via is Via.ASKED
    tell = Teller(
        REASONS,
        _identity(message, payment, word, operation, meaning),
        payment,
        _told_at(message, at),
        tuple(dict.fromkeys(name for place in fields.names
                            if (name := message.value(place)) and name != payment)),
        first(message.value(fields.order), payment if not fields.order else ""),
        currency,
        message.delivery.via,
        Method[said.method.upper()],
        Channel[said.channel.upper()],
        message.value(fields.customer),
        test=message.value(fields.test).lower() in _TEST,
        life=not asked,
        merchant=message.value(fields.merchant),
    )  # fmt: skip
    if meaning is None:
        return [tell(OTHER, UNKNOWN, reason=(0, word))]
    return [_fact(tell, message, meaning, operation, amount)]


def _fact(
    tell: Teller, message: Message, meaning: Meaning, operation: str, amount: int | None
) -> Event:
    kind, result = Kind[meaning.kind], Result[meaning.result]
    why = _why(message, meaning, result)
    tag = CUMULATIVE if meaning.cumulative else OWN
    if kind not in OPERATIONS:
        return tell(kind, result, "", amount, reason=why)
    operation = operation or tell.payment
    if meaning.reverses:
        target = f"{meaning.reverses}:{operation}"
        return tell(kind, result, f"{operation}:undone", amount, tag, reverses=target, reason=why)
    return tell(kind, result, operation, amount, tag, reason=why)


def _why(message: Message, meaning: Meaning, result: Result) -> tuple[int, str]:
    """Return the reason of the platform's code, else the one of the status."""
    code = message.value(message.description.fields.reason)
    slug = message.description.reasons.get(code, "")
    if slug:
        return number(slug), code
    if meaning.reason:
        return number(meaning.reason), code or _status(message)
    if code:
        return number("unlisted"), code
    unstated = Kind[meaning.kind] in _TRIED and result is SUCCEEDED
    return 0, "" if unstated else _status(message)


def _status(message: Message) -> str:
    places = message.description.fields.status
    if isinstance(places, str):
        return message.value(places)
    return "/".join(message.value(place) for place in places)


def _place(message: Message, meaning: Meaning | None, name: str) -> str:
    """Return where a status keeps a value: at a place of its own, or at the usual one."""
    own: str = getattr(meaning, name, "")
    usual: str = getattr(message.description.fields, name)
    return own or usual


def _own(message: Message, meaning: Meaning | None, name: str) -> str:
    return message.value(_place(message, meaning, name))


def _identity(
    message: Message, payment: str, word: str, operation: str, meaning: Meaning | None
) -> tuple[str, ...]:
    amount = _own(message, meaning, "amount")
    more = tuple(message.value(place) for place in message.description.identity)
    asked = "answer" if message.delivery.via is Via.ASKED else ""
    return (asked, payment, word, operation, amount, *more)


def _told_at(message: Message, at: Micros | None) -> Micros:
    """Return the fact's instant, else the signed one, else when it was received."""
    stamp = message.description.timestamp
    if at is None and stamp is not None:
        at = instant(message.value(stamp.at), message.description.zone)
    return message.delivery.received_at if at is None else at


def _currency(message: Message) -> str:
    said = message.description
    text = first(message.value(said.fields.currency), said.currency)
    found = _iso(text)
    if text and not found:
        raise NotStated(said.fields.currency)
    return found


@lru_cache(maxsize=256)
def _iso(text: str) -> str:
    """Return the alphabetic code of "cny", "CNY" or "156"; "" for anything else."""
    try:
        if text.isascii() and text.isdigit() and len(text) <= 3:
            return currency_code(int(text))
        currency_number(text.upper())
    except (KeyError, ValueError):
        return ""
    return text.upper()


def _amount(message: Message, meaning: Meaning | None, currency: str) -> int | None:
    said = message.description
    place = _place(message, meaning, "amount")
    text = message.value(place)
    if not text:
        return None
    if said.amount_unit == "minor":
        if not _MINOR.fullmatch(text):
            raise NotStated(place)
        return int(text)
    try:
        if not _MAJOR.fullmatch(text):
            raise NotStated(place)
        return minor_from_major(text, currency)
    except ValueError:
        raise NotStated(place) from None
