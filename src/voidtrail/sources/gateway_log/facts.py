"""Rules of a log: which lines matter, and what they state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import translate as glob
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import msgspec

from voidtrail.event.model import Kind, Result
from voidtrail.event.reason import BY_SLUG
from voidtrail.money import exponent, minor_from_major
from voidtrail.sources.gateway_log.wire import Fields, Form, fields_of, value

Patterns = str | tuple[str, ...]
_NUMBER: Final = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)")
_REGEX_SIGN: Final = "~"
KINDS: Final = {kind.name.lower(): kind for kind in Kind
                if kind not in (Kind.LINK, Kind.NUDGE, Kind.ABSENT)}  # fmt: skip
RESULTS: Final = {result.name.lower(): result for result in Result}


class LogRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines matter, and what they state.

    Attributes:
        name: stands in what is counted.
        contains: a line without any of these texts is passed by unread: the quick test.
        when: by field, a text with * and ?, a comparison like ">= 5", or "~" and a regular
            expression; of several one must fit. All fields must fit.
        kind, result, reason: what it states, in the house's words, as authorise, refused,
            platform_fault; without a kind the line is only counted.
        status, table: field of a status, and by its values "kind result reason".
        payment: field that names the payment; `of` says at which account, as "stripe/main".
        order: field that names the merchant's order.
        operation, amount, currency, code: further fields. A currency may be a code like CNY.
        unit: of the amount: "major" (12.30) or "minor" (1230).
    """

    name: str
    contains: Patterns = ()
    when: Mapping[str, Patterns] = msgspec.field(default_factory=dict)
    kind: str = ""
    result: str = "succeeded"
    reason: str = ""
    status: str = ""
    table: Mapping[str, str] = msgspec.field(default_factory=dict)
    payment: str = ""
    of: str = ""
    order: str = ""
    operation: str = ""
    amount: str = ""
    currency: str = ""
    code: str = ""
    unit: Literal["major", "minor"] = "major"


class LogForm(msgspec.Struct, frozen=True, kw_only=True):
    """How lines are read, and the rules in their order.

    Attributes:
        format: form of the lines.
        pattern: for the form "pattern": a regular expression with named groups.
        message: form of the text inside of syslog: "json", "logfmt" or "".
        time: field of the instant.
    """

    format: Form
    pattern: str = ""
    message: Literal["", "json", "logfmt"] = ""
    time: str = "time"
    rule: tuple[LogRule, ...] = ()


class Meaning(NamedTuple):
    """What a line states."""

    kind: Kind
    result: Result
    reason: str


class Match(NamedTuple):
    """A line that a rule is about; `meaning` is None if it is only counted."""

    rule: LogRule
    fields: Fields
    meaning: Meaning | None
    payment: str
    order: str


class Reader:
    """Reads lines by a form, as fast as Python can.

    Args:
        form: as configured.
    """

    def __init__(self, form: LogForm) -> None:
        self.form = form
        self._rules = [
            (rule, tuple(text.encode() for text in _several(rule.contains)),
             [(name, _test(patterns)) for name, patterns in rule.when.items()])
            for rule in form.rule
        ]  # fmt: skip
        self._always = any(not texts for _, texts, _ in self._rules)
        self._texts = tuple(dict.fromkeys(t for _, texts, _ in self._rules for t in texts))

    def match(self, line: bytes) -> Match | None:
        """Return the first rule that a line fits, and what the line says; None if none does."""
        if not self._always and not any(text in line for text in self._texts):
            return None
        form = self.form
        fields: Fields | None = None
        for rule, texts, tests in self._rules:
            if texts and not any(text in line for text in texts):
                continue
            if fields is None:
                fields = fields_of(line, form.format, form.pattern, form.message)
                if fields is None:
                    return None
            if all(test(value(fields, name)) for name, test in tests):
                return _matched(rule, fields)
        return None


def _matched(rule: LogRule, fields: Fields) -> Match:
    payment, order = value(fields, rule.payment), value(fields, rule.order)
    meaning = None
    if payment or order:
        meaning = _meaning(rule, value(fields, rule.status))
    return Match(rule, fields, meaning, payment, order)


def _meaning(rule: LogRule, status: str) -> Meaning | None:
    if not rule.table:
        return Meaning(KINDS[rule.kind], RESULTS[rule.result], rule.reason) if rule.kind else None
    words = rule.table.get(status)
    return Meaning(Kind.OTHER, Result.UNKNOWN, "") if words is None else said(words)


