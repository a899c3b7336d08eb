"""Findings as sentences: the overview's first line, and a payment's verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from voidtrail.event.model import Micros
from voidtrail.runtime.text import _, label, language, later, several
from voidtrail.runtime.views.overview_shapes import Sentence
from voidtrail.runtime.views.shapes import Amount, PaymentRow
from voidtrail.web.console.formats import clock, day_of, money, moneys, number, times

_BY_HOW: Final[Mapping[str, str]] = {
    "customer_cancelled": later("The customer called this payment off."),
    "abandoned": later("The customer left without paying."),
    "expired": later("Time ran out before it was paid."),
    "gave_up_after_decline": later("It was declined, and the customer gave up."),
    "gave_up_after_fault": later("A fault stood in the way, and the customer gave up."),
    "merchant_voided": later("The shop called this payment off."),
    "platform_closed": later("The platform closed this payment."),
    "reversed": later("This payment was reversed."),
    "refunded_in_full": later("This payment was refunded in full."),
    "duplicate": later("This was a second payment for the same thing, and was called off."),
    "superseded": later("Another payment took the place of this one."),
    "unstated": later("The books say that it was called off, and nobody says how."),
}
_BY_STATE: Final[Mapping[str, str]] = {
    "open": later("This payment is still open."),
    "paid": later("This payment was paid."),
    "declined": later("This payment was declined; the customer may try again."),
    "failed": later("This payment failed; the customer may try again."),
    "unknown": later("What became of this payment is not known."),
}


class Marks(NamedTuple):
    """How a language sets sentences apart, lists things and ends."""

    gap: str
    comma: str
    stop: str


_MARKS: Final[Mapping[str, Marks]] = {"en": Marks(" ", ", ", "."), "zh_CN": Marks("", "、", "。")}
_SEALED: Final = later("It can no longer be paid.")
_UNSEALED: Final = later("Nobody has said that it can no longer be paid.")


def verdict(row: PaymentRow, legs: Mapping[str, Amount]) -> str:
    """Say what became of a payment and of its money, in one breath.

    Args:
        row: the payment.
        legs: its money by leg: "captured", "returned", "withdrawn", "held", "net".
    """
    cancelled = row.state == "cancelled"
    first = _BY_HOW.get(row.how) if cancelled else _BY_STATE[row.state]
    said = [_(first or later("This payment was called off.")), _money(row, legs)]
    if cancelled and row.money not in ("returned", "partly_returned"):
        said.append(_(_SEALED) if row.sealed else _(_UNSEALED))
    return _MARKS[language()].gap.join(part for part in said if part)


def _money(row: PaymentRow, legs: Mapping[str, Amount]) -> str:
    if row.money == "none":
        return "" if row.state == "open" else _("No money was taken.")
    if row.money == "held":
        return _("{amount} is still held.").format(amount=money(legs.get("held") or row.amount))
    if row.money == "taken":
        return _("The shop has {amount}.").format(amount=money(legs.get("net") or row.amount))
    back = [legs[name] for name in ("returned", "withdrawn") if name in legs and legs[name].minor]
    if row.money == "partly_returned":
        return _("{back} went back, the shop keeps {rest}.").format(
            back=moneys(back), rest=money(legs.get("net")))  # fmt: skip
    return _("{back} went back to the customer.").format(back=moneys(back) if back else
                                                         money(row.amount))  # fmt: skip


def headline(found: Sentence, today: bool, zone: str, now: Micros, *, daily: bool = False) -> str:
    """Say the overview in one sentence.

    Args:
        found: its parts.
        today: the period is the present day.
        zone: in which to write instants.
        now: the present.
        daily: it was counted by day, so that no time of day can be told.
    """
    if found.kind == "nothing":
        return (_("No payment has begun today.") if today
                else _("No payment began in this period."))  # fmt: skip
    counts = several(
        "{called_off} of {payments} payment was called off",
        "{called_off} of {payments} payments were called off", found.payments,
    ).format(called_off=number(found.called_off), payments=number(found.payments))  # fmt: skip
    where, since = _where(found), _since(found.since_at, zone, now, daily=daily)
    if found.kind in ("higher", "lower") and found.times is not None:
        said = _("{since}{where} are called off {times} times as often as usual; {counts}")
        return _stop(_capital(said.format(since=since, where=where, times=times(found.times),
                                          counts=counts)))  # fmt: skip
    ends = {
        "few": _("{counts}: too few to say whether that is usual"),
        "usual": _("{counts}, as usual"),
        "unknown": _("{counts}; there are no earlier weeks to compare with yet"),
    }
    return _stop(_capital(ends.get(found.kind, "{counts}").format(counts=counts)))


def at_risk(amounts: tuple[Amount, ...], count: int) -> str:
    """Say what can still be saved."""
    if not count:
        return _("Nothing waits to be saved.")
    return several("{count} payment of {amounts} can still be saved.",
                   "{count} payments of {amounts} can still be saved.", count,
                   ).format(count=number(count), amounts=moneys(amounts))  # fmt: skip


def _where(found: Sentence) -> str:
    said = [label("source", found.source)] if found.source else []
    if found.method:
        said.append(label("method", found.method))
    if found.shop:
        said.append(found.shop)
    if not said:
        return _("payments")
    return _("payments by {where}").format(where=_MARKS[language()].comma.join(said))


def _since(at: Micros | None, zone: str, now: Micros, *, daily: bool) -> str:
    if at is None:
        return ""
    if daily:
        return _("since {day}, ").format(day=day_of(at, zone))
    if day_of(at, zone) == day_of(now, zone):
        return _("since {clock} today, ").format(clock=clock(at, zone, seconds=False))
    return _("since {clock} on {day}, ").format(clock=clock(at, zone, seconds=False),
                                                day=day_of(at, zone))  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _stop(text: str) -> str:
    return text + _MARKS[language()].stop
