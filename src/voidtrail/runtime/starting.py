"""From what a command was given to settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from voidtrail.runtime.settings import Settings, load


def load_settings(
    config: Path | None, db: Path | None, flags: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings of this process: file, environment, flags.

    Raises:
        SettingUnknown, SettingInvalid: see `runtime.settings.load`.
    """
    given = {**(flags or {}), "ledger.path": None if db is None else str(db)}
    return load(config, os.environ, given)
