"""Alipay's forms, signed texts, answers, instants and amounts, as far as they are read."""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from voidtrail.event.model import Micros
from voidtrail.money import minor_from_major
from voidtrail.sources import reading

FIELDS: Final = frozenset(
    b"""app_id auth_app_id agreement_no biz_type body business_scene buyer_email buyer_id
    buyer_logon_id buyer_open_id buyer_pay_amount buyer_user_id buyer_user_type charset discount
    discount_amount discount_goods_detail dback_amount dback_status enterprise_pay_info
    external_agreement_no extra_common_param fund_bill_list fund_bill_list_refund gmt_close
    gmt_create gmt_logistics_modify gmt_payment gmt_refund hb_fq_pay_info invoice_amount
    is_total_fee_adjust logistics_status mdiscount_amount merchant_order_no method msg_method
    notify_id notify_time notify_type open_id out_biz_no out_channel_amount out_channel_inst
    out_channel_type out_request_no out_trade_no passback_params pay_currency payment_type
    point_amount price quantity receipt_amount receipt_currency_type refund_detail_item_list
    refund_fee refund_preset_paytool_list refund_reason refund_status result_details return_code
    seller_account_name seller_email seller_id send_back_fee settle_currency settle_trans_rate sign
    sign_type store_id sub_code subject success_num terminal_id time_expire timeout_express
    timestamp total_amount total_fee trade_no trade_status trade_type trans_currency
    trans_pay_rate use_coupon utc_timestamp version voucher_detail_list""".split()
)
"""Names that Alipay documents for notices and page returns."""

