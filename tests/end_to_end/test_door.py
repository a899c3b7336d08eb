"""The quick way of a connection, and the requests that must take the usual one."""

import socket
import time

import pytest

from tests import signers
from tests.end_to_end.house import HOST, STRIPE_SECRET, Served, stripe_account
from voidtrail.testing.crash import payments


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("door"), [stripe_account()]) as server:
        yield server
        server.audit()


def post(name, *, version="1.1", more="", path="/hooks/stripe/main"):
    """Return a whole signed request."""
    at_s = int(time.time())
    body = next(payments(name, 1))[0].body(at_s)
    head = (
        f"POST {path} HTTP/{version}\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n{more}"
        f"Stripe-Signature: {signers.stripe_header(body, STRIPE_SECRET, at_s)}\r\n\r\n"
    )
    return head.encode() + body


def heard(connection):
    """Return all that comes back until the server closes."""
    told = b""
    while more := connection.recv(65_536):
        told += more
    return told


def kept(server):
    return server.rows("SELECT count(*) FROM delivery WHERE repeat_of IS NULL")[0][0]


def test_delivery_in_three_pieces_is_taken_whole(server):
    before, whole = kept(server), post("pieces")
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        for piece in (whole[:30], whole[30:600], whole[600:]):
            connection.sendall(piece)
            time.sleep(0.05)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    assert kept(server) == before + 1


def test_requests_sent_ahead_are_answered_in_their_order(server):
    before = kept(server)
    ahead = (
        post("ahead1")
        + post("ahead2")
        + f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        + post("ahead3", more="Connection: close\r\n")
    )
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(ahead)
        told = heard(connection)
    assert told.count(b"HTTP/1.1 200") == 4
    healthy = told.index(b"\r\n\r\nok")
    assert told[:healthy].count(b"HTTP/1.1 200") == 3, "two deliveries, then the question"
    assert kept(server) == before + 3


def test_old_client_is_answered_and_let_go(server):
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(post("old", version="1.0"))
        told = heard(connection)
    assert told.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in told.lower()


def test_client_that_waits_to_be_asked_for_its_body_is_asked(server):
    whole = post("expect", more="Expect: 100-continue\r\n")
    head, body = whole.split(b"\r\n\r\n", 1)
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")


def test_door_with_a_query_is_the_same_door(server):
    before = kept(server)
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(post("query", path="/hooks/stripe/main?from=dashboard"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    assert kept(server) == before + 1


def test_query_cannot_be_forged_as_a_header(server):
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(post("forged", more=":query: klarna_order_id=1\r\n"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400")


def test_client_that_went_away_does_not_harm_the_next(server):
    before = kept(server)
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(post("gone"))
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        connection.sendall(post("next"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    assert kept(server) in (before + 1, before + 2), "the one that left may or may not be kept"
