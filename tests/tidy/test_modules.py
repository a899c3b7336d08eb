"""Every module compiles and imports in silence, and is there because something needs it."""

import ast
import importlib
import tomllib
import warnings

import pytest

from tests.tidy.source import ROOT, listing, modules

# Modules that are run, or loaded by a name in a setting, and so are imported by nothing of ours.
# The twin, the suites and the campaign are there for tests: those that ship with us and users' own.
ENTRY_POINTS = {
    "voidtrail",
    "voidtrail.ledger.memory",
    "voidtrail.testing.contract",
    "voidtrail.testing.crash",
    "voidtrail.testing.inspection",
    "voidtrail.testing.ledger_contract",
    "voidtrail.testing.platforms.server",
}
FOLDERS_LOADED_BY_NAME = ("migrations",)


def _names_imported_by(module):
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _entry_points():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    scripts = {target.partition(":")[0] for target in project["scripts"].values()}
    return ENTRY_POINTS | scripts


def _has_mirrored_test(module):
    *rooms, last = module.name.split(".")[1:]
    return ROOT.joinpath("tests", "unit", *rooms, f"test_{last}.py").exists()


def _is_exempt(module):
    parts = module.name.split(".")
    return (
        module.is_package
        or parts[-1] == "__main__"
        or module.name in _entry_points()
        or any(folder in parts for folder in FOLDERS_LOADED_BY_NAME)
    )


@pytest.mark.parametrize("module", modules(), ids=str)
def test_module_compiles_and_imports_without_a_warning(module):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(module.text, str(module.path), "exec")
        if "migrations" not in module.name:  # alembic alone can import its own scripts
            importlib.import_module(module.name)


def test_no_module_is_dead():
    """Until `runtime.app` exists, which wires the rooms together, a mirrored test counts as use."""
    every = modules()
    is_wired = any(module.name == "voidtrail.runtime.app" for module in every)
    imported = {
        name for importer in every for name in _names_imported_by(importer) if name != importer.name
    }
    dead = [
        module
        for module in every
        if module.name not in imported
        and not _is_exempt(module)
        and (is_wired or not _has_mirrored_test(module))
    ]
    assert not dead, (
        "Nothing imports these modules. Wire each in where the data should meet it, delete it, or "
        "(only if it is run or loaded by name) list it in tests/tidy/test_modules.py. While there "
        "is no runtime.app, a test at the mirrored place in tests/unit is enough.\n" + listing(dead)
    )
