"""`voidtrail work`: the worker's loop as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal

from voidtrail.runtime.app import House
from voidtrail.runtime.carriers import post_office
from voidtrail.runtime.deciders import deciders
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.worker import Worker


async def work(house: House, *, once: bool = False) -> None:
    """Work until SIGINT or SIGTERM, or do one turn."""
    intake = Intake(house.ledger, house.clock, house.settings.server.group_max)
    asker = Asker(house, intake)
    post = post_office(house, intake, asker=asker)
    worker = Worker(house, intake, asker, Refusals(), deciders(house), post.wake)
    try:
        if once:
            await worker.turn()
            await post.once()
            return
        task = asyncio.gather(worker.run(), post.run())
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task
    finally:
        await asker.close()
        await post.close()
        await intake.close()
