"""`voidtrail bench fold`: the generated `GROUP BY` against a bare one, over synthetic facts.

The bare one has the same keys and as many aggregates, each a plain MIN or MAX of a column. No two
of them are alike: an engine computes equal aggregates once, and a condition makes each column of a
join an aggregate of its own, so anything else would compare two sums with thirty-six.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from voidtrail.event.model import Cause, Kind, Result, Role, Tag, Via
from voidtrail.event.reason import BY_NUMBER, pack
from voidtrail.lattice import Merge, Table
from voidtrail.lifecycle.join import FACT, OPERATION, OPERATION_KINDS, OPERATION_WHERE, PAYMENT
from voidtrail.lifecycle.terms import Terms
from voidtrail.lifecycle.verdict import verdict_sql
from voidtrail.testing.bench.process import peak_rss_bytes_of_this_process

_BLOCK = 250_000
_START_S = 1_760_000_000
_SPAN_S = 30_000_000
NOW = (_START_S + 2 * _SPAN_S) * 1_000_000


@dataclass(frozen=True)
class FoldPlan:
    """What is measured.

    Attributes:
        payments: How many payments; each has about four facts.
        rounds: How often every query is run, one after another.
        seed: Of every key, instant, amount and story.
        memory_limit: What the engine may hold in memory.
        disk_limit: What it may put on disk beside the facts.
    """

    payments: int = 5_000_000
    rounds: int = 3
    seed: int = 20_261_111
    memory_limit: str = "6GB"
    disk_limit: str = "20GB"


@dataclass(frozen=True)
class Query:
    """One query's measurements, one a round.

    Attributes:
        rows: How many rows it gives.
        cpu_s: Processor time of all threads.
        wall_s: Elapsed time.
    """

    name: str
    rows: int
    cpu_s: tuple[float, ...]
    wall_s: tuple[float, ...]


@dataclass(frozen=True)
class FoldResult:
    """All that a run has measured.

    Attributes:
        facts: How many facts were folded.
        queries: "payment" and "operation" (generated), each with its "bare" twin, and "verdict".
        file_bytes: The facts on disk.
        peak_rss_bytes: The largest resident memory of this process.
    """

    plan: FoldPlan
    facts: int
    queries: dict[str, Query]
    file_bytes: int
    peak_rss_bytes: int

    def ratio(self, name: str, figure: str = "cpu_s") -> float:
        """Return the median over the rounds of generated to bare, each round for itself."""
        ours, bare = (getattr(self.queries[each], figure) for each in (name, f"bare {name}"))
        return float(statistics.median(a / b for a, b in zip(ours, bare, strict=True)))


Step = tuple[Kind, Result, Role, Via, int]
"""Kind, result, speaker's role, how it came, number of the reason."""

_SHOP, _MOVER, _PUSH = Role.SHOP, Role.MOVER, Via.PUSH
_DONE, _ASKED, _REFUSED = Result.SUCCEEDED, Result.REQUESTED, Result.REFUSED


def _reason(cause: Cause, *, specific: bool = True) -> int:
    """Return the first reason of a cause."""
    return next(n for n, r in BY_NUMBER.items() if r.cause is cause and r.specific is specific)


_NONE = _reason(Cause.UNKNOWN, specific=False)
_MIND, _FUNDS = _reason(Cause.CHANGE_OF_MIND), _reason(Cause.PAYMENT_MEANS)
_FAULT = _reason(Cause.TECHNICAL_FAULT)
_BEGUN: tuple[Step, ...] = (
    (Kind.ORDER, _DONE, _SHOP, _PUSH, _NONE),
    (Kind.OPEN, _DONE, _MOVER, _PUSH, _NONE),
)
STORIES: tuple[tuple[int, tuple[Step, ...]], ...] = (
    (45, (*_BEGUN, (Kind.SUBMIT, _DONE, _MOVER, _PUSH, _NONE),
          (Kind.CAPTURE, _DONE, _MOVER, _PUSH, _NONE))),
    (10, (*_BEGUN, (Kind.CAPTURE, _DONE, _MOVER, _PUSH, _NONE),
          (Kind.REFUND, _ASKED, _SHOP, _PUSH, _MIND), (Kind.REFUND, _DONE, _MOVER, _PUSH, _MIND))),
    (8, (*_BEGUN, (Kind.CAPTURE, _REFUSED, _MOVER, _PUSH, _FUNDS),
         (Kind.EXPIRE, _DONE, _MOVER, _PUSH, _NONE))),
    (5, (*_BEGUN, (Kind.CAPTURE, _REFUSED, _MOVER, _PUSH, _FAULT),
         (Kind.SUBMIT, _DONE, _MOVER, _PUSH, _NONE), (Kind.CAPTURE, _DONE, _MOVER, _PUSH, _NONE),
         (Kind.FINISH, _DONE, _MOVER, _PUSH, _NONE))),
    (12, (*_BEGUN, (Kind.CANCEL, _ASKED, _SHOP, _PUSH, _MIND),
          (Kind.CANCEL, _DONE, _MOVER, _PUSH, _MIND))),
    (5, (*_BEGUN, (Kind.AUTHORISE, _DONE, _MOVER, _PUSH, _NONE),
         (Kind.VOID, _DONE, _MOVER, _PUSH, _NONE))),
    (12, (*_BEGUN, (Kind.METHOD, _DONE, _SHOP, _PUSH, _NONE))),
    (3, (*_BEGUN, (Kind.OPEN, _DONE, _MOVER, Via.ASKED, _NONE))),
)  # fmt: skip
"""What happens to a payment, and how often in a hundred."""


