"""Connections: of every account the steps to set up, the self-test of secrets, its health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Response, get

from voidtrail.runtime.app import House
from voidtrail.runtime.text import _, several
from voidtrail.runtime.views import connections as views
from voidtrail.web.console.desk import Asked, desk_of
from voidtrail.web.console.formats import number

MARKS: Final[Mapping[str, str]] = {
    "stripe": "S", "alipay": "支", "wechatpay": "微", "storefront": "店", "table": "表",
    "bill": "账", "adyen": "A", "paypal": "P", "square": "Sq", "braintree": "B", "checkout": "C",
    "razorpay": "R", "mollie": "M", "klarna": "K", "unionpay": "银", "lakala": "拉",
    "shengpay": "盛", "shopify": "Sh", "woocommerce": "W", "pos": "卡", "gateway_log": "志",
}  # fmt: skip
"""Marks of our own, a letter or a character each: no platform's emblem is used."""


def headline(found: Sequence[views.Connection]) -> str:
    """Say in one sentence whether every account is connected."""
    real = [each for each in found if each.mode != "test"]
    broken = sum(not each.sound for each in real)
    silent = sum(each.sound and each.pushes and each.first_at is None for each in real)
    if not found:
        return _("No account is connected yet.")
    if broken:
        return several("The secrets of {n} account do not stand their self-test.",
                       "The secrets of {n} accounts do not stand their self-test.", broken
                       ).format(n=number(broken))  # fmt: skip
    if silent:
        return several("{n} account waits for its first genuine delivery.",
                       "{n} accounts wait for their first genuine delivery.", silent
                       ).format(n=number(silent))  # fmt: skip
    return _("Every account is connected.")


@get("/connections", include_in_schema=False)
async def connections(request: Asked) -> Response[str]:
    """Show every account that is configured."""
    known = desk_of(request).house

    def work(reader: House) -> Mapping[str, Any]:
        found = views.connections(reader._replace(by_no=known.by_no, settings=known.settings))
        return {"found": found, "headline": headline(found), "marks": MARKS}

    return await desk_of(request).page(request, "connections.html", work)


HANDLERS: Final = (connections,)
