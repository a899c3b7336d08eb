"""Alerts in words, in the language of their channel: what, where, how much, what to do next.

Nothing personal stands in them: references of orders and payments, amounts, shops, kinds.
"""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal
from msgspec import to_builtins

from voidtrail.event.model import Micros
from voidtrail.event.reason import How
from voidtrail.lifecycle.verdict import State
from voidtrail.money import exponent
from voidtrail.response.alert import Tell
from voidtrail.response.incident import Example, Incident, Topic
from voidtrail.runtime.clock import to_text
from voidtrail.runtime.notify.channels import Letter
from voidtrail.runtime.text import _, label, language, speak

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LINES_MAX: Final = 10
_BYTES_MAX: Final = 1400
"""Of the lines of a digest: WeCom takes 2,048 bytes in all."""
_HOWS: Final = frozenset(how.name.lower() for how in How)
_REFERENCE_MAX: Final = 64
_NO_MARKUP: Final = str.maketrans("<>@[]`", "‹›＠⟦⟧'")
"""So that nobody outside calls a whole chat, or puts a link of his own into it."""
_SAYS_WHO: Final = frozenset(
    {("customer_cancelled", "customer"), ("merchant_voided", "merchant"),
     ("platform_closed", "platform"), ("abandoned", "customer")}
)  # fmt: skip
"""Ways of ending whose name says by whom."""
_STATES: Final = frozenset(state.name.lower() for state in State)


class Links(NamedTuple):
    """Where to look, and where to acknowledge; the latter is signed, "" if there is no need."""

    look: str
    acknowledge: str = ""


def letter(tell: Tell, links: Links, speaking: str) -> Letter:
    """Put what is said to a channel into words.

    Args:
        tell: what is said.
        links: into the console.
        speaking: the channel's language.
    """

    def written() -> Letter:
        speak(speaking)
        return _digest(tell, links) if tell.why == "digest" else _alert(tell, links)

    return contextvars.copy_context().run(written)


def _alert(tell: Tell, links: Links) -> Letter:
    (incident,) = tell.incidents
    lines = [example(incident.example)]
    if incident.count > 1:
        lines = [_("Most expensive: {payment}").format(payment=lines[0])]
    since, until = (at(instant, incident.zone) for instant in (incident.opened_at,
                                                               incident.last_at))  # fmt: skip
    if incident.count > 1:
        lines.append(_("From {since} to {until}.").format(since=since, until=until))
    else:
        lines.append(since)
    if incident.back:
        lines.append(_("{count} of them paid after all.").format(count=_number(len(incident.back))))
    lines.append(_("Look: {link}").format(link=links.look))
    if links.acknowledge:
        lines.append(_("Acknowledge: {link}").format(link=links.acknowledge))
    lines.append(_("Reference: {key}").format(key=tell.key))
    level = {"closed": "info"}.get(tell.why, "failure" if incident.topic.what == "fault"
                                   else "warning")  # fmt: skip
    return Letter(_title(tell, incident), "\n".join(lines), level, facts(tell, links))


def _title(tell: Tell, incident: Incident) -> str:
    title = summary(incident)
    if tell.why == "escalated":
        title = _("Nobody has acknowledged: {title}").format(title=title)
    elif tell.why == "closed":
        title = _("Over: {title}").format(title=title)
    return f"[{_('Test')}] {title}" if incident.topic.test else title


def _digest(tell: Tell, links: Links) -> Letter:
    payments = sum(incident.count for incident in tell.incidents)
    title = _("Digest: {incidents} incidents, {payments} payments").format(
        incidents=_number(len(tell.incidents)), payments=_number(payments)
    )
    lines: list[str] = []
    for incident in sorted(tell.incidents, key=lambda i: (-sum(i.money.values()), i.no)):
        line = f"· {summary(incident)}"
        if len(lines) == _LINES_MAX or len("\n".join([*lines, line]).encode()) > _BYTES_MAX:
            break
        lines.append(line)
    if len(lines) < len(tell.incidents):
        rest = _number(len(tell.incidents) - len(lines))
        lines.append(_("… and {count} more incidents").format(count=rest))
    lines += [_("Look: {link}").format(link=links.look),
              _("Reference: {key}").format(key=tell.key)]  # fmt: skip
    if all(incident.topic.test for incident in tell.incidents):
        title = f"[{_('Test')}] {title}"
    return Letter(title, "\n".join(lines), "info", facts(tell, links))


def summary(incident: Incident) -> str:
    """Return an incident in one line, in the language in use."""
    kind = what(incident.topic)
    kind = f"{kind[:1].upper()}{kind[1:]}"
    where = f"{incident.topic.shop} · {label('source', incident.topic.rail)}"
    costs = moneys(incident.money)
    if incident.count == 1:
        return f"{kind} · {costs} · {where}"
    count = _("{count} payments").format(count=_number(incident.count))
    return f"{kind} · {count} · {costs} · {where}"


def what(topic: Topic) -> str:
    """Return what happened, in the language in use."""
    if topic.what in _HOWS:
        return label("how", topic.what)
    return label("state" if topic.what in _STATES else "incident", topic.what)


def example(payment: Example) -> str:
    """Return a payment in one line, in the language in use."""
    words = [_("order {order}").format(order=_plain(payment.order))]
    if payment.amount_minor is not None:
        words.append(money(payment.amount_minor, payment.currency))
    if payment.how != "none":
        words.append(label("how", payment.how))
    if payment.actor != "unknown" and (payment.how, payment.actor) not in _SAYS_WHO:
        words.append(_("by {actor}").format(actor=label("actor", payment.actor)))
    if payment.method != "unknown":
        words.append(label("method", payment.method))
    return " · ".join(words)


def _plain(reference: str) -> str:
    """Return a reference on one line and no longer than one: it was chosen outside."""
    text = "".join(letter for letter in " ".join(reference.split()) if letter.isprintable())
    text = text.translate(_NO_MARKUP)
    return text if len(text) <= _REFERENCE_MAX else f"{text[:_REFERENCE_MAX]}…"


def money(amount_minor: int, currency: str) -> str:
    """Write an amount as the language in use does."""
    if not currency:
        return _number(amount_minor)
    major = Decimal(amount_minor).scaleb(-exponent(currency))
    return str(format_currency(major, currency, locale=language(), decimal_quantization=False))


def moneys(sums: Mapping[str, int]) -> str:
    """Write sums beside one another; currencies are never added up."""
    return " + ".join(money(amount, currency) for currency, amount in sorted(sums.items())) or "–"


def at(instant: Micros, zone: str) -> str:
    """Write an instant by a shop's clock."""
    local = (_EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, 'yyyy-MM-dd HH:mm:ss', locale=language())} ({zone})"


def _number(value: int) -> str:
    return str(format_decimal(value, locale=language()))


def facts(tell: Tell, links: Links) -> dict[str, Any]:
    """Return what is said for machines."""
    return {
        "why": tell.why, "step": tell.step, "look": links.look,
        "incidents": [_fact(incident) for incident in tell.incidents],
    }  # fmt: skip


def _fact(incident: Incident) -> dict[str, Any]:
    topic = incident.topic
    return {
        "incident": incident.no, "shop": topic.shop, "entity": incident.entity,
        "rail": topic.rail, "what": topic.what, "test": topic.test, "count": incident.count,
        "money_minor": dict(incident.money), "paid_after_all": len(incident.back),
        "opened_at": to_text(incident.opened_at, incident.zone),
        "last_at": to_text(incident.last_at, incident.zone),
        "closed_at": to_text(incident.closed_at, incident.zone),
        "example": to_builtins(incident.example),
    }  # fmt: skip