def run_fold(plan: FoldPlan, directory: Path, tell: Callable[[str], None]) -> FoldResult:
    """Measure the fold.

    Args:
        plan: What is measured.
        directory: An existing, empty folder; the facts and what the engine spills go there.
        tell: Is told in one line what is being done.

    Returns:
        The measurements.
    """
    file = directory / "facts.duckdb"
    db = duckdb.connect(str(file))
    try:
        db.execute(f"SET memory_limit = '{plan.memory_limit}'")
        db.execute(f"SET temp_directory = '{directory / 'spilled'}'")
        db.execute(f"SET max_temp_directory_size = '{plan.disk_limit}'")
        db.execute("SET preserve_insertion_order = false")
        tell(f"making the facts of {plan.payments:,} payments")
        facts = make_facts(db, plan)
        size = file.stat().st_size
        measured: dict[str, list[tuple[int, float, float]]] = {}
        for number in range(1, plan.rounds + 1):
            for name, text in folds().items():
                tell(f"round {number} of {plan.rounds}: {name}")
                measured.setdefault(name, []).append(_timed(db, text))
        tell(f"judging {plan.payments:,} payments")
        for table in (PAYMENT, OPERATION):
            db.execute(f"CREATE TABLE {table.name} AS {folds()[table.name]}")
        db.execute("DROP TABLE fact")
        judging = verdict_sql(PAYMENT.name, OPERATION.name, Terms(), NOW)
        measured["verdict"] = [_clocked(db, f"CREATE TABLE verdict AS {judging}")]
    finally:
        db.close()
    queries = {
        name: Query(name, each[0][0], tuple(cpu for _, cpu, _ in each),
                    tuple(wall for *_, wall in each))
        for name, each in measured.items()
    }  # fmt: skip
    return FoldResult(plan, facts, queries, size, peak_rss_bytes_of_this_process())


def folds() -> dict[str, str]:
    """Return the queries that are compared, by name."""
    return {
        "bare payment": bare_sql(PAYMENT, "fact"),
        "payment": PAYMENT.group_by_sql("fact"),
        "bare operation": bare_sql(OPERATION, "fact", where=OPERATION_WHERE),
        "operation": OPERATION.group_by_sql("fact", where=OPERATION_WHERE),
    }


def bare_sql(table: Table, facts: str, *, where: str = "") -> str:
    """Return a `GROUP BY` on a table's keys with as many aggregates, none with a condition.

    Args:
        table: The table of merges.
        facts: The relation of facts.
        where: An optional condition on the facts.
    """
    wanted = [("MAX" if c.merge is Merge.MAX else "MIN", c.field) for c in table.columns]
    others = [(pick, each) for each in FACT if each not in table.key for pick in ("MIN", "MAX")]
    distinct = list(dict.fromkeys([*wanted, *others]))[: len(table.columns)]
    assert len(distinct) == len(table.columns), "a fact has too few fields"
    picked = ", ".join(f"{pick}({each}) AS c{n}" for n, (pick, each) in enumerate(distinct))
    keys = ", ".join(table.key)
    condition = f" WHERE {where}" if where else ""
    return f"SELECT {keys}, {picked} FROM {facts}{condition} GROUP BY {keys}"


def _timed(db: duckdb.DuckDBPyConnection, text: str) -> tuple[int, float, float]:
    """Run a query so that every column of every row is made, and nothing is kept."""
    names = [row[0] for row in db.execute(f"DESCRIBE {text}").fetchall()]
    most = ", ".join(f"max({name})" for name in names)
    return _clocked(db, f"SELECT count(*), {most} FROM ({text})")


def _clocked(db: duckdb.DuckDBPyConnection, text: str) -> tuple[int, float, float]:
    """Return the first value of a query's answer, its processor time and its elapsed time."""
    began, cpu = time.perf_counter(), time.process_time()
    row = db.execute(text).fetchone()
    assert row is not None
    return int(row[0]), time.process_time() - cpu, time.perf_counter() - began


