"""The small SQL expressions of a mapping: read, checked, and made exact.

Polars reads and evaluates them. What is done here is only what Polars leaves open: which columns an
expression means as numbers (a CSV file knows only text, and money must never pass through binary
floating point), and which parts of it are aggregates over the line items of one payment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from voidtrail.errors import MappingInvalid

AGGREGATES: Final = frozenset(
    {
        "SUM", "COUNT", "MIN", "MAX", "AVG", "FIRST", "LAST", "MEDIAN", "STDDEV", "STDEV",
        "STDDEV_SAMP", "STDEV_SAMP", "VAR", "VARIANCE", "VAR_SAMP", "QUANTILE_CONT",
        "QUANTILE_DISC", "ARRAY_AGG", "STRING_AGG", "LISTAGG", "CORR", "COVAR_POP", "COVAR_SAMP",
    }
)  # fmt: skip
INEXACT: Final = frozenset(
    {
        "AVG", "MEDIAN", "STDDEV", "STDEV", "STDDEV_SAMP", "STDEV_SAMP", "VAR", "VARIANCE",
        "VAR_SAMP", "QUANTILE_CONT", "QUANTILE_DISC", "CORR", "COVAR_POP", "COVAR_SAMP", "DIV",
    }
)  # fmt: skip
_TOKEN: Final = re.compile(
    r"""\s+|(?P<quoted>"(?:[^"]|"")*")|(?P<text>'(?:[^']|'')*')|(?P<word>[^\W\d]\w*)"""
    r"|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<sign><>|!=|<=|>=|==|\|\||::|.)",
    re.DOTALL,
)
_COMPARE: Final = frozenset({"=", "==", "<", ">", "<=", ">=", "<>", "!="})
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%"})
_NUMERIC_CALLS: Final = frozenset({"SUM", "ABS", "ROUND", "FLOOR", "CEIL", "CEILING", "SIGN"})
_TEXT_WORDS: Final = frozenset({"LIKE", "ILIKE", "RLIKE", "REGEXP", "IS", "||", "::"})
_TEXT_CALLS: Final = frozenset(
    {
        "LOWER", "UPPER", "LENGTH", "TRIM", "LTRIM", "RTRIM", "LEFT", "RIGHT", "SUBSTR",
        "SUBSTRING", "CONCAT", "STARTS_WITH", "ENDS_WITH", "REPLACE", "STRPOS", "COUNT", "CAST",
        "TRY_CAST", "DATE", "EXTRACT", "DATE_PART",
    }
)  # fmt: skip


class Token(NamedTuple):
    """A word of an expression: kind is quoted, text, word, number or sign."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The word as a keyword; "" for what cannot be one."""
        return self.text.upper() if self.kind in {"word", "sign"} else ""

    @property
    def name(self) -> str:
        """The column that this token can name; "" for other tokens."""
        if self.kind == "quoted":
            return self.text[1:-1].replace('""', '"')
        return self.text if self.kind == "word" else ""


_END: Final = Token("end", "", 0, 0)


def tokens(sql: str) -> list[Token]:
    """Split an expression into its tokens, without the spaces between them."""
    return [
        Token(found.lastgroup, found.group(), found.start(), found.end())
        for found in _TOKEN.finditer(sql)
        if found.lastgroup
    ]


def looks_like_sql(text: str) -> bool:
    """Say whether a text can only be an expression, not the name of a column.

    >>> looks_like_sql("Amount (EUR)"), looks_like_sql('SUM("a")')
    (False, True)
    """
    return '"' in text or "'" in text


def functions_in(sql: str) -> set[str]:
    """Return the names of the functions that an expression calls, and OVER if it has a window."""
    every = tokens(sql)
    following = [*every[1:], _END]
    return {
        word.upper
        for word, after in zip(every, following, strict=False)
        if word.kind == "word" and (after.text == "(" or word.upper == "OVER")
    }


def parse(sql: str, path: str) -> pl.Expr:
    """Read an expression.

    Raises:
        MappingInvalid: Polars cannot read it; the message begins with `path`.
    """
    if any(token.upper == "SELECT" for token in tokens(sql)):
        raise MappingInvalid(f"{path}: an expression over one table's columns has no SELECT")
    try:
        return pl.sql_expr(sql)
    except (pl.exceptions.PolarsError, BaseException) as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MappingInvalid(f"{path}: cannot be read as SQL: {reason}") from None


