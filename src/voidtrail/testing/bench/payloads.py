"""Pools of unique, correctly signed notifications, built before anything is measured.

The same seed gives the same payments, ids and amounts. RSA keys are made anew each time (a key that
everybody knows is no key), so signatures differ from run to run.
"""

import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from voidtrail.testing.bench import alipay_notices, stripe_notices, wechatpay_notices

SOURCES = ("stripe", "alipay", "wechatpay")
_REPEAT_DISTANCE_MAX = 40
_STEP_GAP = 12.0

Headers = tuple[tuple[str, str], ...]


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Credentials:
    """What the platforms and the merchant share, made anew for a run.

    Attributes:
        stripe_secret: The webhook endpoint's secret, `whsec_...`.
        alipay_app_id: The merchant's application at Alipay.
        alipay_key: Alipay's private key; the server gets the public half.
        wechatpay_key: WeChat Pay's private key; the server gets the public half.
        wechatpay_serial: The id of that key, as the header names it.
        wechatpay_api_v3_key: The merchant's key for resources, 32 ASCII characters.
        wechatpay_mchid: The merchant's number at WeChat Pay.
        wechatpay_appid: The merchant's application at WeChat Pay.
    """

    stripe_secret: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(16)}", repr=False)
    alipay_app_id: str = "9021000100000001"
    alipay_key: rsa.RSAPrivateKey = field(default_factory=_new_key, repr=False)
    wechatpay_key: rsa.RSAPrivateKey = field(default_factory=_new_key, repr=False)
    wechatpay_serial: str = "PUB_KEY_ID_0000000000000000000000000001"
    wechatpay_api_v3_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    wechatpay_mchid: str = "1900000001"
    wechatpay_appid: str = "wx0000000000000001"


@dataclass(frozen=True)
class Draft:
    """A notification before it is sent.

    Attributes:
        event_id: The platform's id of it; a duplicate has the same.
        body: The exact bytes.
    """

    event_id: str
    body: bytes


@dataclass(frozen=True)
class Pool:
    """Notifications of one source in the order of sending, duplicates included.

    Attributes:
        source: One of `SOURCES`.
        drafts: What is sent.
        content_type: The media type of every body.
        sign: Gives the headers for a body at an instant (Unix seconds).
    """

    source: str
    drafts: Sequence[Draft]
    content_type: str
    sign: Callable[[bytes, int], Headers]

    def requests(self, path: str, host: str, at_unix: int, start: int, stop: int) -> list[bytes]:
        """Return whole HTTP/1.1 requests for a slice of the pool, signed at one instant.

        Args:
            path: Where they are posted.
            host: The value of `Host`.
            at_unix: The instant that the signature names, in Unix seconds.
            start: The first draft.
            stop: One past the last draft.

        Returns:
            The bytes of each request, ready to be written to a connection.
        """
        lead = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: voidtrail-bench\r\n"
            f"Accept: */*\r\nContent-Type: {self.content_type}\r\n"
        )
        requests = []
        for draft in self.drafts[start:stop]:
            signed = "".join(f"{k}: {v}\r\n" for k, v in self.sign(draft.body, at_unix))
            head = f"{lead}{signed}Content-Length: {len(draft.body)}\r\n\r\n"
            requests.append(head.encode("ascii") + draft.body)
        return requests


def build_pool(
    source: str,
    credentials: Credentials,
    count: int,
    *,
    seed: int,
    at_unix: int,
    duplicates: float = 0.05,
) -> Pool:
    """Build a pool of exactly `count` notifications.

    Payments of two or three notifications are interleaved, each in its own order; a share of the
    notifications is sent once more, a little later, as platforms do.

    Args:
        source: One of `SOURCES`.
        credentials: What to sign with.
        count: How many notifications, duplicates included.
        seed: The seed of every id and amount.
        at_unix: When the payments were made, in Unix seconds.
        duplicates: The share that is sent twice, 0 to 1.

    Returns:
        The pool.

    Raises:
        ValueError: The source is not one of `SOURCES`.
    """
    rng = random.Random(f"{source}:{seed}")
    content_type = "application/json; charset=utf-8"
    if source == "stripe":
        payment = partial(stripe_notices.payment, rng, at_unix)
        secret = credentials.stripe_secret

        def sign(body: bytes, at: int) -> Headers:
            return (("Stripe-Signature", stripe_notices.signature_header(body, secret, at)),)
    elif source == "alipay":
        payment = partial(
            alipay_notices.payment, rng, at_unix, credentials.alipay_app_id, credentials.alipay_key
        )
        content_type = "application/x-www-form-urlencoded; charset=utf-8"

        def sign(body: bytes, at: int) -> Headers:
            return ()
    elif source == "wechatpay":
        payment = partial(
            wechatpay_notices.payment,
            rng,
            at_unix,
            credentials.wechatpay_api_v3_key,
            credentials.wechatpay_mchid,
            credentials.wechatpay_appid,
        )
        key, serial = credentials.wechatpay_key, credentials.wechatpay_serial

        def sign(body: bytes, at: int) -> Headers:
            nonce = secrets.token_hex(16)
            return wechatpay_notices.signature_headers(body, key, serial, at, nonce)
    else:
        raise ValueError(f"no such source: {source!r}; known: {', '.join(SOURCES)}")
    unique = islice(_interleaved(payment, rng, count), count)
    drafts = list(islice(_with_repeats(unique, rng, duplicates), count))
    return Pool(source, drafts, content_type, sign)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """Return the public half of a key as PEM text.

    Args:
        key: The private key.

    Returns:
        A `-----BEGIN PUBLIC KEY-----` block.
    """
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _interleaved(
    payment: Callable[[], list[tuple[str, bytes]]], rng: random.Random, count: int
) -> list[Draft]:
    timed: list[tuple[float, int, Draft]] = []
    start = 0
    while len(timed) < count:
        at = float(start)
        for event_id, body in payment():
            timed.append((at, len(timed), Draft(event_id, body)))
            at += 1.0 + rng.random() * _STEP_GAP
        start += 1
    timed.sort(key=lambda item: item[:2])
    return [draft for _, _, draft in timed]


def _with_repeats(drafts: Iterator[Draft], rng: random.Random, share: float) -> Iterator[Draft]:
    due: dict[int, list[Draft]] = {}
    for position, draft in enumerate(drafts):
        yield from due.pop(position, ())
        yield draft
        if rng.random() < share:
            later = position + rng.randint(1, _REPEAT_DISTANCE_MAX)
            due.setdefault(later, []).append(draft)
