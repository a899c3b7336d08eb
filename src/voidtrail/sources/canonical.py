"""The text that a platform signs when it signs fields: which are dropped, sorted, joined."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import parse_qsl

import msgspec

_FIELDS_MAX: Final = 200
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)


def form_fields(body: bytes, charset: str = "utf-8") -> dict[str, str] | None:
    """Decode a URL-encoded form once; None if it is none, empty, or a field stands twice.

    >>> form_fields(b"a=b+%3D+c&d=%e8%ae%a2&e="), form_fields(b"a=1&a=2"), form_fields(b"a")
    ({'a': 'b = c', 'd': '订', 'e': ''}, None, None)
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding=charset,
            errors="strict", max_num_fields=_FIELDS_MAX,
        )  # fmt: skip
    except ValueError:  # a decoding error is one as well
        return None
    fields = dict(pairs)
    return fields if fields and len(fields) == len(pairs) else None


def json_fields(body: bytes) -> dict[str, str] | None:
    """Return the members of a JSON object as texts, as they were written; None if it is none.

    Numbers keep their digits, objects within stand verbatim, null is the empty text.

    >>> json_fields(b'{"a": 1.10, "b": "x", "c": {"d": [ ]}, "e": null}')
    {'a': '1.10', 'b': 'x', 'c': '{"d": [ ]}', 'e': ''}
    """
    try:
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
