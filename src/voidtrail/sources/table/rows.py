"""From evaluated units to deliveries and events, one row after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
import polars as pl

from voidtrail.event.account import Account
from voidtrail.event.model import (
    Channel,
    Delivery,
    Event,
    Method,
    Micros,
    Role,
    Tag,
    Unreadable,
    Via,
)
from voidtrail.sources.table import NAME
from voidtrail.sources.table.bind import Field, Plan, Statement, bind
from voidtrail.sources.table.frame import (
    BODY,
    PATH,
    ROWS,
    UNCOMPUTED,
    WHY,
    evaluate,
    plain,
    probe,
)
from voidtrail.sources.table.mapping import TableMapping
from voidtrail.sources.table.marks import CHAIN, FAULT, LINE, REPEAT, ROW, number_rows
from voidtrail.sources.table.words import channel_of, method_of, reason_of

T = TypeVar("T")
Translated = tuple[Delivery, list[Event] | Unreadable]
Say = Callable[[int, Micros, int | None, Mapping[str, Any]], T]
"""Makes an event of a statement: of a unit, at an instant, over an amount, with what varies."""

REFERENCE_DIGITS: Final = 16
"""Digits of a file's digest in references made from it (64 bits)."""
EXTRA_HEADERS: Final = (("file-chain", CHAIN), ("file-repeat", REPEAT), ("file-fault", FAULT))
"""Headers of a delivery that only some rows have, with the columns that hold them."""


class TableFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is named in its deliveries.

    Attributes:
        name: the file's name without its folder.
        digest: SHA-256 of the file's bytes, in hex.
        received_at: when it was handed to us.
    """

    name: str
    digest: str
    received_at: Micros


class Shared(NamedTuple):
    """What all statements of a unit have in common; each a list over the units."""

    payment: list[str]
    order: list[str]
    identity: list[tuple[str, str]]
    customer: list[str]
    method: list[Method]
    channel: list[Channel]
    dimensions: list[tuple[tuple[str, str], ...]]


Pen = Callable[[Event, Shared], Say[T]]
"""Given a statement's template and what units have in common, says how its events are made."""


def as_events(template: Event, shared: Shared) -> Say[Event]:
    """Make events as every source makes them (a `Pen`)."""
    payment, order, identity, customer, method, channel, dimensions = shared
    replace = msgspec.structs.replace

    def say(unit: int, at: Micros, amount: int | None, extra: Mapping[str, Any]) -> Event:
        return replace(
            template, identity=identity[unit], payment=payment[unit], order=order[unit],
            occurred_at=at, amount_minor=amount, customer=customer[unit], method=method[unit],
            channel=channel[unit], dimensions=dimensions[unit], **extra,
        )  # fmt: skip

    return say


