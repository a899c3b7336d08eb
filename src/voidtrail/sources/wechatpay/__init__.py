"""WeChat Pay API v3: notices signed in their headers, with the transaction sealed inside.

Only payments and refunds are pushed. Nothing is pushed for an order that failed, was cancelled or
timed out: that is learnt by asking, and the answer CLOSED does not tell who closed. ABNORMAL is a
refund that waits for a person at WeChat Pay, so it is pending, and a later SUCCESS wins.

Every statement of a combined payment is about one of its sub-orders; the number of the whole is no
name of any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import (
    Acknowledgement,
    Channel,
    Delivery,
    Event,
    Kind,
    Method,
    Micros,
    Result,
    Unreadable,
)
from voidtrail.event.reason import number
from voidtrail.money import currency_number
from voidtrail.sources import crypto, reading
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
    AUTHORISE,
    CANCEL,
    CAPTURE,
    OPEN,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    REFUSED,
    SUCCEEDED,
    UNKNOWN,
    VOID,
    Teller,
    ordered,
)
from voidtrail.sources.wechatpay import deeds, wire

NAME: Final = "wechatpay"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="WeChat Pay 微信支付",
    webhook=True,
    bill_file=True,
    query=True,
    close=True,
    refund=True,
    pay_link=True,
    retries="15 times in 24 h (15 s, 15 s, 30 s, 3 m, 10 m, 20 m, 3 × 30 m, 1 h, 3 × 3 h, "
    "2 × 6 h); pay.weixin.qq.com/doc/v3",
    amount_unit="minor",
    zone="Asia/Shanghai",
    timeout_s=7 * 86_400,
    secrets=("platform_key", "api_v3_key", "private_key", "serial_no", "mchid"),
    needed=("platform_key", "api_v3_key"),
)
IDENTITY: Final = Identity(fields=("via", "transaction_id or refund_id", "state"))
"""The notice's own `id` stands only for types that no table lists, in the place of the state."""

_NOTIFY_DOC: Final = "pay.weixin.qq.com/doc/v3/merchant/4012791861"
_REFUND_DOC: Final = "pay.weixin.qq.com/doc/v3/merchant/4012791865"
_QUERY_DOC: Final = "pay.weixin.qq.com/doc/v3/merchant/4012791859"
EVENTS: Final[Mapping[str, Row]] = {
    "TRANSACTION.SUCCESS": Row(Kind.CAPTURE, Result.SUCCEEDED, _NOTIFY_DOC),
    "REFUND.SUCCESS": Row(Kind.REFUND, Result.SUCCEEDED, _REFUND_DOC),
    "REFUND.CLOSED": Row(Kind.REFUND, Result.REFUSED, _REFUND_DOC),
    "REFUND.ABNORMAL": Row(Kind.REFUND, Result.PENDING, _REFUND_DOC),
    "refund/SUCCESS": Row(Kind.REFUND, Result.SUCCEEDED, _REFUND_DOC),
    "refund/CLOSED": Row(Kind.REFUND, Result.REFUSED, _REFUND_DOC),
    "refund/CLOSE": Row(Kind.REFUND, Result.REFUSED, _REFUND_DOC),
    "refund/ABNORMAL": Row(Kind.REFUND, Result.PENDING, _REFUND_DOC),
    "refund/PROCESSING": Row(Kind.REFUND, Result.PENDING, _REFUND_DOC),
    "trade/SUCCESS": Row(Kind.CAPTURE, Result.SUCCEEDED, _QUERY_DOC),
    "trade/REFUND": Row(Kind.CAPTURE, Result.SUCCEEDED, _QUERY_DOC),
    "trade/NOTPAY": Row(Kind.OPEN, Result.PENDING, _QUERY_DOC),
    "trade/USERPAYING": Row(Kind.SUBMIT, Result.PENDING, _QUERY_DOC),
    "trade/ACCEPT": Row(Kind.SUBMIT, Result.PENDING, _QUERY_DOC),
    "trade/CLOSED": Row(Kind.CANCEL, Result.SUCCEEDED, _QUERY_DOC),
    "trade/REVOKED": Row(Kind.CANCEL, Result.SUCCEEDED, _QUERY_DOC),
    "trade/PAYERROR": Row(Kind.AUTHORISE, Result.REFUSED, _QUERY_DOC),
    "ORDER_NOT_EXIST": Row(Kind.ABSENT, Result.SUCCEEDED, _QUERY_DOC),
    "ORDERNOTEXIST": Row(Kind.ABSENT, Result.SUCCEEDED, _QUERY_DOC),
}
"""Event types decide whether a notice is read; then the state inside decides what it says."""

