"""`voidtrail bench console`: how long the console's pages take over a ledger of millions.

A real server over a real store; one reader asks for one page after the other, as fast as they come.
Measured is the whole answer, rendered page included. Filters and payments are drawn from a seed.
"""

import http.client
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from voidtrail.testing.bench.process import ContenderFailed, free_port, peak_rss_bytes, running

_NEXT = re.compile(r'href="(/payments\?[^"]*cursor=[^"]+)"')
_DAY_US = 86_400 * 1_000_000
_PENDING = "first count is under way"
Tell = Callable[[str], None]
FILTERS: tuple[dict[str, str], ...] = (
    {}, {"state": "cancelled"}, {"state": "open"}, {"state": "paid"}, {"how": "abandoned"},
    {"how": "reversed"}, {"how": "duplicate"}, {"how": "refunded_in_full", "actor": "customer"},
    {"actor": "issuer"}, {"actor": "merchant"}, {"money": "partly_returned"}, {"money": "returned"},
    {"source": "stripe"}, {"source": "alipay", "state": "cancelled"}, {"shop": "northlight"},
    {"method": "card_form"}, {"method": "wechat_jsapi", "how": "expired"}, {"currency": "JPY"},
    {"currency": "CNY", "least": "100000"}, {"currency": "CNY", "least": "100000000"},
    {"currency": "KWD"}, {"entity": "northlight-hk", "state": "cancelled", "currency": "EUR"},
    {"test": "1"}, {"state": "cancelled", "order": "largest"}, {"order": "largest"},
    {"saveable": "1"}, {"saveable": "1", "order": "largest"}, {"saveable": "1", "source": "alipay"},
)  # fmt: skip
"""Of the list of payments, asked over all time, of which the store holds a year."""


@dataclass(frozen=True)
class ConsolePlan:
    """How large the store is, and how often each kind of page is asked for."""

    payments: int = 5_000_000
    lives: int = 100
    overviews: int = 60
    searches: int = 40
    pages_each: int = 3
    seed: int = 1


