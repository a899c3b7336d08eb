"""A payment and an order: the verdict as one sentence, the money, and what every source said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post

from voidtrail.runtime.app import House
from voidtrail.runtime.text import _
from voidtrail.runtime.views import lives
from voidtrail.runtime.views.revealing import reveal
from voidtrail.runtime.views.shapes import PaymentPage
from voidtrail.web.console.desk import Asked, desk_of
from voidtrail.web.console.wording import verdict

_REASON_MIN: Final = 4
_REASON_MAX: Final = 500


def sentence(page: PaymentPage) -> str:
    """Return the verdict in words."""
    return verdict(page.row, {leg.name: leg.amount for leg in page.legs})


@get("/payments/{name:path}", include_in_schema=False)
async def payment(request: Asked, name: str) -> Response[str]:
    """Show the whole life of a payment."""

    def work(reader: House) -> Mapping[str, Any]:
        page = lives.payment(reader, name.lstrip("/"))
        return {"page": page, "verdict": sentence(page)}

    return await desk_of(request).page(request, "payment.html", work)


@get("/orders/{reference:path}", include_in_schema=False)
async def order(request: Asked, reference: str) -> Response[str]:
    """Show an order and each of its payments."""

    def work(reader: House) -> Mapping[str, Any]:
        page = lives.order(reader, reference.lstrip("/"))
        return {"page": page, "lives": [(each, sentence(each)) for each in page.payments]}

    return await desk_of(request).page(request, "order.html", work)


@get("/deliveries/{number:int}", include_in_schema=False)
async def delivery(request: Asked, number: int) -> Response[str]:
    """Ask why a raw delivery is to be opened."""
    context = {"number": number, "raw": None, "wrong": ""}
    return await desk_of(request).page(request, "delivery.html", lambda _reader: context)


@post("/deliveries/{number:int}", include_in_schema=False, status_code=200)
async def opened(request: Asked, number: int) -> Response[str]:
    """Open a raw delivery, and put who, why and when into the ledger before it is shown."""
    desk = desk_of(request)
    why = str((await request.form()).get("why", "")).strip()
    if not _REASON_MIN <= len(why) <= _REASON_MAX:
        context = {"number": number, "raw": None, "wrong": _("Say why, in a few words.")}
        return await desk.page(request, "delivery.html", lambda _reader: context, 400)
    person = request.state.person
    raw = await reveal(desk.house, desk.intake, number, who=person.name, why=why)
    shown = {"number": number, "raw": raw, "wrong": ""}
    return await desk.page(request, "delivery.html", lambda _reader: shown)


HANDLERS: Final = (payment, order, delivery, opened)
