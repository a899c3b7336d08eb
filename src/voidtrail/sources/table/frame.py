"""From rows to what they say, a column at a time.

`evaluate` turns a frame of numbered rows into one row per unit (a row of the file, or a group of
line items): the raw row as JSON, the references, and for each statement whether it is made, when,
and over how much. A unit that cannot be read carries the place and the reason instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from voidtrail.errors import MappingInvalid
from voidtrail.money import exponent
from voidtrail.sources.table.bind import Field, Plan, Statement
from voidtrail.sources.table.instants import micros
from voidtrail.sources.table.marks import CHAIN, FAULT, FIRST, LINE, OURS, REPEAT, ROW, text_of
from voidtrail.sources.table.numbers import decimals, minor
from voidtrail.sources.table.sql import parse

ROWS: Final = "__rows"
BODY: Final = "__body"
PATH: Final = "__path"
WHY: Final = "__why"
UNCOMPUTED: Final = [ROW, ROWS, BODY, PATH, WHY]
"""The columns of a unit over which an expression failed."""
_AT: Final = "__at:"
_LATE: Final = "__late:"
_BAD: Final = "__bad:"

NOT_NUMBER: Final = "holds no plain decimal number (a thousands sign, a unit, a word?)"
NOT_INSTANT: Final = "holds no instant that can be read (year first, then month and day)"
EMPTY: Final = "is empty, but the statement needs it"
FINER: Final = 'is finer than the currency\'s minor unit; set rounding = "half_even" to round it'
OUTSIDE: Final = "is negative or too large; write the mapping so that amounts are positive"
NO_CURRENCY: Final = "holds no ISO 4217 code"
NOTHING: Final = "no [[event]] of the mapping applies to it"
NOT_COMPUTED: Final = "an expression of the mapping cannot be computed for it (too many digits?)"

Fault = tuple[pl.Expr, pl.Expr, str]


def fields(plan: Plan) -> dict[str, str]:
    """Return the text columns of a unit: our name → the file's column."""
    found = {"order": plan.order, "payment": plan.payment, "customer": plan.customer,
             "method": plan.method.column, "channel": plan.channel.column}  # fmt: skip
    for place, name in enumerate(plan.dimensions):
        found[f"d{place}"] = name
    for place, name in enumerate(plan.group_by):
        found[f"key{place}"] = name
    for place, statement in enumerate(plan.statements):
        given: dict[str, Field] = {
            "reason": statement.reason, "actor": statement.actor, "how": statement.how,
            "currency": statement.currency, "operation": statement.operation,
        }  # fmt: skip
        found |= {f"{what}{place}": field.column for what, field in given.items()}
    return {name: column for name, column in found.items() if column}


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose columns have types that a mapping knows; others become text."""
    changed = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if dtype in (pl.Categorical, pl.Enum, pl.Null, pl.Time, pl.Duration):
            changed.append(column.cast(pl.String))
        elif isinstance(dtype, pl.Datetime) and dtype.time_unit != "us":
            changed.append(column.dt.cast_time_unit("us"))
        elif dtype == pl.Binary:
            changed.append(column.bin.encode("hex"))
        elif dtype.is_nested():
            text = pl.struct(column).struct.json_encode()
            changed.append(pl.when(column.is_not_null()).then(text).alias(name))
    return frame.with_columns(changed) if changed else frame


def _typed(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Add the exact numbers, instants and texts that the plan reads."""
    schema, row = frame.schema, frame[ROW]
    added: dict[str, pl.Series] = {}
    for at in dict.fromkeys(statement.at for statement in plan.statements):
        instants, late = micros(frame[at], plan.zone)
        added[_AT + at] = instants
        added[_LATE + at] = row.set(~late, None)
    for name in plan.numbers:
        values, bad = decimals(frame[name])
        added[name] = values
        added[_BAD + name] = row.set(~bad, None)
    texts = [text_of(column, schema[column]).alias(f"__text:{name}")
             for name, column in fields(plan).items()]  # fmt: skip
    trimmed = [text_of(name, schema[name]).alias(name) for name in plan.texts
               if name not in plan.numbers]  # fmt: skip
    frame = frame.with_columns(_body(frame, plan), pl.col(ROW).cast(pl.String).alias(ROWS), *texts)
    frame = frame.with_columns(trimmed)
    frame = frame.with_columns(series.alias(name) for name, series in added.items())
    return frame.with_columns(
        pl.col(found).alias(name) for name, found in plan.aliases.items() if name not in frame
    )


def _body(frame: pl.DataFrame, plan: Plan) -> pl.Expr:
    """Return the raw row as JSON; a line that could not be split stands in it whole."""
    row = pl.struct(list(plan.schema)).struct.json_encode()
    if FAULT in frame.columns:
        line = pl.struct(pl.col(LINE)).struct.json_encode()
        row = pl.when(pl.col(FAULT).is_not_null()).then(line).otherwise(row)
    return row.alias(BODY)