class _Writer(Generic[T]):
    """Writes the deliveries and events of one file, a frame of units at a time."""

    def __init__(self, plan: Plan, file: TableFile, account: Account, pen: Pen[T]) -> None:
        self.plan, self.file, self.account, self.pen = plan, file, account, pen
        self.headers = (
            ("file-name", file.name),
            ("file-digest", file.digest),
            ("file-types", types_of(plan.schema)),
        )

    def written(self, units: pl.DataFrame) -> Iterator[tuple[Delivery, list[T] | Unreadable]]:
        """Yield each unit's delivery with its events, or with why it cannot be read."""
        said: list[list[T]] = [[] for _ in range(units.height)]
        if units.columns != UNCOMPUTED:
            shared = self._shared(units)
            for place, statement in enumerate(self.plan.statements):
                self._say(units, shared, statement, place, said)
        deliveries = self._deliveries(units)
        paths, whys = units[PATH].to_list(), units[WHY].to_list()
        for delivery, events, path, why in zip(deliveries, said, paths, whys, strict=True):
            yield delivery, (events if path is None else Unreadable(path=path, why=why))

    def _deliveries(self, units: pl.DataFrame) -> Iterator[Delivery]:
        account, received_at, headers = self.account.name, self.file.received_at, self.headers
        context, via = self.plan.mapping.digest, Via.FILE
        extras = [(header, units[name].cast(pl.String).to_list())
                  for header, name in EXTRA_HEADERS if name in units.columns]  # fmt: skip
        bodies, rows = units[BODY].to_list(), units[ROWS].to_list()
        for place, (body, row) in enumerate(zip(bodies, rows, strict=True)):
            own = [(header, values[place]) for header, values in extras
                   if values[place] is not None] if extras else ()  # fmt: skip
            yield Delivery(
                source=NAME,
                account=account,
                received_at=received_at,
                body=body.encode("utf-8", "surrogatepass"),
                headers=(*headers, ("file-row", row), *own),
                via=via,
                context=context,
            )

    def _shared(self, units: pl.DataFrame) -> Shared:
        """Return what all statements of a unit have in common, as lists."""
        plan, have = self.plan, set(units.columns)
        prefix = pl.lit(self.file.digest[:REFERENCE_DIGITS] + ":")
        own = pl.concat_str(prefix, pl.col(ROW).cast(pl.String))
        given = [pl.col("order")] if "order" in have else []
        if plan.grouped and not plan.order:
            keys = [pl.col(f"key{place}") for place in range(len(plan.group_by))]
            given.append(pl.concat_str(keys, separator="|"))
        paid = [pl.col("payment")] if "payment" in have else []
        chain = [pl.concat_str(prefix, pl.col(CHAIN).cast(pl.String))] if CHAIN in have else []
        names = units.select(
            pl.coalesce([*paid, *given, own]).alias("payment"),
            pl.coalesce([*given, *chain, pl.lit("")]).alias("order"),
            pl.col(ROW).cast(pl.String).alias("row"),
        )
        digest = self.file.digest
        count = units.height
        customers = units["customer"].to_list() if "customer" in have else repeat("", count)
        methods = units["method"].to_list() if "method" in have else repeat(None, count)
        channels = units["channel"].to_list() if "channel" in have else repeat(None, count)
        return Shared(
            payment=names["payment"].to_list(),
            order=names["order"].to_list(),
            identity=[(digest, row) for row in names["row"].to_list()],
            customer=[each or "" for each in customers],
            method=[method_of(plan.method.constant or each) for each in methods],
            channel=[channel_of(plan.channel.constant or each) for each in channels],
            dimensions=self._public(units) if plan.dimensions else [()] * count,
        )

    def _public(self, units: pl.DataFrame) -> list[tuple[tuple[str, str], ...]]:
        names = self.plan.dimensions
        known: dict[tuple[str | None, ...], tuple[tuple[str, str], ...]] = {}
        found = []
        for values in zip(*(units[f"d{at}"].to_list() for at in range(len(names))), strict=True):
            pairs = known.get(values)
            if pairs is None:
                each = zip(names, values, strict=True)
                pairs = tuple((name, value) for name, value in each if value is not None)
                known[values] = pairs
            found.append(pairs)
        return found

    def _say(
        self, units: pl.DataFrame, shared: Shared, statement: Statement, place: int,
        said: list[list[T]],
    ) -> None:  # fmt: skip
        """Append one statement's events to the units that make it."""
        fires = pl.col(f"when{place}") & pl.col(PATH).is_null()
        here = units.with_row_index("__unit").filter(fires)
        amounts: Iterable[int | None] = (
            here[f"amount{place}"].to_list() if statement.amount else repeat(None, here.height)
        )
        say = self.pen(self._template(statement), shared)
        for unit, at, amount, extra in zip(
            here["__unit"].to_list(), here[f"at{place}"].to_list(), amounts,
            self._extras(here, statement, place), strict=True,
        ):  # fmt: skip
            said[unit].append(say(unit, at, amount, extra))

    def _extras(
        self, here: pl.DataFrame, statement: Statement, place: int
    ) -> Iterable[dict[str, Any]]:
        """Return what few mappings take from columns: currency, operation, reason."""
        varied: dict[str, list[Any]] = {}
        if statement.amount and statement.currency.column:
            varied["currency"] = here[f"currency{place}"].to_list()
        if statement.operation.column:
            varied["operation"] = here[f"operation{place}"].fill_null("").to_list()
        elif statement.counted and REPEAT in here.columns:
            turns = here[REPEAT].to_list()
            varied["operation"] = [str(before + 1) if before else "" for before in turns]
        given = (statement.reason, statement.actor, statement.how)
        if any(each.column for each in given):
            texts = [_texts(here, each, f"{name}{place}") for each, name
                     in zip(given, ("reason", "actor", "how"), strict=True)]  # fmt: skip
            reasons = [reason_of(*each) for each in zip(*texts, strict=True)]
            varied["reason"] = [reason for reason, _ in reasons]
            varied["code"] = [code for _, code in reasons]
        if not varied:
            return repeat({}, here.height)
        names = tuple(varied)
        return [dict(zip(names, each, strict=True)) for each in zip(*varied.values(), strict=True)]

    def _template(self, statement: Statement) -> Event:
        """Return an event with what all events of a statement have in common."""
        stated = statement.amount is not None
        given = (statement.reason, statement.actor, statement.how)
        reason, code = reason_of(*(each.constant or None for each in given))
        return Event(
            label=statement.label,
            identity=(),
            kind=statement.kind,
            result=statement.result,
            payment="",
            occurred_at=0,
            currency=statement.currency.constant if stated else "",
            tag=Tag.OWN if stated else Tag.NONE,
            role=Role.IMPORT,
            via=Via.FILE,
            reason=reason,
            code=code,
            life=statement.life,
        )


