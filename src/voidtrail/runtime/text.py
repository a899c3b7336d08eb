"""The words people read, in their language: gettext catalogues, English and Chinese.

A message's English text is its id. Words of enumerations are looked up by context and name, as
`label("state", "cancelled")`. The catalogues are the `.po` files under `voidtrail/locales`,
compiled when they are loaded; a test holds them complete and free of what nobody says any more.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Final

from voidtrail.errors import WrongUse

LANGUAGES: Final = ("en", "zh_CN")
DOMAIN: Final = "voidtrail"
_ENVIRONMENT: Final = ("VOIDTRAIL_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
_chosen: ContextVar[str] = ContextVar("language", default="en")


def match(wanted: str) -> str | None:
    """Return our catalogue for a locale's name, None if there is none.

    >>> match("zh-Hans-CN"), match("zh_CN.UTF-8"), match("C.UTF-8"), match("fr_FR")
    ('zh_CN', 'zh_CN', 'en', None)
    """
    word = wanted.strip().replace("-", "_").partition(".")[0].lower()
    if word in ("c", "posix") or word.partition("_")[0] == "en":
        return "en"
    return "zh_CN" if word.partition("_")[0] == "zh" else None


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language of a command line: `--lang`, then the environment, else English.

    Raises:
        WrongUse: `--lang` or VOIDTRAIL_LANGUAGE names a language that we do not speak.
    """
    wanted = ""
    for place, word in enumerate(arguments):
        if word == "--":
            break
        if word == "--lang" and place + 1 < len(arguments):
            wanted = arguments[place + 1]
        elif word.startswith("--lang="):
            wanted = word.partition("=")[2]
    explicit = wanted or environment.get("VOIDTRAIL_LANGUAGE", "")
    if explicit:
        found = match(explicit)
        if found is None:
            raise WrongUse(f"language {explicit!r} is not known; known: {', '.join(LANGUAGES)}")
        return found
    set_names = (environment.get(name, "") for name in _ENVIRONMENT)
    return match(next((name for name in set_names if name), "en")) or "en"


def speak(language: str) -> None:
    """Use a language from now on, in this context."""
    assert language in LANGUAGES, f"no catalogue for {language}"
    _chosen.set(language)


def language() -> str:
    """Return the language in use."""
    return _chosen.get()


@cache
def catalogue(name: str) -> gettext.NullTranslations:
    """Return a language's catalogue, compiled."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    file = resources.files("voidtrail") / "locales" / name / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled = io.BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=name, domain=DOMAIN))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _(message: str) -> str:
    """Return a message in the language in use."""
    return message if not message else catalogue(_chosen.get()).gettext(message)


def label(context: str, name: str) -> str:
    """Return the word for a member of an enumeration, as `label("how", "expired")`."""
    return catalogue(_chosen.get()).pgettext(context, name)


def several(one: str, many: str, count: int) -> str:
    """Return the message for one thing or for several, in the language in use."""
    return _(one if count == 1 else many)


def later(message: str) -> str:
    """Mark a message that is translated where it is shown."""
    return message
