"""Genuine deliveries of every platform that has a fake, and their bodies changed with a plan.

What chance alone would never spell (a body that is nearly right) is made from what the fakes say:
a field of another type, another value, gone, twice, or taken from elsewhere.
"""

import json
import random
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from tests.unit.testing.platforms.recorder import SECOND, Recorder
from voidtrail.event.account import Account
from voidtrail.event.model import Deed, Delivery, Unreadable, Verb
from voidtrail.sources.contract import Source
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.platforms.registry import FAKES

START = 1_790_000_000 * SECOND
UNLISTED = "ZZ_NO_TABLE_LISTS_THIS"
STRANGE: tuple[Any, ...] = (
    None, "", " ", 0, -1, 1, 2**31, 2**63, 2**64 + 1, 1e308, 12.345, True, [], {}, [[]], {"": None},
    "x" * 300, "订单", "\x00", "1e999999", "-0", "NaN", "0.1" + "0" * 40, "99999999999999999999.99",
    "2025-06-15 20:00:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59+14:00", "0", "true",
    "SUCCESS", "canceled", UNLISTED, "XXX", "KWD", "ISK", "1", [None], [{}], {"value": None},
)  # fmt: skip


class Corpus(NamedTuple):
    """What one platform says, with what it is read by."""

    source: Source
    account: Account
    secrets: Any
    pushed: tuple[Delivery, ...]
    asked: tuple[Delivery, ...]

    @property
    def every(self):
        """Pushed or asked."""
        return (*self.pushed, *self.asked)


@lru_cache(maxsize=64)
def corpus(name):
    """Everything that a fake says in all of its situations, with the answers to questions."""
    fake = FAKES[name](seed=11)
    recorder = Recorder(fake)
    pushed, asked = [], []
    for number, situation in enumerate(fake.PLAYS):
        payment = fake.play(situation, f"ORDER-{number}", 12_300 + number, START)
        pushed += [fake.delivery(notice, "main", START) for notice in fake.take()]
        for verb in (None, Verb.CLOSE, Verb.VOID, Verb.REFUND):
            request = _request(recorder, payment, verb)
            if request is not None:
                asked.append(recorder.request(request, START + 10 * SECOND))
        fake.take()
    return Corpus(recorder.source, recorder.account, recorder.secrets, tuple(pushed), tuple(asked))


def _request(recorder, payment, verb):
    more = (recorder.account, recorder.secrets, START + 10 * SECOND, "0" * 32)
    if verb is None:
        return recorder.source.query(payment.reference, *more)
    deed = Deed(verb=verb, payment=payment.reference, key=f"k-{payment.reference}",
                operation=next(iter(payment.ids.values()), ""), amount_minor=100,
                currency=payment.currency, order=payment.order)  # fmt: skip
    return recorder.source.act(deed, *more)


SIGNS_IN_PART = {"adyen"}
"""Platforms that sign a few fields and not the bytes around them."""
SIGNS_FIELDS = {"shengpay", "custom"}
"""Platforms that sign every field of a JSON object, and not the blanks around it."""


def says_the_same(known, genuine, nearly):
    """Whether a changed delivery that is accepted still says only what the platform signed."""
    read = known.source.translate
    if known.source.NAME not in SIGNS_IN_PART:
        one, other = (read(each, known.account, known.secrets) for each in (genuine, nearly))
        return one == other
    told = read(nearly, known.account, known.secrets)
    if isinstance(told, Unreadable):
        return True
    signed = {_signed_of(event) for each in known.pushed
              for event in read(each, known.account, known.secrets)}  # fmt: skip
    return {_signed_of(each) for each in told} <= signed


def _signed_of(event):
    """Name, outcome and money; Adyen's `operations`, which tells held from taken, is not signed."""
    return (event.result, event.payment, event.amount_minor, event.currency)


def places(value, path=()):
    """The paths of every member of a JSON value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield (*path, at)
            yield from places(inner, (*path, at))


def put(value, path, new):
    """A JSON value with another member at a path; without it if `new` is Ellipsis."""
    whole = json.loads(json.dumps(value))
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    if new is not ...:
        inner[path[-1]] = new
    else:
        del inner[path[-1]]
    return whole


def taken_apart(body):
    """A body as ("json", value), ("form", pairs) or ("bytes", body)."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict | list):
        return "json", value
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return "bytes", body
    return "form", pairs


def changed(delivery, seed, others=()):
    """A delivery whose body was changed with a plan drawn from a seed."""
    rng = random.Random(seed)
    shape, value = taken_apart(delivery.body)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if shape == "json":
            value = _json_changed(value, rng, others)
        elif shape == "form":
            value = _form_changed(value, rng)
        else:
            value = _bytes_changed(value, rng)
    if shape == "json":
        body = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    else:
        body = urlencode(value).encode() if shape == "form" else value
    if rng.random() < 0.1:
        body = _bytes_changed(body, rng)
    return msgspec.structs.replace(delivery, body=body)


def _json_changed(value, rng, others):
    paths = list(places(value))
    if not paths:
        return rng.choice(STRANGE)
    path = rng.choice(paths)
    how = rng.randrange(5)
    if how == 0:
        return put(value, path, ...)
    if how == 1 and others:
        _, other = taken_apart(rng.choice(others).body)
        found = [at for at in places(other) if at and at[-1] == path[-1]] or [()]
        at = rng.choice(found)
        for key in at:
            other = other[key]
        return put(value, path, other if at else rng.choice(STRANGE))
    return put(value, path, rng.choice(STRANGE))


def _form_changed(pairs, rng):
    pairs = list(pairs)
    if not pairs:
        return [("a", "b")]
    at, how = rng.randrange(len(pairs)), rng.randrange(4)
    if how == 0:
        del pairs[at]
    elif how == 1:
        pairs.insert(rng.randrange(len(pairs)), pairs[at])
    else:
        strange = rng.choice(STRANGE)
        pairs[at] = (pairs[at][0], strange if isinstance(strange, str) else json.dumps(strange))
    return pairs


def _bytes_changed(body, rng):
    if not body:
        return b"\x00"
    at, how = rng.randrange(len(body)), rng.randrange(4)
    if how == 0:
        return body[:at]
    if how == 1:
        return body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]
    if how == 2:
        return body[:at] + body[at : at + rng.randrange(64)] * 2 + body[at:]
    return body[:at] + rng.randbytes(rng.randrange(8)) + body[at:]


def with_fake():
    """The names of sources that have a fake, in order."""
    return sorted(set(FAKES) & set(SOURCES))
