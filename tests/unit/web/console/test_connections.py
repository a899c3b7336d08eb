"""What the page of connections says in a sentence."""

from types import SimpleNamespace

from voidtrail.runtime.text import speak
from voidtrail.sources.registry import SOURCES
from voidtrail.web.console.connections import MARKS, headline


def one(**more):
    return SimpleNamespace(**{"mode": "live", "sound": True, "pushes": True, "first_at": 1, **more})


def test_the_headline_names_what_is_most_wrong():
    speak("en")
    assert headline([]) == "No account is connected yet."
    assert headline([one()]) == "Every account is connected."
    assert headline([one(first_at=None)]) == "1 account waits for its first genuine delivery."
    assert headline([one(first_at=None, pushes=False)]) == "Every account is connected."
    broken = [one(sound=False), one(sound=False), one(first_at=None)]
    assert headline(broken) == "The secrets of 2 accounts do not stand their self-test."
    assert headline([one(mode="test", sound=False)]) == "Every account is connected."


def test_every_platform_has_a_mark_of_our_own():
    assert {name for name in SOURCES if name not in MARKS} <= {"custom"}
    assert all(len(mark) <= 2 for mark in MARKS.values())
