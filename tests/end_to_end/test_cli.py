"""The command line as a process of its own, over recorded history."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.unit.runtime.house import mapping, row, rows, table

PATIENCE_S = 240
UCI = "data/uci_online_retail/online_retail.parquet"
RETAIL = "data/retail_db_orders/orders.parquet"
PSP = "data/psp_card_attempts/psp_attempts_2019_01.parquet"


def _environment():
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VOIDTRAIL_")}
    return kept | {"PYTHONPATH": str(ROOT / "src")}


def _command(*arguments):
    return [sys.executable, "-m", "voidtrail", *map(str, arguments)]


def _voidtrail(folder, *arguments, code=0):
    done = subprocess.run(
        _command(*arguments), cwd=folder, env=_environment(), capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


def _json(folder, *arguments, code=0):
    return json.loads(_voidtrail(folder, *arguments, "--json", code=code).stdout)


def _sound(folder):
    assert _json(folder, "verify")["ok"]
    assert _json(folder, "replay")["equal"]


def _months(found):
    return {each["value"]: (each["payments"], each["cancelled"]) for each in found["by"]}


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_S)
def test_online_retail_is_right_to_the_penny(tmp_path, shared):
    how = ROOT / "examples" / "uci_online_retail" / "map.toml"
    done = _json(tmp_path, "ingest", shared / UCI, "--map", how)
    assert (done["deliveries"], done["payments"], done["unreadable"]) == (25_900, 25_900, 0)
    found = _json(tmp_path, "report", "--by", "month")
    assert (found["orders"], found["payments"], found["cancelled"]) == (25_900, 25_900, 3_836)
    assert found["cancelled_minor"] == {"GBP": 89_681_249}
    assert found["state"]["paid"] == 22_064
    assert _months(found)["2010-12"] == (2025, 326)
    assert _months(found)["2011-11"] == (3462, 441)
    countries = _months(_json(tmp_path, "report", "--by", "Country"))
    assert countries["Germany"] == (603, 146)
    assert countries["United Kingdom"] == (23_494, 3_372)
    largest = _json(tmp_path, "show", "C581484")["payments"][0]
    assert largest["events"][0]["amount"] == "168469.60"
    _sound(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_S)
def test_retail_orders_have_the_states_of_their_table(tmp_path, shared):
    how = ROOT / "examples" / "retail_db_orders" / "map.toml"
    assert _json(tmp_path, "ingest", shared / RETAIL, "--map", how)["orders"] == 68_883
    found = _json(tmp_path, "report", "--by", "order_status", "--as-of", "2013-07-01")
    assert (found["orders"], found["cancelled"]) == (68_883, 1_428)
    by_status = {each["value"]: each["payments"] for each in found["by"]}
    assert by_status == {
        "COMPLETE": 22_899, "PENDING_PAYMENT": 15_030, "PROCESSING": 8_275, "PENDING": 7_610,
        "CLOSED": 7_556, "ON_HOLD": 3_798, "SUSPECTED_FRAUD": 1_558, "CANCELED": 1_428,
        "PAYMENT_REVIEW": 729,
    }  # fmt: skip
    assert found["state"]["paid"] == 22_899 + 8_275 + 7_556
    assert found["state"]["open"] == 15_030 + 7_610 + 3_798 + 729
    assert found["state"]["declined"] == 1_558
    months = _months(_json(tmp_path, "report", "--by", "month", "--as-of", "2013-07-01"))
    assert {month: total for month, (total, _) in months.items()} == {
        "2013-07": 1533, "2013-08": 5680, "2013-09": 5841, "2013-10": 5335, "2013-11": 6381,
        "2013-12": 5892, "2014-01": 5908, "2014-02": 5635, "2014-03": 5778, "2014-04": 5657,
        "2014-05": 5467, "2014-06": 5308, "2014-07": 4468,
    }  # fmt: skip
    assert round(months["2014-05"][1] / 5467, 4) == 0.0230


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_S)
def test_card_attempts_fail_as_often_as_their_table_says(tmp_path, shared):
    how = ROOT / "examples" / "psp_card_attempts" / "map.toml"
    done = _json(tmp_path, "ingest", shared / PSP, "--map", how)
    assert done["payments"] == 26_304
    found = _json(tmp_path, "report", "--by", "PSP")
    assert found["payments"] == 26_304
    assert round(found["cancelled"] / found["payments"], 4) == 0.7977
    assert found["state"]["paid"] == 26_304 - found["cancelled"]
    assert found["orders"] == done["orders"] < 26_304
    assert sum(each["payments"] for each in found["by"]) == 26_304


@pytest.mark.parametrize("written", [1, 4, 9])
@pytest.mark.timeout(PATIENCE_S)
def test_killed_import_is_taken_up(tmp_path, written):
    table(tmp_path, rows(4000))
    mapping(tmp_path)
    command = ("ingest", "orders.csv", "--map", "shop.toml")
    running = subprocess.Popen(
        _command(*command), cwd=tmp_path, env=_environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while running.poll() is None and _written(tmp_path) < 256 * written:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = _written(tmp_path)
    assert before >= 256 * written
    _sound(tmp_path)
    done = _json(tmp_path, *command)
    assert (done["deliveries"], done["payments"]) == (4000, 4000)
    assert done["events"] + done["duplicates"] == 8000
    found = _json(tmp_path, "report")
    assert (found["payments"], found["cancelled"]) == (4000, 800)
    assert found["cancelled_minor"] == {"CNY": 800_000}
    _sound(tmp_path)
    again = _json(tmp_path, *command)
    assert (again["events"], again["duplicates"]) == (0, 8000)


def _written(folder):
    try:
        with sqlite3.connect(f"file:{folder / 'voidtrail.db'}?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM delivery").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


@pytest.mark.timeout(PATIENCE_S)
def test_corrected_file_takes_the_place_of_the_earlier(tmp_path):
    mapping(tmp_path)
    command = ("ingest", "orders.csv", "--map", "shop.toml")
    table(tmp_path, rows(300))
    _json(tmp_path, *command)
    table(tmp_path, [row(no, "off" if no % 3 == 0 else "paid", "4.50") for no in range(400)])
    _json(tmp_path, *command)
    found = _json(tmp_path, "report")
    assert (found["payments"], found["cancelled"]) == (400, 134)
    assert found["cancelled_minor"] == {"CNY": 134 * 450}
    _sound(tmp_path)


@pytest.mark.timeout(PATIENCE_S)
def test_bad_rows_are_named_and_the_rest_is_kept(tmp_path):
    mapping(tmp_path)
    table(tmp_path, [row(1), row(2, amount="1,000.00"), row(3)])
    done = _voidtrail(tmp_path, "ingest", "orders.csv", "--map", "shop.toml", code=1)
    assert "row 2, column amount" in done.stdout
    found = _json(tmp_path, "report")
    assert (found["payments"], found["quarantined"]) == (2, 1)


def test_refusal_is_one_line_without_a_traceback(tmp_path):
    done = _voidtrail(tmp_path, "report", code=2)
    assert done.stderr.count("\n") == 1
    assert "[not_found]" in done.stderr
