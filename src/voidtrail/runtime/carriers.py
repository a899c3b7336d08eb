"""Everybody who carries messages, by kind, and the post that they work for."""

from __future__ import annotations

import random
from collections.abc import Mapping

from voidtrail.runtime.app import House
from voidtrail.runtime.deeds import carrier as deeds
from voidtrail.runtime.endpoints import carrier as hooks
from voidtrail.runtime.endpoints.delivery import Courier, ready
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.notify import channels
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.sending import Carrier, Post
from voidtrail.runtime.settings import secret_of


def post_office(
    house: House, intake: Intake, environment: Mapping[str, str] | None = None,
    asker: Asker | None = None,
) -> Post:  # fmt: skip
    """Return the post of a process that works, as `voidtrail serve` or `voidtrail work`.

    Args:
        house: the house.
        intake: the writer that it shares with everybody.
        environment: where secrets are looked up; None takes the process's own.
        asker: who talks to platforms; without one, no deeds are carried.

    Raises:
        SettingInvalid: a secret of an endpoint or a channel is not where it should be, or is none.
    """
    settings = house.settings
    couriers = {
        each.name: Courier(ready(each, environment, settings.base)) for each in settings.endpoint
    }
    patience = {each.name: each.disable_after_days for each in settings.endpoint}
    known = channels.channels_of(
        settings.channel, lambda place, where: secret_of(place, where, environment, settings.base)
    )
    carriers: dict[str, Carrier] = {
        "hook": hooks.Hooks(house, intake, couriers, patience), "alert": channels.Channels(known),
    }  # fmt: skip
    if asker is not None:
        carriers["deed"] = deeds.Deeds(house, intake, asker)
    return Post(
        house, intake, carriers=carriers,
        schedules={"hook": hooks.SCHEDULE_S, "alert": channels.SCHEDULE_S,
                   "deed": deeds.SCHEDULE_S}, jitter=random.random,
        # A person reads one message twice at most, even after a kill in mid-send.
        at_once={"alert": 1}, prompt={"alert", "deed"},
    )  # fmt: skip
