"""Charts as SVG, drawn on the server: the same on a screen, in a mail and on paper.

Colours stand in attributes, since a chart may be taken out of its page; they are those of the
console's light tokens. Every chart has a title for whoever cannot see it, and a table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

INK: Final = "#1a2029"
SOFT: Final = "#525862"
LINE: Final = "#d8dbe0"
ACCENT: Final = "#075a8e"
BAND: Final = "#deedfb"
COLUMN: Final = "#c3c8d0"
OUTCOMES: Final = {
    "paid": "#1c7b5a", "customer_cancelled": "#d67523", "abandoned": "#495363",
    "expired": "#8799b8", "platform_closed": "#8799b8", "declined": "#68449c",
    "gave_up_after_decline": "#68449c", "failed": "#cda53a", "gave_up_after_fault": "#cda53a",
    "merchant_voided": "#116bb5", "duplicate": "#116bb5", "superseded": "#116bb5",
    "reversed": "#4db4cc", "refunded_in_full": "#004e53", "open": "#83868c",
    "unknown": "#b9bcc2", "unstated": "#b9bcc2", "cancelled": ACCENT, "accent": ACCENT,
}  # fmt: skip
"""The colour of every outcome; what is not named is `accent`."""
FONTS: Final = "Noto Sans SC, Noto Sans CJK SC, PingFang SC, Microsoft YaHei, Noto Sans, sans-serif"

_WIDTH: Final = 720
_LEFT: Final = 46
_RIGHT: Final = 10
_TOP: Final = 20
_RATES: Final = 168
_GAP: Final = 26
_COLUMNS: Final = 44
_FOOT: Final = 22
_LABELS_MOST: Final = 12
_STEPS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)


class Stop(NamedTuple):
    """One step of a course.

    Attributes:
        label: under the axis.
        rate, rate_low, rate_high: with its interval; None without payments.
        low, high: where it was expected; None if unknown.
        payments, called_off: columns below.
        settled: it hardly grows any more.
    """

    label: str
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    low: float | None
    high: float | None
    payments: int
    called_off: int
    settled: bool


class _Axes(NamedTuple):
    """Where a step and a rate lie; `top` is the rate at the upper edge."""

    wide: float
    top: float

    def x(self, place: int) -> float:
        return _LEFT + (place + 0.5) * self.wide

    def y(self, rate: float) -> float:
        return _TOP + _RATES * (1 - rate / self.top)


class Words(NamedTuple):
    """What a course says: its title for whoever cannot see it, and the names of its axes."""

    title: str
    rate: str
    columns: str


def course(stops: Sequence[Stop], marks: Sequence[tuple[int, int, str]], words: Words) -> Markup:
    """Draw a rate over time with intervals and expectation, and columns of counts below it.

    Args:
        stops: in order, at least one.
        marks: (first stop, last stop, what) of things that happened.
        words: in the reader's language.
    """
    top, step = _scale(stops)
    axes = _Axes((_WIDTH - _LEFT - _RIGHT) / len(stops), top)
    height = _TOP + _RATES + _GAP + _COLUMNS + _FOOT
    parts = [_grid(top, step, words.rate), *_happened(marks, axes.wide), *_expected(stops, axes)]
    parts += _rates(stops, axes)
    parts += _columns(stops, axes, words.columns)
    parts += [
        _text(axes.x(place), height - 6, stop.label, anchor="middle")
        for place, stop in enumerate(stops) if place % _every(stops) == 0
    ]  # fmt: skip
    return _svg(_WIDTH, height, words.title, parts)


def _every(stops: Sequence[Stop]) -> int:
    return -(-len(stops) // _LABELS_MOST)


def _scale(stops: Sequence[Stop]) -> tuple[float, float]:
    """Return the top of the axis and the step of its lines."""
    known = [
        value for stop in stops
        for value in (stop.rate, stop.high, min(stop.rate_high or 0, 2 * (stop.rate or 0)))
        if value is not None
    ]  # fmt: skip
    most = max([0.01, *known])
    step = next((each for each in _STEPS if most / each <= 5), _STEPS[-1])
    lines = -(-most // step)
    return min(1.0, step * lines), step


def _grid(top: float, step: float, name: str) -> str:
    drawn, lines = [], round(top / step)
    for line in range(lines + 1):
        at = _TOP + _RATES * (1 - line / lines)
        drawn.append(f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="{LINE}"/>')
        value = 100 * step * line
        drawn.append(_text(_LEFT - 6, at + 3.5, f"{value:g}%", anchor="end"))
    drawn.append(_text(_LEFT, _TOP - 10, name))
    return "".join(drawn)


def _happened(marks: Sequence[tuple[int, int, str]], wide: float) -> list[str]:
    drawn = []
    for first, last, what in marks:
        left, right = _LEFT + first * wide, _LEFT + (last + 1) * wide
        drawn.append(
            f'<rect x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" height="{_RATES}" '
            f'fill="#fbf3dd"/>'
        )
        anchor = "end" if left > _WIDTH / 2 else "start"
        drawn.append(_text(right if anchor == "end" else left, _TOP + 11, what, anchor=anchor))
    return drawn


def _expected(stops: Sequence[Stop], axes: _Axes) -> list[str]:
    """Draw where the rate was expected, as one area a run of known stops."""
    drawn, over, under = [], "", ""
    half = axes.wide / 2
    for place, stop in [*enumerate(stops), (len(stops), None)]:
        if stop is not None and stop.low is not None and stop.high is not None:
            left, right = axes.x(place) - half, axes.x(place) + half
            high, low = axes.y(min(stop.high, axes.top)), axes.y(stop.low)
            over += f"{'L' if over else 'M'}{left:.1f} {high:.1f}L{right:.1f} {high:.1f}"
            under = f"L{right:.1f} {low:.1f}L{left:.1f} {low:.1f}{under}"
        elif over:
            drawn.append(f'<path d="{over}{under}Z" fill="{BAND}"/>')
            over = under = ""
    return drawn


def _rates(stops: Sequence[Stop], axes: _Axes) -> list[str]:
    drawn, line, joined = [], "", False
    for place, stop in enumerate(stops):
        if stop.rate is not None:
            line += f"{'L' if joined else 'M'}{axes.x(place):.1f} {axes.y(stop.rate):.1f}"
        joined = stop.rate is not None
    if line:
        drawn.append(f'<path d="{line}" fill="none" stroke="{ACCENT}" stroke-width="1.5"/>')
    for place, stop in enumerate(stops):
        if stop.rate is None or stop.rate_low is None or stop.rate_high is None:
            continue
        at, low, high = axes.x(place), axes.y(stop.rate_low), axes.y(min(stop.rate_high, axes.top))
        drawn.append(f'<path d="M{at:.1f} {low:.1f}V{high:.1f}" stroke="{ACCENT}" opacity=".45"/>')
        fill = ACCENT if stop.settled else "#ffffff"
        drawn.append(f'<circle cx="{at:.1f}" cy="{axes.y(stop.rate):.1f}" r="3" fill="{fill}" '
                     f'stroke="{ACCENT}" stroke-width="1.5"/>')  # fmt: skip
    return drawn


def _columns(stops: Sequence[Stop], axes: _Axes, name: str) -> list[str]:
    most = max([1, *(stop.payments for stop in stops)])
    foot = _TOP + _RATES + _GAP + _COLUMNS
    width = min(axes.wide * 0.7, 26)
    drawn = [_text(_LEFT, foot - _COLUMNS - 5, name)]
    for place, stop in enumerate(stops):
        for count, colour in ((stop.payments, COLUMN), (stop.called_off, ACCENT)):
            tall = _COLUMNS * count / most
            drawn.append(f'<rect x="{axes.x(place) - width / 2:.1f}" y="{foot - tall:.1f}" '
                         f'width="{width:.1f}" height="{tall:.1f}" fill="{colour}"/>')  # fmt: skip
    drawn.append(f'<path d="M{_LEFT} {foot}H{_WIDTH - _RIGHT}" stroke="{SOFT}"/>')
    drawn.append(_text(_LEFT - 6, foot - _COLUMNS + 4, f"{most:,}", anchor="end"))
    return drawn


def shares(parts: Sequence[tuple[str, int]], title: str) -> Markup:
    """Draw counts as one bar divided by outcome; `parts` are (outcome, count), in order."""
    total = sum(count for _, count in parts) or 1
    drawn, left = [], 0.0
    for outcome, count in parts:
        wide = _WIDTH * count / total
        drawn.append(f'<rect x="{left:.1f}" y="0" width="{max(wide - 1, 0.5):.1f}" height="26" '
                     f'fill="{OUTCOMES.get(outcome, ACCENT)}"/>')  # fmt: skip
        left += wide
    return _svg(_WIDTH, 26, title, drawn)


def bar(value: float, top: float, *, low: float | None = None, high: float | None = None,
        outcome: str = "accent") -> Markup:  # fmt: skip
    """Draw one value beside its row of a table, with its interval as a whisker if it has one."""
    wide, scale = 200, 200 / (top or 1)
    drawn = [f'<rect x="0" y="4" width="{wide}" height="8" rx="1" fill="#eef0f3"/>']
    drawn.append(f'<rect x="0" y="3" width="{min(value * scale, wide):.1f}" height="10" rx="1" '
                 f'fill="{OUTCOMES.get(outcome, ACCENT)}"/>')  # fmt: skip
    if low is not None and high is not None:
        left, right = low * scale, min(high * scale, wide)
        drawn.append(f'<path d="M{left:.1f} 8H{right:.1f}M{left:.1f} 4V12M{right:.1f} 4V12" '
                     f'stroke="{INK}" fill="none" stroke-width="1.2"/>')  # fmt: skip
    return _svg(wide, 16, "", drawn)


def swatch(outcome: str) -> Markup:
    """Draw the colour of an outcome for a key."""
    return _svg(10, 10, "", [f'<rect width="10" height="10" rx="2" '
                             f'fill="{OUTCOMES.get(outcome, ACCENT)}"/>'])  # fmt: skip


def _text(x: float, y: float, words: str, *, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="10.5" fill="{SOFT}" text-anchor="{anchor}" '
        f'font-family="{FONTS}">{escape(words)}</text>'
    )


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> Markup:
    named = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" {named}>{"".join(parts)}</svg>'
    )
