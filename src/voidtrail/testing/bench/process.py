"""Servers as processes: start one, wait until it is ready, read what it used, stop it."""

import http.client
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from voidtrail.errors import OutsideFault

_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_CLOCK_OF_WHOLE_PROCESS = 2
_POLL_S = 0.05
_STOP_S = 15.0
_LOG_TAIL_CHARS = 2_000


class ContenderFailed(OutsideFault):
    """What is measured did not start, failed, or did not keep what it acknowledged."""


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its descendants have used.

    The kernel's clock of each living process is read (nanoseconds, all threads, ended ones too);
    children that were already waited for come from `/proc` in clock ticks, mostly 10 ms.

    Args:
        pid: The process.

    Returns:
        User and system time in seconds. A process that is gone counts as 0.
    """
    total = 0.0
    for member in _family(pid):
        fields = _stat_fields(member)
        if fields:
            waited_for = int(fields[13]) + int(fields[14])
            total += _own_cpu_seconds(member, fields) + waited_for / _TICKS_PER_S
    return total


def peak_rss_bytes(pid: int) -> int:
    """Return the peak resident memory of a process and its living descendants, added up.

    Args:
        pid: The process.

    Returns:
        Bytes. Pages that processes share are counted for each of them.
    """
    kibibytes = 0
    for member in _family(pid):
        try:
            status = Path(f"/proc/{member}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        lines = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        kibibytes += sum(int(line.split()[1]) for line in lines)
    return kibibytes * 1024


def peak_rss_bytes_of_this_process() -> int:
    """Return the peak resident memory of this process so far, its children left out."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def pin(cpu: int | None) -> None:
    """Bind this process, and all that it starts from now on, to one processor.

    Args:
        cpu: The processor; None leaves everything as it is.
    """
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


def run_once(argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> None:
    """Run a command to its end.

    Args:
        argv: The command.
        env: What is added to this process's environment.
        cwd: Where it runs.
        log: Where its output is appended.

    Raises:
        ContenderFailed: It ended with another code than 0.
    """
    with log.open("ab") as output:
        ended = subprocess.run(
            argv, env={**os.environ, **env}, cwd=cwd, stdout=output, stderr=output, check=False
        )
    if ended.returncode:
        raise ContenderFailed(f"{' '.join(argv)} ended with {ended.returncode}: {tail(log)}")


@contextmanager
def running(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    ready_url: str,
    log: Path,
    *,
    cpu: int | None = None,
    ready_s: float = 60.0,
) -> Iterator[int]:
    """Start a server, wait until it answers, give its process id, stop it at the end.

    Args:
        argv: The command.
        env: What is added to this process's environment.
        cwd: Where it runs.
        ready_url: Answers 200 as soon as the server is ready.
        log: Where its output is appended.
        cpu: The processor that the server and all its threads and children are bound to.
        ready_s: How long to wait for readiness.

    Yields:
        The process id.

    Raises:
        ContenderFailed: It ended early, or was not ready in time.
    """
    mine = os.sched_getaffinity(0)
    with log.open("ab") as output:
        pin(cpu)
        try:
            server = subprocess.Popen(
                argv,
                env={**os.environ, **env},
                cwd=cwd,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            os.sched_setaffinity(0, mine)
    try:
        _wait_ready(server, ready_url, log, ready_s)
        yield server.pid
    finally:
        _stop(server)


def _wait_ready(server: subprocess.Popen[bytes], url: str, log: Path, ready_s: float) -> None:
    deadline = time.monotonic() + ready_s
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ContenderFailed(f"server ended with {server.returncode}: {tail(log)}")
        if _answers(url):
            return
        time.sleep(_POLL_S)
    raise ContenderFailed(f"server not ready at {url} after {ready_s:g} s: {tail(log)}")


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5.0)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server's whole session, gently first; it is ours, we started it."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
        except ProcessLookupError:
            break
        try:
            server.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            continue
        break
    server.wait()


def _own_cpu_seconds(pid: int, fields: list[str]) -> float:
    """Return one process's processor time by its clock (see clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime((~pid << 3) | _CLOCK_OF_WHOLE_PROCESS)
    except OSError:
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _family(pid: int) -> list[int]:
    """Return a process and its living descendants (not every kernel lists a process's children)."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat_fields(int(entry.name))):
            parents[int(entry.name)] = int(fields[1])
    family = [pid]
    for member in family:
        family.extend(child for child, parent in parents.items() if parent == member)
    return family


def _stat_fields(pid: int) -> list[str]:
    """Return the fields after the command's name: index 0 is the state."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return stat[stat.rindex(")") + 2 :].split()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port on which nobody listens at the moment."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])


def tail(log: Path) -> str:
    """Return the end of a server's output, for a message.

    Args:
        log: The file that the output was appended to.

    Returns:
        At most 2,000 characters.
    """
    return log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL_CHARS:].strip()
