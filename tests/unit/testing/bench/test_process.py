import os
import socket
import subprocess
import sys
import time

import pytest

from voidtrail.testing.bench.process import (
    ContenderFailed,
    cpu_seconds,
    peak_rss_bytes,
    run_once,
    running,
)


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_processor_time_grows_with_work():
    before = cpu_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert cpu_seconds(os.getpid()) - before >= 0.1


def test_processor_time_includes_living_children():
    argv = [sys.executable, "-c", "sum(range(10**6)); print(flush=True); input()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        alone = cpu_seconds(child.pid)
        assert 0 < alone < cpu_seconds(os.getpid())
        child.communicate(b"\n")


def test_a_process_that_is_gone_counts_nothing():
    assert cpu_seconds(2**22 + 1) == 0
    assert peak_rss_bytes(2**22 + 1) == 0


def test_a_server_is_started_awaited_and_stopped(tmp_path):
    port = _free_port()
    argv = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    affinity = os.sched_getaffinity(0)
    with running(
        argv, {}, tmp_path, f"http://127.0.0.1:{port}/", tmp_path / "log", cpu=min(affinity)
    ) as pid:
        assert os.sched_getaffinity(pid) == {min(affinity)}
        assert peak_rss_bytes(pid) > 1_000_000
    assert os.sched_getaffinity(0) == affinity
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_ends_early_is_reported_with_its_last_words(tmp_path):
    argv = [sys.executable, "-c", "raise SystemExit('no store here')"]
    with (
        pytest.raises(ContenderFailed, match="no store here"),
        running(argv, {}, tmp_path, "http://127.0.0.1:1/", tmp_path / "log"),
    ):
        pass


def test_a_failed_preparation_is_reported_with_its_last_words(tmp_path):
    argv = [sys.executable, "-c", "import os; raise SystemExit(os.environ['WORDS'])"]
    with pytest.raises(ContenderFailed, match="no template"):
        run_once(argv, {"WORDS": "no template"}, tmp_path, tmp_path / "log")
