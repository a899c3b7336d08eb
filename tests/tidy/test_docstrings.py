"""Every public name says in one sentence what it is."""

import ast

from tests.tidy.source import listing, modules

DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _undocumented(module):
    if ast.get_docstring(module.tree) is None:
        yield f"{module}:1 the module itself"
    for node in module.tree.body:
        if not isinstance(node, DEFINITIONS) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield f"{module}:{node.lineno} {node.name}"


def test_public_names_have_docstrings():
    silent = [
        place
        for module in modules()
        if "migrations" not in module.name
        for place in _undocumented(module)
    ]
    assert not silent, (
        "Give each of these a docstring: one sentence, then Args, Returns, Raises and an example "
        "where they help. (Methods are ruff's: D102.)\n" + listing(silent)
    )