REASONS: Final[Mapping[str, ReasonRow]] = reading.reason_rows(
    _QUERY_DOC + " (trade_state; WeChat Pay states no reason besides)",
    """
    closed_unpaid: trade/CLOSED
    merchant_request: trade/REVOKED
    declined: trade/PAYERROR
    merchant_refund: refund/SUCCESS refund/CLOSED refund/CLOSE refund/ABNORMAL refund/PROCESSING
    """,
)
_WINDOW_S: Final = 300
_TIME_DIGITS_MAX: Final = 12
_CLOSED_ALREADY: Final = "ORDER_CLOSED"
_PROBE: Final = "WECHATPAY/SIGNTEST/"
_SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
_SEAL: Final = "AEAD_AES_256_GCM"
_NOTICE: Final = msgspec.json.Decoder(wire.Notice)
_STATEMENT: Final = msgspec.json.Decoder(wire.Statement)
_JSON: Final = "application/json"
_ANSWERS: Final = {
    Outcome.KEPT: Acknowledgement(200, _JSON, b'{"code":"SUCCESS"}'),
    Outcome.REFUSED: Acknowledgement(401, _JSON, b'{"code":"FAIL","message":"signature"}'),
    Outcome.BUSY: Acknowledgement(503, _JSON, b'{"code":"FAIL","message":"busy"}'),
    Outcome.TOO_LARGE: Acknowledgement(413, _JSON, b'{"code":"FAIL","message":"too large"}'),
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the RSA signature over timestamp, nonce and raw body, of a notice or of an answer.

    The key is the one of "platform_key" that `Wechatpay-Serial` names: a platform certificate
    (PEM, its serial is read from it) or "SERIAL=PEM", also for PUB_KEY_ID_… . An error may come
    unsigned as the answer to a question; it then leads to no conclusion.

    Raises:
        SignatureMissing: a header is absent or came twice.
        SignatureInvalid: no match, another algorithm, or one of WeChat Pay's probes.
        SignatureExpired: signed more than 300 s before or after `now`.
        KeyUnknown: no key has the serial; fetch the platform's certificates again.
    """
    if delivery.via is ASKED and _is_unsigned_error(delivery):
        return
    at, nonce = delivery.header("wechatpay-timestamp"), delivery.header("wechatpay-nonce")
    serial = delivery.header("wechatpay-serial")
    signature = delivery.header("wechatpay-signature")
    if not at or not nonce or not serial or not signature:
        raise SignatureMissing("a Wechatpay-… header is absent or came twice")
    if signature.startswith(_PROBE):
        raise SignatureInvalid("one of WeChat Pay's probes with a deliberately wrong signature")
    schemes = [value for name, value in delivery.headers if name == "wechatpay-signature-type"]
    if schemes not in ([], [_SCHEME]):
        raise SignatureInvalid(f"Wechatpay-Signature-Type is not {_SCHEME}")
    if not (at.isascii() and at.isdigit() and len(at) <= _TIME_DIGITS_MAX):
        raise SignatureInvalid("Wechatpay-Timestamp is not a number")
    texts = tuple(secret.reveal() for secret in secrets.get("platform_key", ()))
    key = wire.keyring(texts).get(wire.same_serial(serial))
    if key is None:
        raise KeyUnknown(f"account {delivery.account} has no platform key of that serial")
    message = f"{at}\n{nonce}\n".encode("utf-8", "replace") + delivery.body + b"\n"
    if not crypto.rsa_verifies(key, signature, message):
        raise SignatureInvalid("Wechatpay-Signature does not match the body")
    if abs(now // 1_000_000 - int(at)) > _WINDOW_S:
        raise SignatureExpired(f"Wechatpay-Timestamp is more than {_WINDOW_S} s away from now")


def _is_unsigned_error(delivery: Delivery) -> bool:
    if any(name.startswith("wechatpay-signature") for name, _ in delivery.headers):
        return False
    try:
        said = _STATEMENT.decode(delivery.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return bool(said.code) and not (said.trade_state or said.refund_id or said.sub_orders)


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Unseal and read a notice, or read the answer to a query."""
    try:
        if delivery.via is ASKED:
            return reading.with_waiting(_answer(delivery, account), delivery)
        notice = _NOTICE.decode(delivery.body)
        opened = _unseal(notice, secrets)
        if notice.event_type not in EVENTS:
            return _unlisted(delivery, notice, opened)
        if isinstance(opened, Unreadable):
            return opened
        told_at = reading.instant(notice.create_time)
        said = _STATEMENT.decode(opened)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "no notice of WeChat Pay: a field is missing or of another type")
    return _facts(delivery, account, said, told_at)


