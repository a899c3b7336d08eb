"""Braintree's form and its XML, read so that no document can do more than be read.

Before the parser sees a document, every declaration in it is refused, and with them every entity:
no document can grow, and none can name a file or an address. How large one may be is bounded.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, ParseError, XMLParser

from voidtrail.event.model import Micros
from voidtrail.money import currency_number, minor_from_major
from voidtrail.sources import crypto, reading

_TAGS_MAX: Final = 40_000
_FIELDS_MAX: Final = 16
_KEPT_MAX: Final = 16_384
_PAYLOAD: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n"
Form = tuple[str, bytes]
_HEAD: Final = re.compile(rb"\s*<\?xml([^>]*)\?>")
_ENCODING: Final = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)")


def parse(document: bytes) -> Element:
    """Return the root of a document.

    Raises:
        ValueError: not well-formed, not in UTF-8, too large, or with a declaration.

    >>> text(parse(b"<a><b>1</b><b>2</b></a>"), "b")
    '1'
    """
    if document.lstrip()[:1] != b"<":
        raise ValueError("not well-formed XML")
    head = _HEAD.match(document)
    encoding = _ENCODING.search(head[1]) if head else None
    if encoding and encoding[1].lower() not in (b"utf-8", b"us-ascii"):
        raise ValueError("not XML in UTF-8")
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not XML in UTF-8") from None
    # In UTF-8 nothing else can stand for these two characters, with which declarations begin.
    if b"<!" in document or b"\x00" in document:
        raise ValueError("declarations are refused: no document of Braintree's has any")
    if document.count(b"<") > _TAGS_MAX:
        raise ValueError("too large for a notice or an answer")
    parser = XMLParser()
    try:
        parser.feed(document)
        root: Element = parser.close()
    except (ParseError, ValueError):
        raise ValueError("not well-formed XML") from None
    return root


def text(node: Element, path: str) -> str:
    """Return the text of the first element at a path without the space around it, or ""."""
    found = node.find(path)
    if found is None or found.get("nil") == "true":
        return ""
    return (found.text or "").strip()


def form(body: bytes) -> Form | None:
    """Return `bt_signature` and `bt_payload` of a form, or None if they are not there once each.

    A plus sign stands for itself, whether the sender escaped it or not: no field has a space. A
    form of usual size is kept for a moment: it is taken apart to be proved, and again to be read.
    """
    return _taken_apart(body) if len(body) > _KEPT_MAX else _kept(body)


@lru_cache(maxsize=512)
def _kept(body: bytes) -> Form | None:
    return _taken_apart(body)


def _taken_apart(body: bytes) -> Form | None:
    pairs = body.split(b"&", _FIELDS_MAX)
    found: dict[bytes, bytes] = {}
    for pair in pairs:
        name, equals, value = pair.partition(b"=")
        if not equals or name in found:
            return None
        found[name] = value
    signature, payload = found.get(b"bt_signature"), found.get(b"bt_payload")
    if signature is None or payload is None:
        return None
    return unquote_to_bytes(signature).decode("latin-1"), unquote_to_bytes(payload)


def is_payload(payload: bytes) -> bool:
    """Return whether a text has only the characters of a payload."""
    return not payload.translate(None, _PAYLOAD)


def opened(body: bytes) -> bytes | None:
    """Return the XML of a notice: inside of a form, or plain as in an answer.

    >>> opened(b"bt_signature=k%7Cff&bt_payload=PGEvPg%3D%3D%0A")
    b'<a/>'
    """
    if body.lstrip()[:1] == b"<":
        return body
    found = form(body)
    if found is None or not is_payload(found[1]):
        return None
    return crypto.from_base64(found[1].replace(b"\n", b"").decode())


def minor(node: Element, name: str, currency: str) -> int | None:
    """Return an amount of an element in minor units, or None without one or a currency.

    Raises:
        ValueError: not a decimal number, finer than the currency's unit, or negative.
    """
    stated = text(node, name)
    if not stated or not currency:
        return None
    amount = minor_from_major(stated, currency)
    if amount < 0:
        raise ValueError("a negative amount")
    return amount


def currency(node: Element) -> str:
    """Return the currency of an element.

    Raises:
        ValueError: it is not in ISO 4217.
    """
    found = text(node, "currency-iso-code")
    currency_number(found)
    return found


def instant(stamp: str) -> Micros | None:
    """Return an instant of Braintree's; they are Greenwich's."""
    return reading.instant(stamp, 0)
