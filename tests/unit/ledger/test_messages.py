"""The table of messages: order in lanes, and questions that indexes answer however much waits."""

import pytest

from tests.unit.ledger.rig import opened
from voidtrail.errors import LedgerStopped
from voidtrail.ledger.messages import BEHIND, COUNTED_MAX, DEAD, SENT, WAITING, Mark, Message

T0 = 1_760_000_000_000_000
HOUR = 3_600_000_000


@pytest.fixture
def log(tmp_path):
    log = opened(tmp_path / "l.db")
    log.begin()
    yield log
    log.rollback()
    log.close()


def message(key, lane="", target="shop", kind="hook"):
    return Message(0, key, kind, target, lane, b"{}", T0, T0)


def marked(log, key, state=SENT, error="", at=T0):
    found = log.message_by_key(key)
    log.mark([Mark(found.no, state, at, found.tries + 1, error)], at)


def states(log, *keys):
    return [log.message_by_key(key).state for key in keys]


def test_what_is_posted_is_read_back_as_it_was(log):
    assert log.post([message("a", "x")]) == 1
    assert log.message_by_key("a") == message("a", "x")._replace(no=1)


def test_lane_is_released_one_by_one_and_by_dead_letters_too(log):
    log.post([message(key, "x") for key in "abc"])
    assert states(log, *"abc") == [WAITING, BEHIND, BEHIND]
    marked(log, "a", WAITING, "no", T0 + HOUR)
    assert states(log, *"abc") == [WAITING, BEHIND, BEHIND]
    marked(log, "a")
    assert states(log, *"abc") == [SENT, WAITING, BEHIND]
    marked(log, "b", DEAD, "no")
    assert states(log, *"abc") == [SENT, DEAD, WAITING]


def test_dead_letter_sent_again_waits_for_what_is_under_way_and_goes_before_the_rest(log):
    log.post([message(key, "x") for key in "abc"])
    marked(log, "a", DEAD, "no")
    assert log.resend([log.message_by_key("a").no], T0) == 1
    assert states(log, *"abc") == [BEHIND, WAITING, BEHIND]
    marked(log, "b")
    assert states(log, *"abc") == [WAITING, SENT, BEHIND]


def test_targets_are_leapt_over_and_counted_to_a_limit(log):
    log.post([message(f"{target}{n}", target=target) for target in ("a", "b") for n in range(5)])
    log.post([message("z", target="a", kind="alert"), message("y", "x"), message("w", "x")])
    marked(log, "b0", DEAD, "no")
    marked(log, "z", DEAD, "no")
    assert log.message_targets() == [("hook", "a"), ("hook", "b"), ("hook", "shop")]
    assert log.message_load() == [("alert", "a", 0, 1), ("hook", "a", 5, 0), ("hook", "b", 4, 1),
                                  ("hook", "shop", 2, 0)]  # fmt: skip
    assert COUNTED_MAX == 10_000


def test_failing_begins_with_the_first_failure_after_a_success(log):
    log.post([message(key) for key in "abcd"])
    assert log.failing_since("hook", "shop") is None
    marked(log, "a", WAITING, "no", T0 + HOUR)
    assert log.failing_since("hook", "shop") == T0 + HOUR
    marked(log, "b", SENT, at=T0 + 2 * HOUR)
    assert log.failing_since("hook", "shop") is None
    marked(log, "c", DEAD, "no", T0 + 3 * HOUR)
    marked(log, "a", WAITING, "no", T0 + 4 * HOUR)
    assert log.failing_since("hook", "shop") == T0 + 3 * HOUR


@pytest.mark.parametrize(("question", "index"), [
    ("message_targets", "message_due"), ("due_messages", "message_due"),
    ("next_message_at", "message_due"), ("failing_since", "message_failed"),
    ("post", "message_lane"), ("message_load", "message_behind"), ("dead_letters", "message_dead"),
    ("hurry", "message_due"), ("forget_sent", "message_sent"),
])  # fmt: skip
def test_no_question_walks_over_all_messages(log, question, index):
    """What is asked for every message must not grow with how many wait, or were ever sent."""
    log.post([message(f"m{n}", f"l{n % 3}") for n in range(20)])
    asked = []
    log.db.set_trace_callback(asked.append)
    given = {
        "due_messages": ("hook", "shop", T0, 4), "next_message_at": ("hook", "shop"),
        "failing_since": ("hook", "shop"), "post": ([message("new", "l1")],),
        "dead_letters": ("hook", "shop", 4), "hurry": ("hook", "shop", T0),
        "forget_sent": (T0, 4),
    }.get(question, ())  # fmt: skip
    getattr(log, question)(*given)
    log.db.set_trace_callback(None)
    plans = [row[3] for text in asked if not text.startswith("INSERT")
             for row in log.db.execute(f"EXPLAIN QUERY PLAN {text}")]  # fmt: skip
    assert not [plan for plan in plans if "SCAN message" in plan], plans
    assert any(index in plan for plan in plans), plans


def test_disk_that_is_full_stops_the_store(log):
    log.post([message(f"m{n}") for n in range(200)])
    pages = log.db.execute("PRAGMA page_count").fetchone()[0]
    log.db.execute(f"PRAGMA max_page_count = {pages}")
    marks = [Mark(n, WAITING, T0, 1, "x" * 500) for n in range(1, 201)]
    with pytest.raises(LedgerStopped, match="full"):
        log.mark(marks, T0)
    assert log.stopped is not None