def _unseal(notice: wire.Notice, secrets: Secrets) -> bytes | Unreadable:
    """Open the resource; the length of the key decides between AES-128, -192 and -256.

    WeChat Pay issues keys of 32 characters; its own test vectors have 16. A shorter key weakens
    nothing here: it opens only what the platform sealed with it.
    """
    sealed = notice.resource
    if sealed is None or sealed.algorithm not in ("", _SEAL):
        return unreadable("resource", f"the notice is not sealed with {_SEAL}")
    keys = secrets.get("api_v3_key", ())
    if not keys:
        return unreadable("resource", "the account has no secret 'api_v3_key' to open it with")
    for key in keys:
        opened = crypto.aes_gcm_open(
            key.reveal(), sealed.nonce, sealed.associated_data or "", sealed.ciphertext
        )
        if opened is not None:
            return opened
    return unreadable("resource.ciphertext", "it does not open under the account's 'api_v3_key'")


def _unlisted(delivery: Delivery, notice: wire.Notice, opened: bytes | Unreadable) -> Translation:
    payment = ""
    if isinstance(opened, bytes):
        try:
            payment = _STATEMENT.decode(opened).out_trade_no or ""
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            payment = ""
    payment = first(payment, notice.id)
    if not payment:
        return unreadable("id", "the notice names neither itself nor a payment")
    at = reading.instant(notice.create_time)
    identity = ("", payment, f"{notice.event_type}/{notice.id}")
    tell = Teller(REASONS, identity, payment, delivery.received_at if at is None else at)
    return [tell(OTHER, UNKNOWN, reason=(0, notice.event_type))]


def _answer(delivery: Delivery, account: Account) -> Translation:
    told = ordered(delivery.context)
    if told is not None and not delivery.body:
        return _obeyed(delivery)
    said = _STATEMENT.decode(delivery.body)
    if said.trade_state or said.refund_id or said.sub_orders:
        if delivery.request not in ("", said.out_trade_no, said.transaction_id):
            return unreadable("out_trade_no", "the answer is about another order than the question")
        return _facts(delivery, account, said, None)
    payment = delivery.request
    if told is OPEN and said.code_url and payment:
        identity = ("answer", payment, "code_url")
        tell = Teller(REASONS, identity, payment, delivery.received_at, via=ASKED, life=False)
        return [tell(OPEN, PENDING, reason=(0, "code_url"))]
    if not said.code or not payment:
        return unreadable("code", "the answer is neither a transaction nor an error")
    signed = delivery.header("wechatpay-signature") is not None
    row = EVENTS.get(said.code) if signed and told is None else None
    kind, result = (row.kind, row.result) if row else (OTHER, UNKNOWN)
    if told is CANCEL and signed and said.code == _CLOSED_ALREADY:
        return _obeyed(delivery)
    if told is not None and signed and said.code not in deeds.UNDECIDED:
        kind, result = told, REFUSED
    identity = ("answer", payment, said.code if row else f"{said.code}/{delivery.received_at}")
    tell = Teller(REASONS, identity, payment, delivery.received_at, via=ASKED, life=False)
    return [tell(kind, result, reason=(0, said.code))]


def _obeyed(delivery: Delivery) -> Translation:
    """Tell that an order was closed: WeChat Pay says so with a signed empty body."""
    if not delivery.request or ordered(delivery.context) is not CANCEL:
        return unreadable("body", "an empty answer to something else than a closing")
    identity = ("answer", delivery.request, "closed")
    tell = Teller(REASONS, identity, delivery.request, delivery.received_at, via=ASKED, life=False)
    return [tell(CANCEL, SUCCEEDED, reason=(number("closed_unpaid"), "CLOSED"))]


