"""Shengpay 盛付通 (mchapi): flat JSON, signed by RSA over its sorted fields, `signType` among them.

Unlike WeChat Pay it pushes failed payments too; closed and cancelled orders are learnt by asking,
and CLOSED does not tell who closed. Amounts are numbers in payments and texts in refunds. CHANGE is
a refund that waits for a person at Shengpay, so it is pending.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import (
    Acknowledgement,
    Channel,
    Deed,
    Delivery,
    Event,
    Kind,
    Method,
    Micros,
    Request,
    Result,
    Verb,
)
from voidtrail.event.reason import number
from voidtrail.sources import canonical, crypto, reading
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    first,
    unreadable,
)
from voidtrail.sources.telling import (
    ASKED,
    CANCEL,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    REFUSED,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
)

NAME: Final = "shengpay"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Shengpay 盛付通", webhook=True, query=True, refund=True,
    retries="exponential back-off; shengpay-h5-pay-integration, payment-notify",
    amount_unit="minor", zone="Asia/Shanghai",
    secrets=("public_key", "public_key_sha1", "private_key"), needed=("public_key",),
)  # fmt: skip
IDENTITY: Final = Identity(
    fields=("via", "refundId or transactionId or outTradeNo", "resultCode", "state", "errorCode")
)
"""Signatures carry no instant: the set of known events is the protection against replays."""

_NOTIFY_DOC: Final = "shengpay-h5-pay-integration, payment-notify"
_REFUND_DOC: Final = "shengpay-h5-pay-integration, refund-notify"
_STATUS_DOC: Final = "shengpay-h5-pay-integration, status-enums"
_ERROR_DOC: Final = "shengpay-h5-pay-integration, error-codes"
EVENTS: Final[Mapping[str, Row]] = {
    "pay/SUCCESS": Row(Kind.CAPTURE, Result.SUCCEEDED, _NOTIFY_DOC),
    "pay/FAIL": Row(Kind.AUTHORISE, Result.REFUSED, _NOTIFY_DOC),
    "refund/SUCCESS": Row(Kind.REFUND, Result.SUCCEEDED, _REFUND_DOC),
    "refund/PROCESSING": Row(Kind.REFUND, Result.PENDING, _REFUND_DOC),
    "refund/CHANGE": Row(Kind.REFUND, Result.PENDING, _REFUND_DOC),
    "refund/REFUND_CLOSE": Row(Kind.REFUND, Result.REFUSED, _REFUND_DOC),
    "trade/WAIT_PAY": Row(Kind.OPEN, Result.PENDING, _STATUS_DOC),
    "trade/PAYING": Row(Kind.SUBMIT, Result.PENDING, _STATUS_DOC),
    "trade/SUCCESS": Row(Kind.CAPTURE, Result.SUCCEEDED, _STATUS_DOC),
    "trade/REFUND": Row(Kind.CAPTURE, Result.SUCCEEDED, _STATUS_DOC),
    "trade/CLOSED": Row(Kind.CANCEL, Result.SUCCEEDED, _STATUS_DOC),
    "trade/REVOKED": Row(Kind.CANCEL, Result.SUCCEEDED, _STATUS_DOC),
    "trade/PAY_ERROR": Row(Kind.AUTHORISE, Result.REFUSED, _STATUS_DOC),
    "ORDER_NOT_EXIST": Row(Kind.ABSENT, Result.SUCCEEDED, _ERROR_DOC),
}
"""A notice's `resultCode` or `refundStatus`, an answer's `tradeState` or `errorCode`."""

REASONS: Final[Mapping[str, ReasonRow]] = reading.reason_rows(
    _STATUS_DOC + " (Shengpay states no reason besides)",
    """
    closed_unpaid: trade/CLOSED
    merchant_request: trade/REVOKED
    declined: pay/FAIL trade/PAY_ERROR
    merchant_refund: refund/SUCCESS refund/PROCESSING refund/CHANGE refund/REFUND_CLOSE
    """,
)
_DIGESTS: Final[Mapping[str, tuple[crypto.Digest, str]]] = {
    "RSA2": ("sha256", "public_key"),
    "RSA": ("sha1", "public_key_sha1"),
}
_READ: Final = frozenset({
    "appId", "mchId", "outTradeNo", "transactionId", "totalFee", "resultCode", "tradeState",
    "errorCode", "refundId", "refundStatus", "refundFee", "outRefundNo", "timeEnd",
    "refundSuccessTime", "subMchId",
})  # fmt: skip
_UNDECIDED: Final = frozenset({"BIZERR_NEED_RETRY", "SYSTEM_ERROR", "SIGN_ERROR"})
"""Errors after which the same order may still be carried out, if it is given again."""
_API_BASE: Final = "https://mchapi.shengpay.com"
_QUERY: Final = "/api/v3/payment/orderquery"
_REFUND: Final = "/api/v3/payment/refund"
_CURRENCY: Final = "CNY"
_ANSWERS: Final = {
    Outcome.KEPT: Acknowledgement(200, "text/plain", b"SUCCESS"),
    Outcome.REFUSED: Acknowledgement(401, "text/plain", b"FAIL"),
    Outcome.BUSY: Acknowledgement(503, "text/plain", b"FAIL"),
    Outcome.TOO_LARGE: Acknowledgement(413, "text/plain", b"FAIL"),
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the RSA signature over the sorted fields, without `sign` and empty ones.

    RSA2 is checked by the keys "public_key" (Shengpay's), RSA with SHA-1 only by keys that are
    given as "public_key_sha1". The answer of an error may come unsigned; it proves nothing then.

    Raises:
        SignatureMissing: no `sign` or no `signType`.
        SignatureInvalid: the signature, the algorithm or the body is wrong.
        KeyUnknown: the account has no key for the algorithm.
    """
    fields = canonical.json_fields(delivery.body)
    if fields is None or canonical.hides_field(fields, _READ):
        raise SignatureInvalid("the body is no JSON object, or a field hides in another")
    sign, kind = fields.get("sign", ""), fields.get("signType", "")
    if not sign or not kind:
        if delivery.via is ASKED and _is_error(fields):
            return
        raise SignatureMissing("the body has no sign or no signType")
    if kind not in _DIGESTS:
        raise SignatureInvalid("signType is neither RSA2 nor RSA")
    digest, purpose = _DIGESTS[kind]
    keys = [secret.reveal() for secret in secrets.get(purpose, ())]
    if not keys:
        raise KeyUnknown(f"account {delivery.account} has no secret {purpose!r} (Shengpay's key)")
    text = canonical.sorted_pairs(fields.items(), {"sign"}).encode("utf-8", "replace")
    if not any(crypto.rsa_verifies(key, sign, text, digest) for key in keys):
        raise SignatureInvalid("sign does not match the body under any of the account's keys")


