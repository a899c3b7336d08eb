"""Where statements do not fit: one notice in two contents, or sources that disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from voidtrail.event.account import Account
from voidtrail.event.model import Kind, Result
from voidtrail.money import currency_code
from voidtrail.runtime.show import amount_text
from voidtrail.runtime.views.shapes import Contradiction

_ASKED_FOR: Final = frozenset(
    {Kind.ORDER, Kind.OPEN, Kind.SUBMIT, Kind.AUTHORISE, Kind.CAPTURE}
)  # fmt: skip
_ENDED: Final = frozenset({Kind.CANCEL, Kind.EXPIRE})
_BACK: Final = frozenset({Kind.REFUND, Kind.REVERSE, Kind.VOID, Kind.DISPUTE})
Said = Mapping[str, Any]


def contradictions(
    events: Sequence[Said], variants: Mapping[int, int], accounts: Mapping[int, Account]
) -> tuple[Contradiction, ...]:
    """Return where a payment's statements do not fit.

    Args:
        events: the payment's statements, with the fields of the event table.
        variants: of statements that contradict an earlier variant of their notice, that variant.
        accounts: by number.
    """
    by_number = {each["seq"]: each for each in events}
    found = [
        Contradiction(
            kind="variant", column=_column(by_number[first], by_number[second]),
            events=(first, second),
            said=(_statement(by_number[first], accounts), _statement(by_number[second], accounts)),
        )
        for second, first in sorted(variants.items())
        if first in by_number and second in by_number
    ]  # fmt: skip
    active = [each for each in events if each["active"]]
    by_account: dict[int, list[Said]] = {}
    for each in active:
        by_account.setdefault(each["account_no"], []).append(each)
    largest = [_largest(each) for each in by_account.values()]
    last = [_last_word(each) for each in by_account.values()]
    found += _two_sources("amount", "amount", largest, _amount, accounts)
    found += _two_sources("outcome", "state", last, _is_paid, accounts)
    return tuple(found)


def _two_sources(
    kind: Any, column: str, words: Iterable[Said | None], meaning: Callable[[Said], object],
    accounts: Mapping[int, Account],
) -> list[Contradiction]:  # fmt: skip
    """Return a contradiction if accounts do not all mean the same."""
    told = sorted((each for each in words if each is not None), key=lambda each: each["seq"])
    if len({meaning(each) for each in told}) < 2:
        return []
    return [
        Contradiction(
            kind=kind, column=column, events=tuple(each["seq"] for each in told),
            said=tuple(_statement(each, accounts) for each in told),
        )
    ]  # fmt: skip


def _largest(events: Iterable[Said]) -> Said | None:
    """Return the statement of the largest amount that an account asked for."""
    asked = [
        each for each in events
        if each["amount_minor"] is not None and each["kind"] in _ASKED_FOR
        and each["result"] != Result.REFUSED
    ]  # fmt: skip
    return max(asked, key=lambda each: (each["amount_minor"], -each["seq"]), default=None)


def _last_word(events: Sequence[Said]) -> Said | None:
    """Return an account's word on the outcome: paid, or ended; None where money went back."""
    done = [each for each in events if each["result"] == Result.SUCCEEDED]
    if any(each["kind"] in _BACK for each in done):
        return None
    paid = [each for each in done if each["kind"] == Kind.CAPTURE]
    ended = [each for each in done if each["kind"] in _ENDED]
    return next(iter(paid or ended), None)


def _amount(each: Said) -> object:
    return each["currency"], each["amount_minor"]


def _is_paid(each: Said) -> object:
    return each["kind"] == Kind.CAPTURE


def _column(first: Said, second: Said) -> str:
    """Return in what two variants of a notice differ, first of all."""
    for column, name in (
        ("kind", "kind"), ("result", "result"), ("amount_minor", "amount"),
        ("currency", "currency"), ("operation", "operation"), ("name_key", "payment"),
    ):  # fmt: skip
        if first[column] != second[column]:
            return name
    return ""


def _statement(each: Said, accounts: Mapping[int, Account]) -> str:
    """Return what a statement says, in the words that stand in the ledger."""
    account = accounts[each["account_no"]]
    amount = amount_text(each["amount_minor"], currency_code(each["currency"] or 0))
    words = [f"{account.source}/{account.name}", Kind(each["kind"]).name.lower(),
             Result(each["result"]).name.lower()]  # fmt: skip
    if amount is not None:
        words.append(f"{amount} {currency_code(each['currency'] or 0)}".strip())
    return " ".join(words)