def columns_of(expression: pl.Expr) -> list[str]:
    """Return the columns that an expression reads, each once, in order."""
    return list(dict.fromkeys(expression.meta.root_names()))


def _calls(every: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Yield each token's place with the name of the call around it ("" outside of calls)."""
    stack: list[str] = []
    for place, token in enumerate(every):
        yield place, stack[-1] if stack else ""
        if token.text == "(":
            before = every[place - 1] if place else _END
            is_call = before.kind == "word" and before.upper not in {"IN", "AND", "OR", "NOT"}
            stack.append(before.upper if is_call else (stack[-1] if stack else ""))
        elif token.text == ")" and stack:
            stack.pop()


def _beyond(every: Sequence[Token], place: int, step: int) -> tuple[Token, Token]:
    """Return the next two tokens in a direction, passing NOT, a sign and opening brackets."""
    found: list[Token] = []
    place += step
    while 0 <= place < len(every) and len(found) < 2:
        token = every[place]
        skip = token.upper == "NOT" or (found and token.text in {"(", "-", "+"})
        if not skip:
            found.append(token)
        place += step
    return (*found, _END, _END)[:2]  # type: ignore[return-value]


def numeric_columns(sql: str, columns: Sequence[str], *, amount: bool) -> set[str]:
    r"""Return the columns that an expression means as numbers.

    A column is a number if it stands beside an arithmetic sign, is compared with a number, or is
    added up; in an amount also if nothing shows that it is a text.

    >>> sorted(numeric_columns('"a" > 0 AND "b" LIKE \'C%\'', ["a", "b"], amount=False))
    ['a']
    >>> sorted(numeric_columns('CASE WHEN k = \'x\' THEN v ELSE 0 END', ["k", "v"], amount=True))
    ['v']
    """
    every = tokens(sql)
    found: set[str] = set()
    for place, call in _calls(every):
        token = every[place]
        if token.name not in columns:
            continue
        after, after_that = _beyond(every, place, 1)
        before, before_that = _beyond(every, place, -1)
        compared = {
            other.kind
            for sign, other in ((after, after_that), (before, before_that))
            if sign.text in _COMPARE or sign.upper in {"IN", "BETWEEN"}
        }
        is_number = bool({after.text, before.text} & _ARITHMETIC) or "number" in compared
        is_added = call in _NUMERIC_CALLS and "text" not in compared
        is_text = (
            "text" in compared
            or bool({after.upper, before.upper} & _TEXT_WORDS)
            or call in _TEXT_CALLS
            or before.upper in {"WHEN", "AND", "OR"}
            or after.upper in {"THEN", "AND", "OR"}
        )
        if is_number or is_added or (amount and not is_text):
            found.add(token.name)
    return found


def split_aggregates(sql: str, known: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Replace each aggregate of an expression by a column that will hold its value.

    Args:
        sql: the expression.
        known: aggregates already named: SQL → column.

    Returns:
        The outer expression, and the aggregates that it needs: SQL → column.

    >>> split_aggregates('-SUM("a" * "b") > 0', {})
    ('-"__sum_0" > 0', {'SUM("a" * "b")': '__sum_0'})
    """
    every, needed, pieces, done, place = tokens(sql), dict[str, str](), list[str](), 0, 0
    while place < len(every):
        token, after = every[place], every[place + 1] if place + 1 < len(every) else _END
        if token.upper not in AGGREGATES or token.kind != "word" or after.text != "(":
            place += 1
            continue
        last = _closing(every, place + 1)
        if last + 2 < len(every) and every[last + 1].upper == "FILTER":
            last = _closing(every, last + 2)
        text = sql[token.start : every[last].end]
        column = known.get(text) or needed.get(text)
        column = column or f"__{token.text.lower()}_{len(known) + len(needed)}"
        needed[text] = column
        pieces += [sql[done : token.start], f'"{column}"']
        done, place = every[last].end, last + 1
    return "".join([*pieces, sql[done:]]), needed


def _closing(every: Sequence[Token], place: int) -> int:
    depth = 0
    for at in range(place, len(every)):
        depth += (every[at].text == "(") - (every[at].text == ")")
        if depth == 0:
            return at
    return len(every) - 1