def said(words: str) -> Meaning:
    """Read "kind result reason", of which the reason may be absent.

    Raises:
        KeyError, ValueError: it is not that.
    """
    kind, result, *reason = words.split()
    if reason and (len(reason) > 1 or reason[0] not in BY_SLUG):
        raise ValueError(f"{' '.join(reason)!r} is no standard reason")
    return Meaning(KINDS[kind], RESULTS[result], reason[0] if reason else "")


def amount_of(rule: LogRule, fields: Fields) -> tuple[int | None, str]:
    """Return amount in minor units and currency; None and "" if either is absent or no such."""
    text, currency = value(fields, rule.amount), value(fields, rule.currency) or rule.currency
    try:
        exponent(currency)
        if rule.unit == "minor":
            return (int(text), currency) if text.isascii() and text.isdigit() else (None, "")
        return minor_from_major(text, currency, rounding=True), currency
    except ValueError:
        return None, ""


def _several(patterns: Patterns) -> tuple[str, ...]:
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)


def _test(patterns: Patterns) -> Callable[[str], bool]:
    tests = [_one(text) for text in _several(patterns)]
    return tests[0] if len(tests) == 1 else lambda text: any(test(text) for test in tests)


def _one(pattern: str) -> Callable[[str], bool]:
    number = _NUMBER.fullmatch(pattern)
    if number is not None:
        sign, limit = number[1], float(number[2])
        return lambda text: _compares(text, sign, limit)
    if pattern.startswith(_REGEX_SIGN):
        found = re.compile(pattern[1:])
        return lambda text: found.search(text) is not None
    if not any(letter in pattern for letter in "*?["):
        return lambda text: text == pattern
    whole = re.compile(glob(pattern))
    return lambda text: whole.match(text) is not None


def _compares(text: str, sign: str, limit: float) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return {">": number > limit, ">=": number >= limit, "<": number < limit,
            "<=": number <= limit}[sign]  # fmt: skip


@lru_cache(maxsize=64)
def reader_of(text: str) -> Reader:
    """Return the reader of a form written as JSON (the account's option `rules`).

    Raises:
        msgspec.MsgspecError: it is no such form.
    """
    return Reader(msgspec.json.decode(text, type=LogForm))


def faults(form: LogForm) -> Iterator[tuple[str, str]]:
    """Yield what cannot be meant, as (field, why)."""
    if form.format == "pattern":
        yield from _pattern_faults(form.pattern)
    elif form.pattern:
        yield "pattern", 'only format = "pattern" has one'
    if not form.rule:
        yield "rule", "there is none, so no line would matter; add a [[tail.rule]]"
    names = [rule.name for rule in form.rule]
    for rule in form.rule:
        for field, why in _rule_faults(rule):
            yield f"rule {rule.name or '?'}, {field}", why
        if names.count(rule.name) > 1 or not rule.name:
            yield f"rule {rule.name or '?'}, name", "a name is given, and to one rule only"


def _pattern_faults(pattern: str) -> Iterator[tuple[str, str]]:
    try:
        if not re.compile(pattern).groupindex:
            yield "pattern", "it has no named groups, as (?P<status>\\d+)"
    except re.error as error:
        yield "pattern", f"not a regular expression: {error}"


def _rule_faults(rule: LogRule) -> Iterator[tuple[str, str]]:
    if not rule.when and not rule.contains:
        yield "when", "it would fit every line; say which lines it is about"
    for name, patterns in rule.when.items():
        for text in _several(patterns):
            try:
                _one(text)
            except re.error as error:
                yield f"when.{name}", f"not a regular expression: {error}"
    for field, word, known in (("kind", rule.kind, KINDS), ("result", rule.result, RESULTS),
                               ("reason", rule.reason, BY_SLUG)):  # fmt: skip
        if word and word not in known:
            yield field, f"{word!r} is none of {', '.join(sorted(known))}"
    for status, words in rule.table.items():
        try:
            said(words)
        except (KeyError, ValueError) as error:
            yield f"table.{status}", f"not like 'cancel succeeded customer_request': {error}"
    if rule.table and not rule.status:
        yield "status", "a table needs the field whose values it lists"
    if (rule.kind or rule.table) and not (rule.payment or rule.order):
        yield "payment", "a statement is about a payment or an order: name the field of either"
    if rule.of and rule.of.count("/") != 1:
        yield "of", "write it as source/account, like stripe/main"
