"""One definition, many engines: live, replayed, grouped by SQLite, by DuckDB, folded in Python."""

import pytest
from hypothesis import given, settings

from tests.property import naive, stores
from tests.property.strategies import LATER, worlds
from voidtrail.ledger import rebuild

pytestmark = pytest.mark.timeout(600)


@given(worlds())
def test_live_rows_equal_group_by_in_sqlite_row_for_row(world):
    log = stores.sqlite()
    with stores.filled(log, [[told] for told in world]):
        assert stores.folded_by_sqlite(log) == stores.rows_of(log)[2:]


@pytest.mark.slow
@given(worlds(most=4))
def test_live_rows_equal_their_replay_row_for_row(world):
    log = stores.sqlite()
    with stores.filled(log, [[told] for told in world]):
        replayed = rebuild.replay(log)
        assert replayed.equal, replayed.differing


@pytest.mark.slow
@given(worlds())
def test_live_rows_and_order_verdicts_equal_group_by_in_duckdb_row_for_row(world):
    log = stores.sqlite()
    with stores.filled(log, [[told] for told in world]):
        live = tuple(set(rows) for rows in stores.rows_of(log)[2:])
        folded, orders = stores.folded_by_duck(log)
        assert folded == live
        assert orders == stores.orders_by_sql(log.db, "payment", "verdict")


@settings(max_examples=max(10, settings().max_examples // 20))
@given(worlds(most=60))
def test_live_rows_equal_group_by_in_duckdb_with_its_optimiser(world):
    log = stores.sqlite()
    with stores.filled(log, [world]):
        live = tuple(set(rows) for rows in stores.rows_of(log)[2:])
        folded, orders = stores.folded_by_duck(log, optimised=True)
        assert folded == live
        assert orders == stores.orders_by_sql(log.db, "payment", "verdict")


@given(worlds())
def test_live_rows_and_order_verdicts_equal_the_fold_in_python_row_for_row(world):
    log = stores.sqlite()
    with stores.filled(log, [[told] for told in world]):
        picture = stores.picture(log)
        read = log.db.execute
        text = {-row[0]: row[1] for row in read("SELECT payment_id, key FROM payment")}
        text |= dict(read("SELECT order_id, min(text) FROM order_name GROUP BY order_id"))
        orders = stores.orders_by_sql(log.db, "payment", "verdict")
    by_python = {name: tuple(map(int, said)) for name, said in picture["order_verdicts"].items()}
    assert {text[order]: said for order, said in orders.items()} == by_python
    assert stores.drawn(*naive.tables(world, LATER)) == picture


@given(worlds())
def test_both_stores_say_the_same_and_are_whole(world):
    log = stores.memory([[told] for told in world])
    replayed = log.replay()
    assert replayed.equal, replayed.differing
    assert log.verify().ok
    other = stores.sqlite()
    with stores.filled(other, [[told] for told in world]):
        assert stores.picture(other) == stores.picture(log)
        found = rebuild.verify(other)
        assert found.ok, found.trouble
