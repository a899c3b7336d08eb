"""What platforms answer when they are asked about one payment, as status, headers and bytes."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec

from voidtrail.testing.world.fact import Headers
from voidtrail.testing.world.signing import Signer, hash_of

_JSON: Headers = (("Content-Type", "application/json"),)
_UNSIGNED = b"dW5zaWduZWQ="


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Headers
    body: bytes


def stripe(found: Any, reference: str) -> Answer:
    """Answer with the object, or with Stripe's 404."""
    if found is not None:
        return Answer(200, _JSON, msgspec.json.format(msgspec.json.encode(found), indent=2))
    error = {
        "code": "resource_missing",
        "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
        "message": f"No such payment_intent: '{reference}'",
        "param": "intent",
        "type": "invalid_request_error",
    }
    return Answer(404, _JSON, msgspec.json.encode({"error": error}))


def alipay(found: Any, reference: str, signer: Signer | None) -> Answer:
    """Answer a trade's state, or ACQ.TRADE_NOT_EXIST; always with HTTP 200.

    Args:
        found: the fields of the trade, or None.
        reference: the `out_trade_no` that was asked about.
        signer: signs as Alipay; without one the signature is a placeholder.
    """
    if found is None:
        found = {
            "code": "40004",
            "msg": "Business Failed",
            "sub_code": "ACQ.TRADE_NOT_EXIST",
            "sub_msg": "交易不存在",
            "out_trade_no": reference,
        }
    inner = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
    name = "alipay_trade_query_response"
    headers: Headers = (("Content-Type", "text/html;charset=utf-8"),)
    if signer is not None:
        return Answer(200, headers, signer.alipay_answer(name, inner.encode()))
    body = b'{"%s":%s,"sign":"%s"}' % (name.encode(), inner.encode(), _UNSIGNED)
    return Answer(200, headers, body)


def wechatpay(found: Any, signer: Signer | None, signed_at: int) -> Answer:
    """Answer an order's state, or ORDER_NOT_EXIST with HTTP 404, signed in the headers."""
    status = 200
    if found is None:
        status, found = 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
    body = msgspec.json.encode(found)
    if signer is not None:
        return Answer(status, signer.wechatpay_headers(body, signed_at, hash_of(body)), body)
    return Answer(status, (*_JSON, ("Wechatpay-Signature", _UNSIGNED.decode())), body)


def answer(
    source: str, found: Any, reference: str, signer: Signer | None = None, signed_at: int = 0
) -> Answer:
    """Answer as the platform `source` does; `found` is None if it does not know the payment."""
    if source == "stripe":
        return stripe(found, reference)
    if source == "alipay":
        return alipay(found, reference, signer)
    return wechatpay(found, signer, signed_at)
