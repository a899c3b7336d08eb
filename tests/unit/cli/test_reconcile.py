"""`voidtrail reconcile` as people run it: exit codes, what is said, JSON."""

import json

import pytest

from tests.simulation.bills import book, house_in
from voidtrail.cli.main import run
from voidtrail.testing.bills import planted, write


@pytest.fixture
def day(tmp_path, monkeypatch):
    """A day that agrees with its bill, in a ledger that the command line finds."""
    for name in ("VOIDTRAIL_CONFIG", "VOIDTRAIL_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    found = planted(1, "wechatpay", ordinary=4)
    house = house_in(tmp_path)
    book(house, found)
    house.close()
    (tmp_path / "voidtrail.toml").write_text(
        '[ledger]\npath = "v.db"\n[[account]]\nsource = "wechatpay"\nname = "wechatpay-1"\n'
        f'shop = "shop-wechatpay-1"\noptions = {{ mchid = "{found.merchant}" }}\n', "utf-8"
    )  # fmt: skip
    (tmp_path / "bill.csv").write_bytes(write(found))
    return found


def test_differences_make_the_exit_code_1_and_are_named(day, capsys):
    assert run(["reconcile", "bill.csv", "--source", "wechatpay", "--day", day.date]) == 1
    out = capsys.readouterr().out
    for kind in ("missing here", "missing in the bill", "paid twice"):
        assert kind in out


def test_chinese_is_spoken(day, capsys):
    assert run(["--lang", "zh_CN", "reconcile", "bill.csv", "--source", "wechatpay"]) == 1
    assert "我方缺失" in capsys.readouterr().out


def test_json_holds_every_finding(day, capsys):
    assert run(["reconcile", "bill.csv", "--source", "wechatpay", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert len(found["findings"]) == len(day.expected)
    assert found["run"]["since"].startswith(day.date)


def test_a_bill_of_another_day_is_wrong_use(day, capsys):
    assert run(["reconcile", "bill.csv", "--source", "wechatpay", "--day", "2020-01-01"]) == 2
    assert f"is of {day.date}, not of 2020-01-01 [bill_mismatch]" in capsys.readouterr().err


def test_a_bill_that_agrees_is_done(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "voidtrail.toml").write_text(
        '[ledger]\npath = "v.db"\n[[account]]\nsource = "wechatpay"\nname = "main"\n', "utf-8"
    )
    empty = planted(1, "wechatpay", ordinary=0)
    empty.entries.clear()
    (tmp_path / "bill.csv").write_bytes(write(empty))
    said = ["reconcile", "bill.csv", "--source", "wechatpay", "--day", empty.date]
    assert run(said) == 0
