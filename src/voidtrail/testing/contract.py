"""What must hold of every source, as plain checks: `assert` fails with the law that was broken.

A source's tests hand in genuine deliveries; the checks need neither a test framework nor chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from voidtrail.errors import Refused
from voidtrail.event.account import Account, Secrets
from voidtrail.event.codec import OPERATIONS, encode
from voidtrail.event.model import (
    QUERY,
    Deed,
    Delivery,
    Event,
    Micros,
    Tag,
    Unreadable,
    Verb,
    Via,
)
from voidtrail.event.reason import BY_NUMBER, BY_SLUG
from voidtrail.sources.contract import Outcome, Source, Translation


class Genuine(NamedTuple):
    """A delivery that a source must accept, and what it is accepted with."""

    delivery: Delivery
    secrets: Secrets
    now: Micros


def check_tables(source: Source) -> None:
    """Tables name known reasons and a document in every row; identity and title are stated."""
    assert source.NAME
    assert source.VERSION >= 1
    assert source.CAPABILITIES.title
    assert source.CAPABILITIES.amount_unit in ("minor", "major")
    assert source.IDENTITY.fields
    for word, row in source.EVENTS.items():
        assert row.document, f"EVENTS[{word!r}] names no document"
    for code, why in source.REASONS.items():
        assert why.slug in BY_SLUG, f"REASONS[{code!r}] names no standard reason"
        assert why.document, f"REASONS[{code!r}] names no document"


def check_acknowledgements(source: Source) -> None:
    """Only what was kept is answered with 2xx; a refusal never carries the words of success."""
    if not source.CAPABILITIES.webhook:
        return
    kept = source.acknowledge(Outcome.KEPT)
    assert 200 <= kept.status < 300
    expected = {Outcome.REFUSED: 401, Outcome.BUSY: 503, Outcome.TOO_LARGE: 413}
    for outcome, status in expected.items():
        answer = source.acknowledge(outcome)
        assert answer.status == status
        assert not answer.body or answer.body != kept.body


def check_query_needs_credentials(source: Source, account: Account) -> None:
    """Without secrets there is no question, rather than one that must fail."""
    assert source.query("reference", account, {}, 0, "nonce") is None


def check_deeds(source: Source, account: Account, secrets: Secrets, deed: Deed) -> None:
    """A source can do what it says it can, given credentials, and nothing besides.

    Args:
        source: the source.
        account: with every option that a deed can need.
        secrets: all of the account's.
        deed: with everything that is known of a payment; each verb is tried with it.
    """
    for verb in Verb:
        each = msgspec.structs.replace(deed, verb=verb)
        assert source.act(each, account, {}, 0, "nonce") is None, f"{verb}: without secrets"
        request = source.act(each, account, secrets, 1_790_000_000_000_000, "0" * 32)
        can = getattr(source.CAPABILITIES, verb.value)
        assert can == (request is not None), f"CAPABILITIES.{verb.value} is {can}"
        if request is not None:
            assert request.payment == deed.payment
            assert request.context == f"act:{verb.value}"
            again = source.act(each, account, secrets, 1_790_000_000_000_000, "0" * 32)
            assert again == request, "a deed's second try differs from its first"


def check_events(translated: Translation, delivery: Delivery, version: int = 1) -> None:
    """Events can be kept: they encode, are told apart, and hold amounts only with a currency."""
    if isinstance(translated, Unreadable):
        assert translated.path
        assert translated.why
        return
    assert isinstance(translated, list)
    assert translated, "a delivery that was read says something; silence is Unreadable"
    told: set[tuple[tuple[str, ...], str]] = set()
    for event in translated:
        check_event(event)
        assert (event.identity, event.label) not in told, "two facts of one delivery share an id"
        told.add((event.identity, event.label))
        assert event.via == delivery.via
        encode(
            event,
            source=delivery.source,
            account=delivery.account,
            account_no=1,
            shop="shop",
            version=version,
        )


def check_event(event: Event) -> None:
    """One event is whole."""
    assert event.payment
    assert event.label
    assert event.payment not in event.names
    assert all(event.names)
    assert all(isinstance(part, str) for part in event.identity)
    assert event.reason in BY_NUMBER
    assert (event.amount_minor is None) == (event.currency == "")
    assert event.amount_minor is None or event.amount_minor >= 0
    assert event.tag == Tag.NONE or event.amount_minor is not None
    assert not event.operation or event.kind in OPERATIONS
    assert event.via != Via.ASKED or not event.life, "an answer is no sign of the customer's life"


def check_translation(
    source: Source, delivery: Delivery, account: Account, secrets: Secrets
) -> Translation:
    """Translating is total and repeatable: the same bytes give the same events."""
    once = source.translate(delivery, account, secrets)
    check_events(once, delivery, source.VERSION)
    assert source.translate(delivery, account, secrets) == once
    return once


def check_genuine(source: Source, genuine: Genuine, account: Account) -> list[Event]:
    """A genuine delivery is accepted and understood, and nothing else like it is accepted."""
    delivery, secrets, now = genuine
    source.verify(delivery, secrets, now)
    translated = check_translation(source, delivery, account, secrets)
    assert not isinstance(translated, Unreadable), translated
    for why, forged in forgeries(delivery):
        assert is_refused(source, forged, secrets, now), f"accepted: {why}"
    assert is_refused(source, delivery, {}, now), "accepted: without any secret"
    return translated


def is_refused(source: Source, delivery: Delivery, secrets: Secrets, now: Micros) -> bool:
    """Return whether `verify` refuses by name."""
    try:
        source.verify(delivery, secrets, now)
    except Refused:
        return True
    return False


def forgeries(delivery: Delivery) -> Iterator[tuple[str, Delivery]]:
    """Yield deliveries that differ from a genuine one where nobody but the sender may differ."""
    body = delivery.body
    for place in sorted({0, len(body) // 3, len(body) // 2, len(body) - 1}):
        changed = bytes((*body[:place], body[place] ^ 1, *body[place + 1 :]))
        yield f"bit of byte {place} turned", _with(delivery, body=changed)
    yield "last byte cut off", _with(delivery, body=body[:-1])
    yield "half of the body", _with(delivery, body=body[: len(body) // 2])
    yield "no body", _with(delivery, body=b"")
    yield "a byte too many", _with(delivery, body=body + b"x")
    yield "body twice", _with(delivery, body=body + body)
    if all(_says_how_to_read(name) for name, _ in delivery.headers):
        return
    yield "no headers", _with(delivery, headers=())
    for place, (name, value) in enumerate(delivery.headers):
        rest = (*delivery.headers[:place], *delivery.headers[place + 1 :])
        if _says_how_to_read(name):
            continue
        yield f"without {name}", _with(delivery, headers=rest)
        yield f"{name} twice", _with(delivery, headers=(*delivery.headers, (name, value)))
        yield f"{name} empty", _with(delivery, headers=(*rest, (name, "")))
        yield f"{name} longer", _with(delivery, headers=(*rest, (name, value + "0")))


def _says_how_to_read(header: str) -> bool:
    return header == QUERY or header.endswith("-type")


def _with(
    delivery: Delivery,
    *,
    body: bytes | None = None,
    headers: Sequence[tuple[str, str]] | None = None,
) -> Delivery:
    changes: Mapping[str, object] = {
        "body": delivery.body if body is None else body,
        "headers": delivery.headers if headers is None else tuple(headers),
    }
    return msgspec.structs.replace(delivery, **changes)
