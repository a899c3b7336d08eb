"""Nothing grows past what one reader can hold in the head."""

import ast

from tests.tidy.source import ROOT, SRC, listing, modules, tracked_files

LINES_IN_MODULE = 400
LINES_IN_FUNCTION = 70
COLUMNS = 100


def test_modules_stay_short():
    long = [
        f"{module}: {count} lines"
        for module in modules()
        if (count := len(module.text.splitlines())) > LINES_IN_MODULE
    ]
    assert not long, (
        f"A module past {LINES_IN_MODULE} lines is two ideas: split it where the idea divides.\n"
        + listing(long)
    )


def test_functions_stay_short():
    long = [
        f"{module}:{node.lineno} {node.name}: {count} lines"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (count := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_IN_FUNCTION
    ]
    assert not long, (
        f"A function past {LINES_IN_FUNCTION} lines hides its story: keep the control flow in it "
        "and move the steps into functions with names of their own.\n" + listing(long)
    )


def test_lines_stay_narrow():
    texts = [path for path in tracked_files() if path.suffix in {".py", ".sql"}]
    texts += [module.path for module in modules() if module.path not in texts]
    wide = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in texts
        if path.is_relative_to(SRC) or path.is_relative_to(ROOT / "tests")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > COLUMNS
    ]
    assert not wide, f"Break these lines at {COLUMNS} columns or before.\n" + listing(wide)
