"""Structured logs on standard error: JSON lines for machines, colours for people."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from voidtrail.sources.redact import mask


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask card numbers in whatever is logged."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) >= 13:
            event[key] = mask(value.encode())[0].decode("utf-8", "replace")
    return event


def configure(*, json: bool | None = None, level: int = logging.INFO) -> None:
    """Set up logging for a process.

    Args:
        json: JSON lines; None decides by whether standard error is a terminal.
        level: the least level that is written.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _masked,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s", force=True)
