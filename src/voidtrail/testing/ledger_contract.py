"""What must hold of every store of the ledger, as plain checks: `assert` fails with the law.

The checks need neither a test framework nor chance; `CHECKS` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from voidtrail.event.account import Account
from voidtrail.event.model import Kind
from voidtrail.ledger.contract import QUARANTINED
from voidtrail.lifecycle.join import PAYMENT
from voidtrail.lifecycle.verdict import State
from voidtrail.testing import ledger_time
from voidtrail.testing.ledger_rig import (
    T0,
    Store,
    begun,
    item,
    money,
    put,
    statement,
    verdict,
    whole,
)


def check_what_is_appended_is_kept_in_order(store: Store) -> None:
    """Every delivery and event has a number of its own; the receipts say which."""
    log = store.open()
    first, second = put(log, item(store, statement(), statement(Kind.SUBMIT, "n2")),
                        item(store, money(Kind.CAPTURE, "n3", 100)))  # fmt: skip
    assert (first.delivery_id, first.new, second.delivery_id, second.new) == (1, 2, 4, 1)
    assert [row.seq for row in log.deliveries()] == [1, 4]
    assert [row.seq for row in log.deliveries(after=1)] == [4]
    assert log.head().entries == 5
    assert verdict(store, log)["state"] == State.PAID
    whole(store, log)


def check_what_was_given_up_leaves_no_trace(store: Store) -> None:
    """A rollback takes everything back; the same numbers are given out to what comes next."""
    log = store.open()
    put(log, item(store, statement()))
    before, head = store.rows(log), log.head()
    begun(log).append([item(store, money(Kind.CAPTURE, "n2", 100), customer="lost")], T0)
    log.control([("note", "{}")], T0)
    log.rollback()
    assert log.head() == head
    assert store.rows(log) == before
    (receipt,) = put(log, item(store, statement(Kind.SUBMIT, "n3"), customer="kept"))
    assert receipt.delivery_id == head.entries + 1
    (row,) = log.deliveries(after=head.entries)
    assert opened(store, row) == repr((statement(Kind.SUBMIT, "n3"),)).encode()
    whole(store, log)


def check_only_one_transaction_at_a_time(store: Store) -> None:
    """Whoever asks while another is writing is told so, and may ask again."""
    log = store.open()
    begun(log)
    log.rollback()
    assert log.try_begin()
    log.commit()


def opened(store: Store, row: Any) -> bytes:
    """Return what a delivery sealed, by the keys in memory."""
    return store.keyring.open(row.key_no, row.sealed, row.digest)


def check_a_repetition_is_counted_and_not_kept_twice(store: Store) -> None:
    """The same notice again: a delivery that points at the first, no event, no second body."""
    log = store.open()
    notice = item(store, money(Kind.CAPTURE, "n1", 100), customer="c")
    (first,) = put(log, notice)
    before = store.rows(log)
    second, third = put(log, notice, notice)
    for again in (second, third):
        assert (again.new, again.duplicates, again.repeat_of) == (0, 1, first.delivery_id)
    rows = list(log.deliveries())
    assert [row.sealed is None for row in rows] == [False, True, True]
    assert store.rows(log) == before
    whole(store, log)


def check_a_repetition_within_a_group_is_known_too(store: Store) -> None:
    """Two equal deliveries in one group are one notice."""
    log = store.open()
    notice = item(store, money(Kind.CAPTURE, "n1", 100))
    first, second = put(log, notice, notice)
    assert (first.new, second.new, second.repeat_of) == (1, 0, first.delivery_id)
    whole(store, log)


def check_a_repetition_with_another_body_keeps_that_body(store: Store) -> None:
    """What was said is known, but the bytes are new: they are kept."""
    log = store.open()
    event = money(Kind.CAPTURE, "n1", 100)
    put(log, item(store, event, body=b"{}"))
    (again,) = put(log, item(store, event, body=b"{ }"))
    assert again.repeat_of == 1
    assert all(row.sealed is not None for row in log.deliveries())


def check_a_contradiction_is_kept_and_shown(store: Store) -> None:
    """Two variants of one notice: both count, and the second is marked."""
    log = store.open()
    put(log, item(store, money(Kind.CAPTURE, "n1", 100)))
    (second,) = put(log, item(store, money(Kind.CAPTURE, "n1", 90)))
    assert second.conflict
    assert second.new == 1
    assert store.rows(log).marks == [(1, 0), (1, 1)]
    assert verdict(store, log)["captured"] == 100
    whole(store, log)


def check_a_variant_in_insignificant_fields_is_no_contradiction(store: Store) -> None:
    """A variant that differs in what does not matter is kept without a mark."""
    log = store.open()
    put(log, item(store, statement(code="a")))
    (second,) = put(log, item(store, statement(code="b")))
    assert (second.new, second.conflict) == (1, False)
    assert store.rows(log).marks == [(1, 0), (1, 0)]


def check_what_cannot_be_read_is_kept_in_quarantine(store: Store) -> None:
    """An unreadable delivery is sealed and marked, and never counted as a repetition."""
    log = store.open()
    lost = item(store, body=b"?", outcome=QUARANTINED, path="data", why="is not JSON")
    put(log, lost, lost)
    rows = list(log.deliveries())
    assert [(row.outcome, row.path, row.repeat_of) for row in rows] == [(1, "data", None)] * 2
    assert all(row.sealed for row in rows)
    whole(store, log)


# --------------------------------------------------------------------- names and orders


def check_a_link_makes_two_payments_one(store: Store) -> None:
    """Rows, operations, names and orders move; the verdict of the vanished payment goes."""
    log = store.open()
    put(log, item(store, money(Kind.CAPTURE, "n1", 100, operation="c1", order="A")))
    put(log, item(store, money(Kind.REFUND, "n2", 40, payment="p2", operation="r1", order="B")))
    assert len(store.rows(log).payments) == 2
    put(log, item(store, statement(Kind.LINK, "n3", names=("p2",))))
    rows = store.rows(log)
    assert len(rows.payments) == len(rows.verdicts) == 1
    assert set(rows.names.values()) == set(rows.payments)
    assert {row[0] for row in rows.operations} == set(rows.payments)
    assert len(set(rows.orders.values())) == 1, "orders that share a payment are one order"
    found = verdict(store, log)
    assert (found["captured"], found["returned"]) == (100, 40)
    whole(store, log)


def check_links_in_one_group_meet(store: Store) -> None:
    """A chain of links that arrives at once, its middle last."""
    log = store.open()
    put(
        log,
        item(store, statement(Kind.LINK, "n1", payment="p1", names=("p2",), order="A")),
        item(store, statement(Kind.LINK, "n2", payment="p3", names=("p4",), order="B")),
        item(store, statement(Kind.LINK, "n3", payment="p4", names=("p2",))),
    )
    rows = store.rows(log)
    assert len(rows.payments) == 1
    assert set(rows.names.values()) == {1}
    assert set(rows.orders.values()) == {1}
    whole(store, log)


def check_payments_of_one_order_stay_apart(store: Store) -> None:
    """An order is a component of a higher level: its payments keep rows of their own."""
    log = store.open()
    put(log, item(store, statement(order="A")),
        item(store, statement(notice="n2", payment="p2", order="A")))  # fmt: skip
    rows = store.rows(log)
    place = PAYMENT.names.index("order_id")
    assert len(rows.payments) == 2
    assert {row[place] for row in rows.payments.values()} == {rows.orders["order/s/A"]}


# --------------------------------------------------------------------- translated again


def check_a_new_translation_with_equal_content_changes_no_payment(store: Store) -> None:
    """The old version is inactive, the new one active; the payment is the same."""
    log = store.open()
    event = money(Kind.CAPTURE, "n1", 100)
    put(log, item(store, event))
    before = store.rows(log)
    (again,) = put(log, item(store, event, version=2))
    after = store.rows(log)
    assert (again.new, again.conflict) == (1, False)
    assert after.marks == [(0, 0), (1, 0)]
    assert (after.payments, after.verdicts) == (before.payments, before.verdicts)
    whole(store, log)


def check_a_new_translation_with_other_content_rebuilds_the_payment(store: Store) -> None:
    """What only the old version said is forgotten, a maximum included."""
    log = store.open()
    put(log, item(store, money(Kind.CAPTURE, "n1", 100)))
    put(log, item(store, money(Kind.CAPTURE, "n1", 60), version=2))
    assert verdict(store, log)["captured"] == 60
    whole(store, log)


def check_an_old_translation_that_comes_late_counts_for_nothing(store: Store) -> None:
    """A delivery translated by an older version, after the newer one: kept, inactive."""
    log = store.open()
    put(log, item(store, money(Kind.CAPTURE, "n1", 60), version=2))
    put(log, item(store, money(Kind.CAPTURE, "n1", 100, names=("p9",), order="X"), version=1))
    rows = store.rows(log)
    assert rows.marks == [(1, 0), (0, 0)]
    assert verdict(store, log)["captured"] == 60
    assert rows.names["stripe/main/p9"] != rows.names["stripe/main/p1"]
    whole(store, log)


def check_both_translations_in_one_group_give_the_newer(store: Store) -> None:
    """The order within a group does not matter either."""
    log = store.open()
    put(log, item(store, money(Kind.CAPTURE, "n1", 100)),
        item(store, money(Kind.CAPTURE, "n1", 60), version=2))  # fmt: skip
    assert verdict(store, log)["captured"] == 60
    whole(store, log)


def check_a_retired_link_lets_payments_and_orders_apart(store: Store) -> None:
    """A link that only a wrong translation saw is undone by the right one."""
    log = store.open()
    put(log, item(store, money(Kind.CAPTURE, "n1", 100, names=("p2",), order="A")))
    put(log, item(store, money(Kind.CAPTURE, "n2", 50, payment="p2", order="B")))
    assert len(store.rows(log).payments) == 1
    put(log, item(store, money(Kind.CAPTURE, "n1", 100, order="A"), version=2))
    rows = store.rows(log)
    assert len(rows.payments) == len(rows.verdicts) == 2
    assert len(set(rows.orders.values())) == 2
    assert (verdict(store, log)["captured"], verdict(store, log, "p2")["captured"]) == (100, 50)
    whole(store, log)


def check_a_payment_whose_events_all_moved_away_is_gone(store: Store) -> None:
    """The new translation names another payment: the old one has neither row nor verdict."""
    log = store.open()
    put(log, item(store, statement(payment="wrong")))
    put(log, item(store, statement(payment="right"), version=2))
    rows = store.rows(log)
    assert list(rows.payments) == list(rows.verdicts) == [rows.names["stripe/main/right"]]
    whole(store, log)


# --------------------------------------------------------------------- control entries, the chain


def check_control_entries_stand_in_the_chain(store: Store) -> None:
    """A control entry has a number and a leaf; no entry at all makes no group."""
    log = store.open()
    begun(log).control([("terms", "{}"), ("note", '{"a":1}')], T0)
    log.control([], T0)
    log.commit()
    assert (log.head().group, log.head().entries) == (1, 2)
    whole(store, log)


def check_an_account_keeps_its_number_when_it_changes(store: Store) -> None:
    """The same account: no entry. A changed one: an entry, the same number."""
    log = store.open()
    account = Account(source="stripe", name="main")
    begun(log)
    assert log.account_no(account) == 1
    assert log.account_no(Account(source="alipay", name="main")) == 2
    entries = log.head().entries
    assert log.account_no(account) == 1
    assert log.head().entries == entries, "an unchanged account is no news"
    changed = Account(source="stripe", name="main", shop="other")
    assert log.account_no(changed) == 1
    log.commit()
    assert log.head().entries == entries + 1
    assert log.accounts()[1] == changed
    whole(store, log)


def check_the_chain_goes_on_after_reopening(store: Store) -> None:
    """The head is where it was, and the next group follows it."""
    log = store.open()
    put(log, item(store, money(Kind.CAPTURE, "n1", 100)))
    head, rows = log.head(), store.rows(log)
    log.close()
    log = store.open()
    assert log.head() == head
    assert store.rows(log) == rows
    (again,) = put(log, item(store, money(Kind.CAPTURE, "n1", 100)))
    assert again.repeat_of == 1, "deduplication is permanent"
    assert log.head().group == head.group + 1
    whole(store, log)


def check_a_kept_head_is_met_on_the_way(store: Store) -> None:
    """A head that was kept elsewhere proves that nothing was cut off since."""
    log = store.open()
    put(log, item(store, statement()))
    kept = log.head().digest.hex()
    put(log, item(store, statement(Kind.SUBMIT, "n2")))
    assert store.verify(log, kept=kept).ok
    found = store.verify(log, kept="00" * 32)
    assert not found.ok
    assert "cut off" in found.trouble


def check_a_customer_is_one_pseudonym_and_one_key(store: Store) -> None:
    """Deliveries of one customer share a key; those of nobody have keys of their own."""
    log = store.open()
    put(log, item(store, statement(), customer="c"), item(store, statement(notice="n2")))
    put(log, item(store, statement(Kind.SUBMIT, "n3"), customer="c"),
        item(store, statement(Kind.SUBMIT, "n4", payment="p2"), customer="d"))  # fmt: skip
    first, nobody, again, other = (row.key_no for row in log.deliveries())
    assert first == again
    assert len({first, nobody, other}) == 3
    subject = PAYMENT.names.index("subject")
    rows = store.rows(log)
    assert rows.payments[rows.names["stripe/main/p1"]][subject] == 1
    assert rows.payments[rows.names["stripe/main/p2"]][subject] == 2


CHECKS: Final[tuple[Callable[[Store], None], ...]] = (
    *(value for name, value in list(globals().items()) if name.startswith("check_")),
    *ledger_time.CHECKS,
)
"""All checks, in the order in which they are written."""
