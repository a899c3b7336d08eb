"""Holds verdicts against the truth: recall, precision, confusions, and sums of money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voidtrail.testing.world.truth import PaymentTruth, Truth

Verdict = Mapping[str, Any]
_SILENT = ("abandoned", "gave_up_after_decline", "gave_up_after_fault")
_SHOWN_MAX = 20


@dataclass
class Score:
    """How well one kind of cancellation was found.

    Attributes:
        expected: how many there are.
        found: how many of them were found.
        claimed: how many cancellations of the kind were claimed.
        right: how many of the claims are cancellations of the kind.
    """

    expected: int = 0
    found: int = 0
    claimed: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        """Share of the expected that were found; 1 if none was expected."""
        return self.found / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Share of the claims that are right; 1 if nothing was claimed."""
        return self.right / self.claimed if self.claimed else 1.0

    def as_dict(self) -> dict[str, float | int]:
        """Return counts and both shares."""
        return {
            "expected": self.expected,
            "found": self.found,
            "claimed": self.claimed,
            "right": self.right,
            "recall": self.recall,
            "precision": self.precision,
        }


@dataclass
class Comparison:
    """The result of `compare`.

    Attributes:
        explicit: cancellations that somebody stated.
        silent: cancellations that only silence tells.
        exact: cancellations on both sides, with the same how and actor.
        confusion: (true how/actor, claimed how/actor) → how often, for payments that are cancelled
            on both sides.
        states: (true state, claimed state) → how often, where they differ; "absent": no verdict.
        money: by currency, true and claimed sums of captured and returned money.
        money_wrong: payments whose place of money or whose sums differ.
        test_leaks: test payments that stand among the live ones.
        refused_leaks: verdicts about payments that only refused letters named.
        strangers: verdicts about payments that the truth does not know, by state.
        split: payments whose names were not recognised as one payment.
        examples: the first differences, for people.
    """

    explicit: Score = field(default_factory=Score)
    silent: Score = field(default_factory=Score)
    exact: int = 0
    both_cancelled: int = 0
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    money: dict[str, dict[str, int]] = field(default_factory=dict)
    money_wrong: int = 0
    test_leaks: int = 0
    refused_leaks: int = 0
    strangers: Counter[str] = field(default_factory=Counter)
    split: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether it is as good as issue and demo promise."""
        return (
            self.explicit.recall == self.explicit.precision == 1.0
            and min(self.silent.recall, self.silent.precision) >= 0.99
            and not (self.test_leaks or self.refused_leaks)
        )

    def as_dict(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "ok": self.ok,
            "explicit": self.explicit.as_dict(),
            "abandonment": self.silent.as_dict(),
            "exact": self.exact,
            "both_cancelled": self.both_cancelled,
            "confusion": [
                {"truth": true, "verdict": claimed, "count": count}
                for (true, claimed), count in self.confusion.most_common()
                if true != claimed
            ],
            "states": [
                {"truth": true, "verdict": claimed, "count": count}
                for (true, claimed), count in self.states.most_common()
            ],
            "money": self.money,
            "money_wrong": self.money_wrong,
            "test_leaks": self.test_leaks,
            "refused_leaks": self.refused_leaks,
            "strangers": dict(self.strangers),
            "split": self.split,
            "examples": self.examples,
        }

    def note(self, text: str) -> None:
        """Keep a difference as an example, if there is room."""
        if len(self.examples) < _SHOWN_MAX:
            self.examples.append(text)


def compare(truth: Truth, verdicts: Iterable[Verdict]) -> Comparison:
    """Hold verdicts against the truth.

    Args:
        truth: what really happened.
        verdicts: one mapping for each payment, with order, payment, source, account, state, how,
            actor, money, captured_minor, returned_minor, currency, test; optionally `names`
            (further references) and `explicit` (whether somebody stated the cancellation).
            Payments that were left before any platform knew them have source "storefront".

    Returns:
        The comparison; `.ok` says whether the promises are kept.
    """
    rows = [dict(row) for row in verdicts]
    result, used = Comparison(), set[int]()
    index = _index(rows)
    for order in truth.orders:
        for payment in order.payments:
            found = _match(payment, index)
            fresh = [number for number in found if number not in used]
            used.update(found)
            result.split += len(found) > 1
            row = rows[fresh[0]] if fresh else None
            _judge(result, payment, row)
            for number in fresh[1:]:
                _stranger(result, rows[number])
    refused = set(truth.refused)
    for number, row in enumerate(rows):
        if number in used or row.get("test"):
            continue
        if row.get("payment") in refused or row.get("order") in refused:
            result.refused_leaks += 1
            result.note(f"a refused letter made a verdict: {row.get('payment')}")
        _stranger(result, row)
    return result


def _index(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], list[int]]:
    index: dict[tuple[str, str, str], list[int]] = {}
    for number, row in enumerate(rows):
        names = {row.get("payment") or "", *(row.get("names") or ())}
        if row["source"] == "storefront":
            names.add(row.get("order") or "")
        for name in names - {""}:
            index.setdefault((row["source"], row["account"], name), []).append(number)
    return index


def _match(payment: PaymentTruth, index: dict[tuple[str, str, str], list[int]]) -> list[int]:
    """Return the verdicts that name the payment, the one with its first name first."""
    found: dict[int, None] = {}
    for name in payment.names:
        found.update(dict.fromkeys(index.get((payment.source, payment.account, name), ())))
    return list(found)


def _stranger(result: Comparison, row: Verdict) -> None:
    result.strangers[str(row.get("state"))] += 1
    if row.get("state") != "cancelled":
        return
    score = result.silent if row.get("how") in _SILENT else result.explicit
    score.claimed += 1
    result.note(f"nobody knows {row.get('source')} {row.get('payment')}, claimed cancelled")


def _judge(result: Comparison, payment: PaymentTruth, row: Verdict | None) -> None:
    if payment.test:
        if row is not None and not row.get("test"):
            result.test_leaks += 1
            result.note(f"test payment {payment.reference} stands among the live ones")
        return
    if row is not None and row.get("test"):
        row = None
    _add_money(result, payment, row)
    is_gone = payment.state == "cancelled"
    claimed = row is not None and row["state"] == "cancelled"
    score = result.explicit if payment.explicit else result.silent
    if is_gone:
        score.expected += 1
    if row is not None and claimed:
        claims = _claim(result, payment, row)
        claims.claimed += 1
        if is_gone and claims is score:
            score.found += 1
            score.right += 1
    if row is not None and is_gone and claimed:
        true = f"{payment.how}/{payment.actor}"
        said = f"{row.get('how')}/{row.get('actor')}"
        result.confusion[true, said] += 1
        result.both_cancelled += 1
        result.exact += true == said
        if true != said:
            result.note(f"{payment.behaviour} {payment.reference}: {true}, verdict {said}")
    state = str(row["state"]) if row is not None else "absent"
    if state != payment.state:
        result.states[payment.state, state] += 1
        result.note(f"{payment.behaviour} {payment.reference}: {payment.state}, verdict {state}")


def _claim(result: Comparison, payment: PaymentTruth, row: Verdict) -> Score:
    """Return which kind of cancellation the verdict claims."""
    if "explicit" in row:
        return result.explicit if row["explicit"] else result.silent
    how = row.get("how")
    if how not in _SILENT:
        return result.explicit
    # The how alone does not tell; the truth decides if it has the same.
    same = payment.state == "cancelled" and payment.how == how
    return result.explicit if same and payment.explicit else result.silent


def _add_money(result: Comparison, payment: PaymentTruth, row: Verdict | None) -> None:
    sums = result.money.setdefault(
        payment.currency,
        {"captured": 0, "captured_claimed": 0, "returned": 0, "returned_claimed": 0},
    )
    sums["captured"] += payment.captured_minor
    sums["returned"] += payment.returned_minor
    captured = int(row.get("captured_minor") or 0) if row else 0
    returned = int(row.get("returned_minor") or 0) if row else 0
    sums["captured_claimed"] += captured
    sums["returned_claimed"] += returned
    money = row.get("money", payment.money) if row else "none"
    true = (payment.captured_minor, payment.returned_minor, payment.money)
    if true != (captured, returned, money):
        result.money_wrong += 1
        result.note(f"{payment.behaviour} {payment.reference}: money {true}, verdict "
                    f"{(captured, returned, money)}")  # fmt: skip
