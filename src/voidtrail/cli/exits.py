"""Exit codes, and the one line in which a refusal is told.

0 is done, 1 found something (unreadable rows, a broken chain, a failed check), 2 wrong use, 3 a
fault outside of this process.
"""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.markup import escape

from voidtrail.errors import (
    KeyErased,
    OutsideFault,
    Refused,
    VoidtrailError,
    WrongUse,
)
from voidtrail.runtime.text import label
from voidtrail.runtime.wording.retelling import retold

DONE, FOUND, WRONG_USE, OUTSIDE = 0, 1, 2, 3
EXIT_CODES: Final[dict[type[VoidtrailError], int]] = {
    WrongUse: WRONG_USE,
    Refused: FOUND,
    KeyErased: FOUND,
    OutsideFault: OUTSIDE,
    VoidtrailError: OUTSIDE,
}
"""By the nearest of an error's classes."""


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error; what is not ours came from outside.

    >>> exit_code(WrongUse("")), exit_code(OutsideFault("")), exit_code(OSError())
    (2, 3, 3)
    """
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), OUTSIDE)


def tell(error: Exception) -> int:
    """Print an error in one line on standard error, as its reader speaks; return its exit code."""
    code = error.code if isinstance(error, VoidtrailError) else "outside_fault"
    text = " ".join(retold(str(error)).split()) or type(error).__name__
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"[bold]voidtrail[/bold]: {escape(label('error', code))}: {escape(text)} "
                  f"{escape(f'[{code}]')}")  # fmt: skip
    return exit_code(error)
