"""The report in words."""

import re

import pytest

from tests.unit.web.paper.sheets import ON, sheet, week
from voidtrail.runtime.text import speak
from voidtrail.web.paper.story import story


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with week(tmp_path_factory.mktemp("story")) as house:
        yield house


@pytest.fixture(autouse=True)
def english():
    speak("en")
    yield
    speak("en")


def told(house, **days):
    return story(sheet(house, **days), house.clock())


def test_every_figure_is_the_reports(house):
    found = sheet(house)
    report, said = found.overview.report, story(found, house.clock())
    values = [figure["value"] for figure in said["figures"]]
    assert values[0] == str(report["cancelled"])
    assert values[1] == f"{100 * report['cancelled'] / report['payments']:.1f}%"
    assert values[3] == str(report["switched"])
    assert f"of {report['payments']} payments begun" in said["figures"][0]["more"]
    assert sum(int(row["count"]) for row in said["states"]["rows"]) == report["payments"]
    for context in ("how", "actor"):
        assert sum(int(row["count"]) for row in said[context]) == report["cancelled"]
    (rail,) = [part for part in said["parts"] if part["title"] == "By rail"]
    assert sum(int(row["payments"]) for row in rail["rows"]) == report["payments"]


def test_currencies_stand_beside_one_another_and_are_never_summed(house):
    cost = told(house)["figures"][2]
    assert "CN¥" in cost["value"]
    assert "$" in cost["more"][0]


def test_the_period_before_and_the_same_weekdays_stand_beside_the_rate(house):
    rates = " / ".join(told(house)["figures"][1]["more"])
    assert re.search(r"95 % interval [\d.]+–[\d.]+ %", rates)
    assert re.search(r"the period before 16\.7% \([\d.]+–[\d.]+\)", rates)
    assert "the same weekdays before 16.7%" in rates


def test_a_change_has_its_sign_and_rates_differ_by_points(house):
    rows = {name: (present, then, change)
            for name, present, then, change in told(house)["compared"]["rows"]}  # fmt: skip
    present, then, change = rows["Payments begun"]
    assert (int(present), int(then), change) == (85, 84, "+1.2%")
    assert rows["Rate of payments called off"][2] == "+8.0 points"
    assert rows["Orders paid twice"] == ("0", "0", "–")


def test_of_few_payments_no_change_in_percent_is_written(house):
    rows = {row[0]: row for row in told(house)["compared"]["rows"]}
    assert rows["Payments called off"][1:] == ("21", "14", "–")
    assert rows["Called off in CNY"][3] == "–"
    assert "the period before 14" in told(house)["figures"][0]["more"]


def test_a_week_is_told_by_day_and_a_day_by_hour(house):
    assert told(house)["steps"][0]["when"] == "Mar 16, 2026"
    hours = told(house, since=ON, until=ON)["steps"]
    assert re.fullmatch(r"\d\d:00", hours[0]["when"])


def test_a_period_without_payments_says_so_and_nothing_else(house):
    said = told(house, since="2020-01-01", until="2020-01-01")
    assert said["report"]["payments"] == 0
    assert (said["compared"], said["steps"], said["how"]) == (None, [], [])


def test_it_speaks_chinese(house):
    speak("zh_CN")
    said = told(house)
    assert said["title"] == "周报"
    assert [figure["name"] for figure in said["figures"]] == [
        "被取消的支付", "支付取消率", "涉及金额", "换方式付成",
    ]  # fmt: skip