@dataclass
class PageTimes:
    """How long one kind of page took; seconds in the order asked."""

    name: str
    taken_s: list[float] = field(default_factory=list)
    slowest: str = ""

    def add(self, path: str, taken_s: float) -> None:
        """Note one answer."""
        if not self.taken_s or taken_s > max(self.taken_s):
            self.slowest = path
        self.taken_s.append(taken_s)

    def quantile(self, share: float) -> float:
        """Return a quantile, the next larger of what was measured."""
        ordered = sorted(self.taken_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass
class ConsoleResult:
    """What was measured.

    Attributes:
        counted_s: from the first look at a day's overview until its figures stood.
        peak_rss_bytes: of the server.
    """

    plan: ConsolePlan
    store_bytes: int
    counted_s: float
    peak_rss_bytes: int
    pages: list[PageTimes]

    def as_data(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        return {
            "store_bytes": self.store_bytes, "counted_s": self.counted_s,
            "peak_rss_bytes": self.peak_rss_bytes,
            "pages": [
                {"name": each.name, "asked": len(each.taken_s), "p50_s": each.quantile(0.5),
                 "p95_s": each.quantile(0.95), "latest_s": max(each.taken_s),
                 "slowest": each.slowest}
                for each in self.pages
            ],
        }  # fmt: skip


class _Reader:
    """One person with a session."""

    def __init__(self, port: int, link: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120.0)
        self._cookie = ""
        self.get(urlsplit(link)._replace(scheme="", netloc="").geturl())

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def get(self, path: str) -> tuple[str, float]:
        """Return a page and the seconds that it took; signs in on the way."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers={"Cookie": self._cookie})
        answer = self._connection.getresponse()
        body = answer.read().decode()
        taken_s = time.perf_counter() - began
        for value in answer.headers.get_all("set-cookie") or []:
            self._cookie = "; ".join(filter(None, [self._cookie, value.partition(";")[0]]))
        if answer.status in (302, 303):
            return self.get(answer.headers["location"])
        if answer.status >= 400 or ("csrf" not in body and path.startswith("/overview")):
            raise ContenderFailed(f"{path} was answered with {answer.status}: {body[:300]}")
        return body, taken_s


def run_console(store: Path, plan: ConsolePlan, room: Path, tell: Tell) -> ConsoleResult:
    """Measure the console's pages.

    Args:
        store: a ledger of many payments.
        plan: how often each kind of page is asked for.
        room: where the server may write its log.
        tell: is told in one line what is being done.

    Raises:
        ContenderFailed: the server did not start, or refused a page.
    """
    port = free_port()
    serve = [sys.executable, "-m", "voidtrail", "serve", "--db", str(store), "--port", str(port)]
    tell(f"console: a server over {store.stat().st_size / 1e9:.1f} GB")
    with running(serve, {}, room, f"http://127.0.0.1:{port}/readyz", room / "server.log",
                 ready_s=600.0) as pid:  # fmt: skip
        link = subprocess.run(
            [sys.executable, "-m", "voidtrail", "link", "--db", str(store)],
            check=True, capture_output=True, text=True, cwd=room,
            env={**_clean_environment(), "VOIDTRAIL_PORT": str(port)},
        ).stdout.strip()  # fmt: skip
        with closing(_Reader(port, link)) as reader:
            draw = random.Random(plan.seed)
            day, names = _drawn(store, draw, plan)
            tell("console: the overview's first count")
            counted_s = _until_counted(reader, day)
            pages = []
            for name, paths in _asked(day, names, draw, plan).items():
                tell(f"console: {name}")
                pages.append(_measured(reader, name, paths, plan))
        return ConsoleResult(plan, store.stat().st_size, counted_s, peak_rss_bytes(pid), pages)


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("VOIDTRAIL_")}


def _drawn(store: Path, draw: random.Random, plan: ConsolePlan) -> tuple[str, list[str]]:
    """Return a day in the middle of the store's year, and names of payments at random."""
    db = sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)
    (last,) = db.execute("SELECT max(spoken_at) FROM payment").fetchone()
    (most,) = db.execute("SELECT max(payment_id) FROM payment").fetchone()
    names: list[str] = []
    while len(names) < plan.lives:
        row = db.execute(
            "SELECT n.text FROM payment p JOIN name n ON n.no = p.payment_id "
            "WHERE p.payment_id >= ? AND p.placeholder = 0 LIMIT 1", (draw.randrange(1, most),),
        ).fetchone()  # fmt: skip
        names += row or ()
    db.close()
    day = datetime.fromtimestamp((last - 2 * _DAY_US) / 1e6, UTC).date().isoformat()
    return day, names


def _until_counted(reader: _Reader, day: str) -> float:
    began = time.perf_counter()
    while True:
        page, _ = reader.get(_overview(day, day))
        if _PENDING not in page:
            return time.perf_counter() - began
        time.sleep(0.05)


def _overview(since: str, until: str) -> str:
    return "/overview?" + urlencode({"since": since, "until": until})


def _asked(
    day: str, names: Sequence[str], draw: random.Random, plan: ConsolePlan
) -> dict[str, Iterator[str]]:
    """Return the paths of each kind of page."""
    last = datetime.fromisoformat(day)
    other = [(last - timedelta(draw.randrange(10, 300))).date().isoformat()
             for _ in range(plan.overviews)]  # fmt: skip
    filters = [dict(each, period="all") for each in FILTERS for _ in range(plan.pages_each)]
    references = [name.split("/", 2)[2] for name in names]
    texts = [*references[: plan.searches], "129.00", "¥359", "4242", "nothing-like-this"]
    return {
        "overview": iter([_overview(day, day)] * plan.overviews),
        "payments": (f"/payments?{urlencode(each)}" for each in filters),
        "payment": (f"/payments/{quote(name)}" for name in names),
        "search": (f"/find?{urlencode({'query': text})}" for text in texts),
        "sources": iter(["/sources"] * 10),
        "overview, first look": (_overview(each, each) for each in other),
    }


def _measured(reader: _Reader, name: str, paths: Iterator[str], plan: ConsolePlan) -> PageTimes:
    """Ask for pages; a list's next page is asked for instead of the same page again."""
    found = PageTimes(name)
    onward, before = "", ""
    for path in paths:
        asked = onward if onward and path == before else path
        page, taken_s = reader.get(asked)
        found.add(asked, taken_s)
        following = _NEXT.search(page) if plan.pages_each > 1 else None
        onward, before = following[1].replace("&amp;", "&") if following else "", path
    return found
