"""Templates made into pages: escaped by default, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from voidtrail.runtime.text import _, label, language, several, speak
from voidtrail.runtime.wording.retelling import retold
from voidtrail.web.console import formats
from voidtrail.web.console.assets import static
from voidtrail.web.console.period import period_label, periods

HTML_LANGUAGE: Final = {"en": "en", "zh_CN": "zh-CN"}


@cache
def environment() -> Environment:
    """Return the templates' environment."""
    made = Environment(
        loader=PackageLoader("voidtrail", "web/templates"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=StrictUndefined, auto_reload=False,
    )  # fmt: skip
    made.filters.update(formats.filters())
    made.filters["data"] = data
    made.filters["retold"] = retold
    made.globals.update(
        _=_, label=label, several=several, static=static,
        periods=periods, period_label=period_label,
        html_language=lambda: HTML_LANGUAGE[language()], part=part,
    )  # fmt: skip
    return made


def part(macro: str, *words: str) -> Markup:
    """Return what a macro of `_words.html` makes of a few words; each is made once a language."""
    return _part(language(), macro, words)


@lru_cache(maxsize=2048)
def _part(_language: str, macro: str, words: tuple[str, ...]) -> Markup:
    return _macro("_words.html", macro)(*words)


@cache
def _macro(template: str, name: str) -> Callable[..., Markup]:
    macro: Callable[..., Markup] = getattr(environment().get_template(template).module, name)
    return macro


def element(language_in_use: str, template: str, macro: str, *given: object) -> str:
    """Return what one macro makes, without the cost of a whole template."""
    speak(language_in_use)
    return str(_macro(template, macro)(*given))


def data(value: Any) -> Markup:
    """Write a value as JSON that may stand in a script element of type application/json."""
    text = msgspec.json.encode(value).decode()
    for each in "<>&\u2028\u2029":
        text = text.replace(each, f"\\u{ord(each):04x}")
    return Markup(text)


def rendered(template: str, language_in_use: str, context: Mapping[str, Any]) -> str:
    """Return a template's text in a language."""
    speak(language_in_use)
    return environment().get_template(template).render(context)
