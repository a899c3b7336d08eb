"""The words of a table as words of ours: methods, channels, and who ended a payment and why."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from voidtrail.event.model import Actor, Channel, Method
from voidtrail.event.reason import BY_SLUG, How, number
from voidtrail.sources.table.bind import ACTORS, CHANNELS, HOWS, METHODS

CODE_LONGEST: Final = 64

# Who and how, where a file gives no reason, as the standard reason that says just that.
SLUG_OF: Final[dict[tuple[str, str], str]] = {
    ("customer", ""): "customer_request", ("customer", "customer_cancelled"): "customer_request",
    ("customer", "abandoned"): "customer_left",
    ("customer", "refunded_in_full"): "refund_on_request",
    ("customer", "reversed"): "dispute_other",
    ("merchant", ""): "merchant_request", ("merchant", "merchant_voided"): "merchant_request",
    ("merchant", "duplicate"): "duplicate", ("merchant", "superseded"): "superseded",
    ("merchant", "refunded_in_full"): "merchant_refund",
    ("platform", ""): "closed_by_platform", ("platform", "platform_closed"): "closed_by_platform",
    ("platform", "expired"): "timed_out",
    ("platform", "gave_up_after_fault"): "platform_fault",
    ("issuer", ""): "declined", ("issuer", "gave_up_after_decline"): "declined",
    ("issuer", "gave_up_after_fault"): "issuer_unavailable",
    ("network", ""): "network_fault", ("network", "gave_up_after_fault"): "network_fault",
    ("network", "reversed"): "reversed",
    ("system", ""): "shop_fault", ("system", "gave_up_after_fault"): "shop_fault",
    ("", "customer_cancelled"): "customer_request", ("", "abandoned"): "customer_left",
    ("", "expired"): "timed_out", ("", "gave_up_after_decline"): "declined",
    ("", "gave_up_after_fault"): "platform_fault", ("", "merchant_voided"): "merchant_request",
    ("", "platform_closed"): "closed_by_platform", ("", "reversed"): "reversed",
    ("", "refunded_in_full"): "merchant_refund", ("", "duplicate"): "duplicate",
    ("", "superseded"): "superseded", ("", ""): "unstated",
}  # fmt: skip

METHOD_WORDS: Final = {
    "支付宝": Method.ALIPAY_PAGE, "alipay": Method.ALIPAY_PAGE, "微信": Method.WECHAT_JSAPI,
    "微信支付": Method.WECHAT_JSAPI, "wechat": Method.WECHAT_JSAPI, "card": Method.CARD_FORM,
    "credit_card": Method.CARD_FORM, "debit_card": Method.CARD_FORM, "银行卡": Method.CARD_FORM,
    "现金": Method.CASH, "bank": Method.BANK_TRANSFER, "银行转账": Method.BANK_TRANSFER,
    **METHODS,
}  # fmt: skip
CHANNEL_WORDS: Final = {
    "网页": Channel.WEB, "小程序": Channel.MINI_PROGRAM, "门店": Channel.POS, "电话": Channel.PHONE,
    **CHANNELS,
}  # fmt: skip


@lru_cache(maxsize=4096)
def method_of(text: str | None) -> Method:
    """Return the method that a table's word means."""
    if text is None:
        return Method.UNKNOWN
    return METHOD_WORDS.get(text.lower().replace(" ", "_"), Method.OTHER)


@lru_cache(maxsize=4096)
def channel_of(text: str | None) -> Channel:
    """Return the channel that a table's word means."""
    if text is None:
        return Channel.UNKNOWN
    return CHANNEL_WORDS.get(text.lower().replace(" ", "_"), Channel.OTHER)


@lru_cache(maxsize=65536)
def public_code(text: str) -> str:
    """Return a code that may stand in clear; "" for what could name a person.

    A code is short and has neither an address sign nor a run of five digits; anything else stays
    in the sealed row only.

    >>> public_code("NOT_PERMITTED"), public_code("called 13800001111"), public_code("a@b.cn")
    ('NOT_PERMITTED', '', '')
    """
    run = 0
    for sign in text:
        run = run + 1 if sign.isdigit() else 0
        if run == 5 or sign == "@":
            return ""
    return text if len(text) <= CODE_LONGEST else ""


@lru_cache(maxsize=65536)
def reason_of(reason: str | None, actor: str | None, how: str | None) -> tuple[int, str]:
    """Return the standard reason of what a row says, and its verbatim code.

    >>> reason_of("price_too_high", None, None), reason_of(None, "customer", None)
    ((13, ''), (10, ''))
    >>> reason_of("ZU TEUER", None, None)
    (1, 'ZU TEUER')
    """
    if reason is not None:
        known = BY_SLUG.get(reason.lower())
        return (known.number, "") if known else (number("unlisted"), public_code(reason))
    if actor is None and how is None:
        return 0, ""
    pair = ((actor or "").lower().strip(), (how or "").lower().strip())
    pair = ("" if pair[0] == Actor.UNKNOWN.name.lower() else pair[0],
            "" if pair[1] == How.NONE.name.lower() else pair[1])  # fmt: skip
    if pair in SLUG_OF:
        return number(SLUG_OF[pair]), ""
    if pair[0] in ACTORS and pair[1] in HOWS and (pair[0], "") in SLUG_OF:
        return number(SLUG_OF[pair[0], ""]), pair[1]
    return number("unlisted"), public_code("/".join(part for part in pair if part))