def _is_error(fields: Mapping[str, str]) -> bool:
    return "SUCCESS" not in (fields.get("resultCode"), fields.get("tradeState"))


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a notice of a payment or a refund, or an answer."""
    fields = canonical.json_fields(delivery.body)
    if fields is None:
        return unreadable("body", "no JSON object")
    for option, name in (("mch_id", "mchId"), ("app_id", "appId")):
        ours = account.options.get(option)
        if ours and fields.get(name, ours) != ours:
            return unreadable(name, "the statement belongs to another Shengpay merchant")
    asked = delivery.via is ASKED
    stated = fields.get("outTradeNo", ""), fields.get("transactionId", "")
    if asked and any(stated) and delivery.request not in ("", *stated):
        return unreadable("outTradeNo", "the answer is about another order than the question")
    payment = first(stated[0], delivery.request if asked else "", stated[1])
    if not payment:
        return unreadable("outTradeNo", "the statement names no order")
    tell = _teller(delivery, account, fields, payment)
    if delivery.context.startswith("act:"):
        return [_done(tell, fields)]
    if asked and fields.get("resultCode") != "SUCCESS":
        return [_error(tell, fields, delivery)]
    try:
        if fields.get("refundStatus") or fields.get("refundId"):
            return [_refund(tell, fields)]
        # An answer is signed like a notice: whoever saw one might push it, and its resultCode is
        # that of the question.
        told = _payment(tell, fields, by_state=asked or "tradeState" in fields)
        return reading.with_waiting(told, delivery) if asked else told
    except ValueError as error:
        return unreadable(str(error), "no whole number of fen")


def _teller(
    delivery: Delivery, account: Account, fields: Mapping[str, str], payment: str
) -> Teller:
    asked = delivery.via is ASKED
    there = fields.get("transactionId", "")
    at = reading.compact_instant(first(fields.get("refundSuccessTime"), fields.get("timeEnd")))
    state = first(fields.get("refundStatus"), fields.get("tradeState"))
    told = first(fields.get("refundId"), there, payment)
    code = fields.get("errorCode", "")
    field = account.options.get("order_field", "order")
    return Teller(
        REASONS,
        ("answer" if asked else "", told, fields.get("resultCode", ""), state, code),
        payment,
        delivery.received_at if at is None else at,
        (there,) if there and there != payment else (),
        first(reading.passed_on_order(fields.get("attach"), field), fields.get("outTradeNo")),
        _CURRENCY,
        delivery.via,
        Method.HOSTED_CHECKOUT if fields.get("tradeType") == "MWEB" else Method.UNKNOWN,
        Channel.UNKNOWN,
        fields.get("openId", ""),
        life=not asked,
        merchant=fields.get("subMchId", ""),
    )


def _fen(fields: Mapping[str, str], name: str) -> int | None:
    """Return an amount, a number in payments and a text in refunds.

    Raises:
        ValueError: it is no whole number; the message is the field.
    """
    text = fields.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(name)
    return int(text)


def _refund(tell: Teller, fields: Mapping[str, str]) -> Event:
    state = fields.get("refundStatus", "")
    row = EVENTS.get(f"refund/{state}")
    if row is None:
        return tell(OTHER, UNKNOWN, reason=(0, first(state, "no_refundStatus")))
    result, code = row.result, state
    if result is SUCCEEDED and fields.get("resultCode") != "SUCCESS":
        result, code = REFUSED, first(fields.get("errorCode"), "FAIL")
    why = (number("merchant_refund"), code)
    operation = first(fields.get("refundId"), fields.get("outRefundNo"), tell.payment)
    return tell(REFUND, result, operation, _fen(fields, "refundFee"), OWN, reason=why)


def _payment(tell: Teller, fields: Mapping[str, str], *, by_state: bool) -> list[Event]:
    state, code = fields.get("tradeState", ""), fields.get("resultCode")
    word = f"trade/{state}" if by_state else f"pay/{code}"
    row = EVENTS.get(word)
    code = first(fields.get("errorCode"), word.partition("/")[2])
    if row is None:
        return [tell(OTHER, UNKNOWN, reason=(0, code))]
    total = _fen(fields, "totalFee")
    why = (tell.why("", "unstated", word)[0], code)
    if row.kind in (Kind.CAPTURE, Kind.AUTHORISE):
        why = why if row.result is REFUSED else (0, "")
        operation = first(fields.get("transactionId"), tell.payment)
        return [tell(row.kind, row.result, operation, total, OWN, reason=why)]
    if row.kind is not CANCEL:
        return [tell(row.kind, row.result, "", total, reason=(0, code))]
    events = [tell(CANCEL, SUCCEEDED, "", total, reason=why)]
    if word == "trade/REVOKED":
        # What was held is let go; if it had been taken, a refund of its own says so.
        events.append(tell(VOID, SUCCEEDED, tell.payment, reason=why))
    return events


def _done(tell: Teller, fields: Mapping[str, str]) -> Event:
    """Tell what became of a refund that was ordered: accepted is not yet done."""
    operation = first(fields.get("refundId"), tell.payment)
    if not fields.get("sign"):
        return tell(OTHER, UNKNOWN, reason=(0, first(fields.get("errorCode"), "unsigned")))
    if fields.get("resultCode") == "SUCCESS":
        why = (number("merchant_refund"), "PROCESSING")
        return tell(REFUND, PENDING, operation, reason=why)
    code = first(fields.get("errorCode"), fields.get("returnCode"), "FAIL")
    if code in _UNDECIDED:
        return tell(OTHER, UNKNOWN, reason=(0, code))
    return tell(REFUND, REFUSED, operation, reason=(number("unlisted"), code))


def _error(tell: Teller, fields: Mapping[str, str], delivery: Delivery) -> Event:
    """Tell of an error; that an order does not exist is believed only if it is signed."""
    code = first(fields.get("errorCode"), fields.get("returnMsg"), "FAIL")
    row = EVENTS.get(code) if fields.get("sign") else None
    if row is None:
        tell = tell._replace(identity=(*tell.identity[:-1], f"{code}/{delivery.received_at}"))
        return tell(OTHER, UNKNOWN, reason=(0, code))
    return tell(row.kind, row.result, reason=(0, code))


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return the plain text `SUCCESS`; anything else makes Shengpay send the notice again."""
    return _ANSWERS[outcome]


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for an order by `outTradeNo`; None without "private_key", mch_id and app_id."""
    return _request(_QUERY, {"outTradeNo": reference}, reference, account, secrets, nonce)


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Refund; `outRefundNo` is the idempotency key. None without the amount and "notify_url"."""
    notify_url = account.options.get("notify_url", "")
    amount = deed.amount_minor or deed.total_minor
    if deed.verb is not Verb.REFUND or not amount or not notify_url:
        return None
    wanted: dict[str, str | int] = {
        "outTradeNo": deed.payment, "outRefundNo": deed.key, "refundFee": amount,
        "notifyUrl": notify_url,
    }  # fmt: skip
    return _request(_REFUND, wanted, deed.payment, account, secrets, nonce, "act:refund")


def _request(
    path: str, wanted: Mapping[str, str | int], payment: str, account: Account, secrets: Secrets,
    nonce: str, context: str = "",
) -> Request | None:  # fmt: skip
    keys = secrets.get("private_key", ())
    mch_id, app_id = account.options.get("mch_id", ""), account.options.get("app_id", "")
    if not keys or not mch_id or not app_id:
        return None
    fields = {**wanted, "mchId": mch_id, "appId": app_id, "nonceStr": nonce[:32],
              "signType": "RSA2"}  # fmt: skip
    if account.options.get("merchant"):
        fields["subMchId"] = account.options["merchant"]  # a sub-merchant of a service provider
    text = canonical.sorted_pairs((name, str(value)) for name, value in fields.items())
    body = {**fields, "sign": crypto.rsa_sign(keys[0].reveal(), text.encode())}
    return Request(
        method="POST", url=account.options.get("api_base", _API_BASE).rstrip("/") + path,
        payment=payment, headers=(("Content-Type", "application/json; charset=UTF-8"),),
        body=msgspec.json.encode(body), context=context,
    )  # fmt: skip
