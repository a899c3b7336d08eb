"""The algebra: a table of columns, each with a merge, and what is generated from it.

A row of a lattice table is the join of the facts that fell on its key. A fact is a flat tuple of
integers (or None) named by `Table.fields`. Every merge is associative, commutative and
idempotent, so any permutation and any duplication of the same facts gives the same row. From one
`Table` come the fold in Python, the upsert of a live store and the `GROUP BY` of an engine; a
property test holds them equal. This module knows no payments.

The merge UNION has no column: the set of facts is the unique key of the table that holds them,
and what needs the set (sums, counts, money legs) is derived from it when it is read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Final

Value = int | None
Fact = tuple[Value, ...]
Row = list[Value]


class Merge(Enum):
    """How two values of one column become one. None is the bottom of each."""

    MIN = "min"
    MAX = "max"
    PACKED_MIN = "packed-min"
    """A minimum over integers that carry more than their order (rank, instant, reason)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a join.

    Args:
        name: the column's name in every engine.
        merge: how values meet.
        field: the field of the fact that is merged.
        when: the facts that take part: for each named field, the values it may have. An empty
            mapping lets every fact in. Fields used here must never be None.
        doc: one sentence for people.
    """

    name: str
    merge: Merge
    field: str
    when: Mapping[str, frozenset[int]] = dataclasses.field(default_factory=dict)
    doc: str = ""


KEEP_LARGEST: Final = frozenset({Merge.MAX})


class Table:
    """A table of merges over facts.

    Args:
        name: the table's name in every engine.
        fields: the names of a fact's places, in order.
        key: the fields that make a row's key, in order.
        columns: the columns, in order.

    Raises:
        ValueError: a column names an unknown field, or two columns share a name.
    """

    def __init__(
        self, name: str, fields: tuple[str, ...], key: tuple[str, ...], columns: tuple[Column, ...]
    ) -> None:
        names = [*key, *(column.name for column in columns)]
        if len(set(names)) != len(names):
            raise ValueError(f"table {name}: two columns share a name")
        used = {*key, *(c.field for c in columns), *(w for c in columns for w in c.when)}
        if unknown := used - set(fields):
            raise ValueError(f"table {name}: no such fields: {sorted(unknown)}")
        self.name = name
        self.fields = fields
        self.key = key
        self.columns = columns
        self.names = tuple(names)
        self.place = {field_name: place for place, field_name in enumerate(fields)}
        self._key_places = tuple(self.place[part] for part in key)
        self._tests = sorted({self.place[w] for c in columns for w in c.when})
        # The first place stands twice, since a getter of a single place gives no tuple.
        self._signature: Callable[[Fact], Fact] = (
            itemgetter(*self._tests, self._tests[0]) if self._tests else lambda _: ()
        )
        self._bottom: Row = [None] * len(columns)
        self._plans: dict[Fact, tuple[tuple[int, int, bool], ...]] = {}

    def _plan(self, signature: Fact) -> tuple[tuple[int, int, bool], ...]:
        """Return (column, field, largest?) of the columns in which facts of a signature count."""
        at = dict(zip(self._tests, signature, strict=False))
        plan = tuple(
            (place, self.place[column.field], column.merge in KEEP_LARGEST)
            for place, column in enumerate(self.columns, start=len(self.key))
            if all(at[self.place[w]] in allowed for w, allowed in column.when.items())
        )
        self._plans[signature] = plan
        return plan

    def row_key(self, fact: Fact) -> Fact:
        """Return the key of the row on which a fact falls."""
        return tuple([fact[place] for place in self._key_places])

    def row(self, fact: Fact) -> Row:
        """Return the join of a single fact: its key, then every column."""
        row: Row = [fact[place] for place in self._key_places]
        row += self._bottom
        self.absorb(row, fact)
        return row

    def absorb(self, row: Row, fact: Fact) -> None:
        """Join a fact into the row of its key, in place."""
        signature = self._signature(fact)
        plan = self._plans.get(signature)
        if plan is None:
            plan = self._plan(signature)
        for column, source, largest in plan:
            theirs = fact[source]
            if theirs is None:
                continue
            ours = row[column]
            if ours is None or (theirs > ours if largest else theirs < ours):
                row[column] = theirs

    def join(self, left: Row, right: Row) -> Row:
        """Return the least upper bound of two rows with the same key.

        >>> t = Table("t", ("k", "v"), ("k",), (Column("v_min", Merge.MIN, "v"),))
        >>> t.join([1, 5], [1, 3])
        [1, 3]
        """
        assert left[: len(self.key)] == right[: len(self.key)], "rows of two keys never meet"
        joined = left[:]
        for place, column in enumerate(self.columns, start=len(self.key)):
            theirs, ours = right[place], left[place]
            if theirs is None:
                continue
            if ours is None or (theirs > ours if column.merge in KEEP_LARGEST else theirs < ours):
                joined[place] = theirs
        return joined

    def fold(self, facts: Iterable[Fact], into: dict[Fact, Row] | None = None) -> dict[Fact, Row]:
        """Fold facts into rows by key, starting from the given rows (which are changed)."""
        rows: dict[Fact, Row] = {} if into is None else into
        for fact in facts:
            key = self.row_key(fact)
            known = rows.get(key)
            if known is None:
                rows[key] = self.row(fact)
            else:
                self.absorb(known, fact)
        return rows

    # ---------------------------------------------------------------- what engines are told

    def schema_sql(self) -> str:
        """Return the column definitions of the table, for SQLite, PostgreSQL and DuckDB."""
        keys = ", ".join(f"{part} BIGINT NOT NULL" for part in self.key)
        rest = ", ".join(f"{column.name} BIGINT" for column in self.columns)
        return f"{keys}, {rest}, PRIMARY KEY ({', '.join(self.key)})"

    def insert_sql(self, *, dialect: str = "sqlite") -> str:
        """Return the upsert that joins one row (see `row`) into the live table.

        Args:
            dialect: "sqlite" (whose scalar min and max are not NULL-safe) or "postgresql".
        """
        merges = ", ".join(self._merge_sql(column, dialect) for column in self.columns)
        marks = ", ".join("?" for _ in self.names)
        return (
            f"INSERT INTO {self.name} ({', '.join(self.names)}) VALUES ({marks}) "
            f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {merges}"
        )

    def _merge_sql(self, column: Column, dialect: str) -> str:
        largest = column.merge in KEEP_LARGEST
        ours, theirs = f"{self.name}.{column.name}", f"excluded.{column.name}"
        if dialect == "postgresql":
            return f"{column.name} = {'GREATEST' if largest else 'LEAST'}({ours}, {theirs})"
        if dialect == "sqlite":
            pick = "max" if largest else "min"
            return f"{column.name} = {pick}(ifnull({ours}, {theirs}), ifnull({theirs}, {ours}))"
        raise ValueError(f"no upsert is known for dialect {dialect!r}")

    def group_by_sql(self, facts: str, *, where: str = "") -> str:
        """Return the `GROUP BY` over a relation of facts; the same text in every engine.

        Args:
            facts: a table, view or parenthesised query whose columns are `fields`.
            where: an optional condition on the facts.
        """
        parts = [*self.key, *(self._aggregate_sql(column) for column in self.columns)]
        condition = f" WHERE {where}" if where else ""
        return f"SELECT {', '.join(parts)} FROM {facts}{condition} GROUP BY {', '.join(self.key)}"

    def _aggregate_sql(self, column: Column) -> str:
        pick = "MAX" if column.merge in KEEP_LARGEST else "MIN"
        tests = [
            f"{name} IN ({', '.join(map(str, sorted(allowed)))})"
            for name, allowed in column.when.items()
        ]
        if not tests:
            return f"{pick}({column.field}) AS {column.name}"
        return f"{pick}(CASE WHEN {' AND '.join(tests)} THEN {column.field} END) AS {column.name}"
