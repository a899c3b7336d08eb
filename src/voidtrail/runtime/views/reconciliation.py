"""The page of reconciliation: the runs there were, and what is still open after the latest ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from voidtrail.runtime.app import House
from voidtrail.runtime.reconciling.keeping import findings_of, runs
from voidtrail.runtime.reconciling.shapes import KINDS, Finding, Run
from voidtrail.runtime.views.shapes import Shape

PER_PAGE: Final = 50
_RUNS_MOST: Final = 500
_RUNS_SHOWN: Final = 60


class Chosen(Shape, frozen=True, kw_only=True):
    """Which findings; "" and 0 do not filter.

    Attributes:
        kind: one of the kinds of findings.
        account: "source/account".
        run: number of a run; of that run then everything, whether it was replaced or not.
        after: how many were on the pages before.
    """

    kind: str = ""
    account: str = ""
    run: int = 0
    after: int = 0


class Open(Shape, frozen=True, kw_only=True):
    """A finding, with the run that found it."""

    run: Run
    finding: Finding


class Reconciliation(Shape, frozen=True, kw_only=True):
    """What the page shows.

    Attributes:
        runs: the latest first; `replaced` are the numbers of those that a later one replaced.
        open: how many differences the runs in force leave open.
        total: how many findings the filter holds.
        next: `after` of the next page; 0 at the end.
    """

    runs: tuple[Run, ...]
    replaced: frozenset[int]
    open: int
    total: int
    rows: tuple[Open, ...]
    next: int
    accounts: tuple[str, ...]


def page(house: House, chosen: Chosen, size: int = PER_PAGE) -> Reconciliation:
    """Return a page of findings, and the runs.

    Args:
        house: a house that reads.
        chosen: which findings.
        size: most findings.
    """
    every = runs(house, _RUNS_MOST)
    replaced = frozenset(number for each in every for number in each.replaces)
    wanted = _wanted(every, replaced, chosen)
    rows = tuple(islice(_found(house, wanted, chosen), chosen.after, chosen.after + size + 1))
    return Reconciliation(
        runs=tuple(every[:_RUNS_SHOWN]), replaced=replaced,
        open=sum(each.open for each in every if each.number not in replaced),
        total=sum(_count(each, chosen.kind) for each in wanted), rows=rows[:size],
        next=chosen.after + size if len(rows) > size else 0,
        accounts=tuple(sorted({account_of(each) for each in every})),
    )  # fmt: skip


def found(house: House, chosen: Chosen) -> Iterator[Open]:
    """Yield every finding of a filter, for its export."""
    every = runs(house, _RUNS_MOST)
    replaced = frozenset(number for each in every for number in each.replaces)
    return _found(house, _wanted(every, replaced, chosen), chosen)


def account_of(run: Run) -> str:
    """Return the account of a run, as "alipay/main"."""
    return f"{run.source}/{run.account}"


def _wanted(every: list[Run], replaced: frozenset[int], chosen: Chosen) -> list[Run]:
    if chosen.run:
        return [each for each in every if each.number == chosen.run]
    return [
        each for each in every
        if each.number not in replaced and chosen.account in ("", account_of(each))
    ]  # fmt: skip


def _found(house: House, wanted: list[Run], chosen: Chosen) -> Iterator[Open]:
    for run in wanted:
        if _count(run, chosen.kind):
            for each in findings_of(house, run.number):
                if chosen.kind in ("", each.kind):
                    yield Open(run=run, finding=each)


def _count(run: Run, kind: str) -> int:
    return sum(run.counts.get(each, 0) for each in KINDS if kind in ("", each))
