"""Everybody who decides about changes, in the order in which they are asked."""

from __future__ import annotations

from voidtrail.runtime.app import House
from voidtrail.runtime.deciding import Decider, Logbook
from voidtrail.runtime.endpoints.telling import Telling
from voidtrail.runtime.notify.desk import Alerts


def deciders(house: House) -> tuple[Decider, ...]:
    """Return the deciders of a process that works, as `voidtrail serve` or `voidtrail work`."""
    return (Logbook(), Alerts(house), Telling(house, house.settings.endpoint))