def make_facts(db: duckdb.DuckDBPyConnection, plan: FoldPlan) -> int:
    """Make the table `fact`; return how many it holds.

    Payments that began about the same time stand near one another, their facts interleaved, as in
    a ledger.
    """
    stories = [story for weight, story in STORIES for story in [story] * weight]
    assert len(stories) == 100, "the weights are not in a hundred"
    db.execute("CREATE TABLE step (story BIGINT, place BIGINT, kind BIGINT, result BIGINT, "
               "role BIGINT, via BIGINT, reason BIGINT, cause BIGINT, rank BIGINT)")  # fmt: skip
    db.executemany("INSERT INTO step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _steps(stories))
    db.execute("CREATE TABLE fact (" + ", ".join(f"{name} BIGINT" for name in FACT) + ")")
    longest = max(len(story) for story in stories)
    for first in range(0, plan.payments, _BLOCK):
        last = min(first + _BLOCK, plan.payments)
        for place in range(longest):
            db.execute(_facts_sql(plan.seed), {"first": first, "last": last, "place": place})
    db.execute("DROP TABLE step")
    found = db.execute("SELECT count(*) FROM fact").fetchone()
    assert found is not None
    return int(found[0])


def _steps(stories: Sequence[tuple[Step, ...]]) -> list[tuple[int, ...]]:
    return [
        (number, place, kind, result, role, via, reason, int(BY_NUMBER[reason].cause),
         pack(reason, 0, role) >> 48)
        for number, story in enumerate(stories)
        for place, (kind, result, role, via, reason) in enumerate(story)
    ]  # fmt: skip


def _facts_sql(seed: int) -> str:
    operations = ", ".join(map(str, sorted(OPERATION_KINDS)))
    own, none = int(Tag.OWN), int(Tag.NONE)
    moved = f"s.kind IN ({operations})"
    columns = {
        "payment_id": "no + 1",
        "name_key": "(h >> 1)::BIGINT",
        "account_no": f"CASE WHEN s.role = {int(_SHOP)} THEN 1 ELSE 2 + (h % 3)::BIGINT END",
        "home_no": "2 + (h % 3)::BIGINT",
        "kind": "s.kind", "result": "s.result", "role": "s.role", "via": "s.via",
        "tag": f"CASE WHEN {moved} THEN {own} ELSE {none} END",
        "life": f"CASE WHEN s.via = {int(Via.ASKED)} THEN 0 ELSE 1 END",
        "test": "0",
        "placeholder": "0",
        "cause": "s.cause",
        "occurred_at": "at_s * 1000000 + (h % 1000000)::BIGINT",
        "until_at": f"CASE WHEN s.kind = {int(Kind.OPEN)} AND h % 4 = 0 "
                    "THEN (at_s + 900) * 1000000 END",
        "amount_minor": f"CASE WHEN {moved} THEN 100 + (h % 90000)::BIGINT END",
        "currency": f"CASE WHEN {moved} THEN 978 END",
        "packed": "s.rank * 281474976710656 + (at_s - 946684800) * 65536 + s.reason",
        "speaker": f"s.role * 4294967296 + CASE WHEN s.role = {int(_SHOP)} THEN 1 "
                   "ELSE 2 + (h % 3)::BIGINT END",
        "method_seen": f"CASE WHEN s.kind IN ({int(Kind.METHOD)}, {int(Kind.SUBMIT)}, "
                       f"{int(Kind.CAPTURE)}) THEN (at_s - 946684800) * 65536 "
                       "+ (h % 12)::BIGINT * 256 + 1 END",
        "subject": "CASE WHEN h % 3 > 0 THEN (h % 1000003)::BIGINT END",
        "op": f"CASE WHEN {moved} THEN (hash(h, s.kind) >> 1)::BIGINT END",
        "op_currency": f"CASE WHEN {moved} THEN 978 ELSE 0 END",
        "reverses": f"CASE WHEN s.kind = {int(Kind.REFUND)} AND h % 50 = 0 "
                    f"THEN (hash(h, {int(Kind.CAPTURE)}) >> 1)::BIGINT END",
        "order_id": "no + 1 - no % 7 // 6",
    }  # fmt: skip
    made = ", ".join(f"{columns[name]} AS {name}" for name in FACT)
    return (
        f"INSERT INTO fact SELECT {made} FROM (SELECT range AS no, hash(range, {seed}) AS h, "
        f"{_START_S} + range % {_SPAN_S} + 40 * $place AS at_s "
        "FROM range($first, $last)) AS p JOIN step AS s "
        "ON s.story = (h >> 8) % 100 AND s.place = $place"
    )
