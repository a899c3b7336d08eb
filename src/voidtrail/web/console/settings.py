"""Settings: what rules at present. The file rules, so that here it is only read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get

from voidtrail.runtime.app import House
from voidtrail.web.console.desk import Asked, desk_of


@get("/settings", include_in_schema=False)
async def settings(request: Asked) -> Response[str]:
    """Show accounts, patience and routes."""
    house = desk_of(request).house

    def work(reader: House) -> Mapping[str, Any]:
        terms = reader.terms
        return {
            "accounts": [entry.account for _, entry in sorted(house.by_no.items())],
            "terms": terms,
            "patience": sorted(terms.patience_s.items(), key=lambda each: (each[1], each[0])),
            "server": house.settings.server,
            "ledger": house.settings.ledger,
            "routes": house.settings.route,
            "channels": house.settings.channel,
            "endpoints": house.settings.endpoint,
        }

    return await desk_of(request).page(request, "settings.html", work)


HANDLERS: Final = (settings,)
