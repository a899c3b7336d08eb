"""Every dependency has its reason, and every lock holds every dependency at one version."""

import re
import tomllib

import pytest

from tests.tidy.source import ROOT, listing

PAGE = ROOT / "docs" / "reference" / "dependencies.md"
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def _names(requirements):
    names = {re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0].lower() for text in requirements}
    return names - {"voidtrail"}


def _project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _runtime():
    return _names(_project()["dependencies"])


def _declared():
    return _runtime().union(*map(_names, _project()["optional-dependencies"].values()))


def _pins(lock):
    return dict(PIN.findall((ROOT / "requirements" / lock).read_text(encoding="ascii")))


def test_every_dependency_has_its_reason():
    explained = set(ROW.findall(PAGE.read_text(encoding="utf-8")))
    missing, left_over = sorted(_declared() - explained), sorted(explained - _declared())
    assert not missing, f"Say in {PAGE.name} why each of these is needed.\n" + listing(missing)
    assert not left_over, (
        f"{PAGE.name} explains what pyproject.toml no longer names: delete these rows.\n"
        + listing(left_over)
    )


def test_reasons_are_sorted_and_unique():
    for table in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        rows = ROW.findall(table)
        assert rows == sorted(set(rows)), f"Sort this table of {PAGE.name} by package:\n{rows}"


@pytest.mark.parametrize(
    ("lock", "needed"),
    [("runtime.lock", _runtime), ("demo.lock", _runtime), ("dev.lock", _declared)],
)
def test_lock_holds_every_dependency(lock, needed):
    missing = sorted(needed() - set(_pins(lock)))
    assert not missing, f"Run `make lock`: requirements/{lock} lacks these.\n" + listing(missing)


def test_locks_agree_on_versions():
    dev = _pins("dev.lock")
    different = [
        f"{name}: {lock} has {version}, dev.lock has {dev.get(name)}"
        for lock in ("runtime.lock", "demo.lock")
        for name, version in _pins(lock).items()
        if dev.get(name) != version
    ]
    assert not different, "Run `make lock`: the locks differ.\n" + listing(different)


def test_locks_have_hashes():
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text(encoding="ascii")
        bare = [block.split()[0] for block in re.split(r"\n(?=\S)", text) if "--hash" not in block]
        assert not bare, f"Run `make lock`: {lock.name} has lines without a hash.\n" + listing(bare)
