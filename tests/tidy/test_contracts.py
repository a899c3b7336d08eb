"""The import contracts of pyproject.toml name every room and every source that exists."""

import re
import tomllib

from tests.tidy.source import ROOT, listing, modules

ROOMS_OUTSIDE = {"voidtrail"}
SHARED_BY_SOURCES = {"voidtrail.sources"}


def _contract(wanted):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {entry["id"]: entry for entry in settings["tool"]["importlinter"]["contracts"]}
    return contracts[wanted]


def _layered(wanted):
    layers = " | ".join(_contract(wanted)["layers"])
    return {name.strip(" ()") for name in re.split("[|:]", layers)}


def test_every_room_has_its_layer():
    rooms = {".".join(module.name.split(".")[:2]) for module in modules()} - ROOMS_OUTSIDE
    missing = sorted(rooms - _layered("layers"))
    assert not missing, (
        "Give each of these a layer in the contract `layers` of pyproject.toml, with an ADR that "
        "says why it stands there.\n" + listing(missing)
    )


def test_every_source_is_kept_apart():
    found = {
        ".".join(module.name.split(".")[:3])
        for module in modules()
        if module.name.startswith("voidtrail.sources")
    }
    missing = sorted(found - _layered("sources-apart") - SHARED_BY_SOURCES)
    assert not missing, (
        "Name each of these in the contract `sources-apart` of pyproject.toml: a platform beside "
        "the others, what platforms share below them.\n" + listing(missing)
    )
