"""Alipay (mainland open platform): signed forms about trades, and signed answers to queries.

A notice is a snapshot of one trade. Its `trade_status` has several meanings: TRADE_CLOSED is a full
refund if the trade was paid and a closing without payment if not, told apart by the payment's
instant alone. Refunds are running totals of the trade. Instants are Beijing time, amounts are yuan.

The forms of the old `mapi` gateway (`total_fee`, `refund_status`) are read as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from voidtrail.errors import (
    AccountMismatch,
    KeyUnknown,
    SignatureInvalid,
    SignatureMissing,
)
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
)
from voidtrail.event.reason import number
from voidtrail.sources import crypto, reading
from voidtrail.sources.alipay import deeds, wire
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
    CAPTURE,
    CUMULATIVE,
    EXPIRE,
    FINISH,
    OPEN,
    OTHER,
    OWN,
    PENDING,
    REFUND,
    SUCCEEDED,
    UNKNOWN,
    Teller,
)

NAME: Final = "alipay"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Alipay 支付宝",
    webhook=True,
    bill_file=True,
    query=True,
    close=True,
    void=True,
    refund=True,
    pay_link=True,
    retries="8 times in 25 h (4 m, 10 m, 10 m, 1 h, 2 h, 6 h, 15 h); opendocs.alipay.com/open/203",
    amount_unit="major",
    zone="Asia/Shanghai",
    timeout_s=15 * 86_400,
    secrets=(
        "public_key",
        "public_key_sha1",
        "private_key",
        "app_id",
        "seller_id",
        "app_auth_token",
    ),
    needed=("public_key",),
)
IDENTITY: Final = Identity(
    fields=("via", "trade_no", "trade_status", "refund_fee", "out_biz_no"),
)
"""`notify_id` is not among them: it names one notification, not one fact. Signatures carry no
instant, so that the set of known events is the only protection against replays, for ever."""

_NOTIFY_DOC: Final = "opendocs.alipay.com/open/270/105902"
_QUERY_DOC: Final = "opendocs.alipay.com/open/02ekfh"
EVENTS: Final[Mapping[str, Row]] = {
    "WAIT_BUYER_PAY": Row(Kind.OPEN, Result.PENDING, _NOTIFY_DOC),
    "TRADE_SUCCESS": Row(Kind.CAPTURE, Result.SUCCEEDED, _NOTIFY_DOC),
    "TRADE_SUCCESS/refunded": Row(Kind.REFUND, Result.SUCCEEDED, _NOTIFY_DOC),
    "TRADE_CLOSED/paid": Row(Kind.REFUND, Result.SUCCEEDED, _NOTIFY_DOC),
    "TRADE_CLOSED/unpaid": Row(Kind.CANCEL, Result.SUCCEEDED, _NOTIFY_DOC),
    "TRADE_CLOSED/timeout": Row(Kind.EXPIRE, Result.SUCCEEDED, _NOTIFY_DOC),
    "TRADE_FINISHED": Row(Kind.FINISH, Result.SUCCEEDED, _NOTIFY_DOC),
    "ACQ.TRADE_NOT_EXIST": Row(Kind.ABSENT, Result.SUCCEEDED, _QUERY_DOC),
}
"""`trade_status`, and what else of the notice decides; every paid row tells the capture as well."""

REASONS: Final[Mapping[str, ReasonRow]] = {
    **reading.reason_rows(
        _NOTIFY_DOC + " (Alipay states no reason; this is what the instants tell)",
        """
        timed_out: TRADE_CLOSED/timeout
        closed_unpaid: TRADE_CLOSED/unpaid
        merchant_refund: TRADE_CLOSED/paid TRADE_SUCCESS/refunded
        finished: TRADE_FINISHED
        """,
    ),
}
_TIMEOUTS_S: Final = (900, 1800, 3600, 5400, 7200, 86_400, 15 * 86_400)
"""Alipay's own time-outs: the defaults of its products and the values that its guides use."""
_TIMEOUT_SLACK_S: Final = 300
_DIGESTS: Final[Mapping[bytes, tuple[crypto.Digest, str]]] = {
    b"RSA2": ("sha256", "public_key"),
    b"RSA": ("sha1", "public_key_sha1"),
}
_METHODS: Final = {
    "page": (Method.ALIPAY_PAGE, Channel.WEB),
    "app": (Method.ALIPAY_APP, Channel.APP),
    "qr": (Method.ALIPAY_QR, Channel.UNKNOWN),
}
_CURRENCY: Final = "CNY"
_ANSWERS: Final = {
    Outcome.KEPT: Acknowledgement(200, "text/plain", b"success"),
    Outcome.REFUSED: Acknowledgement(401, "text/plain", b"fail"),
    Outcome.BUSY: Acknowledgement(503, "text/plain", b"fail"),
    Outcome.TOO_LARGE: Acknowledgement(413, "text/plain", b"fail"),
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the RSA signature of a notice's form, or of the answer to a query.

    A notice signs its decoded fields, sorted, without `sign`, `sign_type` and empty ones. Names
    that Alipay does not document are parameters of our own address, if the rest is signed without
    them; `translate` never reads them. RSA2 is checked by the keys "public_key" (Alipay's, never
    the merchant's), the old RSA with SHA-1 only by keys that are given as "public_key_sha1".

    An answer signs the exact bytes of its `…_response`. An `error_response` may come without a
    signature; it leads to no conclusion.

    Raises:
        SignatureMissing: no `sign` or no `sign_type`.
        SignatureInvalid: the signature, the algorithm or the body is wrong.
        KeyUnknown: the account has no key for the algorithm.
        AccountMismatch: "app_id" or "seller_id" is configured and the notice has another.
    """
    if delivery.via is ASKED:
        _verify_answer(delivery, secrets)
        return
    form = wire.form(delivery.body)
    # No value holds a "&" unless the body has one in disguise.
    if form is None or (b"%26" in delivery.body and wire.hides_field(form)):
        raise SignatureInvalid("the body is no form in which every field stands once")
    sign, kind = form.get(b"sign", b""), form.get(b"sign_type", b"")
    if not sign or not kind:
        raise SignatureMissing("the form has no sign or no sign_type")
    if kind not in _DIGESTS:
        raise SignatureInvalid("sign_type is neither RSA2 nor RSA")
    digest, purpose = _DIGESTS[kind]
    texts = [wire.signed_text(form)]
    if not form.keys() <= wire.FIELDS:
        known = {name: value for name, value in form.items() if name in wire.FIELDS}
        texts.append(wire.signed_text(known))
    signature = sign.decode("ascii", "replace")
    keys = _keys(delivery, secrets, purpose)
    if not any(crypto.rsa_verifies(k, signature, text, digest) for text in texts for k in keys):
        raise SignatureInvalid("sign does not match the form under any of the account's keys")
    for name in ("app_id", "seller_id"):
        ours = [secret.reveal().encode() for secret in secrets.get(name, ())]
        if ours and form.get(name.encode(), ours[0]) not in ours:
            raise AccountMismatch(f"the notice is genuine but its {name} is not this account's")


def _verify_answer(delivery: Delivery, secrets: Secrets) -> None:
    answer = wire.answer(delivery.body)
    if answer is None:
        raise SignatureInvalid("the answer is no JSON object with one …_response")
    if not answer.sign:
        if answer.name == "error_response":
            return
        raise SignatureMissing("the answer has no sign")
    keys = _keys(delivery, secrets, "public_key")
    if not any(crypto.rsa_verifies(key, answer.sign, answer.raw) for key in keys):
        raise SignatureInvalid("sign does not match the answer under any of the account's keys")


def _keys(delivery: Delivery, secrets: Secrets, purpose: str) -> list[str]:
    keys = [secret.reveal() for secret in secrets.get(purpose, ())]
    if not keys:
        raise KeyUnknown(f"account {delivery.account} has no secret {purpose!r} (Alipay's own key)")
    return keys


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a notice, or the answer to a query, about one trade."""
    if delivery.via is ASKED:
        return _answer(delivery, account)
    form = wire.form(delivery.body)
    if form is None:
        return unreadable("body", "no form in which every field stands once")
    try:
        trade = wire.trade_of_form(form)
    except UnicodeDecodeError:
        return unreadable("charset", "a field is not in the charset that the form names")
    for name, value in (("app_id", trade.app_id), ("seller_id", trade.seller_id)):
        if value and account.options.get(name, value) != value:
            return unreadable(name, "the notice belongs to another Alipay account")
    if not trade.trade_status:
        code = first(trade.method, trade.notify_type, "no_trade_status")
        payment = first(trade.out_trade_no, trade.trade_no, trade.notify_id)
        if not payment:
            return unreadable("trade_status", "the form names no trade and no notification")
        identity = ("", payment, code, "", trade.notify_id)
        at = reading.instant(first(trade.notify_time, trade.timestamp))
        tell = Teller(REASONS, identity, payment, delivery.received_at if at is None else at)
        return [tell(OTHER, UNKNOWN, reason=(0, code))]
    return _facts(delivery, account, trade)


def _answer(delivery: Delivery, account: Account) -> Translation:
    answer = wire.answer(delivery.body)
    if answer is None:
        return unreadable("body", "no JSON object with one …_response")
    if delivery.context:
        return deeds.answered(REASONS, delivery, answer)
    try:
        trade = wire.trade_of_answer(answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        where = reading.path(error) if isinstance(error, msgspec.MsgspecError) else "body"
        return unreadable(where, "a field of the answer has another type")
    if answer.name == "alipay_trade_query_response" and trade.code == "10000":
        if delivery.request not in ("", trade.out_trade_no, trade.trade_no):
            return unreadable("out_trade_no", "the answer is about another trade than the question")
        return _facts(delivery, account, trade)
    query = answer.name == "alipay_trade_query_response"
    code = first(trade.sub_code, trade.code if query else "", answer.name)
    row = EVENTS.get(code) if query and answer.sign else None
    kind, result = (row.kind, row.result) if row else (OTHER, UNKNOWN)
    stamp = "" if row else str(delivery.received_at)
    payment = first(delivery.request, trade.out_trade_no, trade.trade_no)
    if not payment:
        return unreadable("out_trade_no", "the answer names no trade")
    identity = ("answer", payment, code, "", stamp)
    tell = Teller(REASONS, identity, payment, delivery.received_at, via=ASKED, life=False)
    return [tell(kind, result, reason=(0, code))]


def _facts(delivery: Delivery, account: Account, trade: wire.Trade) -> Translation:
    payment = first(trade.out_trade_no, trade.trade_no)
    if not payment:
        return unreadable("out_trade_no", "the notice names no trade")
    try:
        total = wire.fen(first(trade.total_amount, trade.total_fee))
        returned = wire.fen(trade.refund_fee)
    except ValueError:
        return unreadable("total_amount", "an amount is no yuan with at most two decimals")
    status, asked = trade.trade_status, delivery.via is ASKED
    times = wire.times(trade, delivery.received_at)
    method, channel = _METHODS.get(account.options.get("product", "page"), _METHODS["page"])
    passed_on = first(trade.passback_params, trade.extra_common_param)
    field = account.options.get("order_field", "order")
    number_there = first(trade.trade_no, payment)
    tell = Teller(
        REASONS,
        ("answer" if asked else "", number_there, status, trade.refund_fee, trade.out_biz_no),
        payment,
        times.told,
        (trade.trade_no,) if number_there != payment else (),
        first(reading.passed_on_order(passed_on, field), trade.out_trade_no),
        _CURRENCY,
        delivery.via,
        method,
        channel,
        first(trade.buyer_id, trade.buyer_open_id, trade.buyer_user_id),
        life=not asked,
        # A service provider's own app is named apart from the app of the merchant it speaks for.
        merchant=trade.auth_app_id if trade.auth_app_id != trade.app_id else "",
    )
    if status == "TRADE_CLOSED":
        is_paid = times.paid is not None or trade.refund_status == "REFUND_SUCCESS"
        if not is_paid:
            return [_closed_unpaid(tell, times, total, account)]
    elif status not in EVENTS:
        return [tell(OTHER, UNKNOWN, reason=(0, status))]
    if status == "WAIT_BUYER_PAY":
        return [tell(OPEN, PENDING, "", total, until=times.until, at=times.created)]
    events = [tell(CAPTURE, SUCCEEDED, number_there, total, OWN, at=times.paid)]
    if status == "TRADE_FINISHED":
        events.append(tell(FINISH, SUCCEEDED, reason=tell.why("", "", status), at=times.closed))
    if status == "TRADE_CLOSED" or returned or trade.refund_status == "REFUND_SUCCESS":
        # Only a closing says that all of it went back when the sum is not stated.
        amount = returned or (total if status == "TRADE_CLOSED" else None)
        operation = first(trade.out_biz_no, f"{number_there}:refunded")
        why = (number("merchant_refund"), "")
        at = times.refunded
        events.append(tell(REFUND, SUCCEEDED, operation, amount, CUMULATIVE, reason=why, at=at))
    return events


def _closed_unpaid(tell: Teller, times: wire.Times, total: int | None, account: Account) -> Event:
    """Tell of a closing without payment: by the clock, if the instants fit one of its time-outs."""
    waited_s = None
    if times.closed is not None and times.created is not None:
        waited_s = (times.closed - times.created) // 1_000_000
    option = account.options.get("timeout_s", "")
    timeouts = (int(option),) if option.isascii() and option.isdigit() else _TIMEOUTS_S
    if times.until is not None and times.created is not None:
        timeouts = ((times.until - times.created) // 1_000_000,)
    if waited_s is not None and any(t < waited_s <= t + _TIMEOUT_SLACK_S for t in timeouts):
        why = number("timed_out")
        return tell(EXPIRE, SUCCEEDED, "", total, reason=(why, "TRADE_CLOSED"), at=times.closed)
    why = number("closed_unpaid")
    return tell(CANCEL, SUCCEEDED, "", total, reason=(why, "TRADE_CLOSED"), at=times.closed)


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return the seven bytes `success`; anything else makes Alipay send the notice again."""
    return _ANSWERS[outcome]


query: Final = deeds.query
act: Final = deeds.act
