"""The mapping file: what the columns of somebody's table mean, as validated values.

Users keep their mapping files, so the format is frozen: keys may be added, never renamed. Every
refusal names the field and, where a name is mistyped, the nearest known one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from hashlib import sha256
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from voidtrail.errors import MappingInvalid
from voidtrail.event.model import Kind, Result
from voidtrail.money import exponent
from voidtrail.sources.table.sql import looks_like_sql, parse

KINDS: Final = tuple(kind.name for kind in Kind)
RESULTS: Final = tuple(result.name for result in Result)


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Which column holds what; "" where the table has none.

    Attributes:
        order: the merchant's order reference.
        payment: the payment's reference; the order's if absent.
        attempt: the reference of one try; the operation of authorisations and captures.
        customer: whoever pays (made a pseudonym before storing).
        channel: a column, or one of the words of `Channel`.
        method: a column, or one of the words of `Method`.
        dimensions: columns to group reports by; sealed unless `[public]` lists them.
    """

    order: str = ""
    payment: str = ""
    attempt: str = ""
    customer: str = ""
    channel: str = ""
    method: str = ""
    dimensions: tuple[str, ...] = ()


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[event]]`: a statement that a row makes when `when` holds.

    Attributes:
        at: column of the instant.
        amount: a column or a SQL expression; "" if the statement carries no amount.
        when: SQL boolean over the columns; "" always holds.
        reason: a column, or the slug of a standard reason.
        actor: a column, or one of the words of `Actor`.
        how: a column, or one of the words of `How`.
        operation: column with the operation's own id, as a refund number.
        currency: a column, or an ISO 4217 code, other than the file's.
    """

    kind: str
    result: str
    at: str
    amount: str = ""
    when: str = ""
    reason: str = ""
    actor: str = ""
    how: str = ""
    operation: str = ""
    currency: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts without an order id that follow one another closely are one order."""

    by: tuple[str, ...]
    within_s: float


class Public(msgspec.Struct, frozen=True, kw_only=True):
    """What may stand unsealed."""

    dimensions: tuple[str, ...] = ()


class TableMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping file.

    Attributes:
        zone: IANA zone of instants without one; the account's if "".
        amount_unit: whether amounts are written in major or minor units.
        rounding: "half_even" rounds what is finer than the minor unit; "" refuses such a row.
        digest: SHA-256 of the file's text, in hex; not a key of the file.
    """

    event: tuple[EventRow, ...]
    source: Literal["table"] = "table"
    zone: str = ""
    currency: str = ""
    amount_unit: Literal["major", "minor"] = "major"
    rounding: Literal["", "half_even"] = ""
    group_by: tuple[str, ...] = ()
    columns: Columns = Columns()
    session: Session | None = None
    public: Public = Public()
    digest: str = ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint with the nearest known words, or with all of them if there are few.

    >>> nearest("colums", ["columns", "event"])
    ' (did you mean "columns"?)'
    """
    known = [name for name in known if name]
    found = get_close_matches(word, known, n=2, cutoff=0.5)
    if not found:
        folded = {name.casefold(): name for name in known}
        found = [folded[near] for near in get_close_matches(word.casefold(), folded, n=2)]
    if found:
        return " (did you mean " + " or ".join(f'"{name}"' for name in found) + "?)"
    return f" (known: {', '.join(known)})" if 0 < len(known) <= 24 else ""


def parse_mapping(text: str) -> TableMapping:
    r"""Read a mapping file.

    Args:
        text: the TOML text of the file.

    Raises:
        MappingInvalid: the text is no TOML, a key is unknown, or a value cannot be used.

    >>> parse_mapping('[[event]]\nkind = "ORDER"\nresult = "SUCCEEDED"\nat = "paid"').event[0].at
    'paid'
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingInvalid(f"the mapping file is not valid TOML: {error}") from None
    _check_keys(raw, TableMapping, "", {"digest"})
    _check_keys(raw.get("columns"), Columns, "columns.")
    _check_keys(raw.get("session"), Session, "session.")
    _check_keys(raw.get("public"), Public, "public.")
    events = raw.get("event")
    if not isinstance(events, list) or not events:
        raise MappingInvalid("event: the mapping file needs at least one [[event]] table")
    for place, event in enumerate(events, 1):
        _check_keys(event, EventRow, f"event {place}, ")
    try:
        mapping = msgspec.convert(raw, TableMapping)
    except msgspec.ValidationError as error:
        raise MappingInvalid(f"the mapping file has a value that cannot be used: {error}") from None
    mapping = msgspec.structs.replace(mapping, digest=sha256(text.encode()).hexdigest())
    _check_values(mapping)
    for place, row in enumerate(mapping.event, 1):
        _check_event(row, mapping, f"event {place} ({row.kind})")
    return mapping


def _check_keys(
    table: Any, shape: type[msgspec.Struct], path: str, hidden: Iterable[str] = ()
) -> None:
    if table is None:
        return
    if not isinstance(table, Mapping):
        raise MappingInvalid(f"{path.rstrip('., ')}: a table of keys was expected")
    known = [name for name in shape.__struct_fields__ if name not in set(hidden)]
    for key in table:
        if key not in known:
            raise MappingInvalid(f"{path}{key}: no such key{nearest(key, known)}")


def _check_values(mapping: TableMapping) -> None:
    if mapping.zone:
        check_zone(mapping.zone, "zone")
    if mapping.currency:
        check_currency(mapping.currency, "currency")
    if mapping.session is not None:
        if not mapping.session.by:
            raise MappingInvalid("session.by: name at least one column")
        if not 0 < mapping.session.within_s < 10**9:
            raise MappingInvalid("session.within_s: a number of seconds above 0 was expected")
        if mapping.group_by:
            raise MappingInvalid("session: cannot stand together with group_by")


def check_zone(zone: str, path: str) -> None:
    """Refuse a zone that is not in the IANA database.

    Raises:
        MappingInvalid: no such zone.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise MappingInvalid(
            f'{path}: {zone!r} is not an IANA time zone such as "Asia/Shanghai"'
        ) from None


def check_currency(currency: str, path: str) -> None:
    """Refuse a currency that is not in ISO 4217.

    Raises:
        MappingInvalid: no such currency.
    """
    try:
        exponent(currency)
    except ValueError as error:
        raise MappingInvalid(f"{path}: {error}") from None


def _check_event(row: EventRow, mapping: TableMapping, path: str) -> None:
    if row.kind not in KINDS:
        raise MappingInvalid(f"{path}, kind: no such kind{nearest(row.kind, KINDS)}")
    if row.result not in RESULTS:
        raise MappingInvalid(f"{path}, result: no such result{nearest(row.result, RESULTS)}")
    if row.kind == "LINK":
        raise MappingInvalid(f"{path}, kind: a table cannot state a LINK")
    if not row.at:
        raise MappingInvalid(f"{path}, at: name the column of the instant")
    if row.amount and not (mapping.currency or row.currency):
        raise MappingInvalid(f"{path}, amount: needs a currency, of the file or of the event")
    if row.when:
        parse(row.when, f"{path}, when")
    if looks_like_sql(row.amount):
        parse(row.amount, f"{path}, amount")
