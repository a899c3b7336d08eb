"""The text that a platform signs when it signs fields: which are dropped, sorted, joined."""

from __future__ import annotations

from binascii import a2b_qp
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

_FIELDS_MAX: Final = 200
_APART: Final = b"\xff"
_PLAIN: Final = msgspec.json.Decoder(dict[str, Any], float_hook=str)
_SIMPLE: Final = frozenset({str, int})
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)


@lru_cache(maxsize=256)
def form_fields(body: bytes, charset: str = "utf-8") -> Mapping[str, str] | None:
    """Decode a URL-encoded form once; None if it is none, empty, or a field stands twice.

    The whole body is decoded at one go, as quoted-printable, whose decoder is written in C; fields
    are kept apart by a byte that is part of no text in UTF-8 or GBK. What `verify` has decoded,
    `translate` need not decode again.

    >>> form_fields(b"a=b+%3D+c&d=%e8%ae%a2&e="), form_fields(b"a=1&a=2"), form_fields(b"a")
    ({'a': 'b = c', 'd': '订', 'e': ''}, None, None)
    """
    quoted = body.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"=")
    parts = a2b_qp(quoted.replace(b"&", _APART)).split(_APART)
    if len(parts) > _FIELDS_MAX or len(parts) != body.count(b"&") + 1:
        return None
    kept = [part for part in parts if part]
    try:
        texts = b"\0".join(kept).decode(charset).split("\0")
    except UnicodeDecodeError:
        return None
    if len(texts) != len(kept):
        return None
    pairs = [text.partition("=") for text in texts]
    fields = {name: value for name, _, value in pairs}
    if not fields or len(fields) != len(pairs) or not all(equals for _, equals, _ in pairs):
        return None
    return fields


@lru_cache(maxsize=256)
def json_fields(body: bytes) -> Mapping[str, str] | None:
    """Return the members of a JSON object as texts, as they were written; None if it is none.

    Numbers keep their digits, objects within stand verbatim, null is the empty text. What `verify`
    has decoded, `translate` need not decode again.

    >>> json_fields(b'{"a": 1.10, "b": "x", "c": {"d": [ ]}, "e": null}')
    {'a': '1.10', 'b': 'x', 'c': '{"d": [ ]}', 'e': ''}
    """
    try:
        plain = _PLAIN.decode(body)
        is_simple = _SIMPLE.issuperset(map(type, plain.values()))
        if is_simple and not (b"-0" in body and 0 in plain.values()):
            return {name: str(value) for name, value in plain.items()}
        return {name: raw_text(raw) for name, raw in _OBJECT.decode(body).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def raw_text(raw: msgspec.Raw) -> str:
    """Return the text of one JSON value as it was written.

    Raises:
        msgspec.MsgspecError, UnicodeDecodeError: it is broken within.
    """
    text = bytes(raw).strip()
    if text == b"null":
        return ""
    return _TEXT.decode(text) if text.startswith(b'"') else text.decode()


def sorted_pairs(
    fields: Iterable[tuple[str, str]],
    drop: Collection[str] = (),
    *,
    empties: bool = False,
    between: str = "&",
) -> str:
    """Return "k=v" of the fields, sorted by key and joined.

    Args:
        fields: names and decoded values; of a name that occurs twice, both stand.
        drop: names that are not signed.
        empties: whether fields without a value stand too.
        between: what joins the pairs.

    >>> sorted_pairs([("b", "2"), ("sign", "x"), ("a", "1"), ("c", "")], {"sign"})
    'a=1&b=2'
    """
    kept = [(name, value) for name, value in fields if name not in drop and (value or empties)]
    return between.join([f"{name}={value}" for name, value in sorted(kept)])


def hides_field(fields: Mapping[str, str], read: Collection[str]) -> bool:
    """Return whether a value holds a field that is read: it would be signed as if it stood alone.

    Joined text does not tell {"a": "1&b=2"} from {"a": "1", "b": "2"}, so that whoever saw a signed
    message could send it again with a field hidden in the one before.

    >>> hides_field({"a": "1&b=2"}, {"b"}), hides_field({"a": "1&c=2"}, {"b"})
    (True, False)
    """
    return any("&" in value and any(f"&{name}=" in value for name in read)
               for value in fields.values())  # fmt: skip
