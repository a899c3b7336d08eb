"""Log lines of five forms as fields: JSON, logfmt, access logs, syslog, a pattern of one's own.

A field is a text by its name; a value inside of a JSON object is named with dots. Nothing here
raises on any line; one that is not of its form has no fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import msgspec

from voidtrail.event.model import Micros

Form = Literal["json", "logfmt", "combined", "syslog", "pattern"]
Fields = Mapping[str, object]
_QUOTED: Final = r'(?:[^"\\]|\\.)*'
_COMBINED: Final = re.compile(
    r"(?P<client>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<time>[^\]]+)\] "
    rf'"(?P<request>{_QUOTED})" (?P<status>\d{{3}}) (?P<bytes>\d+|-)'
    rf'(?: "(?P<referer>{_QUOTED})" "(?P<agent>{_QUOTED})")?(?P<rest>.*)'
)
_PAIR: Final = re.compile(rf'(?<![^\s="])([^\s="]+)=(?:"({_QUOTED})"|(\S*))')
"""A name begins where a word does: looked for inside of a long word, it would cost its square."""
_RFC5424: Final = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<procid>\S+) (?P<msgid>\S+) "
    rf"(?P<data>-|(?:\[(?:[^\]\"]|\"{_QUOTED}\")*\])+)(?: (?P<message>.*))?",
    re.DOTALL,
)
_BSD: Final = re.compile(
    r"(?:<(?P<pri>\d{1,3})>)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) "
    r"(?P<app>[^\s:\[]+)(?:\[(?P<procid>[^\]]*)\])?:? ?(?P<message>.*)",
    re.DOTALL,
)
_ELEMENT: Final = re.compile(rf'\[(\S+?)((?: [^\s="]+="{_QUOTED}")*)\]')
_BOM: Final = "\ufeff"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JSON: Final = msgspec.json.Decoder(float_hook=str)
"""Numbers with a point stay the text that stands there: they may be amounts."""


def fields_of(line: bytes, form: Form, pattern: str = "", inner: str = "") -> Fields | None:
    """Return the fields of a line, None if it is not of the form.

    Args:
        line: without its end.
        form: which of the forms it has.
        pattern: for "pattern": a regular expression with named groups.
        inner: form of a syslog message's text, "" if it is just text.
    """
    if form == "json":
        return _json(line)
    text = line.decode("utf-8", "replace")
    if form == "combined":
        found = _COMBINED.match(text)
        return None if found is None else _access(found)
    if form == "logfmt":
        return _pairs(text) or None
    if form == "pattern":
        match = _compiled(pattern).search(text)
        return None if match is None else _groups(match)
    return _syslog(text, inner)


def value(fields: Fields, name: str) -> str:
    """Return a field as text, "" if it is absent; "query.x" is a parameter of an access log."""
    if not name:
        return ""
    found = fields.get(name)
    if found is None and "." in name:
        if name.startswith("query."):
            return _query(str(fields.get("query", ""))).get(name[6:], "")
        found = fields
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int | float) else ""


def _json(line: bytes) -> Fields | None:
    start = line.find(b"{")  # container runtimes put a time in front
    try:
        found = _JSON.decode(line[start:]) if start >= 0 else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    return found if isinstance(found, dict) else None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _groups(match: re.Match[str]) -> dict[str, object]:
    return {name: text for name, text in match.groupdict().items() if text is not None}


def _pairs(text: str) -> dict[str, object]:
    return {
        name: bare if bare else quoted.replace('\\"', '"').replace("\\\\", "\\")
        for name, quoted, bare in _PAIR.findall(text)
    }


def _access(match: re.Match[str]) -> dict[str, object]:
    found = _groups(match)
    rest = str(found.get("rest", ""))
    if "=" in rest:
        found = {**_pairs(rest), **found}
    method, _, behind = str(found["request"]).partition(" ")
    target = behind.rpartition(" ")[0] or behind
    path, _, query = target.partition("?")
    found.update(method=method, target=target, path=path, query=query)
    return found


def _query(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=64))
    except ValueError:
        return {}


def _syslog(text: str, inner: str) -> Fields | None:
    match = _RFC5424.fullmatch(text) or _BSD.fullmatch(text)
    if match is None:
        return None
    found = _groups(match)
    if "pri" in found:
        facility, severity = divmod(int(str(found["pri"])), 8)
        found.update(facility=str(facility), severity=str(severity))
    for name, pairs in _ELEMENT.findall(str(found.pop("data", ""))):
        for key, text_there in _pairs(pairs).items():
            found[f"sd.{name}.{key}"] = text_there
    message = str(found.get("message", "")).removeprefix(_BOM)
    found["message"] = message
    inside = _json(message.encode("utf-8", "replace")) if inner == "json" else None
    if inner == "logfmt":
        inside = _pairs(message)
    return {**inside, **found} if inside else found


def moment(text: str, zone: str, received_at: Micros) -> Micros | None:
    """Return the instant of a log's time, None if it cannot be read.

    ISO 8601 (also with "/" or "," inside), an access log's "17/May/2015:10:05:03 +0000", syslog's
    "May 17 10:05:03" in the year nearest to the receipt, or seconds, milliseconds or microseconds
    since 1970.

    >>> moment("17/May/2015:10:05:03 +0000", "UTC", 0)
    1431857103000000
    """
    try:
        at = _moment(text.strip(), received_at)
        if isinstance(at, int):
            return at
        if at is not None and at.tzinfo is None:
            at = at.replace(tzinfo=_zone(zone))
        return None if at is None else (at - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def _moment(text: str, received_at: Micros) -> datetime | int | None:
    if not text or len(text) > 48:
        return None
    if text.replace(".", "", 1).isdigit() and text.isascii():
        whole, _, part = text.partition(".")
        scale = {10: 1_000_000, 13: 1000, 16: 1}.get(len(whole))
        return (
            None
            if scale is None
            else int(whole) * scale + int((part + "000000")[:6]) * (scale == 1_000_000)
        )
    if text[2:3] == "/" and text[6:7] == "/":
        return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
    if text[:1].isalpha():
        received = _EPOCH + timedelta(microseconds=received_at)
        guesses = [
            # The zone is that of the account; whoever calls knows it.
            datetime.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S")  # noqa: DTZ007
            for year in (received.year - 1, received.year, received.year + 1)
            if not (text.startswith("Feb 29") and year % 4)
        ]
        naive = received.replace(tzinfo=None)
        return min(guesses, key=lambda guess: abs(guess - naive), default=None)
    return datetime.fromisoformat(text.replace("/", "-").replace(",", "."))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | timezone:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC
