"""Numbers, money, rates and time as the reader's language writes them (CLDR)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final, Literal, TypeGuard
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.numbers import NumberPattern
from markupsafe import Markup

from voidtrail.event.model import Micros
from voidtrail.insight.rate import Rate
from voidtrail.money import exponent
from voidtrail.runtime.text import _, language, later
from voidtrail.runtime.views.shapes import Amount

_LONG_AGO: Final = timedelta(days=6)
_JUST_NOW: Final = timedelta(seconds=5)
NO_DATA: Final = later("too few to say")
_ENOUGH: Final = 20
_UNITS: Final[tuple[tuple[Literal["hour", "minute"], int], ...]] = (("hour", 3600), ("minute", 60))


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


def locale() -> Locale:
    """Return the locale of the language in use; to look one up by "zh_CN" takes a millisecond."""
    return _locale(language())


def number(value: int | float) -> str:
    """Write a whole number with its groups."""
    return str(numbers.format_decimal(value, locale=locale()))


def times(value: float) -> str:
    """Write a factor with one decimal."""
    return str(numbers.format_decimal(value, format="#,##0.0", locale=locale()))


@lru_cache
def _pattern(locale: str, decimals: int) -> NumberPattern:
    pattern: NumberPattern = copy.copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return pattern


def money(amount: Amount | None) -> str:
    """Write an amount with its currency and that currency's own number of decimals."""
    if amount is None:
        return "–"
    if not amount.currency:
        return _("{number} (no currency given)").format(number=number(amount.minor))
    decimals = exponent(amount.currency)
    if amount.minor < 0:
        return _money(language(), amount.currency, decimals, amount.minor)
    before, after = _around(language(), amount.currency, decimals)
    if not decimals:
        return f"{before}{amount.minor:,}{after}"
    whole, rest = divmod(amount.minor, 10**decimals)
    return f"{before}{whole:,}.{rest:0{decimals}}{after}"


@lru_cache
def _around(name: str, currency: str, decimals: int) -> tuple[str, str]:
    """Return what stands before and after the digits: to apply a pattern takes 80 µs a row."""
    digits = "0." + "0" * decimals if decimals else "0"
    before, _digits, after = _money(name, currency, decimals, 0).partition(digits)
    return before, after


def _money(name: str, currency: str, decimals: int, minor: int) -> str:
    major, spoken = Decimal(minor).scaleb(-decimals), _locale(name)
    said = _pattern(name, decimals).apply(major, spoken, currency=currency, currency_digits=False)
    symbol = numbers.get_currency_symbol(currency, locale=spoken)
    # A symbol that ends in a letter is set apart from the digits (CLDR, alphaNextToNumber).
    return said.replace(symbol, f"{symbol}\u00a0", 1) if symbol[-1].isalpha() else str(said)


def moneys(amounts: Sequence[Amount]) -> str:
    """Write amounts of several currencies beside one another; they are never summed."""
    return " + ".join(money(each) for each in amounts) or "–"


def percent(share: float | None, decimals: int = 1) -> str:
    """Write a share from 0 to 1 as a percentage."""
    if share is None:
        return "–"
    shape = f"#,##0.{'0' * decimals}%" if decimals else "#,##0%"
    return str(numbers.format_percent(share, format=shape, locale=locale()))


def interval(rate: Rate | None) -> str:
    """Write the interval of a rate, as "11.8–13.1"; "" where there is none."""
    if rate is None or rate.low is None or rate.high is None:
        return ""
    low, high = (f"{100 * each:.1f}" for each in (rate.low, rate.high))
    return f"{low}–{high}"


def is_enough(found: Rate | None) -> TypeGuard[Rate]:
    """Whether a rate stands on enough payments to be worth showing."""
    return found is not None and found.value is not None and found.of >= _ENOUGH


def rate(found: Rate | None) -> str:
    """Write a rate with its interval, or say that there is too little to tell."""
    if not is_enough(found):
        return _(NO_DATA)
    return f"{percent(found.value)} ({interval(found)})"


_WALL: Final = len("2026-03-01T12:00:00")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(at: Micros, zone: str) -> datetime:
    return (_EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))


def instant(at: Micros | None, zone: str = "UTC") -> str:
    """Write an instant whole, to the second, with its offset from UTC."""
    if at is None:
        return "–"
    moment = _moment(at, zone)
    offset = moment.isoformat(timespec="seconds")[_WALL:]
    return f"{moment:%Y-%m-%d %H:%M:%S} {offset}"


def iso(at: Micros) -> str:
    """Write an instant for machines, as in the `datetime` of a `time` element."""
    return _moment(at, "UTC").isoformat(timespec="milliseconds")


def clock(at: Micros | None, zone: str = "UTC", seconds: bool = True) -> str:
    """Write the time of day."""
    if at is None:
        return "–"
    return f"{_moment(at, zone):%H:%M:%S}" if seconds else f"{_moment(at, zone):%H:%M}"


def day(on: str) -> str:
    """Write a date given as "2026-03-01"."""
    try:
        found = date.fromisoformat(on)
    except ValueError:
        return on
    return str(dates.format_date(found, "medium", locale=locale()))


def day_of(at: Micros, zone: str = "UTC") -> str:
    """Write the day of an instant."""
    return str(dates.format_date(_moment(at, zone).date(), "medium", locale=locale()))


def stamp(at: Micros, zone: str = "UTC") -> str:
    """Write day and time of day, without the year."""
    return f"{_moment(at, zone):%m-%d %H:%M:%S}"


def ago(at: Micros | None, now: Micros, zone: str = "UTC") -> Markup:
    """Write how long ago (or until when) as an element that shows the exact instant on focus."""
    if at is None:
        return Markup("–")
    delta = timedelta(microseconds=at - now)
    if abs(delta) > _LONG_AGO:
        said = day_of(at, zone)
    elif abs(delta) < _JUST_NOW:
        said = _("just now")
    else:
        said = str(dates.format_timedelta(delta, add_direction=True, format="short",
                                          locale=locale()))  # fmt: skip
    return Markup('<time class="ago" tabindex="0" datetime="{}" data-exact="{}">{}</time>').format(
        iso(at), instant(at, zone), said
    )


def span(seconds: int) -> str:
    """Write how long something lasts, as "15 minutes"."""
    fitting = (name for name, size in _UNITS if seconds >= size and not seconds % size)
    unit: Literal["hour", "minute", "second"] = next(fitting, "second")
    return str(dates.format_timedelta(timedelta(seconds=seconds), granularity=unit, threshold=100,
                                      locale=locale()))  # fmt: skip


def anchor(name: str) -> str:
    """Write a name so that it can be an element's id."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in name)


def filters() -> dict[str, Any]:
    """Return what templates call."""
    return {
        "number": number, "times": times, "money": money, "moneys": moneys, "percent": percent,
        "interval": interval, "rate": rate, "instant": instant, "iso": iso, "clock": clock,
        "day": day, "day_of": day_of, "ago": ago, "span": span, "stamp": stamp, "anchor": anchor,
    }  # fmt: skip
