"""What the platforms themselves ask of every source: exact answers, no forgeries, no silence."""

import base64
import json
import re
from urllib.parse import urlencode

import msgspec
import pytest

from tests.contract import genuine
from voidtrail.event.account import Secret
from voidtrail.event.model import Kind, Unreadable
from voidtrail.sources.contract import Outcome, can_be_asked
from voidtrail.sources.registry import SOURCES
from voidtrail.testing import contract

FAKED = genuine.with_fake()
JSON = "application/json"
TEXT = "text/plain"
ACKNOWLEDGED = {
    # platforms.md, section 0.3; None: the platform reads the status alone.
    "stripe": (200, None, b""),
    "adyen": (200, TEXT, b"[accepted]"),
    "paypal": (200, None, b""),
    "square": (200, None, b""),
    "braintree": (200, None, b""),
    "checkout": (200, None, b""),
    "razorpay": (200, None, b""),
    "mollie": (200, None, b""),
    "klarna": (200, None, b""),
    "alipay": (200, TEXT, b"success"),
    "wechatpay": (200, JSON, b'{"code":"SUCCESS"}'),
    "unionpay": (200, None, None),
    "lakala": (200, JSON, '{"code":"SUCCESS","message":"执行成功"}'.encode()),
    "shengpay": (200, TEXT, b"SUCCESS"),
    "shopify": (200, None, b""),
    "woocommerce": (200, None, b""),
}
"""Status, content type and body with which each platform is told that its notice was kept."""
SIGNED = [name for name in FAKED if SOURCES[name].CAPABILITIES.signed]
"""The pushes of others prove nothing and say nothing: they only make us ask."""
NO_WEBHOOK = {"pos", "table", "gateway_log"}
OUR_OWN = {"storefront", "custom"}
OPENS = {"api_v3_key"}
"""Secrets that open what is sealed; what they open was proved by another."""


def test_every_platform_that_pushes_has_its_answer_stated():
    pushing = {name for name, source in SOURCES.items() if source.CAPABILITIES.webhook}
    assert pushing - OUR_OWN - NO_WEBHOOK == set(ACKNOWLEDGED) & set(SOURCES)


@pytest.mark.parametrize("name", sorted(set(ACKNOWLEDGED) & set(SOURCES)))
def test_acknowledgement_is_exact_to_the_byte(name):
    status, kind, body = ACKNOWLEDGED[name]
    said = SOURCES[name].acknowledge(Outcome.KEPT)
    assert said.status == status
    assert body is None or said.body == body
    assert kind is None or said.content_type.partition(";")[0] == kind


@pytest.mark.parametrize("name", SIGNED)
def test_at_least_fourteen_forgeries_of_every_notice_are_refused(name):
    known = genuine.corpus(name)
    for delivery in known.pushed:
        known.source.verify(delivery, known.secrets, genuine.START)
        tried = 0
        for why, forged in (*contract.forgeries(delivery), *_reencoded(delivery)):
            if not contract.is_refused(known.source, forged, known.secrets, genuine.START):
                assert name in genuine.SIGNS_IN_PART | genuine.SIGNS_FIELDS, why
                assert genuine.says_the_same(known, delivery, forged), why
                continue
            tried += 1
        for purpose in set(known.source.CAPABILITIES.needed) - OPENS:
            for why, secrets in _other_secrets(known.secrets, purpose):
                assert contract.is_refused(known.source, delivery, secrets, genuine.START), why
                tried += 1
        assert tried >= 14, f"only {tried} forgeries"


def _reencoded(delivery):
    """The same text in other bytes; a signature is over bytes."""
    body = delivery.body
    flipped = [
        (f"bit of byte {place} turned", body[:place] + bytes([body[place] ^ 2]) + body[place + 1 :])
        for place in range(0, len(body), max(1, len(body) // 40))
    ]
    for why, other in (
        *flipped,
        ("with a byte order mark", b"\xef\xbb\xbf" + body),
        ("with a line break", body + b"\n\n"),
        ("in upper case", body.upper()),
        ("in UTF-16", body.decode("utf-8", "replace").encode("utf-16")),
        ("with a space before", b" " + body),
    ):
        if other != body:
            yield why, msgspec.structs.replace(delivery, body=other)


def _other_secrets(secrets, purpose):
    """Secrets of which one is absent, or another one."""
    if purpose not in secrets:
        return
    yield f"without {purpose!r}", {name: s for name, s in secrets.items() if name != purpose}
    swapped = tuple(Secret(_another(each.reveal())) for each in secrets[purpose])
    yield f"with another {purpose!r}", {**secrets, purpose: swapped}


def _another(text):
    """Another secret that looks like it: its last letter or digit but one is changed."""
    places = [at for at, each in enumerate(text) if each.isalnum()]
    middle = places[len(places) // 2]
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]


@pytest.mark.parametrize("name", SIGNED)
def test_unlisted_codes_are_told_as_other_and_never_silence(name):
    """Somewhere in a notice stands the word that says what it is; another word there is OTHER."""
    known = genuine.corpus(name)
    found = 0
    for delivery in known.pushed:
        for nearly in _with_unlisted_words(delivery):
            told = known.source.translate(nearly, known.account, known.secrets)
            assert isinstance(told, Unreadable) or told, "silence"
            others = [] if isinstance(told, Unreadable) else told
            found += any(event.kind is Kind.OTHER for event in others)
    if genuine.taken_apart(known.pushed[0].body)[0] == "bytes":
        return
    assert found, "no word of any notice, taken for another, is told as OTHER"


def _with_unlisted_words(delivery):
    shape, value = genuine.taken_apart(delivery.body)
    if shape == "json":
        for path in genuine.places(value):
            inner = value
            for key in path:
                inner = inner[key]
            if isinstance(inner, str):
                body = json.dumps(genuine.put(value, path, genuine.UNLISTED)).encode()
                yield msgspec.structs.replace(delivery, body=body)
    elif shape == "form":
        for at, (key, given) in enumerate(value):
            for other in (genuine.UNLISTED, *_with_unlisted_words_inside(given)):
                pairs = [*value[:at], (key, other), *value[at + 1 :]]
                yield msgspec.structs.replace(delivery, body=urlencode(pairs).encode())
    for at, (key, _) in enumerate(delivery.headers):
        heads = (*delivery.headers[:at], (key, genuine.UNLISTED), *delivery.headers[at + 1 :])
        yield msgspec.structs.replace(delivery, headers=heads)


def _with_unlisted_words_inside(field):
    """A field that holds XML in base64, with each word of it taken for another."""
    xml = base64.b64decode(field) if field.endswith(("\n", "=")) else b""
    for word in re.finditer(rb">([\w/.-]+)<", xml):
        other = xml[: word.start(1)] + genuine.UNLISTED.encode() + xml[word.end(1) :]
        yield base64.b64encode(other).decode()


@pytest.mark.parametrize("name", FAKED)
def test_answers_are_never_signs_of_life_and_pushes_only_of_what_happened(name):
    known = genuine.corpus(name)
    for delivery in known.every:
        told = contract.check_translation(known.source, delivery, known.account, known.secrets)
        assert not isinstance(told, Unreadable), (told, delivery.body)


@pytest.mark.parametrize("name", FAKED)
def test_an_account_with_credentials_is_found_to_be_askable(name):
    known = genuine.corpus(name)
    can = can_be_asked(known.source, known.account, known.secrets)
    assert can == known.source.CAPABILITIES.query
    assert not can_be_asked(known.source, known.account, {})
