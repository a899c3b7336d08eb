"""One try of a fuzzer: a delivery spelled as bytes, and the laws of `translate`."""

import msgspec

from tests.contract.genuine import START, corpus, with_fake
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Via
from voidtrail.sources.registry import SOURCES
from voidtrail.testing import contract


def of(name):
    """What a source's fake says, pushed and asked."""
    return corpus(name).every if name in with_fake() else ()


def spelled(place, body):
    """The bytes that mean: like the genuine delivery at a place, but with this body."""
    return bytes([place % 256]) + body


def trial(name, data):
    """Translate what the bytes mean.

    Raises:
        AssertionError: a law is broken; anything else that `translate` raises.
    """
    known, body = of(name), data[1:]
    if known:
        like = known[(data[0] if data else 0) % len(known)]
        delivery = msgspec.structs.replace(like, body=body)
        account, secrets = corpus(name).account, corpus(name).secrets
    else:
        via = Via.FILE if data[:1] > b"\x80" else Via.PUSH
        delivery = Delivery(source=name, account="main", received_at=START, body=body, via=via)
        account, secrets = Account(source=name, name="main"), {}
    contract.check_translation(SOURCES[name], delivery, account, secrets)
