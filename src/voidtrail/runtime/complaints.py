"""What errors say when a command or a page cannot do what it was asked for (see `sentences`)."""

from __future__ import annotations

from typing import Final

COMPLAINTS: Final[tuple[str, ...]] = ()
