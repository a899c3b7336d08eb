"""Charts as SVG: whole, within their frame, and safe whatever a label holds."""

import re
import xml.etree.ElementTree as ET

import pytest

from voidtrail.web.paper import drawing
from voidtrail.web.paper.drawing import Stop, Words

WORDS = Words("a <title>", "rate", "columns")


def stop(rate=0.2, *, low=None, high=None, settled=True, label="1", payments=10):
    known = rate is not None
    return Stop(label, rate, max(rate - 0.1, 0) if known else None,
                min(rate + 0.1, 1) if known else None, low, high, payments,
                int(payments * (rate or 0)), settled)  # fmt: skip


def drawn(stops, marks=()):
    return ET.fromstring(str(drawing.course(stops, marks, WORDS)))


def tags(root, name):
    return [each for each in root.iter() if each.tag.endswith(f"}}{name}")]


def numbers(root):
    """Every place that is drawn at, as (x, y)."""
    for each in root.iter():
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", each.get("d", "")):
            yield float(x), float(y)
        for x, y in (("cx", "cy"), ("x", "y")):
            if each.get(x) is not None and not each.tag.endswith("}text"):
                yield float(each.get(x)), float(each.get(y))


@pytest.mark.parametrize("rates", [[0.0], [1.0], [0.001, 0.9], [0.2] * 31, [None, 0.3, None]])
def test_everything_lies_within_the_frame(rates):
    root = drawn([stop(rate, low=0.05, high=0.4) for rate in rates])
    _, _, width, height = map(float, root.get("viewBox").split())
    for x, y in numbers(root):
        assert 0 <= x <= width
        assert 0 <= y <= height


def test_there_is_a_dot_for_each_rate_and_a_gap_where_nothing_began():
    root = drawn([stop(0.2), stop(None, payments=0), stop(0.3), stop(0.4)])
    assert len(tags(root, "circle")) == 3
    (line,) = [p.get("d") for p in tags(root, "path") if p.get("stroke-width") == "1.5"]
    assert (line.count("M"), line.count("L")) == (2, 1)


def test_what_still_grows_is_hollow():
    root = drawn([stop(0.2), stop(0.2, settled=False)])
    assert [each.get("fill") for each in tags(root, "circle")] == [drawing.ACCENT, "#ffffff"]


def test_expectation_is_one_area_for_each_run_of_known_steps():
    known, unknown = stop(low=0.1, high=0.3), stop()
    root = drawn([known, known, unknown, known])
    areas = [p for p in tags(root, "path") if p.get("fill") == drawing.BAND]
    assert len(areas) == 2


def test_marks_and_labels_say_what_they_say_and_nothing_is_markup():
    root = drawn([stop(label="<b>"), stop()], [(0, 1, "fault: a & b")])
    said = [each.text for each in tags(root, "text")]
    assert "<b>" in said
    assert "fault: a & b" in said
    assert root.get("aria-label") == "a <title>"


def test_many_steps_have_few_labels():
    root = drawn([stop(label=f"day {n}") for n in range(31)])
    days = [each.text for each in tags(root, "text") if each.text.startswith("day")]
    assert 6 <= len(days) <= 12


def test_shares_fill_the_bar_by_their_counts():
    root = ET.fromstring(str(drawing.shares([("paid", 30), ("cancelled", 10)], "x")))
    wide = [float(each.get("width")) for each in tags(root, "rect")]
    assert wide == pytest.approx([539, 179], abs=1)


def test_a_bar_has_a_whisker_if_its_interval_is_known():
    assert "path" not in drawing.bar(3, 4)
    whisker = drawing.bar(0.2, 0.5, low=0.1, high=0.9)
    assert "M40.0 8H200.0" in whisker, "cut at the edge"
    assert 'fill="#116bb5"' in drawing.bar(1, 1, outcome="merchant_voided")
    assert drawing.OUTCOMES["paid"] in drawing.swatch("paid")
