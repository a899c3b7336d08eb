"""The rehearsal room: a seeded merchant's day, platforms that lie, and the truth beside it.

`World` makes the day, `Player` plays it over HTTP, `serve_platforms` answers questions, `compare`
holds verdicts against the truth, `audit` concludes independently, `small_world` makes little ones
by the thousand.
"""

from voidtrail.testing.world.auditor import Conclusion, OrderConclusion, audit
from voidtrail.testing.world.behaviour import BEHAVIOURS
from voidtrail.testing.world.compare import Comparison, compare
from voidtrail.testing.world.platforms import serve as serve_platforms
from voidtrail.testing.world.player import Playback, Player, play
from voidtrail.testing.world.settings import Settings
from voidtrail.testing.world.small import Arrival, accounts, arrivals, ask, asked, small_world
from voidtrail.testing.world.truth import OrderTruth, PaymentTruth, Truth
from voidtrail.testing.world.world import World

__all__ = [
    "BEHAVIOURS",
    "Arrival",
    "Comparison",
    "Conclusion",
    "OrderConclusion",
    "OrderTruth",
    "PaymentTruth",
    "Playback",
    "Player",
    "Settings",
    "Truth",
    "World",
    "accounts",
    "arrivals",
    "ask",
    "asked",
    "audit",
    "compare",
    "play",
    "serve_platforms",
    "small_world",
]
