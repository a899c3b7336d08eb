"""A mapping met with the columns of one file: every name found, every expression tried.

What is wrong with the file as a whole is found here, before its first row is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

from voidtrail.errors import MappingInvalid
from voidtrail.event.account import Account
from voidtrail.event.codec import OPERATIONS
from voidtrail.event.model import Actor, Channel, Kind, Method, Result
from voidtrail.event.reason import BY_SLUG, How
from voidtrail.sources.table.mapping import (
    EventRow,
    TableMapping,
    check_currency,
    check_zone,
    nearest,
)
from voidtrail.sources.table.numbers import exact
from voidtrail.sources.table.sql import (
    AGGREGATES,
    INEXACT,
    columns_of,
    functions_in,
    numeric_columns,
    parse,
    split_aggregates,
    tokens,
)

ACTORS: Final = {actor.name.lower(): actor for actor in Actor}
HOWS: Final = {how.name.lower(): how for how in How}
METHODS: Final = {method.name.lower(): method for method in Method}
CHANNELS: Final = {channel.name.lower(): channel for channel in Channel}
RESERVED: Final = "__"
_OF_ONE_ATTEMPT: Final = frozenset({Kind.AUTHORISE, Kind.CAPTURE})
_LIVING: Final = frozenset(
    {
        Kind.ORDER, Kind.OPEN, Kind.METHOD, Kind.SUBMIT, Kind.AUTHENTICATE, Kind.AUTHORISE,
        Kind.CAPTURE,
    }
)  # fmt: skip


class Field(NamedTuple):
    """A value of a statement: a constant, or the column that holds it."""

    constant: str = ""
    column: str = ""


class Formula(NamedTuple):
    """An expression with the columns that it reads as numbers."""

    expression: pl.Expr
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An `[[event]]` ready to be evaluated."""

    kind: Kind
    result: Result
    label: str
    path: str
    at: str
    when: Formula | None
    amount: Formula | None
    currency: Field
    reason: Field
    actor: Field
    how: Field
    operation: Field
    counted: bool
    """Whether the n-th row of a payment is its n-th operation, for want of an id."""

    life: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A mapping that fits a file; all columns are named as the file names them."""

    mapping: TableMapping
    zone: str
    statements: tuple[Statement, ...]
    schema: Mapping[str, pl.DataType]
    used: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    aliases: Mapping[str, str]
    aggregates: Mapping[str, str]
    group_by: tuple[str, ...]
    session_by: tuple[str, ...]
    order: str
    payment: str
    customer: str
    method: Field
    channel: Field
    dimensions: tuple[str, ...]

    @property
    def grouped(self) -> bool:
        """Whether several rows make one payment."""
        return bool(self.group_by)

    @property
    def counting(self) -> bool:
        """Whether the rows (or groups) of one payment are counted."""
        return any(each.counted for each in self.statements)

    @property
    def marking(self) -> tuple[str, ...]:
        """The columns that must be seen over the whole file before its first row is read."""
        found = [*self.group_by, *self.session_by]
        if self.session_by:
            found += [self.statements[0].at, self.order]
        if self.counting:
            found.append(self.payment or self.order)
        return tuple(name for name in dict.fromkeys(found) if name)


class _Binder:
    """Finds the names of one mapping in one file."""

    def __init__(self, mapping: TableMapping, schema: Mapping[str, pl.DataType]) -> None:
        self.mapping = mapping
        self.schema = schema
        self.aliases = {name: name for name in schema}
        for name in schema:
            self.aliases.setdefault(name.strip(), name)
        self.used: dict[str, None] = {}
        self.numbers: dict[str, None] = {}
        self.aggregates: dict[str, str] = {}

    def column(self, name: str, path: str) -> str:
        """Return the file's own name of a column."""
        if not name:
            return ""
        found = self.aliases.get(name, self.aliases.get(name.strip(), ""))
        if not found:
            raise MappingInvalid(
                f"{path}: the file has no column {name!r}{nearest(name, self.schema)}"
            )
        self.used[found] = None
        return found

    def field(self, text: str, words: Iterable[str], path: str) -> Field:
        """Return a word of ours as a constant, anything else as a column."""
        if not text:
            return Field()
        words = list(words)
        if text.lower() in words:
            return Field(constant=text.lower())
        name = text[1:-1] if text.startswith('"') and text.endswith('"') else text
        if name in self.aliases or name.strip() in self.aliases:
            return Field(column=self.column(name, path))
        hint = nearest(text, [*words, *self.schema])
        raise MappingInvalid(
            f"{path}: {text!r} is neither a word of ours nor a column of the file{hint}"
        )

    def formula(self, sql: str, path: str, *, amount: bool) -> Formula:
        """Return an expression whose aggregates, if any, are computed before it."""
        called = functions_in(sql)
        if "OVER" in called:
            raise MappingInvalid(f"{path}: windows (OVER) are not possible here")
        if called & AGGREGATES and not self.mapping.group_by:
            raise MappingInvalid(f"{path}: {min(called & AGGREGATES)}(…) needs group_by")
        if amount and (called & INEXACT or any(token.text == "/" for token in tokens(sql))):
            raise MappingInvalid(
                f"{path}: money is not divided or averaged; multiply by a decimal, as 0.01"
            )
        columns = columns_of(parse(sql, path))
        for name in columns:
            self.column(name, path)
        numbers = [
            self.aliases[self._known(name)]
            for name in sorted(numeric_columns(sql, columns, amount=amount))
            if exact(self.schema[self.aliases[self._known(name)]])
        ]
        self.numbers.update(dict.fromkeys(numbers))
        if self.mapping.group_by:
            sql, needed = split_aggregates(sql, self.aggregates)
            self.aggregates.update(needed)
        return Formula(parse(sql, path), tuple(numbers))

    def _known(self, name: str) -> str:
        return name if name in self.aliases else name.strip()

    def amount(self, text: str, path: str) -> Formula | None:
        """Return an amount given as a column or as an expression."""
        if not text:
            return None
        if text in self.aliases or text.strip() in self.aliases:
            return self.formula('"' + text.replace('"', '""') + '"', path, amount=True)
        if tokens(text) and not text[0].isdigit() and text.isidentifier():
            self.column(text, path)  # a mistyped column, not an expression
        return self.formula(text, path, amount=True)


