"""What an engineer does with endpoints: try one out, look at them, send dead letters again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from voidtrail.errors import NotFound
from voidtrail.event.account import Secret
from voidtrail.ledger.messages import BEHIND, DEAD, SENT, WAITING, Message
from voidtrail.response.telling import Word
from voidtrail.runtime import clock
from voidtrail.runtime.app import House
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.endpoints.delivery import Courier, Endpoint, Reply, at_url, ready
from voidtrail.runtime.endpoints.settings import EndpointSettings, check_url
from voidtrail.runtime.endpoints.signature import new_secret
from voidtrail.runtime.endpoints.standing import Standing, Standings
from voidtrail.runtime.endpoints.telling import KIND, sample
from voidtrail.runtime.settings import Settings, secret_of

_SLICE: Final = 256


class Trial(NamedTuple):
    """What came of trying an endpoint out.

    Attributes:
        made_up: the secret that was made up for this trial, None if there was one.
    """

    url: str
    message_key: str
    body: bytes
    reply: Reply
    made_up: Secret | None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as `voidtrail hooks list` shows it; counts are of messages."""

    name: str
    url: str
    events: tuple[str, ...]
    shops: tuple[str, ...]
    in_service: bool
    why: str
    since: str | None
    waiting: int
    sent: int
    dead: int
    failing_since: str | None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was given up."""

    key: str
    endpoint: str
    event: str
    order: str
    tries: int
    created_at: str | None
    given_up_at: str | None
    why: str


def named(settings: Settings, name: str) -> EndpointSettings:
    """Return the endpoint of a name.

    Raises:
        NotFound: the settings have none of that name.
    """
    for each in settings.endpoint:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in settings.endpoint) or "none"
    raise NotFound(f"there is no endpoint {name!r} in the settings; known: {known}")


async def try_out(
    settings: Settings, target: str, word: Word, secret: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Trial:  # fmt: skip
    """Send one signed sample.

    Args:
        settings: of this process.
        target: the name of an endpoint, or an address, which may be private.
        word: what the sample tells of.
        secret: "env:NAME" or "file:PATH", for an address; made up if not given.
        environment: where secrets are looked up; None takes the process's own.

    Raises:
        NotFound: there is no such endpoint.
        SettingInvalid: the address or the secret cannot be used.
    """
    endpoint, made_up = _target(settings, target, secret, environment)
    now = clock.now()
    key, body = f"msg_test_{now}", sample(word, now)
    courier = Courier(endpoint)
    try:
        reply = await courier.deliver(key, body, now)
    finally:
        await courier.close()
    return Trial(endpoint.url, key, body, reply, made_up)


def _target(
    settings: Settings, target: str, secret: str | None, environment: Mapping[str, str] | None
) -> tuple[Endpoint, Secret | None]:
    if "://" not in target:
        return ready(named(settings, target), environment, settings.base), None
    check_url(target, target, plain=True)
    if secret is not None:
        return at_url(target, secret_of(secret, "--secret", environment)), None
    made_up = new_secret()
    return at_url(target, made_up), made_up


def listed(house: House) -> list[Listed]:
    """Return every endpoint, and how it fares."""
    ledger, standings = house.ledger, Standings(house.ledger)
    found = []
    for each in house.settings.endpoint:
        standing = standings.of(each.name)
        off = standing is not None and standing.disabled
        counts = {state: ledger.message_count(KIND, each.name, state)
                  for state in (WAITING, BEHIND, SENT, DEAD)}  # fmt: skip
        found.append(Listed(
            name=each.name, url=each.url, events=each.events or tuple(Word), shops=each.shops,
            in_service=not off, why=standing.why if standing and off else "",
            since=to_text(standing.at) if standing and off else None,
            waiting=counts[WAITING] + counts[BEHIND], sent=counts[SENT], dead=counts[DEAD],
            failing_since=to_text(ledger.failing_since(KIND, each.name)),
        ))  # fmt: skip
    return found


def dead_letters(house: House, name: str = "", limit: int = 100) -> list[DeadLetter]:
    """Return messages that were given up, oldest first; of every endpoint if none is named."""
    if name:
        named(house.settings, name)
    return [_letter(each) for each in house.ledger.dead_letters(KIND, name, limit)]


def _letter(message: Message) -> DeadLetter:
    said: dict[str, Any] = json.loads(message.body)
    return DeadLetter(
        key=message.key, endpoint=message.target, event=said["type"],
        order=said["data"]["order"], tries=message.tries, created_at=to_text(message.created_at),
        given_up_at=to_text(message.done_at), why=message.last_error,
    )  # fmt: skip


def resend(house: House, name: str, keys: Sequence[str] = ()) -> int:
    """Let an endpoint's dead letters go out again, and put it back into service.

    Args:
        house: the house, opened for writing.
        name: the endpoint.
        keys: only these messages; all of them if empty.

    Returns:
        How many messages will be sent again.

    Raises:
        NotFound: there is no such endpoint, or a key is none of its dead letters.
    """
    named(house.settings, name)
    ledger, count, after = house.ledger, 0, 0
    chosen = [_dead(house, name, key).no for key in keys]
    if Standings(ledger).is_disabled(name):
        now = house.clock()
        entry = Standing(name=name, disabled=False, why="resent", at=now).entry()

        def enter() -> int:
            ledger.control([entry], max(now, ledger.head().tick))
            return 1

        _write(house, enter)
    if keys:
        return _write(house, lambda: ledger.resend(chosen, house.clock()))
    while found := ledger.dead_letters(KIND, name, _SLICE, after):
        after = found[-1].no
        numbers = [each.no for each in found]
        count += _write(house, lambda: ledger.resend(numbers, house.clock()))  # noqa: B023
    return count


def _dead(house: House, name: str, key: str) -> Message:
    found = house.ledger.message_by_key(key)
    if found is None or found.target != name or found.state != DEAD:
        raise NotFound(f"endpoint {name} has no dead letter {key}; see `voidtrail hooks dead`")
    return found


def _write(house: House, work: Callable[[], int]) -> int:
    """Write one slice in a transaction of its own, so that a server beside gets its turns."""
    house.ledger.begin()
    try:
        done = work()
    except BaseException:
        house.ledger.rollback()
        raise
    house.ledger.commit()
    return done
