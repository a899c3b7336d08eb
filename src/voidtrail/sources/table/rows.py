"""From evaluated units to deliveries and events, one row after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

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
from voidtrail.sources.table.bind import (
    ACTORS,
    CHANNELS,
    HOWS,
    METHODS,
    Field,
    Plan,
    Statement,
    bind,
)
from voidtrail.sources.table.frame import (
    BODY,
    PATH,
    ROWS,
    UNCOMPUTED,
    WHY,
    evaluate,
    plain,
    probe,
)
from voidtrail.sources.table.mapping import TableMapping
from voidtrail.sources.table.marks import CHAIN, FAULT, LINE, REPEAT, ROW, number_rows

Translated = tuple[Delivery, list[Event] | Unreadable]

NAME: Final = "table"
REFERENCE_DIGITS: Final = 16
"""Digits of a file's digest in references made from it (64 bits)."""
CODE_LONGEST: Final = 64
EXTRA_HEADERS: Final = (("file-chain", CHAIN), ("file-repeat", REPEAT), ("file-fault", FAULT))
"""Headers of a delivery that only some rows have, with the columns that hold them."""

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
    """Writes the deliveries and events of one file, a frame of units at a time."""

    def __init__(self, plan: Plan, file: TableFile, account: Account) -> None:
        self.plan, self.file, self.account = plan, file, account
        self.headers = (
            ("file-name", file.name),
            ("file-digest", file.digest),
            ("file-types", types_of(plan.schema)),
        )

    def written(self, units: pl.DataFrame) -> Iterator[Translated]:
        """Yield each unit's delivery with its events, or with why it cannot be read."""
        said: list[list[Event]] = [[] for _ in range(units.height)]
        if units.columns != UNCOMPUTED:
            shared = self._shared(units)
            for place, statement in enumerate(self.plan.statements):
                self._say(units, shared, statement, place, said)
        deliveries = self._deliveries(units)
        paths, whys = units[PATH].to_list(), units[WHY].to_list()
        for delivery, events, path, why in zip(deliveries, said, paths, whys, strict=True):
            yield delivery, (events if path is None else Unreadable(path=path, why=why))

    def _deliveries(self, units: pl.DataFrame) -> Iterator[Delivery]:
        account, received_at, headers = self.account.name, self.file.received_at, self.headers
        context, via = self.plan.mapping.digest, Via.FILE
        extras = [(header, units[name].cast(pl.String).to_list())
                  for header, name in EXTRA_HEADERS if name in units.columns]  # fmt: skip
        bodies, rows = units[BODY].to_list(), units[ROWS].to_list()
        for place, (body, row) in enumerate(zip(bodies, rows, strict=True)):
            own = [(header, values[place]) for header, values in extras
                   if values[place] is not None] if extras else ()  # fmt: skip
            yield Delivery(
                source=NAME,
                account=account,
                received_at=received_at,
                body=body.encode("utf-8", "surrogatepass"),
                headers=(*headers, ("file-row", row), *own),
                via=via,
                context=context,
            )

    def _shared(self, units: pl.DataFrame) -> _Shared:
        """Return what all statements of a unit have in common, as lists."""
        plan, have = self.plan, set(units.columns)
        prefix = pl.lit(self.file.digest[:REFERENCE_DIGITS] + ":")
        own = pl.concat_str(prefix, pl.col(ROW).cast(pl.String))
        given = [pl.col("order")] if "order" in have else []
        if plan.grouped and not plan.order:
            keys = [pl.col(f"key{place}") for place in range(len(plan.group_by))]
            given.append(pl.concat_str(keys, separator="|"))
        paid = [pl.col("payment")] if "payment" in have else []
        chain = [pl.concat_str(prefix, pl.col(CHAIN).cast(pl.String))] if CHAIN in have else []
        names = units.select(
            pl.coalesce([*paid, *given, own]).alias("payment"),
            pl.coalesce([*given, *chain, pl.lit("")]).alias("order"),
            pl.col(ROW).cast(pl.String).alias("row"),
        )
        digest = self.file.digest
        words = {name: units[name].to_list() if name in have else None
                 for name in ("method", "channel", "customer")}  # fmt: skip
        customer, method, channel = words["customer"], words["method"], words["channel"]
        return _Shared(
            payment=names["payment"].to_list(),
            order=names["order"].to_list(),
            identity=[(digest, row) for row in names["row"].to_list()],
            customer=customer and [each or "" for each in customer],
            method=method and [_method(each) for each in method],
            channel=channel and [_channel(each) for each in channel],
            dimensions=self._public(units) if plan.dimensions else None,
        )

    def _public(self, units: pl.DataFrame) -> list[tuple[tuple[str, str], ...]]:
        names = self.plan.dimensions
        known: dict[tuple[str | None, ...], tuple[tuple[str, str], ...]] = {}
        found = []
        for values in zip(*(units[f"d{at}"].to_list() for at in range(len(names))), strict=True):
            pairs = known.get(values)
            if pairs is None:
                each = zip(names, values, strict=True)
                pairs = tuple((name, value) for name, value in each if value is not None)
                known[values] = pairs
            found.append(pairs)
        return found

    def _say(
        self, units: pl.DataFrame, shared: _Shared, statement: Statement, place: int,
        said: list[list[Event]],
    ) -> None:  # fmt: skip
        """Append one statement's events to the units that make it."""
        fires = pl.col(f"when{place}") & pl.col(PATH).is_null()
        here = units.with_row_index("__unit").filter(fires)
        places = here["__unit"].to_list()
        template = self._template(statement)
        varied: dict[str, list[Any]] = {"occurred_at": here[f"at{place}"].to_list()}
        if statement.amount:
            varied["amount_minor"] = here[f"amount{place}"].to_list()
            if statement.currency.column:
                varied["currency"] = here[f"currency{place}"].to_list()
        if statement.operation.column:
            varied["operation"] = here[f"operation{place}"].fill_null("").to_list()
        elif statement.counted and REPEAT in here.columns:
            repeats = here[REPEAT].to_list()
            varied["operation"] = [str(before + 1) if before else "" for before in repeats]
        given = (statement.reason, statement.actor, statement.how)
        if any(each.column for each in given):
            texts = [_texts(here, each, f"{name}{place}") for each, name
                     in zip(given, ("reason", "actor", "how"), strict=True)]  # fmt: skip
            reasons = [reason_of(*each) for each in zip(*texts, strict=True)]
            varied["reason"] = [reason for reason, _ in reasons]
            varied["code"] = [code for _, code in reasons]
        for name in _Shared._fields:
            of_all: list[Any] | None = getattr(shared, name)
            if of_all is not None:
                varied[name] = [of_all[unit] for unit in places]
        names, replace = tuple(varied), msgspec.structs.replace
        for unit, each in zip(places, zip(*varied.values(), strict=True), strict=True):
            said[unit].append(replace(template, **dict(zip(names, each))))  # noqa: B905

    def _template(self, statement: Statement) -> Event:
        """Return an event with what all events of a statement have in common."""
        stated = statement.amount is not None
        given = (statement.reason, statement.actor, statement.how)
        reason, code = reason_of(*(each.constant or None for each in given))
        return Event(
            label=statement.label,
            identity=(),
            kind=statement.kind,
            result=statement.result,
            payment="",
            occurred_at=0,
            currency=statement.currency.constant if stated else "",
            tag=Tag.OWN if stated else Tag.NONE,
            role=Role.IMPORT,
            via=Via.FILE,
            reason=reason,
            code=code,
            method=_method(self.plan.method.constant or None),
            channel=_channel(self.plan.channel.constant or None),
            life=statement.life,
        )


class _Shared(NamedTuple):
    """Fields of an event that differ between units: lists over the units; None if constant."""

    payment: list[str]
    order: list[str]
    identity: list[tuple[str, str]]
    customer: list[str] | None
    method: list[Method] | None
    channel: list[Channel] | None
    dimensions: list[tuple[tuple[str, str], ...]] | None


def _texts(here: pl.DataFrame, field: Field, name: str) -> list[str | None]:
    if field.column:
        return here[name].to_list()
    return [field.constant or None] * here.height


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
        yield from writer.written(units)


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
