"""The settings `[seal]` and `[[seal.rule]]`, and the policy that they make."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

import msgspec

from voidtrail.errors import SettingInvalid
from voidtrail.event.reason import How
from voidtrail.lifecycle.seal import DEFAULT_AFTER_S, Late, Mode, Policy, Rule
from voidtrail.money import minor_from_major


class SealRuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs for some payments (see `lifecycle.seal.Rule`)."""

    source: tuple[str, ...] = ()
    shop: tuple[str, ...] = ()
    how: tuple[str, ...] = ()
    mode: Mode | None = None
    late: Late | None = None
    after_s: int | None = None


class SealSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done by itself at platforms (see `lifecycle.seal.Policy`).

    Attributes:
        refund_cap: decimal texts by currency, as { CNY = "500.00" }.
    """

    mode: Mode = "off"
    after_s: int = DEFAULT_AFTER_S
    late: Late = "ask"
    refunds: Mode = "dry_run"
    refund_cap: Mapping[str, str] = msgspec.field(default_factory=dict)
    rule: tuple[SealRuleSettings, ...] = ()


def policy_of(settings: SealSettings, sources: Collection[str], shops: Collection[str]) -> Policy:
    """Return the policy.

    Args:
        settings: as given.
        sources: that have an account.
        shops: that have an account.

    Raises:
        SettingInvalid: something cannot be meant; the message names the field.
    """
    cap = {}
    for currency, text in settings.refund_cap.items():
        try:
            cap[currency] = minor_from_major(text, currency)
        except ValueError as error:
            raise SettingInvalid(f"setting seal.refund_cap.{currency}: {error}") from None
        if cap[currency] < 0:
            raise SettingInvalid(f"setting seal.refund_cap.{currency} must not be below 0")
    hows = [each.name.lower() for each in How if each]
    for number, rule in enumerate(settings.rule, 1):
        where = f"setting seal.rule {number}"
        _known(f"{where}: source", rule.source, sources)
        _known(f"{where}: shop", rule.shop, shops)
        _known(f"{where}: how", rule.how, hows)
    for after_s in (settings.after_s, *(rule.after_s or 0 for rule in settings.rule)):
        if after_s < 0:
            raise SettingInvalid("setting seal.after_s must not be below 0")
    return Policy(
        mode=settings.mode, after_s=settings.after_s, late=settings.late, refunds=settings.refunds,
        cap=cap, rules=tuple(Rule(**msgspec.structs.asdict(rule)) for rule in settings.rule),
    )  # fmt: skip


def _known(where: str, given: Collection[str], known: Collection[str]) -> None:
    for each in given:
        if each not in known:
            near = get_close_matches(each, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or '–'}"
            raise SettingInvalid(f"{where}: {each!r} is not known; {hint}")
