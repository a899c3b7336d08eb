"""The text that a platform signs when it signs fields: which are dropped, sorted, joined."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import parse_qsl

_FIELDS_MAX: Final = 200


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
