"""The page of connections: of every account the steps to set it up, and how it is doing."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from voidtrail.errors import VoidtrailError
from voidtrail.event.model import Deed, Micros, Verb, Via
from voidtrail.runtime.app import House
from voidtrail.runtime.poll import CIRCUIT
from voidtrail.runtime.preparing import Entry
from voidtrail.runtime.views.credentials import Tested, self_test
from voidtrail.runtime.views.shapes import Shape

_WEEK: Final = 7 * 86_400 * 1_000_000
_REFUSALS_MOST: Final = 20_000
_DUE_MOST: Final = 4_000
_LOOKED_AT: Final = 20_000
_PUSH: Final = int(Via.PUSH)
_ASKED: Final = int(Via.ASKED)
VERBS: Final = ("query", "close", "void", "refund", "pay_link", "bill_file")


class Step(Shape, frozen=True, kw_only=True):
    """A step of setting up: "settings", "secrets", "address", "bill"; and whether it is done."""

    name: str
    done: bool


class Connection(Shape, frozen=True, kw_only=True):
    """An account at a platform.

    Attributes:
        signed: its pushes can be proved; those of others only make us ask.
        address: what to enter at the platform; "" if it pushes nothing.
        queries: the platform can be asked, if the account has credentials for it.
        verbs: what it can be asked or told, with the credentials that it has.
        first_at: when the first delivery came whose signature was proved; None if none did.
        refused: refused deliveries of the last seven days, by code; `refused_at` is the latest.
        quarantined: deliveries that wait to be understood; `why` is the latest reason.
        asked_at: when the platform last answered a question.
        waiting: payments about which it is to be asked now.
        next_at: when the next payment is to be asked about or judged.
        circuit: "closed", "open" or "probing": whether it is asked at all.
    """

    source: str
    account: str
    title: str
    shop: str
    mode: str
    zone: str
    signed: bool
    pushes: bool
    queries: bool
    address: str
    steps: tuple[Step, ...]
    secrets: tuple[Tested, ...]
    verbs: tuple[str, ...]
    first_at: Micros | None
    last_at: Micros | None
    refused: dict[str, int]
    refused_at: Micros | None
    quarantined: int
    why: str
    asked_at: Micros | None
    waiting: int
    next_at: Micros | None
    circuit: Literal["closed", "open", "probing"]

    @property
    def sound(self) -> bool:
        """Whether its secrets stand the self-test."""
        return all(each.result in ("good", "soon") or not each.needed for each in self.secrets)


def connections(house: House) -> tuple[Connection, ...]:
    """Return every configured account, those that need somebody first.

    Args:
        house: a house that reads.
    """
    now = house.clock()
    refused = _refused(house, now - _WEEK)
    circuits = _circuits(house)
    due = _due(house)
    found = [
        _connection(house, entry, now, refused, circuits, due) for entry in house.by_no.values()
    ]
    return tuple(sorted(found, key=lambda each: (
        each.sound and each.first_at is not None and not each.refused, each.mode == "test",
        each.title, each.account)))  # fmt: skip


def _connection(
    house: House, entry: Entry, now: Micros, refused: dict[int, tuple[dict[str, int], Micros]],
    circuits: dict[str, str], due: dict[int, Micros],
) -> Connection:  # fmt: skip
    account, abilities = entry.account, entry.source.CAPABILITIES
    # Where pushes prove nothing, the first answer does.
    first_at = _first(house, entry.no, _PUSH if abilities.signed else _ASKED)
    codes, refused_at = refused.get(entry.no, ({}, None))
    secrets = self_test(entry, now)
    sound = all(each.result in ("good", "soon") or not each.needed for each in secrets)
    quarantined, why = _quarantined(house, entry.no)
    waiting = house.ledger.db.execute(
        "SELECT count(*) FROM verdict v JOIN payment p ON p.payment_id = v.payment_id "
        "WHERE v.asking IN (1, 2) AND p.home_no = ?", (entry.no,),
    ).fetchone()[0]  # fmt: skip
    steps = [Step(name="settings", done=True)]
    if abilities.needed:
        steps.append(Step(name="secrets", done=sound))
    if abilities.webhook:
        steps.append(Step(name="address", done=first_at is not None or bool(codes)))
    can: Any = circuits.get(entry.identity, "closed")
    return Connection(
        source=account.source, account=account.name, title=abilities.title, shop=account.shop,
        mode=account.mode, zone=account.zone, signed=abilities.signed,
        pushes=abilities.webhook, queries=abilities.query,
        address=_address(house, entry) if abilities.webhook else "", steps=tuple(steps),
        secrets=secrets, verbs=_verbs(entry, now), first_at=first_at,
        last_at=house.ledger.db.execute(
            "SELECT max(received_at) FROM delivery WHERE account_no = ?", (entry.no,)
        ).fetchone()[0],
        refused=codes, refused_at=refused_at, quarantined=quarantined, why=why,
        asked_at=_last_asked(house, entry.no),
        waiting=waiting, next_at=due.get(entry.no), circuit=can,
    )  # fmt: skip


def _last_asked(house: House, no: int) -> Micros | None:
    """Return when the platform last answered, as far back as a page has time to look."""
    row = house.ledger.db.execute(
        "SELECT max(received_at) FROM (SELECT received_at, via FROM delivery WHERE account_no = ? "
        "ORDER BY received_at DESC LIMIT ?) WHERE via = ?", (no, _LOOKED_AT, _ASKED),
    ).fetchone()  # fmt: skip
    return None if row[0] is None else int(row[0])


def _address(house: House, entry: Entry) -> str:
    """Return the address to enter at the platform; its path alone where nobody said the rest."""
    path = f"/hooks/{entry.account.source}/{entry.account.name}"
    return f"{house.settings.server.public_url.rstrip('/')}{path}"


def _first(house: House, no: int, via: int) -> Micros | None:
    """Return when the first delivery came that was proved; what is refused is never kept."""
    row = house.ledger.db.execute(
        "SELECT min(received_at) FROM (SELECT received_at, via FROM delivery WHERE account_no = ? "
        "ORDER BY received_at LIMIT ?) WHERE via = ?", (no, _LOOKED_AT, via),
    ).fetchone()  # fmt: skip
    return None if row[0] is None else int(row[0])


def _verbs(entry: Entry, now: Micros) -> tuple[str, ...]:
    """Return what the platform can do for the credentials that the account has."""
    abilities = entry.source.CAPABILITIES
    return tuple(name for name in VERBS if getattr(abilities, name) and _can(entry, name, now))


def _can(entry: Entry, name: str, now: Micros) -> bool:
    source, account, secrets = entry.source, entry.account, entry.secrets
    if name == "bill_file":
        return True
    try:
        if name == "query":
            return source.query("probe", account, secrets, now, "0") is not None
        probe = Deed(verb=Verb(name), payment="probe", key="probe", operation="probe",
                     amount_minor=1, currency="CNY", order="probe")  # fmt: skip
        return source.act(probe, account, secrets, now, "0") is not None
    except (VoidtrailError, ValueError):
        return False  # credentials that cannot be used, as the self-test says


def _quarantined(house: House, no: int) -> tuple[int, str]:
    rows = house.ledger.db.execute(
        "SELECT d.path, d.why FROM delivery d INDEXED BY delivery_quarantine WHERE d.outcome = 1 "
        "AND d.account_no = ? AND NOT EXISTS (SELECT 1 FROM delivery again "
        "WHERE again.repeat_of = d.seq AND again.outcome = 0) ORDER BY d.seq DESC", (no,),
    ).fetchall()  # fmt: skip
    return len(rows), ": ".join(part for part in rows[0] if part) if rows else ""


def _refused(house: House, since: Micros) -> dict[int, tuple[dict[str, int], Micros]]:
    """Return refused deliveries by account: their codes, and the instant of the latest."""
    found: dict[int, tuple[dict[str, int], Micros]] = {}
    for at, body in house.ledger.db.execute(
        "SELECT at, body FROM control WHERE kind = 'refused' ORDER BY seq DESC LIMIT ?",
        (_REFUSALS_MOST,),
    ):
        if at < since:
            break
        for each in msgspec.json.decode(body):
            codes, _ = found.setdefault(each["account_no"], ({}, at))
            codes[each["code"]] = codes.get(each["code"], 0) + each["count"]
    return found


def _circuits(house: House) -> dict[str, str]:
    rows = house.ledger.db.execute(
        "SELECT body FROM control WHERE kind = ? ORDER BY seq", (CIRCUIT,)
    )
    entries = (msgspec.json.decode(body) for (body,) in rows)
    return {each["account"]: each["circuit"] for each in entries}


def _due(house: House) -> dict[int, Micros]:
    """Return when the next open payment of each account is looked at again."""
    rows = house.ledger.db.execute(
        "SELECT p.home_no, v.due_at FROM (SELECT payment_id, due_at FROM verdict "
        "WHERE due_at IS NOT NULL ORDER BY due_at LIMIT ?) v "
        "JOIN payment p ON p.payment_id = v.payment_id", (_DUE_MOST,),
    )  # fmt: skip
    found: dict[int, Micros] = {}
    for no, at in rows:
        if no is not None:
            found[no] = min(at, found.get(no, at))
    return found
