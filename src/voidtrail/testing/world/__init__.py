"""The rehearsal room: a seeded merchant's day, platforms that lie, and the truth beside it.

`World` makes the day, `player.play` plays it over HTTP, `platforms.serve` answers questions,
`compare` holds verdicts against the truth, `audit` concludes independently, `small_world` makes
little ones by the thousand.
"""

from voidtrail.testing.world.compare import Comparison, compare
from voidtrail.testing.world.settings import Settings
from voidtrail.testing.world.truth import OrderTruth, PaymentTruth, Truth
from voidtrail.testing.world.world import World

__all__ = ["Comparison", "OrderTruth", "PaymentTruth", "Settings", "Truth", "World", "compare"]
