"""The fields of WeChat Pay's notices, transactions and refunds that are read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Final

import msgspec

from voidtrail.event.model import Channel, Method
from voidtrail.money import MINOR_MAX
from voidtrail.sources import crypto

METHODS: Final = {
    "NATIVE": (Method.WECHAT_QR, Channel.UNKNOWN),
    "JSAPI": (Method.WECHAT_JSAPI, Channel.UNKNOWN),  # a mini program or a page inside WeChat
    "APP": (Method.WECHAT_APP, Channel.APP),
    "MWEB": (Method.WECHAT_H5, Channel.WEB),
    "MICROPAY": (Method.WECHAT_BARCODE, Channel.POS),
    "FACEPAY": (Method.WECHAT_BARCODE, Channel.POS),
}

Fen = Annotated[int, msgspec.Meta(ge=0, le=MINOR_MAX)]


class Resource(msgspec.Struct):
    """The sealed part of a notice."""

    ciphertext: str
    nonce: str
    algorithm: str = ""
    associated_data: str | None = None


class Notice(msgspec.Struct):
    """A pushed notice."""

    event_type: str
    id: str = ""
    create_time: str | None = None
    resource: Resource | None = None


class Amount(msgspec.Struct):
    """Amounts in fen; combined payments have another name for the total."""

    total: Fen | None = None
    total_amount: Fen | None = None
    refund: Fen | None = None
    currency: str | None = None


class Payer(msgspec.Struct):
    """Who pays: an id that means something only to this merchant."""

    openid: str | None = None
    sp_openid: str | None = None
    sub_openid: str | None = None


class Statement(msgspec.Struct):
    """A transaction, a refund, or an error: what a notice unseals to and a query answers."""

    mchid: str | None = None
    sp_mchid: str | None = None
    sub_mchid: str | None = None
    combine_mchid: str | None = None
    appid: str | None = None
    out_trade_no: str | None = None
    transaction_id: str | None = None
    trade_type: str | None = None
    trade_state: str | None = None
    attach: str | None = None
    success_time: str | None = None
    refund_id: str | None = None
    out_refund_no: str | None = None
    refund_status: str | None = None
    status: str | None = None
    amount: Amount | None = None
    payer: Payer | None = None
    combine_payer_info: Payer | None = None
    sub_orders: list[Statement] | None = None
    code: str | None = None
    code_url: str | None = None


@lru_cache(maxsize=64)
def keyring(texts: Sequence[str]) -> dict[str, str]:
    """Return platform keys by serial, from texts "SERIAL=PEM" or PEM certificates.

    Raises:
        KeyUnknown: a text is neither; a setting is wrong.
    """
    ring = {}
    for text in texts:
        serial, equals, pem = text.strip().partition("=")
        if equals and "BEGIN" in pem and "BEGIN" not in serial:
            ring[same_serial(serial)] = pem
        else:
            ring[crypto.certificate_serial(text)] = text
    return ring


def same_serial(serial: str) -> str:
    """Return a serial in the one form that is compared: hex upper-case without leading zeros.

    >>> same_serial("00ab"), same_serial("PUB_KEY_ID_0114")
    ('AB', 'PUB_KEY_ID_0114')
    """
    serial = serial.strip()
    return serial if serial[:11].upper() == "PUB_KEY_ID_" else serial.upper().lstrip("0")
