"""A log written at an even pace, rotated and read through restarts: is it all there, and how large.

Every hundredth line states something about a payment of its own; the others are noise. The server
is killed once and stopped once while the log grows on, and the log is renamed twice and copied and
truncated once, also while nobody reads.
"""

import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from voidtrail.testing.bench.process import cpu_seconds, free_port, running

_HOST = "127.0.0.1"
_STEP_S = 0.05
_WAIT_S = 120.0
_SETTINGS = """
[server]
port = {port}
[ledger]
path = "v.db"
[[account]]
source = "gateway_log"
name = "main"
[[tail]]
path = "access.log"
format = "combined"
since = "start"
[[tail.rule]]
name = "fault"
when = {{ path = "/pay/*", status = "5??" }}
kind = "authorise"
result = "refused"
reason = "platform_fault"
payment = "query.trade_no"
"""
_NOISE = (
    '83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /presentations/images/{n}.png HTTP/1.1" '
    '200 {n} "http://example.com/" "Mozilla/5.0 (X11; Linux x86_64)"\n'
)
_STATEMENT = (
    '10.0.0.7 - - [17/May/2015:10:05:03 +0000] "POST /pay/notify?trade_no=T{n:08d} HTTP/1.1" '
    '502 0 "-" "curl"\n'
)


@dataclass(frozen=True, slots=True)
class TailPlan:
    """How much is written; every `one_in`-th line states something."""

    lines_per_s: int = 20_000
    seconds: float = 40.0
    one_in: int = 100
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class TailResult:
    """What became of a log.

    Attributes:
        lines, bytes: written.
        wrote_s: how long that took.
        behind_s: from the last line to its delivery.
        statements: lines that state something; each about a payment of its own.
        lost, doubled: of those.
        rotations, restarts: how many there were.
        resident_bytes: of the server's last life: in its first third and in its last.
        cpu_share: processor time of that life as a share of one processor.
    """

    plan: TailPlan
    lines: int
    bytes: int
    wrote_s: float
    behind_s: float
    statements: int
    lost: int
    doubled: int
    rotations: int
    restarts: int
    resident_bytes: tuple[int, int]
    cpu_share: float


class _Writer(threading.Thread):
    """Writes the log, and rotates it between two lines."""

    def __init__(self, path: Path, plan: TailPlan, noise: Sequence[bytes]) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._plan = plan
        self._noise = noise
        self.lines = self.bytes = self.statements = self.rotations = 0
        self.took_s = 0.0
        self.ended_at = 0.0

    def run(self) -> None:
        """Write at an even pace until everything is written."""
        plan, began = self._plan, time.monotonic()
        total = int(plan.lines_per_s * plan.seconds)
        turns = [total * part // 20 for part in (4, 9, 15)]  # the second: while nobody reads
        while self.lines < total:
            due = min(total, int((time.monotonic() - began) * plan.lines_per_s))
            with self._path.open("ab") as file:
                while self.lines < due and not (turns and self.lines >= turns[0]):
                    file.write(self._line())
            if turns and self.lines >= turns[0]:
                turns.pop(0)
                self._rotate()
                continue
            time.sleep(_STEP_S)
        self.ended_at = time.monotonic()
        self.took_s = self.ended_at - began

    def _line(self) -> bytes:
        self.lines += 1
        if self.lines % self._plan.one_in == 0:
            self.statements += 1
            line = _STATEMENT.format(n=self.statements).encode()
        elif self._noise:
            line = self._noise[self.lines % len(self._noise)] + b"\n"
        else:
            line = _NOISE.format(n=self.lines).encode()
        self.bytes += len(line)
        return line

    def _rotate(self) -> None:
        """Rename the log away; the third time copy it and truncate it."""
        self.rotations += 1
        away = self._path.with_name(f"{self._path.name}.{self.rotations}")
        if self.rotations == 3:
            shutil.copy2(self._path, away)
            os.truncate(self._path, 0)
        else:
            self._path.rename(away)


def run_tail(
    plan: TailPlan, room: Path, tell: Callable[[str], None], noise: Sequence[bytes] = ()
) -> TailResult:
    """Write a log and let a server read it.

    Args:
        plan: how much.
        room: an empty folder on the disk that is measured.
        tell: is told what is being done.
        noise: lines to write between the statements, without their ends; made up if none are given.

    Raises:
        ContenderFailed: the server did not start.
    """
    port = free_port(_HOST)
    (room / "voidtrail.toml").write_text(_SETTINGS.format(port=port), "utf-8")
    writer = _Writer(room / "access.log", plan, noise)
    argv = [sys.executable, "-m", "voidtrail", "serve", "--config", "voidtrail.toml"]
    url, log = f"http://{_HOST}:{port}/healthz", room / "server.log"
    total = int(plan.lines_per_s * plan.seconds)

    def life() -> AbstractContextManager[int]:
        return running(argv, {}, room, url, log)

    with life() as pid:
        writer.start()
        _until(lambda: writer.lines >= total * 6 // 20)
        tell("tail: killed, and started again")
        os.killpg(pid, signal.SIGKILL)
    _until(lambda: writer.lines >= total * 7 // 20)
    with life():
        _until(lambda: writer.lines >= total * 8 // 20)
        tell("tail: stopped, rotated meanwhile, and started again")
    _until(lambda: writer.rotations >= 2)
    with life() as pid:
        began, used = time.monotonic(), cpu_seconds(pid)
        resident: list[int] = []
        while writer.is_alive():
            resident.append(_resident_bytes(pid))
            time.sleep(0.25)
        _until(lambda: _delivered(room)[0] >= writer.statements, _WAIT_S)
        behind = time.monotonic() - writer.ended_at
        share = (cpu_seconds(pid) - used) / (time.monotonic() - began)
        resident.append(_resident_bytes(pid))
    count, payments = _delivered(room)
    third = max(1, len(resident) // 3)
    return TailResult(
        plan, writer.lines, writer.bytes, writer.took_s, behind, writer.statements,
        writer.statements - payments, count - payments, writer.rotations, 2,
        (max(resident[:third]), max(resident[-third:])), share,
    )  # fmt: skip


def _until(holds: Callable[[], bool], wait_s: float = 600.0) -> None:
    """Wait until something holds, at most so long: what is missing then is counted as lost."""
    end = time.monotonic() + wait_s
    while not holds() and time.monotonic() < end:
        time.sleep(_STEP_S)


def _delivered(room: Path) -> tuple[int, int]:
    """Return how many deliveries there are, and of how many payments."""
    db = sqlite3.connect(f"file:{room / 'v.db'}?mode=ro", uri=True, timeout=30)
    try:
        (deliveries,) = db.execute("SELECT count(*) FROM delivery").fetchone()
        (payments,) = db.execute("SELECT count(*) FROM name").fetchone()
    finally:
        db.close()
    return int(deliveries), int(payments)


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
