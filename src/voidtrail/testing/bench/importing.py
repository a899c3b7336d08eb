"""`voidtrail bench import`: a seeded file of orders through `voidtrail ingest`, as a process.

The whole process is measured, start and end included: its processor time and its peak memory as
the kernel counts them, and the events that it says it took in. A naive import of the same file
runs beside it in every round.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl

from voidtrail.testing.bench import naive_import
from voidtrail.testing.bench.process import ContenderFailed, tail

FORMS = ("csv", "parquet")
OURS, NAIVE = "Voidtrail", "naive"
_PAID, _REFUNDED = 0.9, 0.4
_FIRST = datetime(2024, 1, 1)  # noqa: DTZ001 - the file states no zone; its mapping does
_CITIES = ("北京市朝阳区", "上海市浦东新区", "广州市天河区", "深圳市南山区", "杭州市西湖区")
MAPPING = """
source = "table"
zone = "Asia/Shanghai"
currency = "CNY"
amount_unit = "major"
[columns]
order = "订单编号"
dimensions = ["收货地址"]
[[event]]
kind = "ORDER"
result = "SUCCEEDED"
at = "订单创建时间"
amount = "总金额"
[[event]]
kind = "CAPTURE"
result = "SUCCEEDED"
at = "订单付款时间"
amount = "总金额"
when = "\\"订单付款时间\\" IS NOT NULL"
[[event]]
kind = "REFUND"
result = "SUCCEEDED"
at = "订单付款时间"
amount = "退款金额"
when = "\\"退款金额\\" > 0"
"""


@dataclass(frozen=True)
class ImportPlan:
    """What is measured.

    Attributes:
        rows: How many orders the file holds; each is one to three events, 2.3 on average.
        forms: Endings of the files that are made.
        rounds: How often everything is repeated.
        seed: The seed of the orders.
    """

    rows: int = 200_000
    forms: tuple[str, ...] = FORMS
    rounds: int = 3
    seed: int = 20_261_111


@dataclass(frozen=True)
class Import:
    """One import, as one process.

    Attributes:
        rows: Rows of the file.
        events: Events that were taken in; the naive import knows rows only.
        cpu_s: Processor time of the whole process, user and system.
        wall_s: Elapsed time.
        peak_rss_bytes: The largest resident memory.
    """

    rows: int
    events: int
    cpu_s: float
    wall_s: float
    peak_rss_bytes: int

    @property
    def per_cpu_s(self) -> float:
        """Events per second of processor time."""
        return self.events / self.cpu_s


@dataclass(frozen=True)
class ImportResult:
    """All that a run has measured.

    Attributes:
        plan: What was asked for.
        imports: By name and form, one a round.
        bytes: Size of each file by form.
    """

    plan: ImportPlan
    imports: Mapping[tuple[str, str], Sequence[Import]]
    bytes: Mapping[str, int]

    def median(self, name: str, form: str, figure: str) -> float:
        """Return the median of a figure over the rounds."""
        return float(statistics.median(getattr(i, figure) for i in self.imports[name, form]))


def run_import(plan: ImportPlan, directory: Path, tell: Callable[[str], None]) -> ImportResult:
    """Measure imports.

    Args:
        plan: What is measured.
        directory: An existing folder on the disk that the ledgers are to be written to.
        tell: Is told in one line what is being done.

    Returns:
        The measurements.

    Raises:
        ContenderFailed: An import ended badly, or did not keep what the file says.
    """
    imports: dict[tuple[str, str], list[Import]] = {}
    with tempfile.TemporaryDirectory(dir=directory, prefix="bench-") as folder:
        room = Path(folder)
        tell(f"writing {plan.rows:,} orders")
        frame = orders(plan.rows, plan.seed)
        expected = _events(frame)
        (room / "map.toml").write_text(MAPPING, encoding="utf-8")
        for form in plan.forms:
            path = room / f"orders.{form}"
            frame.write_parquet(path) if form == "parquet" else frame.write_csv(path)
        sizes = {form: (room / f"orders.{form}").stat().st_size for form in plan.forms}
        for number in range(1, plan.rounds + 1):
            for form in plan.forms:
                tell(f"round {number} of {plan.rounds}: {form}")
                file = room / f"orders.{form}"
                ours = _ingest(file, room, expected)
                imports.setdefault((OURS, form), []).append(ours)
                imports.setdefault((NAIVE, form), []).append(_naive(file, room))
    return ImportResult(plan, imports, sizes)


def orders(rows: int, seed: int) -> pl.DataFrame:
    """Return seeded orders; nine in ten are paid, and four in ten of those are given back.

    Args:
        rows: How many.
        seed: The seed.
    """
    rng = random.Random(seed)
    amounts = [rng.randrange(100, 900_000) for _ in range(rows)]
    paid = [rng.random() < _PAID for _ in range(rows)]
    backs = [a if p and rng.random() < _REFUNDED else 0 for a, p in zip(amounts, paid, strict=True)]
    created = [_FIRST + timedelta(seconds=11 * n + rng.randrange(11)) for n in range(rows)]
    return pl.DataFrame(
        {
            "订单编号": [f"{at:%Y%m%d}{n:012d}" for n, at in enumerate(created)],
            "总金额": [f"{a // 100}.{a % 100:02d}" for a in amounts],
            "收货地址": [rng.choice(_CITIES) for _ in range(rows)],
            "订单创建时间": [f"{at:%Y-%m-%d %H:%M:%S}" for at in created],
            "订单付款时间": [
                f"{at + timedelta(seconds=rng.randrange(5, 900)):%Y-%m-%d %H:%M:%S}" if p else None
                for at, p in zip(created, paid, strict=True)
            ],
            "退款金额": [f"{a // 100}.{a % 100:02d}" for a in backs],
        }
    )


def _events(frame: pl.DataFrame) -> int:
    paid = frame.filter(pl.col("订单付款时间").is_not_null()).height
    return frame.height + paid + frame.filter(pl.col("退款金额") != "0.00").height


def _ingest(file: Path, room: Path, expected: int) -> Import:
    """Run `voidtrail ingest` into a fresh ledger; hold what it says against the file."""
    with tempfile.TemporaryDirectory(dir=room) as fresh:
        argv = (
            *(sys.executable, "-m", "voidtrail", "ingest", str(file), "--json"),
            *("--map", str(room / "map.toml"), "--db", str(Path(fresh, "voidtrail.db"))),
        )
        told, cpu_s, wall_s, rss = _measured(argv, Path(fresh))
    counts = msgspec.json.decode(told)
    if counts["events"] != expected or counts["unreadable"]:
        raise ContenderFailed(f"{file.name}: {expected} events expected, but it says {counts}")
    return Import(counts["deliveries"], counts["events"], cpu_s, wall_s, rss)


def _naive(file: Path, room: Path) -> Import:
    with tempfile.TemporaryDirectory(dir=room) as fresh:
        argv = (sys.executable, "-m", naive_import.__name__, str(file), str(Path(fresh, "n.db")))
        _, cpu_s, wall_s, rss = _measured(argv, Path(fresh))
    rows = pl.scan_parquet(file) if file.suffix == ".parquet" else pl.scan_csv(file)
    count = int(rows.select(pl.len()).collect().item())
    return Import(count, count, cpu_s, wall_s, rss)


def _measured(argv: Sequence[str], fresh: Path) -> tuple[bytes, float, float, int]:
    """Run a command; return its output, processor time, elapsed time and peak memory."""
    said, complaint = fresh / "said", fresh / "complaint"
    began = time.perf_counter()
    with said.open("wb") as out, complaint.open("wb") as err:
        child = subprocess.Popen(argv, cwd=fresh, stdout=out, stderr=err)
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
    child.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - began
    if child.returncode:
        raise ContenderFailed(f"{' '.join(argv)} ended with {child.returncode}: {tail(complaint)}")
    return said.read_bytes(), used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss * 1024
