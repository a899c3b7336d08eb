"""Overviews made by hand."""

from tests.unit.web.console.rows import BEGAN
from voidtrail.insight.rate import wilson
from voidtrail.runtime.views.overview_shapes import AtRisk, Overview, Period, Point, Sentence

HOUR = 3_600_000_000
START = BEGAN


def point(step, payments, called_off, *, low=None, high=None, settled=True, still_open=0):
    """Return the step-th hour from noon on."""
    rate = called_off / payments if payments else None
    rate_low, rate_high = wilson(called_off, payments) if payments else (None, None)
    return Point(
        at=START + step * HOUR, payments=payments, called_off=called_off, open=still_open,
        rate=rate, rate_low=rate_low, rate_high=rate_high, low=low, high=high, settled=settled,
    )  # fmt: skip


def overview(**changes):
    """Return an overview in which nothing happened, with changes."""
    said = {
        "period": Period(since="2026-03-17", until="2026-03-17", from_at=None, to_at=None,
                         zone="Asia/Shanghai"),
        "counted_at": START, "age_s": 0.0, "pending": False,
        "sentence": Sentence(kind="nothing", called_off=0, payments=0), "tiles": (),
        "step": "hour", "series": (), "marks": (), "breakdowns": (),
        "at_risk": AtRisk(count=0, amounts=(), largest=()), "quarantined": 0, "conflicts": 0,
        "latest_on": "", "report": {},
    }  # fmt: skip
    return Overview(**{**said, **changes})
