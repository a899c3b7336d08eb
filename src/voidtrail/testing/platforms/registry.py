"""Which fake platforms there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voidtrail.testing.platforms.fake import FakePlatform

_CLASSES: Final[tuple[type[FakePlatform], ...]] = ()

FAKES: Final[Mapping[str, type[FakePlatform]]] = {each.SOURCE: each for each in _CLASSES}
"""Fake platforms by the name of their source."""
