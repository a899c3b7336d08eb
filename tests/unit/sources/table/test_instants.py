from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voidtrail.sources.table.instants import micros

ZONES = ["Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe",
         "Pacific/Apia", "UTC"]  # fmt: skip
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def one(value, zone="Asia/Shanghai", dtype=None):
    found, bad = micros(pl.Series("at", [value], dtype=dtype), zone)
    assert bad[0] == (found[0] is None)
    return None if found[0] is None else EPOCH + timedelta(microseconds=found[0])


NOON = datetime(2020, 3, 1, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2020-03-01 12:30", "2020-03-01T12:30:00", "2020/3/1 12:30", "2020.3.1 12:30",
     " 2020/03/01 12:30:00 ", "2020年3月1日 12:30", "2020年03月01日12时30分",
     "2020年3月1日 12时30分00秒", "2020-03-01T04:30:00Z", "2020-03-01T12:30:00+08:00",
     "2020-03-01 12:30:00+0800", "2020-02-29T23:30:00-05:00", "20200301123000", "202003011230",
     "1583037000", "1583037000000", "1583037000000000", "2020-03-01 12:30:00.000"],
)  # fmt: skip
def test_texts_of_one_instant(text):
    assert one(text) == NOON


@pytest.mark.parametrize("text", ["2020-03-01", "2020/3/1", "2020年3月1日", "20200301"])
def test_date_is_its_midnight_in_the_zone(text):
    assert one(text) == datetime(2020, 2, 29, 16, tzinfo=UTC)
    assert one(date(2020, 3, 1)) == one(text)


@pytest.mark.parametrize(
    "text", ["3/1/2020", "12:30", "2020-02-30", "2020-13-01", "2020-03-01 25:00", "soon", "1e9",
             "0000-01-01", "2020-03-01 12:30 PM", "9999-01-01", "43891.5"]
)  # fmt: skip
def test_what_is_no_instant_is_bad(text):
    assert one(text) is None


@pytest.mark.parametrize("number", [1583037000, 1583037000000, 1583037000000000, 1583037000.0,
                                    Decimal("1583037000.000")])  # fmt: skip
def test_epoch_by_magnitude(number):
    assert one(number) == NOON


def test_fraction_is_kept_to_the_microsecond():
    assert one("2020-03-01T12:30:00.1234567Z").microsecond == 123456
    assert one(1583037000.25).microsecond == 250000


def test_empty_is_neither_an_instant_nor_bad():
    found, bad = micros(pl.Series([None, "", "  "], dtype=pl.String), "UTC")
    assert found.to_list() == [None] * 3
    assert not bad.any()


SINCE, UNTIL = datetime(1990, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001


@settings(max_examples=300)
@given(st.lists(st.datetimes(SINCE, UNTIL), min_size=1, max_size=6), st.sampled_from(ZONES))
def test_naive_instants_stand_in_the_zone_as_pep_495_has_it(moments, zone):
    # A column knows no second reading of an hour, whatever chance may hand in.
    readings = [moment.replace(tzinfo=ZoneInfo(zone), fold=0) for moment in moments]
    expected = [reading.astimezone(UTC) for reading in readings]
    typed, _ = micros(pl.Series(moments, dtype=pl.Datetime("us")), zone)
    text, _ = micros(pl.Series([f"{moment:%Y/%m/%d %H:%M:%S.%f}" for moment in moments]), zone)
    in_micros = [(moment - EPOCH) // timedelta(microseconds=1) for moment in expected]
    assert typed.to_list() == text.to_list() == in_micros


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2024-03-31 02:30", "Europe/Berlin", "2024-03-31T01:30Z"),  # skipped: the offset before
        ("2024-10-27 02:30", "Europe/Berlin", "2024-10-27T00:30Z"),  # twice: the earlier
        ("2011-12-30 12:00", "Pacific/Apia", "2011-12-30T22:00Z"),  # a day that never was
    ],
)
def test_clocks_put_forward_and_back(text, zone, utc):
    assert one(text, zone) == datetime.fromisoformat(utc)
