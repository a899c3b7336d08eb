"""The repository as the tidy tests see it: modules with their syntax trees, and tracked files."""

import ast
import subprocess
import warnings
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"


@dataclass(frozen=True)
class Module:
    """One Python file of the product."""

    name: str
    path: Path
    text: str = field(repr=False)
    tree: ast.Module = field(repr=False)

    @property
    def is_package(self):
        return self.path.name == "__init__.py"

    def __str__(self):
        return self.path.relative_to(ROOT).as_posix()


def _dotted_name(path):
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules():
    """Every module in src, in the order of its path."""
    found = []
    for path in sorted(SRC.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        with warnings.catch_warnings(action="ignore"):  # test_modules.py is the one to complain
            tree = ast.parse(text, str(path))
        found.append(Module(_dotted_name(path), path, text, tree))
    return tuple(found)


@cache
def tracked_files():
    """Every file that git knows, as paths; in an unpacked archive without git, every file."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
        return tuple(path for path in paths if path.is_file())
    skipped = {".venv", "__pycache__", "node_modules"}
    return tuple(
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file() and not skipped.intersection(path.relative_to(ROOT).parts)
    )


def text_of(path):
    """The text of a file, or None when it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def listing(offenders):
    """Offenders as lines of an assertion's message."""
    return "\n".join(f"  {offender}" for offender in offenders)
