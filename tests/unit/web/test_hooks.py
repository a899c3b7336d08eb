"""What of a request is kept with a delivery, and who is answered without sending one."""

import asyncio
from types import SimpleNamespace

import pytest

from tests.signers import secrets
from voidtrail.event.account import Account
from voidtrail.event.model import QUERY, Delivery
from voidtrail.runtime import envelope
from voidtrail.sources import braintree, stripe
from voidtrail.web.hooks import Hooks, headers_kept, query_kept


def test_query_of_the_address_is_kept_as_it_came():
    kept = headers_kept([(b"host", b"x"), (b"x-topic", b"a")]) + query_kept(b"order=a%2Fb&x=1")
    delivery = Delivery(source="s", account="a", received_at=1, body=b"", headers=kept)
    assert delivery.header(QUERY) == "order=a%2Fb&x=1"
    assert delivery.header("x-topic") == "a"
    assert delivery.header("host") is None


def test_a_signature_in_authorization_reaches_the_source_and_is_never_sealed():
    kept = headers_kept([(b"authorization", b'LKLAPI signature="x"'), (b"cookie", b"c")])
    delivery = Delivery(source="s", account="a", received_at=1, body=b"", headers=kept)
    assert delivery.header("authorization") == 'LKLAPI signature="x"'
    assert delivery.header("cookie") is None
    again = envelope.unpack(envelope.pack(delivery), source="s", account="a", received_at=1, via=0)
    assert again.headers == ()


def test_no_query_and_one_that_is_too_long_are_left_out():
    assert query_kept(b"") == ()
    assert query_kept(b"x" * 4096) == ((QUERY, "x" * 4096),)
    assert query_kept(b"x" * 4097) == ()


def visited(source, query, method="GET"):
    """Visit the door of an account without a delivery; return status, type and body."""
    keys = secrets(public_key="integration_public_key", private_key="integration_private_key")
    entry = SimpleNamespace(source=source, account=Account(source=source.NAME, name="main"),
                            secrets=keys)  # fmt: skip
    house = SimpleNamespace(
        entries={(source.NAME, "main"): entry},
        settings=SimpleNamespace(server=SimpleNamespace(body_max_bytes=9, read_deadline_s=1.0)),
    )
    scope = {"path": f"/hooks/{source.NAME}/main", "method": method, "query_string": query,
             "headers": []}  # fmt: skip
    said = []

    async def send(message):
        said.append(message)

    asyncio.run(Hooks(house, None)(scope, None, send))
    return said[0]["status"], dict(said[0]["headers"]).get(b"content-type"), said[1]["body"]


def test_riddle_of_a_platform_is_answered():
    told = visited(braintree, b"bt_challenge=20f9f8ed05f77439fe955c977e4c8a53")
    answer = b"integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4"
    assert told == (200, b"text/plain", answer)


@pytest.mark.parametrize(
    ("source", "query", "method"),
    [
        (braintree, b"", "GET"),
        (braintree, b"bt_challenge=", "GET"),
        (braintree, b"bt_challenge=20F9F8ED05F77439FE955C977E4C8A53", "GET"),
        (braintree, b"bt_challenge=20f9f8ed05f77439fe955c977e4c8a53%0A", "GET"),
        (braintree, b"bt_challenge=20f9f8ed05f77439fe955c977e4c8a53", "PUT"),
        (stripe, b"bt_challenge=20f9f8ed05f77439fe955c977e4c8a53", "GET"),
    ],
)
def test_whoever_asks_no_riddle_is_told_how_deliveries_come(source, query, method):
    status, _, body = visited(source, query, method)
    assert status == 405
    assert b"POSTed" in body
