"""Why deliveries could not be read, as the quarantine keeps it (see `sentences`)."""

from __future__ import annotations

from typing import Final

UNREAD: Final[tuple[str, ...]] = ()
