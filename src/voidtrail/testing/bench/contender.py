"""Who is measured: a server under test, and the peers that Voidtrail is compared with."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from voidtrail.testing.bench import bare
from voidtrail.testing.bench.kept import Store
from voidtrail.testing.bench.payloads import Credentials, public_pem

_ENDPOINT_UUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PEERS = Path("benchmarks", "peers")
_FOLDERS = ("fastapi_service", "djstripe_service", "postgresql")
_VENVS = Path(".bench")


@dataclass(frozen=True)
class Site:
    """Where a contender is set up, anew for each start.

    Attributes:
        data: An empty folder for its store and its secrets.
        port: A free port on the loopback address.
        credentials: What the notifications are signed with.
        account: The account that they are posted to.
    """

    data: Path
    port: int
    credentials: Credentials
    account: str


@dataclass(frozen=True)
class Contender:
    """A server under test.

    Attributes:
        name: How the table calls it.
        argv: The command that serves in the foreground.
        env: What the command needs beside this process's environment.
        ready_url: Answers 200 as soon as the server is ready.
        path_for: Gives the path for a source and an account.
        sources: The sources that it can receive.
        cwd: Where the command runs.
        prepare_argv: A command that is run to its end before each start.
        store: Where it keeps what it acknowledged; None leaves that unproved.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready_url: str
    path_for: Callable[[str, str], str]
    sources: frozenset[str]
    cwd: Path = field(default_factory=Path.cwd)
    prepare_argv: tuple[str, ...] | None = None
    store: Store | None = None


ContenderAt = Callable[[Site], Contender]


def peers(root: Path) -> list[ContenderAt]:
    """Return the peers of a source checkout whose environments `benchmarks/peers/setup` has made.

    Args:
        root: The checkout.

    Returns:
        The hand-rolled service and dj-stripe, each on SQLite and on PostgreSQL, and dj-stripe with
        its processing put off; fewer when an environment is missing.
    """
    missing = missing_peers(root)
    found: list[ContenderAt] = []
    if "fastapi_service" not in missing:
        found.append(partial(fastapi_peer, root))
        if "postgresql" not in missing:
            found.append(partial(on_postgresql, root, found[-1], _ASYNCPG))
    if "djstripe_service" not in missing:
        found.append(partial(djstripe_peer, root))
        if "postgresql" not in missing:
            found.append(partial(on_postgresql, root, found[-1], _PSYCOPG))
        found.append(partial(djstripe_peer, root, store_only=True))
    return found


def missing_peers(root: Path) -> tuple[str, ...]:
    """Return the folders of the peers that have no environment.

    Args:
        root: The checkout.
    """
    return tuple(each for each in _FOLDERS if not _python(root, each).exists())


def voidtrail(site: Site) -> Contender:
    """Return Voidtrail with everything on: verify, mask, seal, chain, join, verdict.

    Args:
        site: Where it is set up.

    Returns:
        The contender.
    """
    public = public_pem(site.credentials.alipay_key)
    (site.data / "alipay_public_key.pem").write_text(public, encoding="ascii")
    (site.data / "voidtrail.toml").write_text(
        _SETTINGS.format(account=site.account, app_id=site.credentials.alipay_app_id),
        encoding="utf-8",
    )
    command = (sys.executable, "-m", "voidtrail")
    file = site.data / "voidtrail.db"
    where = ("--config", str(site.data / "voidtrail.toml"), "--db", str(file))
    verify = (*command, "verify", "--json", *where)
    return Contender(
        name="Voidtrail",
        argv=(*command, "serve", "--port", str(site.port), *where),
        env={"BENCH_STRIPE_SECRET": site.credentials.stripe_secret},
        ready_url=f"http://127.0.0.1:{site.port}/healthz",
        path_for=lambda source, account: f"/hooks/{source}/{account}",
        sources=frozenset({"stripe", "alipay"}),
        store=Store(file, "SELECT count(*) FROM delivery", repeats=True, verify_argv=verify),
    )


_SETTINGS = """
[[account]]
source = "stripe"
name = "{account}"
[account.secrets]
signing = "env:BENCH_STRIPE_SECRET"

[[account]]
source = "alipay"
name = "{account}"
[account.secrets]
public_key = "file:alipay_public_key.pem"
"""


def floor(site: Site) -> Contender:
    """Return the least a Python server can do; Voidtrail is held against it as a share.

    Args:
        site: Where it is set up.

    Returns:
        The contender.
    """
    return Contender(
        name="bare uvicorn",
        argv=(sys.executable, "-m", bare.__name__, str(site.port)),
        env={},
        ready_url=f"http://127.0.0.1:{site.port}/",
        path_for=lambda source, account: f"/hooks/{source}/{account}",
        sources=frozenset({"stripe", "alipay"}),
    )


