"""What all tests share: how hard Hypothesis tries, and where the recorded samples are."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# `default` for the minute-by-minute run; `laws` (chosen by `make test`) for what must always hold,
# from the same examples every time: a change is not blamed for what chance finds in another room.
# `hunt` (`make hunt`) is where chance looks.
_FOR_ALL = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _FOR_ALL, max_examples=25)
settings.register_profile("laws", _FOR_ALL, max_examples=1000, derandomize=True)
settings.register_profile("hunt", _FOR_ALL, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that two workers end at the same time."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded samples: $VOIDTRAIL_SHARED, else `shared` beside the repository."""
    folder = Path(os.environ.get("VOIDTRAIL_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(
            "the recorded samples are not here: put them into a folder `shared` beside the "
            "repository, or name their folder in VOIDTRAIL_SHARED"
        )
    return folder
