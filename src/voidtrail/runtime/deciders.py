"""Everybody who decides about changes, in the order in which they are asked."""

from __future__ import annotations

from voidtrail.runtime.app import House
from voidtrail.runtime.deciding import Decider
from voidtrail.runtime.deeds.desk import Deeds
from voidtrail.runtime.endpoints.telling import Telling
from voidtrail.runtime.notify.desk import Alerts


def deciders(house: House) -> tuple[Decider, ...]:
    """Return the deciders of a process that works, as `voidtrail serve` or `voidtrail work`.

    Who has nothing to decide by is left out: with nobody to tell, a change costs nothing more.
    """
    settings, found = house.settings, list[Decider]()
    if settings.route:
        found.append(Alerts(house))
    if settings.endpoint:
        found.append(Telling(house, settings.endpoint))
    # Payments that were called off may have to be closed, and late successes are always a case.
    if settings.account:
        found.append(Deeds(house))
    return tuple(found)
