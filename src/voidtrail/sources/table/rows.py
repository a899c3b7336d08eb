"""From evaluated units to deliveries and events, one row after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import polars as pl

from voidtrail.event.account import Account
from voidtrail.event.model import (
    Actor,
    Channel,
    Delivery,
    Event,
    Method,
    Micros,
    Role,
    Tag,
    Unreadable,
    Via,
)
from voidtrail.event.reason import BY_SLUG, How, number
from voidtrail.sources.table.bind import ACTORS, CHANNELS, HOWS, METHODS, Field, Plan, bind
from voidtrail.sources.table.frame import BODY, PATH, ROWS, WHY, evaluate, plain, probe
from voidtrail.sources.table.mapping import TableMapping
from voidtrail.sources.table.marks import CHAIN, FAULT, LINE, REPEAT, ROW, number_rows

Translated = tuple[Delivery, list[Event] | Unreadable]

NAME: Final = "table"
REFERENCE_DIGITS: Final = 16
"""Digits of a file's digest in references made from it (64 bits)."""
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


class TableFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is named in its deliveries.

    Attributes:
        name: the file's name without its folder.
        digest: SHA-256 of the file's bytes, in hex.
        received_at: when it was handed to us.
    """

    name: str
    digest: str
    received_at: Micros


@lru_cache(maxsize=4096)
def _method(text: str | None) -> Method:
    if text is None:
        return Method.UNKNOWN
    return METHOD_WORDS.get(text.lower().replace(" ", "_"), Method.OTHER)


@lru_cache(maxsize=4096)
def _channel(text: str | None) -> Channel:
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


class _Writer:
    """Writes the deliveries and events of one file."""

    def __init__(self, plan: Plan, file: TableFile, account: Account) -> None:
        self.plan, self.file, self.account = plan, file, account
        self.prefix = file.digest[:REFERENCE_DIGITS]
        self.headers = (
            ("file-name", file.name),
            ("file-digest", file.digest),
            ("file-types", types_of(plan.schema)),
        )
        self.dimensions: dict[tuple[str | None, ...], tuple[tuple[str, str], ...]] = {}

    def delivery(self, unit: Mapping[str, Any]) -> Delivery:
        """Return the delivery of one unit."""
        extra = [("file-row", unit[ROWS])]
        extra += [
            (name, str(unit[key]))
            for name, key in (("file-chain", CHAIN), ("file-repeat", REPEAT), ("file-fault", FAULT))
            if unit.get(key) is not None
        ]
        return Delivery(
            source=NAME,
            account=self.account.name,
            received_at=self.file.received_at,
            body=unit[BODY].encode("utf-8", "surrogatepass"),
            headers=(*self.headers, *extra),
            via=Via.FILE,
            context=self.plan.mapping.digest,
        )

    def _references(self, unit: Mapping[str, Any]) -> tuple[str, str]:
        """Return the payment and the order of a unit."""
        order = unit.get("order") or ""
        if not order and self.plan.grouped and not self.plan.order:
            order = "|".join(unit[f"key{at}"] for at in range(len(self.plan.group_by)))
        payment = unit.get("payment") or order or f"{self.prefix}:{unit[ROW]}"
        if not order and unit.get(CHAIN) is not None:
            order = f"{self.prefix}:{unit[CHAIN]}"
        return payment, order

    def _public(self, unit: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        names = self.plan.dimensions
        values = tuple([unit[f"d{at}"] for at in range(len(names))])
        found = self.dimensions.get(values)
        if found is None:
            if len(self.dimensions) > 100_000:
                self.dimensions.clear()
            pairs = zip(names, values, strict=True)
            found = tuple((name, value) for name, value in pairs if value is not None)
            self.dimensions[values] = found
        return found

    def events(self, unit: Mapping[str, Any]) -> list[Event]:
        """Return the statements that a sound unit makes."""
        plan = self.plan
        payment, order = self._references(unit)
        identity = (self.file.digest, str(unit[ROW]))
        customer, dimensions = unit.get("customer") or "", self._public(unit)
        method = _method(plan.method.constant or unit.get("method"))
        channel = _channel(plan.channel.constant or unit.get("channel"))
        repeat = unit.get(REPEAT) or 0
        found = []
        for at, statement in enumerate(plan.statements):
            if not unit[f"when{at}"]:
                continue
            amount = unit.get(f"amount{at}")
            reason, code = reason_of(
                _given(statement.reason, unit, f"reason{at}"),
                _given(statement.actor, unit, f"actor{at}"),
                _given(statement.how, unit, f"how{at}"),
            )
            operation = unit.get(f"operation{at}") or ""
            if statement.counted and repeat:
                operation = str(repeat + 1)
            stated = amount is not None
            found.append(
                Event(
                    label=statement.label, identity=identity, kind=statement.kind,
                    result=statement.result, payment=payment, order=order, operation=operation,
                    occurred_at=unit[f"at{at}"], amount_minor=amount,
                    currency=(_given(statement.currency, unit, f"currency{at}") or "")
                    if stated else "",
                    tag=Tag.OWN if stated else Tag.NONE, role=Role.IMPORT, via=Via.FILE,
                    reason=reason, code=code, method=method, channel=channel, customer=customer,
                    life=statement.life, dimensions=dimensions,
                )
            )  # fmt: skip
        return found


def _given(field: Field, unit: Mapping[str, Any], name: str) -> str | None:
    return field.constant or (unit[name] if field.column else None)


def translate_frame(
    frame: pl.DataFrame,
    mapping: TableMapping,
    file: TableFile,
    account: Account,
    start: int = 0,
    *,
    plan: Plan | None = None,
    marked: pl.DataFrame | None = None,
) -> Iterator[Translated]:
    """Translate the rows of a file.

    Args:
        frame: rows that follow one another in the file.
        mapping: the mapping file.
        file: the file's name, digest and instant.
        account: whose file it is.
        start: ordinal of the first row of the frame, from 0.
        plan: the bound mapping, if it was bound before.
        marked: the marks of the whole file; None if groups and chains lie within the frame.

    Yields:
        A delivery per row (or group) with its events, or with why it cannot be read.

    Raises:
        MappingInvalid: the file lacks a column, or an expression does not fit its columns.
    """
    frame = plain(frame)
    if plan is None:
        plan = prepare(mapping, frame, account)
    yield from translate_numbered(number_rows(frame, plan, start, marked), plan, file, account)


def prepare(mapping: TableMapping, frame: pl.DataFrame, account: Account) -> Plan:
    """Bind a mapping to the columns of a frame (any slice of the file), and try it.

    Raises:
        MappingInvalid: the file lacks a column, or an expression does not fit its columns.
    """
    shape = {name: dtype for name, dtype in plain(frame.head(0)).schema.items()
             if name not in {FAULT, LINE}}  # fmt: skip
    plan = bind(mapping, shape, account)
    probe(plan)
    return plan


def translate_numbered(
    frame: pl.DataFrame, plan: Plan, file: TableFile, account: Account
) -> Iterator[Translated]:
    """Translate rows that carry their ordinals and marks; groups must be whole."""
    writer = _Writer(plan, file, account)
    for units in evaluate(frame, plan):
        for unit in units.iter_rows(named=True):
            delivery = writer.delivery(unit)
            if unit[PATH] is not None:
                yield delivery, Unreadable(path=unit[PATH], why=unit[WHY])
            else:
                yield delivery, writer.events(unit)


_LETTERS: Final[Sequence[tuple[str, Callable[[pl.DataType], bool]]]] = (
    ("s", lambda dtype: dtype == pl.String),
    ("i", lambda dtype: dtype.is_integer()),
    ("f", lambda dtype: dtype.is_float()),
    ("n", lambda dtype: dtype.is_decimal()),
    ("b", lambda dtype: dtype == pl.Boolean),
    ("d", lambda dtype: dtype == pl.Date),
    ("z", lambda dtype: isinstance(dtype, pl.Datetime) and dtype.time_zone is not None),
    ("t", lambda dtype: dtype == pl.Datetime),
)


def types_of(schema: Mapping[str, pl.DataType]) -> str:
    """Return a letter per column, so that a row can be read again from its JSON alone.

    >>> types_of({"a": pl.String(), "b": pl.Float64(), "c": pl.Date()})
    'sfd'
    """
    return "".join(
        next((letter for letter, fits in _LETTERS if fits(dtype)), "s") for dtype in schema.values()
    )
