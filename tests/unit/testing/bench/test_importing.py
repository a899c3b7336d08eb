import sqlite3
from pathlib import Path

import pytest

from voidtrail.testing.bench import importing
from voidtrail.testing.bench.importing import NAIVE, OURS, ImportPlan, orders, run_import
from voidtrail.testing.bench.naive_import import import_rows
from voidtrail.testing.bench.process import ContenderFailed

PLAN = ImportPlan(rows=120, rounds=1)


def test_same_seed_gives_the_same_orders_of_one_to_three_events():
    first, again, other = orders(200, 1), orders(200, 1), orders(200, 2)
    assert first.equals(again)
    assert not first.equals(other)
    assert first["订单编号"].n_unique() == 200
    assert 200 < importing._events(first) < 600


def test_every_form_is_imported_by_both_and_measured(tmp_path):
    result = run_import(PLAN, tmp_path, lambda _: None)
    assert set(result.imports) == {(by, form) for by in (OURS, NAIVE) for form in PLAN.forms}
    events = importing._events(orders(PLAN.rows, PLAN.seed))
    for (by, _), (one,) in result.imports.items():
        assert one.rows == 120
        assert one.events == (events if by == OURS else 120)
        assert one.cpu_s > 0
        assert one.peak_rss_bytes > 1_000_000
    assert result.median(OURS, "csv", "per_cpu_s") > 0
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_keeps_less_than_the_file_says_is_an_error(tmp_path):
    (tmp_path / "map.toml").write_text(importing.MAPPING)
    orders(20, 1).write_csv(tmp_path / "orders.csv")
    with pytest.raises(ContenderFailed, match="1000 events expected"):
        importing._ingest(tmp_path / "orders.csv", tmp_path, 1000)


def test_an_import_that_fails_says_why(tmp_path):
    (tmp_path / "map.toml").write_text("nonsense")
    orders(20, 1).write_csv(tmp_path / "orders.csv")
    with pytest.raises(ContenderFailed, match="ended with 2"):
        importing._ingest(tmp_path / "orders.csv", tmp_path, 1)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_naive_import_puts_every_row_into_a_table(tmp_path, form):
    file = tmp_path / f"orders.{form}"
    frame = orders(30, 1)
    frame.write_parquet(file) if form == "parquet" else frame.write_csv(file)
    assert import_rows(file, Path(tmp_path, "n.db")) == 30
    db = sqlite3.connect(tmp_path / "n.db")
    assert db.execute("SELECT count(DISTINCT 订单编号) FROM orders").fetchone() == (30,)
    db.close()
