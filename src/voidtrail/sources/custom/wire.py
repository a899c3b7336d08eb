"""A delivery of a described platform: its body opened, its places read, its signed text built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from voidtrail.event.model import QUERY, Delivery, Micros
from voidtrail.sources import canonical, crypto
from voidtrail.sources.custom.description import CHARSETS, Description, words_of

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_PART: Final = re.compile(r'(?<![\w.-])([\w.-]+)\s*=\s*(?:"([^"]*)"|([^",;\s]*))')
_SCHEME: Final = re.compile(r"^\s*[\w-]+\s+(?=[\w.-]+\s*=)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DECODING_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Message:
    """One delivery as its description sees it.

    Args:
        delivery: as received.
        description: of the platform.
    """

    def __init__(self, delivery: Delivery, description: Description) -> None:
        self.delivery = delivery
        self.description = description
        self.charset = CHARSETS[description.charset.lower()]
        query = delivery.header(QUERY)
        self._query = (canonical.form_fields(query.encode(), self.charset) if query else None) or {}
        self._form: Mapping[str, str] = {}
        self._root: dict[str, msgspec.Raw] = {}
        if description.body == "form":
            form = canonical.form_fields(delivery.body, self.charset)
            self.is_readable = form is not None
            self._form = form or {}
            return
        root = _object(delivery.body, self.charset)
        self.is_readable = root is not None
        self._root = root or {}

    def value(self, place: str) -> str:
        """Return the text at a place, "" if there is none; a number stands as it was written."""
        if not place:
            return ""
        if place.startswith("/"):
            return _text(self._within(place))
        kind, colon, name = place.partition(":")
        if not colon:
            if self.description.body == "form":
                return self._form.get(name or kind, "")
            return _text(self._root.get(kind))
        if kind == "query":
            return self._query.get(name, "")
        header, _, part = name.partition("#")
        found = self.delivery.header(header.lower()) or ""
        return _part(found, part) if part else found.strip()

    def _within(self, pointer: str) -> msgspec.Raw | None:
        found: msgspec.Raw | None = None
        here: dict[str, msgspec.Raw] | list[msgspec.Raw] = self._root
        steps = [each.replace("~1", "/").replace("~0", "~") for each in pointer[1:].split("/")]
        for number, step in enumerate(steps):
            if isinstance(here, dict):
                found = here.get(step)
            else:
                inside = step.isascii() and step.isdigit() and len(step) < 6
                found = here[int(step)] if inside and int(step) < len(here) else None
            if found is None:
                return None
            if number < len(steps) - 1:
                below = _opened(found)
                if below is None:
                    return None
                here = below
        return found

    def signed_fields(self) -> list[tuple[str, str]]:
        """Return the fields of which the canonical string is made, in the order of the body."""
        if self.description.body == "form":
            return list(self._form.items())
        root, below = self.description.signature.root, self._root
        if root:
            found = self._within(root)
            opened = None if found is None else _opened(found)
            below = opened if isinstance(opened, dict) else {}
        return [(name, _text(raw)) for name, raw in below.items()]

    def hides_field(self, read: frozenset[str]) -> bool:
        """Return whether a signed value holds a field that is read, as joined text allows.

        Args:
            read: the names that are read.
        """
        sign = self.description.signature
        if not (sign.names and sign.equals and sign.between):
            return False
        return any(
            sign.between in text
            and any(f"{sign.between}{name}{sign.equals}" in text for name in read)
            for _, text in self.signed_fields()
        )

    def signed_text(self, secret: str) -> bytes:
        """Return what is signed.

        Args:
            secret: what stands for `{secret}`.
        """
        sign, pieces = self.description.signature, []
        for plain, word in words_of(sign.text):
            pieces.append(plain.encode(self.charset, "replace"))
            if word == "body":
                pieces.append(self.delivery.body)
            elif word:
                pieces.append(self._word(word, secret).encode(self.charset, "replace"))
        text = b"".join(pieces)
        return crypto.hashed_hex(text, sign.hashed) if sign.hashed else text

    def _word(self, word: str, secret: str) -> str:
        if word == "secret":
            return secret
        if word == "timestamp":
            stamp = self.description.timestamp
            return self.value(stamp.at) if stamp else ""
        return self._canonical() if word == "fields" else self.value(word)

    def _canonical(self) -> str:
        sign = self.description.signature
        drop = {*sign.drop, sign.at.removeprefix("/")}
        fields: Iterable[tuple[str, str]] = self.signed_fields()
        if sign.sort:
            fields = sorted(fields)
        else:
            known = dict(fields)
            fields = [(name, known.get(name, "")) for name in sign.order]
        kept = [(name, text) for name, text in fields
                if name not in drop and (text or sign.empties)]  # fmt: skip
        if not sign.names:
            return sign.between.join(text for _, text in kept)
        return sign.between.join(f"{name}{sign.equals}{text}" for name, text in kept)


def _object(body: bytes, charset: str) -> dict[str, msgspec.Raw] | None:
    try:
        if charset != "utf-8":
            body = body.decode(charset).encode()
        return _OBJECT.decode(body)
    except _DECODING_ERRORS:
        return None


def _opened(raw: msgspec.Raw) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | None:
    text = bytes(raw)
    try:
        if text.startswith(b"{"):
            return _OBJECT.decode(text)
        if text.startswith(b"["):
            return _ARRAY.decode(text)
        # Some platforms pack an object into a text.
        return _OBJECT.decode(_TEXT.decode(text)) if text.startswith(b'"') else None
    except _DECODING_ERRORS:
        return None


def _text(raw: msgspec.Raw | None) -> str:
    try:
        return "" if raw is None else canonical.raw_text(raw)
    except _DECODING_ERRORS:
        return ""


def _part(header: str, name: str) -> str:
    """Return `name` of "SCHEME a="1", b=2"; "" if it stands twice or anything else stands there."""
    parts = _SCHEME.sub("", header, count=1)
    if _PART.sub("", parts).strip(", ;\r\n\t"):
        return ""
    found = [quoted or plain for each, quoted, plain in _PART.findall(parts) if each == name]
    return found[0] if len(found) == 1 else ""


def instant(text: str, zone: str) -> Micros | None:
    """Read seconds, milliseconds, "20250615230639" or ISO 8601; None if it is none of them.

    Args:
        text: the platform's text.
        zone: IANA zone where the text states none.

    >>> instant("20250615230639", "Asia/Shanghai") == instant("1750000000", "UTC") - 1_000_000
    True
    """
    if text.isascii() and text.isdigit():
        if len(text) in (9, 10):
            return int(text) * 1_000_000
        if len(text) == 13:
            return int(text) * 1000
        if len(text) != 14:
            return None
        text = f"{text[:8]}T{text[8:]}"
    elif len(text) < 19:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        return (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None