def _texts(here: pl.DataFrame, field: Field, name: str) -> list[str | None]:
    if field.column:
        return here[name].to_list()
    return [field.constant or None] * here.height


def translate_frame(
    frame: pl.DataFrame,
    mapping: TableMapping,
    file: TableFile,
    account: Account,
    start: int = 0,
    *,
    plan: Plan | None = None,
    marked: pl.DataFrame | None = None,
) -> Iterator[Translated]:
    """Translate the rows of a file.

    Args:
        frame: rows that follow one another in the file.
        mapping: the mapping file.
        file: the file's name, digest and instant.
        account: whose file it is.
        start: ordinal of the first row of the frame, from 0.
        plan: the bound mapping, if it was bound before.
        marked: the marks of the whole file; None if groups and chains lie within the frame.

    Yields:
        A delivery per row (or group) with its events, or with why it cannot be read.

    Raises:
        MappingInvalid: the file lacks a column, or an expression does not fit its columns.
    """
    frame = plain(frame)
    if plan is None:
        plan = prepare(mapping, frame, account)
    numbered = number_rows(frame, plan, start, marked)
    yield from translate_numbered(numbered, plan, file, account, as_events)


def prepare(mapping: TableMapping, frame: pl.DataFrame, account: Account) -> Plan:
    """Bind a mapping to the columns of a frame (any slice of the file), and try it.

    Raises:
        MappingInvalid: the file lacks a column, or an expression does not fit its columns.
    """
    shape = {name: dtype for name, dtype in plain(frame.head(0)).schema.items()
             if name not in {FAULT, LINE}}  # fmt: skip
    plan = bind(mapping, shape, account)
    probe(plan)
    return plan


def translate_numbered(
    frame: pl.DataFrame, plan: Plan, file: TableFile, account: Account, pen: Pen[T]
) -> Iterator[tuple[Delivery, list[T] | Unreadable]]:
    """Translate rows that carry their ordinals and marks; groups must be whole."""
    writer = _Writer(plan, file, account, pen)
    for units in evaluate(frame, plan):
        yield from writer.written(units)


_LETTERS: Final[Sequence[tuple[str, Callable[[pl.DataType], bool]]]] = (
    ("s", lambda dtype: dtype == pl.String),
    ("i", lambda dtype: dtype.is_integer()),
    ("f", lambda dtype: dtype.is_float()),
    ("n", lambda dtype: dtype.is_decimal()),
    ("b", lambda dtype: dtype == pl.Boolean),
    ("d", lambda dtype: dtype == pl.Date),
    ("z", lambda dtype: isinstance(dtype, pl.Datetime) and dtype.time_zone is not None),
    ("t", lambda dtype: dtype == pl.Datetime),
)


def types_of(schema: Mapping[str, pl.DataType]) -> str:
    """Return a letter per column, so that a row can be read again from its JSON alone.

    >>> types_of({"a": pl.String(), "b": pl.Float64(), "c": pl.Date()})
    'sfd'
    """
    return "".join(
        next((letter for letter, fits in _LETTERS if fits(dtype)), "s") for dtype in schema.values()
    )
