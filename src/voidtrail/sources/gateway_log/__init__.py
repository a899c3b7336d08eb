"""Logs of gateways and shops: lines that a rule is about, told by a witness.

A log holds no money: it saw. What a line states is written in the rules of its `[[tail]]`, not
known beforehand. A line is known by all of its bytes, so the same line read twice says it once.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import structs

from voidtrail.errors import SignatureInvalid
from voidtrail.event.account import Account, Secrets
from voidtrail.event.codec import OPERATIONS
from voidtrail.event.model import Acknowledgement, Delivery, Micros, Role, Tag
from voidtrail.event.reason import number
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    never_asked,
    never_told,
    unreadable,
)
from voidtrail.sources.gateway_log.facts import Match, amount_of, reader_of
from voidtrail.sources.gateway_log.wire import moment, value
from voidtrail.sources.telling import OWN, REFUSED, Teller

NAME: Final = "gateway_log"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Logs of gateways and shops 日志", signed=False, amount_unit="major"
)
IDENTITY: Final = Identity(fields=("digest of the line",), role=Role.LOG)
EVENTS: Final[dict[str, Row]] = {}
"""Empty: what a line means is written in the rules of its log."""

REASONS: Final[dict[str, ReasonRow]] = {}
"""Empty: rules name standard reasons."""

RULES_OPTION: Final = "rules"
"""The account's option that holds form and rules of its log as JSON, for `translate`."""
CUT_HEADER: Final = "cut"
"""Header of a line that was too long: how many of its bytes were kept."""


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Refuse what did not come from a file that we tail ourselves.

    Raises:
        SignatureInvalid: always: whoever can reach the web door is no log.
    """
    raise SignatureInvalid(
        f"account {delivery.account}: log lines are read from files; name them in a [[tail]]"
    )


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a line by the rules in the account's option "rules"."""
    text = account.options.get(RULES_OPTION, "")
    if not text:
        return unreadable("rules", "no [[tail]] of the settings is about this account")
    try:
        reader = reader_of(text)
    except msgspec.MsgspecError as error:
        return unreadable("rules", str(error))
    found = reader.match(delivery.body)
    if found is None:
        return unreadable("line", "no rule is about this line")
    if found.meaning is None:
        return unreadable("line", f"rule {found.rule.name} only counts its lines")
    return _told(delivery, account, found, reader.form.time)


def _told(delivery: Delivery, account: Account, found: Match, time: str) -> Translation:
    rule, fields = found.rule, found.fields
    assert found.meaning is not None
    kind, result, reason = found.meaning
    digest = blake2b(delivery.body, digest_size=16).hexdigest()
    payment = found.payment or found.order
    at = moment(value(fields, time), account.zone, delivery.received_at)
    amount, currency = amount_of(rule, fields)
    tell = Teller(
        REASONS, (digest,), payment, delivery.received_at if at is None or at < 0 else at,
        order=found.order, currency=currency, via=delivery.via,
        dimensions=(("rule", rule.name),),
    )  # fmt: skip
    code = value(fields, rule.code) or value(fields, rule.status)
    operation = value(fields, rule.operation)
    tag = Tag.NONE
    if kind in OPERATIONS:
        # Refused attempts are each their own; what succeeded is said of the payment once.
        operation, tag = operation or (digest if result is REFUSED else payment), OWN
    else:
        operation = ""
    why = (number(reason) if reason else 0, code)
    event = tell(kind, result, operation, amount, tag, reason=why)
    return [structs.replace(event, role=Role.LOG, scope=rule.of if found.payment else "")]


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an answer for the protocol's sake; a file waits for none."""
    return Acknowledgement(status=200 if outcome is Outcome.KEPT else 503)


query: Final = never_asked
act: Final = never_told