def fastapi_peer(root: Path, site: Site) -> Contender:
    """Return the hand-rolled service: FastAPI and async SQLAlchemy, one commit per request.

    Args:
        root: The source checkout.
        site: Where it is set up.

    Returns:
        The contender.
    """
    key_file = site.data / "alipay_public_key.pem"
    key_file.write_text(public_pem(site.credentials.alipay_key), encoding="ascii")
    file = site.data / "peer.sqlite3"
    return Contender(
        name="hand-rolled FastAPI",
        argv=(
            *(str(_python(root, "fastapi_service")), "-m", "uvicorn", "app:app"),
            *("--host", "127.0.0.1", "--port", str(site.port)),
            *("--loop", "uvloop", "--http", "httptools"),
            *("--no-access-log", "--log-level", "warning"),
        ),
        env={
            "PEER_DATABASE_URL": f"sqlite+aiosqlite:///{file}",
            "PEER_STRIPE_SECRET": site.credentials.stripe_secret,
            "PEER_ALIPAY_APP_ID": site.credentials.alipay_app_id,
            "PEER_ALIPAY_PUBLIC_KEY_FILE": str(key_file),
            "PEER_ALIPAY": "cryptography",  # faster than the SDK's own check
        },
        ready_url=f"http://127.0.0.1:{site.port}/health",
        path_for=lambda source, account: f"/hooks/{source}/{account}",
        sources=frozenset({"stripe", "alipay"}),
        cwd=root / PEERS / "fastapi_service",
        store=Store(file, "SELECT count(*) FROM events", repeats=False),
    )


def djstripe_peer(root: Path, site: Site, *, store_only: bool = False) -> Contender:
    """Return Django with dj-stripe, signatures verified, the call back to Stripe stubbed.

    Args:
        root: The source checkout.
        site: Where it is set up.
        store_only: Whether the processing of an event is put off, as with a task queue.

    Returns:
        The contender.
    """
    python = str(_python(root, "djstripe_service"))
    file = site.data / "peer.sqlite3"
    return Contender(
        name="dj-stripe (store only)" if store_only else "dj-stripe",
        argv=(
            *(python, "-m", "gunicorn", "wsgi:application"),
            *("--bind", f"127.0.0.1:{site.port}", "--backlog", "1024", "--log-level", "warning"),
            *("--worker-class", "gthread", "--workers", "1", "--threads", "1"),
            *("--keep-alive", "60", "--timeout", "300"),
        ),
        env={
            "DJANGO_SETTINGS_MODULE": "settings",
            "PEER_DATABASE_FILE": str(file),
            "PEER_TEMPLATE_FILE": str(root / _VENVS / "djstripe_service" / "template.sqlite3"),
            "PEER_STRIPE_SECRET": site.credentials.stripe_secret,
            "PEER_ENDPOINT_UUID": _ENDPOINT_UUID,
            "PEER_DJSTRIPE": "store" if store_only else "process",
        },
        ready_url=f"http://127.0.0.1:{site.port}/health",
        path_for=lambda _source, _account: f"/stripe/webhook/{_ENDPOINT_UUID}/",
        sources=frozenset({"stripe"}),
        cwd=root / PEERS / "djstripe_service",
        prepare_argv=(python, "prepare.py"),
        store=Store(file, "SELECT count(*) FROM djstripe_webhookeventtrigger", repeats=True),
    )


def on_postgresql(
    root: Path, peer_at: ContenderAt, env: Mapping[str, str], site: Site
) -> Contender:
    """Return a peer on a PostgreSQL server of its own, which runs and is measured as its child.

    Args:
        root: The source checkout.
        peer_at: The peer on SQLite.
        env: What tells it to use PostgreSQL.
        site: Where it is set up.

    Returns:
        The contender.
    """
    peer = peer_at(site)
    cluster = site.data / "cluster"
    script = root / PEERS / "postgresql" / "beside.py"
    beside = (str(_python(root, "postgresql")), str(script), str(cluster))
    return replace(
        peer,
        name=f"{peer.name}, PostgreSQL",
        argv=(*beside, *peer.argv),
        env={**peer.env, **env},
        prepare_argv=peer.prepare_argv and (*beside, *peer.prepare_argv),
        store=peer.store and replace(peer.store, file=cluster, ask_argv=(*beside, "psql", "-Atc")),
    )


_ASYNCPG = {"PEER_DATABASE_URL": "postgresql+asyncpg://"}
_PSYCOPG = {"PEER_DATABASE": "postgresql"}


def _python(root: Path, peer: str) -> Path:
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    return root / _VENVS / peer / scripts / "python"
