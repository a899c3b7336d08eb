"""What the sources can do, and what one would make of a pasted sample; nothing is stored."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import msgspec

from voidtrail.errors import FileInvalid, Refused, SourceUnknown, WrongUse
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import QUERY, Delivery, Event, Micros, Unreadable, Via
from voidtrail.event.reason import BY_NUMBER
from voidtrail.runtime import clock
from voidtrail.runtime.settings import AccountSettings, Settings, secrets_of
from voidtrail.sources.contract import Registry, Source, bound
from voidtrail.sources.registry import SOURCES

_REQUEST: Final = re.compile(r"(?:POST|GET|PUT) (\S+)(?: HTTP/[\d.]+)?", re.ASCII)
_ANSWER: Final = re.compile(r"HTTP/[\d.]+ (\d{3})\b.*", re.ASCII)
_HEADER: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)", re.ASCII | re.DOTALL)
_SAMPLE_MAX: Final = 1_048_576


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the capability table: what can be done at a platform through its source."""

    source: str
    title: str
    notify: bool
    signed: bool
    query: bool
    close: bool
    void: bool
    refund: bool
    pay_link: bool
    bill_file: bool


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it would be recorded."""

    kind: str
    result: str
    payment: str
    order: str
    operation: str
    amount_minor: int | None
    currency: str
    reason: str
    code: str
    occurred_at: str | None
    names: tuple[str, ...]
    merchant: str
    test: bool


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sample.

    Attributes:
        refusal: code of the refusal, "" if the sample is genuine; `why` says it in a sentence.
        checked_text: the text whose signature was checked, where the source can show it.
        unreadable: where reading stopped, "" if it did not; `why_unreadable` says why.
        events: what is recorded of a genuine sample.
    """

    account: str
    refusal: str
    why: str
    checked_text: str
    unreadable: str
    why_unreadable: str
    events: tuple[Told, ...]

    @property
    def is_recorded(self) -> bool:
        """Whether it would be recorded as events."""
        return not self.refusal and not self.unreadable


def capabilities(sources: Registry = SOURCES) -> list[Capability]:
    """Return the capability table, as the sources themselves state it."""
    return [
        Capability(
            source=name, title=can.title, notify=can.webhook, signed=can.signed, query=can.query,
            close=can.close, void=can.void, refund=can.refund, pay_link=can.pay_link,
            bill_file=can.bill_file,
        )
        for name, can in ((name, source.CAPABILITIES) for name, source in sources.items())
    ]  # fmt: skip


def try_sample(
    settings: Settings, file: Path, name: str = "", *, at: Micros | None = None, asked: str = "",
    environment: Mapping[str, str] | None = None,
) -> Trial:  # fmt: skip
    """Verify and translate a pasted sample.

    Args:
        settings: with the account.
        file: a body, or a whole request: its headers, an empty line, its body.
        name: of the account, as "custom/main"; "" if there is only one.
        at: when it was received; None takes the present.
        asked: the sample is the platform's answer about this payment, not a notice.
        environment: where secrets are looked up; None takes the process's own.

    Raises:
        WrongUse: no account was meant, its settings cannot be used, or the file cannot be read.
    """
    each = _chosen(settings, name)
    account = each.account(settings.base)
    if account.source not in SOURCES:
        raise SourceUnknown(
            f"there is no source {account.source!r}; known: {', '.join(sorted(SOURCES))}"
        )
    source = bound(SOURCES[account.source], account)
    secrets = secrets_of(each, os.environ if environment is None else environment, settings.base)
    now = clock.now() if at is None else at
    refusal, given = None, None
    for delivery in _samples(file, account, now, asked):
        refusal = _refusal(source, delivery, secrets, now)
        given = given or delivery
        if refusal is None:
            given = delivery
            break
    assert given is not None
    return _trial(source, given, account, secrets, refusal)


def _chosen(settings: Settings, name: str) -> AccountSettings:
    known = {f"{each.source}/{each.name}": each for each in settings.account}
    if not known:
        raise WrongUse("the settings have no [[account]]: write one, or name them with --config")
    if not name and len(known) == 1:
        return next(iter(known.values()))
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        raise WrongUse(f"which account? --account {name or 'SOURCE/NAME'}; {hint}")
    return known[name]


def _samples(file: Path, account: Account, now: Micros, asked: str) -> Iterator[Delivery]:
    """Yield the sample as it stands, then without the line end that an editor put behind it."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise FileInvalid(f"{file}: {error.strerror}") from None
    if len(content) > _SAMPLE_MAX:
        raise FileInvalid(f"{file}: over 1 MiB; no platform sends so much")
    headers, body = split_sample(content)
    for text in dict.fromkeys((body, body.removesuffix(b"\n").removesuffix(b"\r"))):
        yield Delivery(
            source=account.source, account=account.name, received_at=now, body=text,
            headers=headers, via=Via.ASKED if asked else Via.PUSH, request=asked,
        )  # fmt: skip


def split_sample(content: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    r"""Split a pasted request into headers and body; a body alone has no headers.

    >>> split_sample(b"POST /hooks?a=1\nX-Sign: abc,\n def\n\n{}")
    ((('x-sign', 'abc,\n def'), (':query', 'a=1')), b'{}')
    >>> split_sample(b'{"a": 1}')
    ((), b'{"a": 1}')
    """
    head, gap, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    request = _REQUEST.fullmatch(lines[0])
    first = 1 if request or _ANSWER.fullmatch(lines[0]) else 0
    if not first and not _HEADER.fullmatch(lines[0]):
        return (), content
    headers: list[tuple[str, str]] = []
    for line in lines[first:]:
        found = _HEADER.fullmatch(line)
        if found:
            headers.append((found[1].lower(), found[2]))
        elif headers:  # a header with line breaks in it
            name, value = headers.pop()
            headers.append((name, f"{value}\n{line}"))
    query = request[1].partition("?")[2] if request else ""
    if query:
        headers.append((QUERY, query))
    # Line ends of the body stay as they came.
    at = content.find(b"\r\n\r\n")
    exact = content[at + 4 :] if at >= 0 and at <= len(head) + len(lines) else body
    return tuple(headers), exact if gap else b""


def _refusal(source: Source, delivery: Delivery, secrets: Secrets, now: Micros) -> Refused | None:
    try:
        source.verify(delivery, secrets, now)
    except Refused as error:
        return error
    return None


def _trial(
    source: Source, delivery: Delivery, account: Account, secrets: Secrets, refusal: Refused | None
) -> Trial:
    found = source.translate(delivery, account, secrets)
    explain = getattr(source, "explain", None)
    lost = found if isinstance(found, Unreadable) else None
    return Trial(
        account=f"{account.source}/{account.name}",
        refusal=refusal.code if refusal else "",
        why=str(refusal) if refusal else "",
        checked_text=explain(delivery) if explain else "",
        unreadable=lost.path if lost else "",
        why_unreadable=lost.why if lost else "",
        events=() if isinstance(found, Unreadable) else tuple(_told(e, account) for e in found),
    )


def _told(event: Event, account: Account) -> Told:
    return Told(
        kind=event.kind.name.lower(), result=event.result.name.lower(), payment=event.payment,
        order=event.order, operation=event.operation, amount_minor=event.amount_minor,
        currency=event.currency, reason=BY_NUMBER[event.reason].slug, code=event.code,
        occurred_at=clock.to_text(event.occurred_at, account.zone), names=event.names,
        merchant=event.merchant, test=event.test or account.mode == "test",
    )  # fmt: skip
