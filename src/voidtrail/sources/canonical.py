"""The text that a platform signs when it signs fields: which are dropped, sorted, joined."""

from __future__ import annotations

from collections.abc import Collection, Iterable


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
