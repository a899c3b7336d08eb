"""Instants out of columns: dates, datetimes, epoch numbers and the texts that shops write.

A naive instant stands in the mapping's zone. When clocks go back, the earlier of the two readings
is meant; a reading that clocks skipped is taken with the offset in force before the gap (both as
Python's `fold=0` has it, PEP 495).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from voidtrail.sources.table.numbers import decimals

_TEXT: Final = (
    r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?"
    r"(?:[T\s]*(\d{1,2})\s*[:：时點点]\s*(\d{1,2})\s*"
    r"(?:[:：分]\s*(?:(\d{1,2})(?:[.,](\d{1,9}))?\s*秒?)?)?)?"
    r"\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)
_COMPACT: Final = r"^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?$"
_SHAPE: Final = "%Y-%m-%d %H:%M:%S%.f"
_SHAPE_T: Final = "%Y-%m-%dT%H:%M:%S%.f"
_MICROS: Final = pl.Datetime("us")
_EARLIEST: Final = -2_208_988_800_000_000  # 1900
_LATEST: Final = 7_258_118_400_000_000  # 2200
SECOND: Final = 1_000_000


def micros(column: pl.Series, zone: str) -> tuple[pl.Series, pl.Series]:
    """Return a column as microseconds since 1970 UTC, and where it holds no instant.

    Args:
        column: dates, datetimes, epoch numbers (s, ms, µs or ns, by magnitude) or texts.
        zone: IANA zone of what carries none.

    >>> instants, bad = micros(pl.Series(["2020年3月1日 8:00", "2020/3/32"]), "Asia/Shanghai")
    >>> instants.to_list(), bad.to_list()
    ([1583020800000000, None], [False, True])
    """
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        found = column.dt.epoch("us")
    elif dtype in (pl.Datetime, pl.Date):
        found = _in_zone(column.cast(_MICROS), zone)
    elif dtype.is_integer() or dtype.is_float() or dtype.is_decimal():
        found = _from_number(column, zone)
    elif dtype == pl.String:
        column = column.str.strip_chars()
        column = column.set(column == "", None)
        found = _from_text(column, zone)
    else:
        found = pl.Series(column.name, [None] * len(column), dtype=pl.Int64)
    sane = found.is_between(_EARLIEST, _LATEST)
    found = found.set(~sane, None)
    return found, column.is_not_null() & found.is_null()


def _in_zone(naive: pl.Series, zone: str) -> pl.Series:
    """Return naive instants of a zone as microseconds since 1970 UTC."""
    column = pl.col("at")
    frame = pl.DataFrame({"at": naive})

    def placed(back: str) -> pl.Expr:
        earlier = column.dt.offset_by(f"-{back}").dt.replace_time_zone(
            zone, ambiguous="earliest", non_existent="null"
        )
        return earlier.dt.epoch("us") + pl.duration(hours=int(back[:-1])).dt.total_microseconds()

    direct = column.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    found = frame.select(direct.dt.epoch("us").alias("at")).to_series()
    if found.null_count() > naive.null_count():
        # Three hours earlier lies before any gap, a day more before a skipped day (Samoa, 2011).
        found = frame.select(
            pl.coalesce(pl.lit(found).alias("at"), placed("3h"), placed("27h")).alias("at")
        ).to_series()
    return found


def _from_number(column: pl.Series, zone: str) -> pl.Series:
    """Read epoch numbers by magnitude, and eight digits as a date (20200301)."""
    number, _ = decimals(column)
    frame = pl.DataFrame({"n": number.cast(pl.Decimal(38, 9), strict=False)})
    size = pl.col("n").abs()
    unit = (
        pl.when(size < 10**11).then(10**6)
        .when(size < 10**14).then(10**3)
        .when(size < 10**17).then(1)
    )  # fmt: skip
    whole = pl.col("n").to_physical()  # the number × 10⁹
    scaled = pl.when(unit.is_not_null()).then(whole * unit // 10**9).otherwise(whole // 10**12)
    found = frame.select(scaled.cast(pl.Int64, strict=False).alias("at")).to_series()
    is_date = (column >= 19_000_101) & (column <= 21_991_231)
    if is_date.any():
        text = column.cast(pl.Int64, strict=False).cast(pl.String).set(~is_date, None)
        found = _matched(text, _COMPACT, zone).zip_with(is_date.fill_null(False), found)
    return found


def _from_text(column: pl.Series, zone: str) -> pl.Series:
    naive = column.str.to_datetime(_SHAPE, strict=False, time_unit="us")
    left = column.is_not_null() & naive.is_null()
    if left.all():
        naive = column.str.to_datetime(_SHAPE_T, strict=False, time_unit="us")
        left = column.is_not_null() & naive.is_null()
    if not left.any():
        return _in_zone(naive, zone)
    places = left.arg_true()
    rest = _from_odd_text(column.gather(places), zone)
    return _in_zone(naive, zone).scatter(places, rest)


def _from_odd_text(column: pl.Series, zone: str) -> pl.Series:
    """Read texts in other shapes than `2020-03-01 12:30:00`."""
    size = column.str.len_bytes()
    is_digits = column.str.contains(r"^[0-9]{8,19}$")
    is_compact = is_digits & size.is_in([8, 12, 14])
    is_epoch = is_digits & size.is_in([10, 13, 16, 19])
    number = column.set(~is_epoch, None).cast(pl.Int64, strict=False)
    frame = pl.DataFrame({
        "written": _matched(column, _TEXT, zone),
        "compact": _matched(column.set(~is_compact, None), _COMPACT, zone),
        "epoch": _from_number(number, zone),
    })  # fmt: skip
    return frame.select(pl.coalesce("written", "compact", "epoch").alias("at")).to_series()


def _matched(column: pl.Series, pattern: str, zone: str) -> pl.Series:
    """Read texts by a pattern of year, month, day, hour, minute, second, fraction, offset."""
    groups = column.str.extract_groups(pattern).struct.unnest()
    names = groups.columns
    part = {place: pl.col(name) for place, name in enumerate(names, 1)}

    def padded(place: int) -> pl.Expr:
        return part[place].fill_null("0").str.zfill(2) if place in part else pl.lit("00")

    fraction = part[7].fill_null("0").str.pad_end(6, "0").str.slice(0, 6) if 7 in part else "0"
    shown = pl.concat_str(
        part[1], pl.lit("-"), padded(2), pl.lit("-"), padded(3), pl.lit(" "), padded(4),
        pl.lit(":"), padded(5), pl.lit(":"), padded(6), pl.lit("."),
        fraction if isinstance(fraction, pl.Expr) else pl.lit(fraction),
    )  # fmt: skip
    offset = part[8].cast(pl.String) if 8 in part else pl.lit(None, dtype=pl.String)
    read = groups.select(
        shown.str.to_datetime(_SHAPE, strict=False, time_unit="us").alias("at"),
        offset.alias("offset"),
    )
    naive = read["at"]
    found = _in_zone(naive, zone)
    if read["offset"].null_count() == len(read):
        return found
    digits = pl.col("offset").str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    minutes = (
        digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60
        + digits.str.slice(2, 2).cast(pl.Int64, strict=False)
    ).fill_null(0)
    east = pl.when(pl.col("offset").str.starts_with("-")).then(-minutes).otherwise(minutes)
    there = pl.col("at").dt.epoch("us") - east * 60 * SECOND
    return read.select(
        pl.when(pl.col("offset").is_null()).then(pl.lit(found)).otherwise(there).alias("at")
    ).to_series()
