"""One definition, many engines: live, replayed, grouped by SQLite, by DuckDB, folded in Python."""

from hypothesis import given

from tests.property import naive, stores
from tests.property.strategies import LATER, worlds
from voidtrail.ledger import rebuild

ORDER_COLUMNS = ("state", "how", "actor", "switched", "double_paid", "payments")


@given(worlds())
def test_live_rows_equal_replay_and_both_engines_and_the_fold_row_for_row(world):
    log = stores.sqlite()
    with stores.filled(log, [[told] for told in world]):
        replayed = rebuild.replay(log)
        assert replayed.equal, replayed.differing
        live = tuple(set(rows) for rows in stores.rows_of(log)[2:])
        con = stores.load_duck(log)
        assert stores.folded(con, con.execute) == live, "DuckDB"
        by_sqlite = stores.orders_by_sql(log.db, "payment", "verdict")
        assert stores.orders_by_sql(con, "dp", "dv") == by_sqlite, "orders in DuckDB"
        texts = {-row[0]: row[1] for row in log.db.execute("SELECT payment_id, key FROM payment")}
        texts |= dict(
            log.db.execute("SELECT order_id, min(text) FROM order_name GROUP BY order_id")
        )
        picture = stores.picture(log)
    named = {texts[order]: tuple(row) for order, row in by_sqlite.items()}
    assert named == {n: tuple(map(int, v)) for n, v in picture["order_verdicts"].items()}
    assert stores.drawn(*naive.tables(world, LATER)) == picture, "Python fold"


@given(worlds())
def test_memory_live_rows_equal_its_replay_and_sqlite(world):
    log = stores.memory([[told] for told in world])
    replayed = log.replay()
    assert replayed.equal, replayed.differing
    assert log.verify().ok
    other = stores.sqlite()
    with stores.filled(other, [[told] for told in world]):
        assert stores.picture(other) == stores.picture(log)
        assert rebuild.verify(other).ok, rebuild.verify(other).trouble