def bind(mapping: TableMapping, schema: Mapping[str, pl.DataType], account: Account) -> Plan:
    """Find every column that a mapping names in a file, and try its expressions.

    Args:
        mapping: the mapping file.
        schema: the columns of the file with their types.
        account: whose file it is; its zone is that of instants without one.

    Raises:
        MappingInvalid: a column is missing, a word unknown, or an expression cannot be computed.
    """
    clash = [name for name in schema if name.startswith(RESERVED)]
    if clash:
        raise MappingInvalid(f"the file's column {clash[0]!r}: names beginning with __ are ours")
    binder, given = _Binder(mapping, schema), mapping.columns
    zone = mapping.zone or account.zone
    check_zone(zone, "zone")
    order = binder.column(given.order, "columns.order")
    attempt = binder.column(given.attempt, "columns.attempt")
    seen: dict[str, int] = {}
    statements = tuple(
        _statement(binder, row, f"event {place} ({row.kind})", attempt, seen)
        for place, row in enumerate(mapping.event, 1)
    )
    for name in given.dimensions:
        binder.column(name, "columns.dimensions")
    session_by = mapping.session.by if mapping.session else ()
    return Plan(
        mapping=mapping,
        zone=zone,
        statements=statements,
        group_by=tuple(binder.column(name, "group_by") for name in mapping.group_by),
        session_by=tuple(binder.column(name, "session.by") for name in session_by),
        order=order,
        payment=binder.column(given.payment, "columns.payment"),
        customer=binder.column(given.customer, "columns.customer"),
        method=binder.field(given.method, METHODS, "columns.method"),
        channel=binder.field(given.channel, CHANNELS, "columns.channel"),
        dimensions=tuple(
            binder.column(name, "public.dimensions") for name in mapping.public.dimensions
        ),
        schema=dict(schema),
        used=tuple(binder.used),
        numbers=tuple(binder.numbers),
        texts=tuple(name for name in binder.used if schema[name] == pl.String),
        aliases={name: found for name, found in binder.aliases.items() if name != found},
        aggregates=binder.aggregates,
    )


def _statement(
    binder: _Binder, row: EventRow, path: str, attempt: str, seen: dict[str, int]
) -> Statement:
    kind, result = Kind[row.kind], Result[row.result]
    label = f"{row.kind}:{row.result}:{row.at.strip()}".lower()
    seen[label] = seen.get(label, 0) + 1
    if seen[label] > 1:
        label = f"{label}#{seen[label]}"
    if row.operation and kind not in OPERATIONS:
        raise MappingInvalid(f"{path}, operation: only an operation has an id, not {row.kind}")
    operation = binder.column(row.operation, f"{path}, operation")
    if not operation and kind in _OF_ONE_ATTEMPT:
        operation = attempt
    currency = Field(constant=binder.mapping.currency)
    if row.currency:
        currency = Field(constant=row.currency)
        if row.currency in binder.aliases:
            currency = Field(column=binder.column(row.currency, f"{path}, currency"))
        else:
            check_currency(row.currency, f"{path}, currency")
    if row.reason and (row.actor or row.how):
        raise MappingInvalid(f"{path}: a reason carries its actor and how; give one or the other")
    return Statement(
        kind=kind,
        result=result,
        label=label,
        path=path,
        at=binder.column(row.at, f"{path}, at"),
        when=binder.formula(row.when, f"{path}, when", amount=False) if row.when else None,
        amount=binder.amount(row.amount, f"{path}, amount"),
        currency=currency,
        reason=binder.field(row.reason, BY_SLUG, f"{path}, reason"),
        actor=binder.field(row.actor, ACTORS, f"{path}, actor"),
        how=binder.field(row.how, HOWS, f"{path}, how"),
        operation=Field(column=operation),
        counted=kind in OPERATIONS and not operation,
        life=kind in _LIVING,
    )
