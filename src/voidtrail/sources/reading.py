"""What several platforms' statements are read with: codes, instants, an order in a passed-on text.

Nothing here raises on foreign text; what cannot be read is None or "".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import structs

from voidtrail.event.model import Delivery, Kind, Micros, Result, Tag, Unreadable
from voidtrail.sources.contract import ReasonRow, Row, Translation

_CODE_LENGTH_MAX: Final = 64
_PATH: Final = re.compile(r"(?:missing required field `([^`]*)`)?(?: - at `\$\.?([^`]*)`)?$")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_BEIJING_S: Final = 8 * 3600


_TRIED: Final = frozenset({Kind.SUBMIT, Kind.AUTHENTICATE, Kind.AUTHORISE, Kind.CAPTURE})


def with_waiting(found: Translation, delivery: Delivery) -> Translation:
    """Add to an answer that tells only of a refused attempt what it also says: not paid yet.

    Without that a payment would be asked about for ever, since the attempt's own instant lies
    before the question.
    """
    if isinstance(found, Unreadable) or not found:
        return found
    told = [each for each in found if each.kind is not Kind.ORDER]  # an order waits as well
    if not told or any(e.kind not in _TRIED or e.result is not Result.REFUSED for e in told):
        return found
    waiting = structs.replace(
        found[-1], kind=Kind.OPEN, result=Result.PENDING, label=f"waiting:{found[-1].payment}",
        operation="", reverses="", amount_minor=None, currency="", tag=Tag.NONE, reason=0,
        occurred_at=delivery.received_at, life=False,
    )  # fmt: skip
    return [*found, waiting]


@lru_cache(maxsize=1024)
def code(text: str | None) -> str:
    """Return a platform's code, or "" for what is no code: free text may hold personal data.

    >>> code("insufficient_funds"), code("call me on 555-0100"), code(None)
    ('insufficient_funds', '', '')
    """
    if not text or len(text) > _CODE_LENGTH_MAX or "@" in text:
        return ""
    return text if text.isascii() and text.isprintable() and " " not in text else ""


def path(error: msgspec.MsgspecError) -> str:
    """Return where in a JSON document decoding stopped, as "data.object.amount"."""
    found = _PATH.search(str(error))
    parts = (found[2], found[1]) if found else ()
    return ".".join(part for part in parts if part) or "body"


@lru_cache(maxsize=4096)
def instant(text: str | None, default_offset_s: int = _BEIJING_S) -> Micros | None:
    """Read "2021-01-28 17:07:11", "…T17:07:11.143+08:00" or "…Z"; None if it is neither.

    Args:
        text: the platform's text.
        default_offset_s: seconds east of Greenwich where the text states no zone.

    >>> instant("2021-01-28T17:07:11+08:00") == instant("2021-01-28 17:07:11")
    True
    """
    if not text or len(text) < 19 or text[4] + text[7] != "--" or text[13] + text[16] != "::":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        return (moment - _EPOCH) // _MICROSECOND
    since = (moment.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    return since - default_offset_s * 1_000_000


def compact_instant(text: str | None, default_offset_s: int = _BEIJING_S) -> Micros | None:
    """Read "20210128170711"; None if it is no such text.

    >>> compact_instant("20210128170711") == instant("2021-01-28 17:07:11")
    True
    """
    if not text or len(text) != 14 or not (text.isascii() and text.isdigit()):
        return None
    try:
        moment = datetime.fromisoformat(f"{text[:8]}T{text[8:]}+00:00")
    except ValueError:
        return None
    return (int(moment.timestamp()) - default_offset_s) * 1_000_000


def wall_text(at: Micros, offset_s: int = _BEIJING_S) -> str:
    """Write an instant as "2021-01-28 17:07:11" on the wall clock of an offset.

    >>> wall_text(1_611_824_831_000_000)
    '2021-01-28 17:07:11'
    """
    moment = datetime.fromtimestamp(at // 1_000_000, UTC) + timedelta(seconds=offset_s)
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def passed_on_order(text: str | None, field: str) -> str:
    """Return the order named in a text that the merchant passed through the platform, or "".

    Args:
        text: JSON object, URL-encoded pairs, or (with field "*") the reference itself.
        field: the key that holds the order's reference.

    >>> passed_on_order('{"order":"A1"}', "order"), passed_on_order("order=A2&x=1", "order")
    ('A1', 'A2')
    """
    if not text or field == "*":
        return text or ""
    if text.startswith("{"):
        try:
            value = msgspec.json.decode(text).get(field, "")
        except (msgspec.MsgspecError, RecursionError):
            return ""
        return str(value) if isinstance(value, str | int) else ""
    if f"{field}=" not in text:
        return ""
    try:
        return dict(parse_qsl(text, max_num_fields=64)).get(field, "")
    except ValueError:
        return ""


def reason_rows(document: str, lines: str) -> dict[str, ReasonRow]:
    """Read lines of "slug: code code …" into rows of a REASONS table.

    >>> reason_rows("doc", "declined: do_not_honor call_issuer")["call_issuer"].slug
    'declined'
    """
    rows = {}
    for line in lines.strip().splitlines():
        slug, _, codes = line.strip().partition(": ")
        rows.update({code: ReasonRow(slug, document) for code in codes.split()})
    return rows


def event_rows(document: str, lines: str) -> dict[str, Row]:
    """Read lines of "KIND RESULT: word word …" into rows of an EVENTS table.

    >>> event_rows("doc", "VOID REFUSED: void_declined")["void_declined"].kind
    <Kind.VOID: 9>
    """
    rows = {}
    for line in lines.strip().splitlines():
        said, _, words = line.strip().partition(": ")
        kind, result = said.split()
        rows.update({word: Row(Kind[kind], Result[result], document) for word in words.split()})
    return rows
