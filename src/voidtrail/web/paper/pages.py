"""The report as a page that needs nothing else, and as a PDF."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from typing import Final

from markupsafe import Markup

from voidtrail.errors import PaperUnavailable
from voidtrail.event.model import Micros
from voidtrail.runtime.text import speak
from voidtrail.runtime.views.paper import Paper
from voidtrail.web.console.rendering import rendered
from voidtrail.web.paper import press
from voidtrail.web.paper.story import story

_SECONDS_MAX: Final = 120


def page(paper: Paper, language: str, now: Micros) -> str:
    """Return the report as one file of HTML: no script, nothing fetched from anywhere.

    Args:
        paper: the report.
        language: "en" or "zh_CN".
        now: when it is written.
    """
    speak(language)
    style = (resources.files("voidtrail") / "web" / "static" / "paper.css").read_text("utf-8")
    return rendered("paper.html", language, {**story(paper, now), "style": Markup(style)})


def printed(html: str) -> bytes:
    """Return a page as a PDF, made by a process of its own.

    Setting a document computes for seconds and takes memory that it does not give back: neither
    belongs into a server that takes deliveries in.

    Raises:
        PaperUnavailable: this machine lacks what setting a document needs.
    """
    command = [sys.executable, "-m", press.__name__]
    try:
        done = subprocess.run(command, input=html.encode(), capture_output=True, check=False,
                              timeout=_SECONDS_MAX)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise PaperUnavailable(f"no PDF was made within {_SECONDS_MAX} s") from None
    if done.returncode:
        said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [""])[-1]
        if done.returncode == press.CANNOT:
            raise PaperUnavailable(said)
        raise PaperUnavailable(
            f"setting the page ended with {done.returncode} ({said}). Without any font on the "
            f"machine the library breaks down: {press.NO_FONT}"
        )
    return done.stdout
