"""Worlds of statements: what several sources may say, in every variant that hurts.

A world is a list of deliveries. Its vocabulary is small on purpose, so that names meet, operations
are reversed, notices come in variants and instants tie in almost every example.
"""

from itertools import pairwise, product
from typing import NamedTuple

from hypothesis import strategies as st

from voidtrail.event.codec import Encoded, encode
from voidtrail.event.model import Channel, Event, Kind, Method, Result, Role, Tag, Via
from voidtrail.ledger.contract import Item

T0 = 1_760_000_000_000_000
MINUTE = 60_000_000
SHOP = "shop-1"


class Speaker(NamedTuple):
    """An account of a world."""

    no: int
    source: str
    name: str
    role: Role

    @property
    def scope(self):
        return f"{self.source}/{self.name}"


SPEAKERS = (
    Speaker(1, "stripe", "main", Role.MOVER),
    Speaker(2, "alipay", "cn", Role.MOVER),
    Speaker(3, "storefront", "web", Role.SHOP),
    Speaker(4, "table", "bill", Role.BILL),
)
CUSTOMERS = ("", "c1", "c2", "", "")
"""Whom the deliveries of each speaker name: a notice repeated names nobody else."""
SCOPES = ("", "stripe/main", "alipay/cn")
PAYMENTS = ("p0", "p1", "p2", "p3")
ORDERS = ("", "", "A", "B", "C")
OPERATIONS = ("", "o1", "o2", "o3")
AMOUNTS = (None, 0, 1, 30, 70, 100, 100, 250)
CURRENCIES = ("CNY", "CNY", "CNY", "CNY", "USD", "JPY")
REASONS = (0, 0, 1, 10, 20, 26, 30, 31, 40, 41, 60, 61, 80, 83)
METHODS = (Method.UNKNOWN, Method.CARD_FORM, Method.WECHAT_QR, Method.BANK_TRANSFER)
INSTANTS = tuple(T0 + minutes * MINUTE for minutes in (0, 0, 1, 3, 5, 29, 31, 60, 125, 1500, 6000))
LATER = T0 + 3000 * MINUTE
"""The ledger's clock in most laws: some payments have been silent for too long, some have not."""

MONEY_KINDS = (Kind.AUTHORISE, Kind.CAPTURE, Kind.REFUND, Kind.DISPUTE, Kind.VOID, Kind.REVERSE)
KINDS = (*(kind for kind in Kind), *MONEY_KINDS, *MONEY_KINDS, Kind.CAPTURE, Kind.CAPTURE)
RESULTS = (*(result for result in Result), *[Result.SUCCEEDED] * 6)
WORDS = tuple(kind.name.lower() for kind in MONEY_KINDS)
TARGETS = ("", *(f"{word}:{operation}" for word in WORDS for operation in OPERATIONS))


class Said(NamedTuple):
    """An event with the speaker who says it, in one translation."""

    speaker: Speaker
    version: int
    event: Event

    def encoded(self) -> Encoded:
        return encode(
            self.event, source=self.speaker.source, account=self.speaker.name,
            account_no=self.speaker.no, shop=SHOP, version=self.version,
        )  # fmt: skip

    @property
    def scope(self):
        return self.event.scope or self.speaker.scope

    def names(self):
        """The payment's names in this statement, as text."""
        return [f"{self.scope}/{each}" for each in (self.event.payment, *self.event.names)]


class Told(NamedTuple):
    """A delivery: one speaker, one translation, one or more statements."""

    said: tuple[Said, ...]
    customer: str = ""

    def item(self, keyring) -> Item:
        speaker, version, _ = self.said[0]
        body = repr(self).encode()
        return Item(
            speaker.no, int(self.said[0].event.via), T0, body, keyring.body_digest(body), version,
            [each.encoded() for each in self.said], customer=self.customer,
        )  # fmt: skip


def _event(speaker, fields):
    ((kind, result), (scope, payment, names), (operation, reverses), (amount, currency, tag),
     (at, order), (reason, identity), traits) = fields  # fmt: skip
    life, test, asked, method, until = traits
    return Event(
        label=f"{kind.name.lower()}:{operation}", identity=(f"n{identity}",), kind=kind,
        result=result, payment=payment, names=names, order=order, operation=operation,
        scope=scope if speaker.role is not Role.MOVER else "",
        reverses=reverses if kind in (Kind.VOID, Kind.REVERSE) else "", occurred_at=at,
        amount_minor=amount, currency=currency if amount is not None else "", tag=tag,
        role=speaker.role, via=Via.ASKED if asked else Via.PUSH, reason=reason,
        code=f"code-{reason}-{identity}", method=method,
        channel=Channel.WEB if method else Channel.UNKNOWN, life=life, test=test, until=until,
    )  # fmt: skip


