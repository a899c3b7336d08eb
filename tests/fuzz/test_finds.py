"""What a fuzzer once found stays mended."""

from pathlib import Path

import pytest

from tests.fuzz.trial import of, spelled, trial
from voidtrail.sources.registry import SOURCES

FINDS = sorted(path for path in Path(__file__).with_name("finds").glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}-{path.name[-8:]}")
def test_find_stays_mended(path):
    trial(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_fuzzer_begins_with_what_is_genuine(name):
    for place, delivery in enumerate(of(name)[:20]):
        trial(name, spelled(place, delivery.body))
    trial(name, b"")
