"""Conditions over named integers, written once and compiled to Python and to SQL.

The language is a small part of Python's: names, whole numbers, `+ - * >> &`, comparisons, `and`,
`or`, `not`. Every name stands for an integer that is never NULL, so that both compilations mean
the same.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Final

_BINARY: Final[Mapping[type, str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.RShift: ">>", ast.BitAnd: "&",
}  # fmt: skip
_COMPARE: Final[Mapping[type, str]] = {
    ast.Eq: "=", ast.NotEq: "<>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip


def parse(text: str) -> ast.expr:
    """Parse a condition.

    Raises:
        ValueError: it uses something outside of the language.
    """
    tree = ast.parse(text, mode="eval").body
    to_sql(tree)
    return tree


def names(tree: ast.expr) -> set[str]:
    """Return the names that a condition reads."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def to_sql(tree: ast.expr) -> str:
    """Return the condition as SQL.

    >>> to_sql(parse("captured > 0 and not (held >= 5)"))
    '((captured > 0) AND (NOT (held >= 5)))'
    """
    match tree:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return str(value)
        case ast.BoolOp(op=op, values=values):
            word = " AND " if isinstance(op, ast.And) else " OR "
            return f"({word.join(to_sql(value) for value in values)})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"(NOT {to_sql(operand)})"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return f"({to_sql(left)} {_BINARY[type(op)]} {to_sql(right)})"
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            return f"({to_sql(left)} {_COMPARE[type(op)]} {to_sql(right)})"
    raise ValueError(f"not in the language of conditions: {ast.unparse(tree)}")


def compile_bits(
    conditions: Sequence[str], inputs: Sequence[str]
) -> Callable[[Sequence[int]], int]:
    """Compile conditions to one function from the inputs' values to a bit mask.

    Args:
        conditions: bit i of the result is condition i.
        inputs: the names of the values, in order.
    """
    terms = " | ".join(
        f"(({ast.unparse(parse(text))}) << {bit})" for bit, text in enumerate(conditions)
    )
    unknown = set().union(*(names(parse(text)) for text in conditions)) - set(inputs)
    if unknown:
        raise ValueError(f"conditions read unknown names: {sorted(unknown)}")
    source = f"def bits(values):\n    {', '.join(inputs)}, = values\n    return {terms}\n"
    scope: dict[str, Callable[[Sequence[int]], int]] = {}
    # The text was parsed above and comes from tables in our own source.
    exec(compile(source, "<conditions>", "exec"), scope)  # noqa: S102
    return scope["bits"]
