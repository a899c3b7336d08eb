"""Braintree's form and its XML, read so that no document can do more than be read.

The parser refuses every document type declaration, and with it every entity: no document can grow,
and none can name a file or an address. How deep and how large a document may be is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl
from xml.parsers import expat

from voidtrail.event.model import Micros
from voidtrail.money import currency_number, minor_from_major
from voidtrail.sources import crypto, reading

_DEPTH_MAX: Final = 32
_NODES_MAX: Final = 20_000
_FIELDS_MAX: Final = 16
_PAYLOAD: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n")


class Node:
    """One element: its name, the text in it, and its children in order."""

    __slots__ = ("children", "name", "nil", "words")

    def __init__(self, name: str, *, nil: bool = False) -> None:
        self.name = name
        self.nil = nil
        self.words: list[str] = []
        self.children: list[Node] = []

    def one(self, *path: str) -> Node | None:
        """Return the first element below, by the names on the way, or None."""
        found: Node | None = self
        for name in path:
            if found is None:
                return None
            found = next((child for child in found.children if child.name == name), None)
        return found

    def text(self, *path: str) -> str:
        """Return the text of an element below without the space around it, or ""."""
        found = self.one(*path)
        return "" if found is None or found.nil else "".join(found.words).strip()

    def all(self, *path: str) -> list[Node]:
        """Return every element of the last name, below the first of the others."""
        found = self.one(*path[:-1])
        return [child for child in found.children if child.name == path[-1]] if found else []

    def within(self) -> Iterator[Node]:
        """Yield this element and all below it, from the top."""
        waiting = [self]
        while waiting:
            found = waiting.pop()
            yield found
            waiting.extend(reversed(found.children))


class _Refused(ValueError):
    """The document holds what no notice of Braintree's holds."""


class _Builder:
    """Builds the tree of a document as the parser walks through it."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._count = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        self._count += 1
        if self._count > _NODES_MAX or len(self._open) >= _DEPTH_MAX:
            raise _Refused("too deep or too large")
        node = Node(name, nil=attributes.get("nil") == "true")
        if self._open:
            self._open[-1].children.append(node)
        elif self.root is None:
            self.root = node
        self._open.append(node)

    def end(self, _: str) -> None:
        """End an element."""
        self._open.pop()

    def words(self, text: str) -> None:
        """Keep text."""
        self._open[-1].words.append(text)

    @staticmethod
    def refuse(*_: object) -> None:
        """Refuse a declaration."""
        raise _Refused("declarations are refused: no document of Braintree's has any")


def parse(document: bytes) -> Node:
    """Return the root of a document.

    Raises:
        ValueError: not well-formed, of an unknown encoding, too deep or large, or with a document
            type or entities.

    >>> parse(b"<a><b>1</b><b>2</b></a>").text("b")
    '1'
    """
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.begin
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.words
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    parser.ExternalEntityRefHandler = builder.refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, LookupError, UnicodeError) as error:
        raise ValueError(f"not XML: {type(error).__name__}") from None
    assert builder.root is not None  # an empty document is not well-formed
    return builder.root


def form(body: bytes) -> tuple[str, str] | None:
    """Return `bt_signature` and `bt_payload` of a form, or None if they are not there once each.

    A plus sign that the sender did not escape comes out of a form as a space; no payload has any.
    """
    try:
        pairs = parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=_FIELDS_MAX)
    except (UnicodeDecodeError, ValueError):
        return None
    found = {}
    for name in ("bt_signature", "bt_payload"):
        given = [value for key, value in pairs if key == name]
        if len(given) != 1:
            return None
        found[name] = given[0]
    return found["bt_signature"], found["bt_payload"].replace(" ", "+")


def is_payload(payload: str) -> bool:
    """Return whether a text has only the characters of a payload."""
    return payload.isascii() and _PAYLOAD.issuperset(payload.encode())


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
    return crypto.from_base64(found[1].replace("\n", ""))


def minor(node: Node, name: str, currency: str) -> int | None:
    """Return an amount of an element in minor units, or None without one or a currency.

    Raises:
        ValueError: not a decimal number, finer than the currency's unit, or negative.
    """
    text = node.text(name)
    if not text or not currency:
        return None
    amount = minor_from_major(text, currency)
    if amount < 0:
        raise ValueError("a negative amount")
    return amount


def currency(node: Node) -> str:
    """Return the currency of an element.

    Raises:
        ValueError: it is not in ISO 4217.
    """
    found = node.text("currency-iso-code")
    currency_number(found)
    return found


def instant(text: str) -> Micros | None:
    """Return an instant of Braintree's; they are Greenwich's."""
    return reading.instant(text, 0)