_FIELDS_MAX: Final = 200
_APART: Final = b"\xff"
_PLAIN_LENGTH_MAX: Final = 18
_UNSIGNED: Final = (b"sign", b"sign_type")
_CODECS: Final = {"gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}
_YUAN: Final = re.compile(r"\d{1,18}(\.\d{0,9})?", re.ASCII)
_EXPRESS: Final = re.compile(r"(\d{1,5})([mhd])", re.ASCII)
_EXPRESS_S: Final = {"m": 60, "h": 3600, "d": 86_400}


class Trade(msgspec.Struct):
    """The fields of a notice or of an answer; "" where they are absent."""

    trade_status: str = ""
    out_trade_no: str = ""
    trade_no: str = ""
    total_amount: str = ""
    total_fee: str = ""
    refund_fee: str = ""
    refund_status: str = ""
    out_biz_no: str = ""
    gmt_create: str = ""
    gmt_payment: str = ""
    gmt_refund: str = ""
    gmt_close: str = ""
    send_pay_date: str = ""
    notify_time: str = ""
    timestamp: str = ""
    time_expire: str = ""
    timeout_express: str = ""
    app_id: str = ""
    auth_app_id: str = ""
    seller_id: str = ""
    buyer_id: str = ""
    buyer_open_id: str = ""
    buyer_user_id: str = ""
    passback_params: str = ""
    extra_common_param: str = ""
    notify_id: str = ""
    notify_type: str = ""
    method: str = ""
    code: str = ""
    sub_code: str = ""


_READ: Final = {name.encode(): name for name in Trade.__struct_fields__}
_HIDDEN: Final = tuple(b"&%s=" % name for name in _READ)
_TRADE: Final = msgspec.json.Decoder(Trade)
_PARTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Answer(NamedTuple):
    """An answer of the gateway: the name and the exact bytes of its `…_response`, its signature."""

    name: str
    raw: bytes
    sign: str


class Times(NamedTuple):
    """The instants of a trade; `told` is the best one for a fact without its own."""

    created: Micros | None
    paid: Micros | None
    refunded: Micros | None
    closed: Micros | None
    until: Micros | None
    told: Micros


@lru_cache(maxsize=256)
def form(body: bytes) -> Mapping[bytes, bytes] | None:
    r"""Decode a form once, to bytes in its own charset; None if a field stands twice.

    The whole body is decoded at one go, as quoted-printable, whose decoder is written in C. Fields
    are kept apart by the byte FF, which is part of no text in UTF-8 or GBK. The forms of one
    group are remembered, since each is verified first and read later.

    >>> form(b"a=b+%3D+c&d=%e8%ae%a2")
    {b'a': b'b = c', b'd': b'\xe8\xae\xa2'}
    """
    quoted = body.replace(b"+", b" ").replace(b"=", b"=3D").replace(b"%", b"=")
    parts = a2b_qp(quoted.replace(b"&", _APART)).split(_APART)
    if len(parts) > _FIELDS_MAX or len(parts) != body.count(b"&") + 1:
        return None
    pairs = [part.split(b"=", 1) for part in parts if part]
    try:
        fields: dict[bytes, bytes] = dict(pairs)  # a lone name raises
    except ValueError:
        return None
    return fields if fields and len(fields) == len(pairs) else None


def signed_text(fields: Mapping[bytes, bytes]) -> bytes:
    """Return what Alipay signs: sorted "k=v" joined by "&", without sign, sign_type and empties.

    >>> signed_text({b"b": b"2 ", b"a": b"1", b"c": b"", b"sign": b"x", b"sign_type": b"RSA2"})
    b'a=1&b=2 '
    """
    signed = [(name, fields[name]) for name in _in_order(tuple(fields))]
    return b"&".join([name + b"=" + value for name, value in signed if value])


@lru_cache(maxsize=256)
def _in_order(names: tuple[bytes, ...]) -> list[bytes]:
    """Return the names that are signed in the order of the signed text: notices are of few kinds.

    >>> _in_order((b"b", b"sign", b"a"))
    [b'a', b'b']
    """
    return sorted(name for name in names if name not in _UNSIGNED)


def hides_field(fields: Mapping[bytes, bytes]) -> bool:
    """Return whether a value holds a field that is read: signed, it looks as if it stood alone.

    Whoever saw a notice could send it again with "gmt_payment" hidden in the field before it, and
    a payment that was returned would read as one that nobody paid.

    >>> hides_field({b"body": b"tea & cake"}), hides_field({b"gmt_create": b"1&gmt_payment=2"})
    (False, True)
    """
    return any(name in value for value in fields.values() if b"&" in value for name in _HIDDEN)


def trade_of_form(fields: Mapping[bytes, bytes]) -> Trade:
    """Return the fields of a notice that are read.

    Raises:
        UnicodeDecodeError: a value is not in the form's charset.
    """
    charset = fields.get(b"charset", b"utf-8").decode("ascii", "replace").lower()
    codec = _CODECS.get(charset, "utf-8")
    read = _READ
    return Trade(
        **{read[name]: value.decode(codec) for name, value in fields.items() if name in read}
    )


def answer(body: bytes) -> Answer | None:
    """Take an answer of the gateway apart without changing a byte of what is signed."""
    try:
        parts = _PARTS.decode(body)
        sign = msgspec.json.decode(parts.get("sign", b'""'), type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    names = [name for name in parts if name.endswith("_response")]
    return Answer(names[0], bytes(parts[names[0]]), sign) if len(names) == 1 else None


def trade_of_answer(found: Answer) -> Trade:
    """Return the fields of an answer that are read.

    Raises:
        msgspec.MsgspecError: a field has another type.
    """
    trade = _TRADE.decode(found.raw)
    trade.gmt_payment = trade.gmt_payment or trade.send_pay_date
    return trade


def fen(yuan: str) -> int | None:
    """Convert yuan, as "12.30", to fen; None if nothing is stated.

    Raises:
        ValueError: no plain decimal number, or finer than a fen.
    """
    if not yuan:
        return None
    if yuan[-3:-2] == "." and len(yuan) < _PLAIN_LENGTH_MAX and yuan.isascii():
        digits = yuan[:-3] + yuan[-2:]
        if digits.isdigit():
            return int(digits)
    if not _YUAN.fullmatch(yuan):
        raise ValueError("no decimal number")
    return minor_from_major(yuan, "CNY")


def times(trade: Trade, received_at: Micros) -> Times:
    """Return the instants that a notice or an answer states."""
    created, paid = reading.instant(trade.gmt_create), reading.instant(trade.gmt_payment)
    refunded, closed = reading.instant(trade.gmt_refund), reading.instant(trade.gmt_close)
    express = _EXPRESS.fullmatch(trade.timeout_express)
    until = reading.instant(trade.time_expire)
    if until is None and express and created is not None:
        until = created + int(express[1]) * _EXPRESS_S[express[2]] * 1_000_000
    stated = (reading.instant(trade.notify_time), refunded, closed, paid, created, received_at)
    return Times(created, paid, refunded, closed, until, next(t for t in stated if t is not None))
