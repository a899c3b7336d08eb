"""What must hold of time in every store of the ledger: silence, questions, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from voidtrail.event.model import Kind, Method, Result, Role
from voidtrail.ledger.contract import TEST
from voidtrail.lifecycle.verdict import VERDICT, State
from voidtrail.testing.ledger_rig import (
    ASKABLE_NO,
    HOUR,
    T0,
    Store,
    begun,
    item,
    money,
    put,
    statement,
    tick,
    verdict,
    whole,
)


def check_silence_is_judged_by_the_ledgers_clock(store: Store) -> None:
    """A payment becomes due when its patience ends, is abandoned by a tick, and may come back."""
    log = store.open()
    begun(log).control([("tick", "{}")], T0)
    log.commit()
    opened_at = statement(method=Method.WECHAT_QR)
    put(log, item(store, opened_at))
    assert log.due(T0 + HOUR, 10) == []
    assert log.due(T0 + 2 * HOUR, 10) == [(1, T0 + 2 * HOUR)]
    assert verdict(store, log)["state"] == State.OPEN
    tick(log, T0 + 2 * HOUR)
    assert verdict(store, log)["state"] == State.CANCELLED
    assert log.due(T0 + 99 * HOUR, 10) == []
    whole(store, log)
    put(log, item(store, statement(Kind.SUBMIT, "n2", occurred_at=T0 + HOUR)))
    assert verdict(store, log)["state"] == State.OPEN, "a sign of life takes abandonment back"
    whole(store, log)


def check_a_platform_is_asked_about_a_payment_of_which_only_the_shop_spoke(store: Store) -> None:
    """Before silence decides, the payment's home is asked, though it never said a word itself."""
    log = store.open()
    begun(log).control([("tick", "{}")], T0)
    log.commit()
    told = statement(method=Method.WECHAT_QR, scope="alipay/cn", role=Role.SHOP)
    put(log, item(store, told))
    assert log.waiting(10) == []
    tick(log, T0 + 2 * HOUR)
    assert log.waiting(10) == [(1, ASKABLE_NO, 1)]
    whole(store, log)


def check_judging_again_changes_nothing_by_itself(store: Store) -> None:
    """Judging at the same instant is without effect."""
    log = store.open()
    put(log, item(store, statement()))
    before, notices = store.rows(log), log.outbox(10)
    begun(log)
    assert log.rejudge([1, 2, 3], log.head().tick) == 0
    log.commit()
    assert (store.rows(log), log.outbox(10)) == (before, notices)


def check_the_clock_starts_with_the_first_entry(store: Store) -> None:
    """Without a tick, live rows and their replay are judged by the same instant."""
    log = store.open()
    put(log, item(store, statement()), at=T0 + 100 * HOUR)
    put(log, item(store, statement(Kind.SUBMIT, "n2", payment="p2")), at=T0 + 200 * HOUR)
    assert log.head().tick == T0 + 100 * HOUR
    whole(store, log)


def check_news_go_to_the_outbox_until_struck_off(store: Store) -> None:
    """A first "open" is no news; a capture is; history never is."""
    log = store.open()
    put(log, item(store, statement()))
    assert log.outbox(10) == []
    put(log, item(store, money(Kind.CAPTURE, "n2", 100)))
    put(log, item(store, money(Kind.CAPTURE, "n3", 100, payment="p2"), quiet=True))
    put(log, item(store, money(Kind.CAPTURE, "n4", 100, payment="p3")))
    (no, at, payment_id, quiet, before, after), second = log.outbox(10)
    assert (at, payment_id, quiet, second[2:4]) == (T0, 1, 0, (3, 0))
    state = VERDICT.index("state")
    assert msgspec.msgpack.decode(before or b"")[state] == State.OPEN
    assert msgspec.msgpack.decode(after)[state] == State.PAID
    assert len(log.outbox(1)) == 1
    assert log.outbox(10, after=no) == [second]
    begun(log)
    assert log.struck(no, T0, after=no) == 0
    assert log.struck(no, T0) == 1
    log.commit()
    assert log.outbox(10) == [second]


def check_nobody_hears_of_test_traffic(store: Store) -> None:
    """Neither of what was said, nor of what silence ended."""
    log = store.open()
    begun(log).control([("tick", "{}")], T0)
    log.commit()
    put(log, item(store, statement(test=True, method=Method.WECHAT_QR)))
    put(log, item(store, money(Kind.CAPTURE, "n2", 100, payment="p2", test=True)))
    tick(log, T0 + 2 * HOUR)
    assert [quiet for _, _, _, quiet, _, _ in log.outbox(10)] == [TEST, TEST]
    put(log, item(store, money(Kind.CAPTURE, "n3", 100, payment="p3", test=True), quiet=True))
    assert len(log.outbox(10)) == 2, "nor is there a notice of history"


def check_nobody_hears_that_history_fell_silent(store: Store) -> None:
    """Silence about what only files told is no news; what is said live about it is."""
    log = store.open()
    begun(log).control([("tick", "{}")], T0)
    log.commit()
    row = statement(method=Method.WECHAT_QR, role=Role.IMPORT)
    put(log, item(store, row, quiet=True))
    tick(log, T0 + 2 * HOUR)
    asked = statement(Kind.CANCEL, "n2", result=Result.REQUESTED, role=Role.SHOP, reason=10)
    put(log, item(store, asked))
    assert [quiet for _, _, _, quiet, _, _ in log.outbox(10)] == [0]


CHECKS: Final[tuple[Callable[[Store], None], ...]] = tuple(
    value for name, value in list(globals().items()) if name.startswith("check_")
)
"""All checks, in the order in which they are written."""
