"""Which sources there are: each module of this room that offers the contract's public names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Final, cast

from voidtrail.sources import alipay, stripe, wechatpay
from voidtrail.sources.contract import Registry, Source

_MODULES: Final[tuple[ModuleType, ...]] = (stripe, alipay, wechatpay)
_WHEN_PRESENT: Final = ("storefront", "table")


def _registered() -> Mapping[str, Source]:
    built = [name for name in _WHEN_PRESENT if find_spec(f"voidtrail.sources.{name}")]
    modules = [*_MODULES, *(import_module(f"voidtrail.sources.{name}") for name in built)]
    return {
        str(module.NAME): cast("Source", module)
        for module in modules
        if hasattr(module, "CAPABILITIES")
    }


SOURCES: Final[Registry] = _registered()
"""Sources by name, as in `/hooks/{source}/{account}`."""
