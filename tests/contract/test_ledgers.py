"""Every store of the ledger keeps the contract."""

from pathlib import Path

import pytest

from voidtrail.ledger import rebuild
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.memory import MemoryLog
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.testing.ledger_contract import CHECKS
from voidtrail.testing.ledger_rig import TERMS, Rows, Store

JUDGE = Projection(TERMS)


def sqlite_store(path: Path, keyring: Keyring | None = None) -> Store:
    keyring = keyring or Keyring.generate()

    def opened():
        log = SqliteLog(path, JUDGE, keyring)
        assert log.try_begin()
        rebuild.ensure(log)
        log.commit()
        return log

    def rows(log):
        read = log.db.execute
        return Rows(
            dict(read("SELECT text, payment_id FROM name")),
            dict(read("SELECT text, order_id FROM order_name")),
            {row[0]: list(row) for row in read("SELECT * FROM payment")},
            [list(row) for row in read("SELECT * FROM operation")],
            {row[0]: tuple(row[1:]) for row in read("SELECT * FROM verdict")},
            read("SELECT active, conflict FROM event ORDER BY seq").fetchall(),
        )

    return Store(keyring, opened, rows, rebuild.verify, rebuild.replay)


def memory_store() -> Store:
    keyring = Keyring.generate()
    log = MemoryLog(JUDGE, keyring)

    def rows(log):
        t = log.tables
        return Rows(
            {name.text: name.component for name in t.names.values()},
            {name.text: name.component for name in t.orders.values()},
            dict(t.payments), [row for rows in t.operations.values() for row in rows],
            dict(t.verdicts), [tuple(row[1:3]) for row in t.events.values()],
        )  # fmt: skip

    return Store(keyring, lambda: log, rows, MemoryLog.verify, MemoryLog.replay)


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    return memory_store() if request.param == "memory" else sqlite_store(tmp_path / "ledger.db")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_store_keeps_the_contract(store, check):
    check(store)