def _facts(
    delivery: Delivery, account: Account, said: wire.Statement, told_at: Micros | None
) -> Translation:
    merchants = (said.mchid, said.sp_mchid, said.sub_mchid, said.combine_mchid)
    ours = account.options.get("mchid")
    if ours and any(merchants) and ours not in merchants:
        return unreadable("mchid", "the notice belongs to another WeChat Pay merchant")
    appid = account.options.get("appid", said.appid)
    if said.appid and appid != said.appid:
        return unreadable("appid", "the notice belongs to another WeChat Pay application")
    events: list[Event] = []
    for one in said.sub_orders or (said,):
        told = _teller(delivery, account, one, said, told_at)
        if isinstance(told, Unreadable):
            return told
        events += _refund(told, one) if one.refund_id else _transaction(told, one)
    return events


def _teller(
    delivery: Delivery,
    account: Account,
    one: wire.Statement,
    whole: wire.Statement,
    told_at: Micros | None,
) -> Teller | Unreadable:
    payment = first(one.out_trade_no, one.transaction_id)
    if not payment:
        return unreadable("out_trade_no", "the notice names no order")
    currency = (one.amount.currency if one.amount else None) or "CNY"
    try:
        currency_number(currency)
    except ValueError:
        return unreadable("amount.currency", "not in ISO 4217")
    at = reading.instant(one.success_time)
    at = told_at if at is None else at
    asked = delivery.via is ASKED
    method, channel = wire.METHODS.get(one.trade_type or "", (Method.UNKNOWN, Channel.UNKNOWN))
    payer = one.payer or whole.combine_payer_info or wire.Payer()
    number_there = first(one.refund_id, one.transaction_id, payment)
    state = first(one.refund_status, one.status, one.trade_state)
    field = account.options.get("order_field", "order")
    transaction = one.transaction_id or ""
    return Teller(
        REASONS,
        ("answer" if asked else "", number_there, state),
        payment,
        delivery.received_at if at is None else at,
        (transaction,) if transaction and transaction != payment else (),
        first(reading.passed_on_order(one.attach, field), one.out_trade_no),
        currency,
        delivery.via,
        method,
        channel,
        first(payer.openid, payer.sp_openid, payer.sub_openid),
        life=not asked,
        merchant=first(one.sub_mchid, whole.sub_mchid),
    )


def _refund(tell: Teller, one: wire.Statement) -> list[Event]:
    state = first(one.refund_status, one.status)
    row = EVENTS.get(f"refund/{state}")
    result = row.result if row else UNKNOWN
    amount = one.amount.refund if one.amount else None
    why = (number("merchant_refund"), state)
    return [tell(REFUND, result, one.refund_id or "", amount, OWN, reason=why)]


def _transaction(tell: Teller, one: wire.Statement) -> list[Event]:
    state = one.trade_state or ""
    row = EVENTS.get(f"trade/{state}")
    if row is None:
        return [tell(OTHER, UNKNOWN, reason=(0, state))]
    total = None
    if one.amount:
        total = one.amount.total if one.amount.total_amount is None else one.amount.total_amount
    if row.kind in (CAPTURE, AUTHORISE):
        why = tell.why("trade/", "unstated", state) if row.result is REFUSED else (0, "")
        operation = first(one.transaction_id, tell.payment)
        return [tell(row.kind, row.result, operation, total, OWN, reason=why)]
    if row.kind is not CANCEL:
        return [tell(row.kind, row.result, "", total, reason=(0, state))]
    why = (tell.why("trade/", "unstated", state)[0], state)
    events = [tell(CANCEL, SUCCEEDED, "", total, reason=why)]
    if state == "REVOKED":
        # What was held is let go; if it had been taken, a refund of its own says so.
        events.append(tell(VOID, SUCCEEDED, tell.payment, reason=why))
    return events


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return a code in JSON; anything but 2xx makes WeChat Pay send the notice again."""
    return _ANSWERS[outcome]


query: Final = deeds.query
act: Final = deeds.act