def _grouped(typed: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Make one row of each group: aggregates, the earliest instants, the first of the rest."""
    if not plan.grouped:
        return typed
    names = typed.columns
    least = [name for name in names if name.startswith((_AT, _LATE, _BAD))]
    texts = [name for name in names if name.startswith("__text:")]
    alone = [*plan.used, *plan.aliases, *(name for name in (REPEAT, FAULT) if name in names)]
    return typed.group_by(FIRST, maintain_order=True).agg(
        pl.col(ROW).min(),
        pl.col(ROWS).str.join(",").alias(ROWS),
        pl.concat_str(pl.lit("["), pl.col(BODY).str.join(","), pl.lit("]")).alias(BODY),
        *(pl.col(name).min() for name in least),
        *(pl.col(name).drop_nulls().first() for name in texts),
        *(pl.col(name).first() for name in dict.fromkeys(alone)),
        *(parse(sql, "aggregate").alias(name) for sql, name in plan.aggregates.items()),
    )


def _said(units: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Select what each unit says: references, and per statement the parts of it."""
    texts = [name for name in units.columns if name.startswith("__text:")]
    chosen = [pl.col(name) for name in (ROW, ROWS, BODY)]
    chosen += [pl.col(name) for name in (CHAIN, REPEAT, FAULT) if name in units.columns]
    chosen += [pl.col(name).alias(name.removeprefix("__text:")) for name in texts]
    chosen += [pl.col(name) for name in units.columns if name.startswith((_LATE, _BAD))]
    for place, statement in enumerate(plan.statements):
        when = pl.lit(True) if statement.when is None else statement.when.expression
        chosen.append(when.fill_null(False).alias(f"when{place}"))
        chosen.append(pl.col(_AT + statement.at).alias(f"at{place}"))
        if statement.amount is not None:
            chosen.append(statement.amount.expression.alias(f"raw{place}"))
    return units.select(chosen)


def _amounts(said: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Add each statement's amount in minor units, and where it has none that can be kept."""
    rounding = plan.mapping.rounding != ""
    minor_unit = plan.mapping.amount_unit == "minor"
    added: list[pl.Series] = []
    for place, statement in enumerate(plan.statements):
        if statement.amount is None:
            continue
        raw = said[f"raw{place}"]
        if statement.currency.column:
            exponents = _exponents(said[f"currency{place}"])
        else:
            exponents = pl.Series([exponent(statement.currency.constant)]).new_from_index(
                0, len(said)
            )
        found = pl.Series([None] * len(said), dtype=pl.Int64)
        finer = outside = pl.Series([False]).new_from_index(0, len(said))
        for each in exponents.drop_nulls().unique():
            parts = minor(raw, 0 if minor_unit else each, rounding=rounding)
            here = (exponents == each).fill_null(False)
            found = parts[0].zip_with(here, found)
            finer, outside = finer | (parts[1] & here), outside | (parts[2] & here)
        added += [found.alias(f"amount{place}"), finer.alias(f"finer{place}"),
                  outside.alias(f"outside{place}"),
                  exponents.is_null().alias(f"priceless{place}")]  # fmt: skip
    return said.with_columns(added)


def _exponents(codes: pl.Series) -> pl.Series:
    known: dict[str, int | None] = {}
    for code in codes.drop_nulls().unique():
        try:
            known[code] = exponent(code)
        except ValueError:
            known[code] = None
    return codes.replace_strict(
        list(known), list(known.values()), default=None, return_dtype=pl.Int64
    )


def _place(column: str, row: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit("row "), (row + 1).cast(pl.String), pl.lit(f", {column}"))


def _statement_faults(place: int, statement: Statement) -> Iterator[Fault]:
    fires, row = pl.col(f"when{place}"), pl.col(ROW)

    def not_numbers(names: tuple[str, ...], where: pl.Expr) -> Iterator[Fault]:
        for name in names:
            bad = pl.col(_BAD + name)
            yield where & bad.is_not_null(), _place(f"column {name}", bad), NOT_NUMBER

    if statement.when is not None:
        yield from not_numbers(statement.when.numbers, pl.lit(True))
    late, at = pl.col(_LATE + statement.at), f"column {statement.at}"
    yield fires & late.is_not_null(), _place(at, late), NOT_INSTANT
    yield fires & pl.col(f"at{place}").is_null(), _place(at, row), EMPTY
    if statement.amount is None:
        return
    yield from not_numbers(statement.amount.numbers, fires)
    names = statement.amount.numbers
    amount = f"column {names[0]}" if len(names) == 1 else f"amount of {statement.path}"
    if statement.currency.column:
        currency = _place(f"column {statement.currency.column}", row)
        yield fires & pl.col(f"priceless{place}"), currency, NO_CURRENCY
    yield fires & pl.col(f"finer{place}"), _place(amount, row), FINER
    yield fires & pl.col(f"outside{place}"), _place(amount, row), OUTSIDE
    yield fires & pl.col(f"amount{place}").is_null(), _place(amount, row), EMPTY


def _faults(said: pl.DataFrame, plan: Plan) -> Iterator[Fault]:
    row = pl.col(ROW)
    for place, name in enumerate(plan.group_by):
        yield pl.col(f"key{place}").is_null(), _place(f"column {name}", row), EMPTY
    for place, statement in enumerate(plan.statements):
        yield from _statement_faults(place, statement)
    given = [pl.col(name) for name in ("payment", "order") if name in said.columns]
    if given and not (plan.grouped or plan.session_by):
        name = plan.payment or plan.order
        absent = pl.coalesce(given).is_null()
        yield absent, _place(f"column {name}", row), EMPTY
    silent = ~pl.any_horizontal(f"when{place}" for place in range(len(plan.statements)))
    yield silent, pl.concat_str(pl.lit("row "), (row + 1).cast(pl.String)), NOTHING


def _judged(said: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Add the first fault of each unit: where it lies and why; null for a sound one."""
    faults = list(_faults(said, plan))
    paths: list[pl.Expr] = [pl.when(found).then(path) for found, path, _ in faults]
    whys: list[pl.Expr] = [pl.when(found).then(pl.lit(why)) for found, _, why in faults]
    if FAULT in said.columns:
        line = pl.concat_str(pl.lit("row "), (pl.col(ROW) + 1).cast(pl.String))
        paths.insert(0, pl.when(pl.col(FAULT).is_not_null()).then(line))
        whys.insert(0, pl.col(FAULT))
    return said.with_columns(pl.coalesce(paths).alias(PATH), pl.coalesce(whys).alias(WHY))


def _whole(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    said = _said(_grouped(_typed(frame, plan), plan), plan)
    judged = _judged(_amounts(said, plan), plan)
    hidden = ("raw", "finer", "outside", "priceless", _LATE, _BAD)
    return judged.drop(name for name in judged.columns if name.startswith(hidden))


def evaluate(frame: pl.DataFrame, plan: Plan) -> Iterator[pl.DataFrame]:
    """Evaluate numbered rows; groups must be whole.

    Yields:
        Frames of units, in order. A single unit over which an expression fails (as an overflow
        would) comes as a frame of its own, with nothing but its raw row and the fault.
    """
    if frame.is_empty():
        return
    try:
        yield _whole(frame, plan)
        return
    except pl.exceptions.PolarsError:
        by = FIRST if plan.grouped else ROW
        units = frame[by].unique(maintain_order=True)
    if len(units) == 1:
        yield _uncomputed(frame, plan)
        return
    early = frame[by].is_in(units[: len(units) // 2].implode())
    yield from evaluate(frame.filter(early), plan)
    yield from evaluate(frame.filter(~early), plan)


def _uncomputed(frame: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    bodies = frame.select(_body(frame, plan)).to_series().to_list()
    row = frame[ROW][0]
    return pl.DataFrame({
        ROW: [row],
        ROWS: [",".join(map(str, frame[ROW]))],
        BODY: ["[" + ",".join(bodies) + "]" if plan.grouped else bodies[0]],
        PATH: [f"row {row + 1}"],
        WHY: [NOT_COMPUTED],
    })  # fmt: skip


def probe(plan: Plan) -> None:
    """Try every expression of a plan on no rows, so that what cannot be computed is found first.

    Raises:
        MappingInvalid: an expression does not fit the types of its columns.
    """
    empty = pl.DataFrame(schema=dict(plan.schema)).with_columns(
        pl.lit(0, dtype=pl.Int64).alias(name) for name in OURS if name not in {FAULT, LINE}
    )
    typed = _typed(plain(empty), plan)
    try:
        units = _grouped(typed, plan)
    except pl.exceptions.PolarsError as error:
        raise MappingInvalid(f"an aggregate cannot be computed: {_first_line(error)}") from None
    for statement in plan.statements:
        for field, formula in (("when", statement.when), ("amount", statement.amount)):
            if formula is None:
                continue
            path = f"{statement.path}, {field}"
            try:
                dtype = units.select(formula.expression.alias("x")).schema["x"]
            except pl.exceptions.PolarsError as error:
                raise MappingInvalid(f"{path}: cannot be computed: {_first_line(error)}") from None
            if field == "when" and dtype not in (pl.Boolean, pl.Null):
                raise MappingInvalid(f"{path}: gives {dtype}, but a yes or no was expected")
            if field == "amount" and not (dtype.is_decimal() or dtype.is_integer()):
                raise MappingInvalid(f"{path}: gives {dtype}, but an exact number was expected")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
