"""Every message that an error can carry: what stands in the code, a mark in each place of a value.

A value is followed where that is plain: a name to what was assigned to it or given for it, a
constant, an either-or. `MARK` stands for all that is known only when it happens.
"""

import ast
import inspect
import itertools
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from string import Formatter
from typing import NamedTuple

from tests.messages import SRC
from voidtrail import errors

MARK = "◆"
_KINDS = {
    name for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.VoidtrailError)
} | {"Retry"}  # fmt: skip
_SAID_WITH = {
    ("ValueError", "response/hours.py"),
    ("ValueError", "sources/custom/description.py"),
    ("RuntimeError", "web/paper/press.py"),
}
"""Exceptions whose text becomes that of an error."""
_FOLLOWED = {"where", "known"}
"""Parameters of helpers that say which setting, account or file it is about."""
_DEPTH_MAX = 4
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Scope(NamedTuple):
    """Where an expression stands: its file, and the functions around it, the nearest first."""

    file: str
    tree: ast.Module
    around: tuple[Function, ...]


@cache
def _files() -> dict[str, ast.Module]:
    return {
        path.relative_to(SRC).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(SRC.rglob("*.py"))
        if "testing" not in path.parts
    }


def _scopes(file: str, tree: ast.Module) -> Iterator[tuple[ast.AST, Scope]]:
    waiting: list[tuple[ast.AST, tuple[Function, ...]]] = [(tree, ())]
    while waiting:
        node, around = waiting.pop()
        yield node, Scope(file, tree, around)
        inner = (node, *around) if isinstance(node, Function) else around
        waiting += [(below, inner) for below in ast.iter_child_nodes(node)]


@cache
def _calls() -> dict[str, list[tuple[ast.Call, Scope]]]:
    found = defaultdict(list)
    for file, tree in _files().items():
        for node, scope in _scopes(file, tree):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                found[name or getattr(node.func, "attr", "")].append((node, scope))
    return found


def texts(node: ast.AST | None, scope: Scope, depth: int = 0) -> list[str]:
    """Return what an expression can be, as far as that is written in the code."""

    def below(one: ast.AST) -> list[str]:
        return texts(one, scope, depth)

    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.FormattedValue(value=value, conversion=-1):
            return below(value)
        case ast.JoinedStr(values=values):
            return ["".join(each) for each in itertools.product(*map(below, values))]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [a + b for a in below(left) for b in below(right)]
        case ast.IfExp(body=left, orelse=right) | ast.BoolOp(values=[left, right]):
            return [*below(left), *below(right)]
        case ast.Attribute(attr=name) if name.isupper():
            return _of_module(name, scope) or [MARK]
        case ast.Name(id=name) if depth < _DEPTH_MAX:
            return _named(name, scope, depth) or [MARK]
        case ast.Call(func=ast.Attribute(value=ast.Subscript(value=ast.Name(id=name)),
                                         attr="format")):  # fmt: skip
            return _filled(name, scope) or [MARK]
    return [MARK]


def _assigned(name: str, within: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for each in ast.walk(within):
        if not isinstance(each, ast.Assign | ast.AnnAssign) or each.value is None:
            continue
        targets = each.targets if isinstance(each, ast.Assign) else [each.target]
        if any(isinstance(one, ast.Name) and one.id == name for one in targets):
            found.append(each.value)
    return found


def _named(name: str, scope: Scope, depth: int) -> list[str]:
    for function in scope.around:
        values = _assigned(name, function)
        if values:
            return [text for each in values for text in texts(each, scope, depth + 1)]
        arguments = [*function.args.args, *function.args.kwonlyargs]
        names = [each.arg for each in arguments]
        if name in names:
            return _given(function, name, depth) if name in _FOLLOWED else []
    return _of_module(name, scope)


def _of_module(name: str, scope: Scope) -> list[str]:
    trees = (scope.tree, *_files().values()) if name.isupper() else ()
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.AnnAssign | ast.Assign):
                values = _assigned(name, node)
                if values and isinstance(values[0], ast.Constant):
                    return [str(values[0].value)]
    return []


def _given(function: Function, parameter: str, depth: int) -> list[str]:
    """Return what a helper is called with, where its name is used for it alone."""
    place = [each.arg for each in function.args.args].index(parameter)
    found = []
    for call, scope in _calls()[function.name]:
        named = [each.value for each in call.keywords if each.arg == parameter]
        given = named[0] if named else call.args[place] if place < len(call.args) else None
        found += texts(given, scope, depth + 1)
    return found


def _filled(name: str, scope: Scope) -> list[str]:
    table = _assigned(name, scope.tree)
    if not table or not isinstance(table[0], ast.Dict):
        return []
    said = [each.value for each in table[0].values if isinstance(each, ast.Constant)]
    return [_marked(str(each)) for each in said]


def _marked(text: str) -> str:
    return "".join(
        plain + (MARK if name is not None else "") for plain, name, _, _ in Formatter().parse(text)
    )


def _argument(call: ast.Call, place: int) -> ast.AST | None:
    return call.args[place] if place < len(call.args) else None


def _of_call(name: str, call: ast.Call, scope: Scope) -> list[str]:
    if name in _KINDS:
        return texts(_argument(call, 0), scope)
    if (name, scope.file) in _SAID_WITH:
        return texts(_argument(call, 0), scope)
    if name == "_fail":
        return [f"description: {MARK}: {why}" for why in texts(_argument(call, 1), scope)]
    if name == "Fault" and scope.file == "response/route.py":
        return [f"route {MARK}, {MARK}: {why}" for why in texts(_argument(call, 2), scope)]
    return []


def _returned(function: str) -> Iterator[tuple[str, str]]:
    """Yield what functions of a name return: a part of what others say."""
    for file, tree in _files().items():
        for node, scope in _scopes(file, tree):
            if isinstance(node, ast.Return) and scope.around[0].name == function:
                yield from ((text, f"{file}:{node.lineno}") for text in texts(node.value, scope))


def _of_logs() -> Iterator[tuple[str, str]]:
    """Yield what is found wrong with a log's form: there it is yielded, not raised."""
    file = "sources/gateway_log/facts.py"
    for node, scope in _scopes(file, _files()[file]):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            field, why = (texts(each, scope) for each in node.value.elts)
            for each, text in itertools.product(field, why):
                yield f"tail {MARK}, {each}: {text}", f"{file}:{node.lineno}"


def _of_certificates() -> Iterator[tuple[str, str]]:
    """Yield how a certificate is called."""
    file = "sources/crypto.py"
    for node, scope in _scopes(file, _files()[file]):
        for value in _assigned("title", node) if isinstance(node, ast.Assign) else ():
            yield from ((text, file) for text in texts(value, scope))


@cache
def complaints() -> dict[str, str]:
    """Return the texts of errors, a mark in each place of a value, and where each stands."""
    found = {}
    for name, calls in _calls().items():
        for call, scope in calls:
            for text in _of_call(name, call, scope):
                found.setdefault(text, f"{scope.file}:{call.lineno}")
    for text, where in list(found.items()):
        if text.startswith("description: "):  # raised again with the account it is of
            found[f"account {MARK}/{MARK}, {text}"] = where
    parts = (_of_logs(), _of_certificates(), _returned("nearest"), _returned("named"))
    return found | dict(itertools.chain(*parts))