_traits = st.sampled_from([
    *[(True, False, False, Method.UNKNOWN, None)] * 4,
    *[(True, False, False, method, None) for method in METHODS],
    (False, False, False, Method.UNKNOWN, None),
    (False, False, True, Method.UNKNOWN, None),
    (True, True, False, Method.CARD_FORM, None),
    (True, False, False, Method.WECHAT_QR, T0 + 90 * MINUTE),
    (True, False, False, Method.UNKNOWN, T0 + 5000 * MINUTE),
])  # fmt: skip
# Few draws make an example cheap, so what is chosen together is sampled from a product.
_names = (*[()] * 8, *[(name,) for name in PAYMENTS], ("p1", "p3"), ("p2", "p0"))
_fields = st.tuples(
    st.sampled_from([*product(KINDS, RESULTS)]),
    st.sampled_from([*product(SCOPES, PAYMENTS, _names)]),
    st.sampled_from([*product(OPERATIONS, TARGETS)]),
    st.sampled_from([*product(AMOUNTS, CURRENCIES, Tag)]),
    st.sampled_from([*product(INSTANTS, ORDERS)]), st.sampled_from([*product(REASONS, range(12))]),
    _traits,
)  # fmt: skip


@st.composite
def anything(draw):
    """A delivery of one or two statements about anything."""
    speaker = draw(st.sampled_from(SPEAKERS))
    version = draw(st.sampled_from((1, 1, 2)))
    several = draw(st.lists(_fields, min_size=1, max_size=2))
    said = tuple(Said(speaker, version, _event(speaker, each)) for each in several)
    return [Told(said, CUSTOMERS[speaker.no])]


@st.composite
def undoings(draw):
    """A capture (or refund, or authorisation), undone, the undoing undone, up to four times."""
    speaker = draw(st.sampled_from(SPEAKERS[:2]))
    payment, at = draw(st.sampled_from(PAYMENTS)), draw(st.sampled_from(INSTANTS))
    kind = draw(st.sampled_from((Kind.CAPTURE, Kind.REFUND, Kind.AUTHORISE, Kind.DISPUTE)))
    depth = draw(st.integers(1, 4))
    target, told = f"{kind.name.lower()}:o1", []
    for level in range(depth + 1):
        this = kind if level == 0 else Kind.REVERSE
        operation = "o1" if level == 0 else f"u{level}"
        event = Event(
            label=f"{this.name.lower()}:{operation}", identity=(f"{payment}-{operation}",),
            kind=this, result=Result.SUCCEEDED, payment=payment, operation=operation,
            reverses="" if level == 0 else target, occurred_at=at + level * MINUTE,
            amount_minor=100 if level == 0 else None, currency="CNY" if level == 0 else "",
            tag=Tag.OWN if level == 0 else Tag.NONE, reason=83 if level else 0,
        )  # fmt: skip
        if level:
            target = f"reverse:{operation}"
        told.append(Told((Said(speaker, 1, event),), CUSTOMERS[speaker.no]))
    return told


@st.composite
def sales(draw):
    """An ordinary sale: ordered, captured, perhaps refunded in OWN or CUMULATIVE amounts."""
    speaker = draw(st.sampled_from(SPEAKERS[:2]))
    payment, order = draw(st.sampled_from(PAYMENTS)), draw(st.sampled_from(ORDERS))
    tag = draw(st.sampled_from((Tag.OWN, Tag.CUMULATIVE)))
    refunds = draw(st.lists(st.sampled_from((10, 30, 60, 100)), max_size=3))
    at = draw(st.sampled_from(INSTANTS))

    def said(kind, operation, amount, minutes, result=Result.SUCCEEDED):
        event = Event(
            label=f"{kind.name.lower()}:{operation}",
            identity=(f"{payment}-{operation}-{minutes}",), kind=kind, result=result,
            payment=payment, order=order, operation=operation,
            occurred_at=at + minutes * MINUTE, amount_minor=amount, currency="CNY", tag=tag,
        )  # fmt: skip
        return Told((Said(speaker, 1, event),), CUSTOMERS[speaker.no])

    story = [said(Kind.OPEN, "", 100, 0), said(Kind.CAPTURE, "o1", 100, 1)]
    so_far = 0
    for number, amount in enumerate(refunds, start=1):
        so_far = so_far + amount if tag is Tag.CUMULATIVE else amount
        story.append(said(Kind.REFUND, f"o{number}", so_far, 1 + number))
    return story


@st.composite
def worlds(draw, most=7):
    """A list of deliveries."""
    stories = draw(
        st.lists(st.one_of(anything(), anything(), anything(), undoings(), sales()),
                 min_size=1, max_size=most)
    )  # fmt: skip
    return [told for story in stories for told in story]


@st.composite
def arrivals(draw, world):
    """The same deliveries in another order, some twice, cut into groups."""
    again = draw(st.lists(st.sampled_from(world), max_size=4))
    shuffled = draw(st.permutations([*world, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled)), max_size=4)))
    bounds = [0, *cuts, len(shuffled)]
    return [shuffled[low:high] for low, high in pairwise(bounds) if low < high]
