"""One word for one thing: names that say something, one spelling, nothing left for later."""

import re

from tests.tidy.source import ROOT, SRC, listing, modules, tracked_files

EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "service", "base", "common", "misc"}
LEFT_FOR_LATER = re.compile(r"\b(FIXME|TODO|XXX|HACK)\b")
PRINT = re.compile(r"^\s*print\(")
AMERICAN = re.compile(r"cancel(ed|ing|ation_?able|able)\b|cancelation", re.IGNORECASE)
# Where a platform's own words are at home.
MAY_QUOTE_PLATFORMS = ("sources", "testing")


def _lines_matching(pattern, chosen):
    return [
        f"{module}:{number}: {line.strip()}"
        for module in chosen
        for number, line in enumerate(module.text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_module_names_say_what_is_inside():
    empty = [
        path.relative_to(ROOT)
        for path in sorted(SRC.rglob("*"))
        if path.stem in EMPTY_NAMES and (path.suffix == ".py" or path.is_dir())
    ]
    assert not empty, (
        "These names fit anything. Name each module by the thing that it is about.\n"
        + listing(empty)
    )


def test_nothing_is_left_for_later():
    left = _lines_matching(LEFT_FOR_LATER, modules())
    assert not left, "Do it now, or write an issue and delete the line.\n" + listing(left)


def test_nothing_prints():
    prints = _lines_matching(PRINT, modules())
    assert not prints, (
        "Return a value and let the door show it: cli through Rich, runtime through the log.\n"
        + listing(prints)
    )


def test_cancelled_has_one_spelling():
    ours = [
        module
        for module in modules()
        if not any(f"voidtrail.{room}" in module.name for room in MAY_QUOTE_PLATFORMS)
    ]
    american = _lines_matching(AMERICAN, ours)
    assert not american, (
        "Write `cancelled`, `cancelling`, `cancellation`. A platform's own spelling lives only in "
        "its file in sources/ (and in testing/ and the tests).\n" + listing(american)
    )


def test_tracked_files_are_not_leftovers():
    leftovers = [
        path.relative_to(ROOT)
        for path in tracked_files()
        if path.suffix in {".orig", ".rej", ".bak", ".pyc", ".log"} or path.name.endswith("~")
    ]
    assert not leftovers, "Remove these with `git rm`.\n" + listing(leftovers)
