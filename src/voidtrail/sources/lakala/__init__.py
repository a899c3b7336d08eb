"""Lakala 拉卡拉 (open API v3): JSON signed in its headers by the certificate of Lakala's gateway.

A notice signs three lines (instant, nonce, body), an answer five (application and serial number in
front); the header of a notice may hold line breaks. Every repetition is signed anew, so that the
header tells no two facts apart. Whether closings and failures are pushed is stated nowhere: what is
silent is asked about.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

import msgspec

from voidtrail.errors import KeyUnknown, SignatureExpired, SignatureInvalid, SignatureMissing
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Acknowledgement, Deed, Delivery, Micros, Request, Verb
from voidtrail.sources import canonical, crypto, reading
from voidtrail.sources.contract import Capabilities, Identity, Outcome, Translation
from voidtrail.sources.lakala import facts
from voidtrail.sources.telling import ASKED

NAME: Final = "lakala"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Lakala 拉卡拉", webhook=True, query=True, close=True, void=True, refund=True,
    retries="sent again, its schedule is not published; o.lakala.com",
    amount_unit="minor", zone="Asia/Shanghai",
    secrets=("platform_cert", "private_key"), needed=("platform_cert",),
)  # fmt: skip
IDENTITY: Final = Identity(
    fields=("via", "trade_no or out_trade_no", "trade_main_type", "status", "refund_amount", "code")
)

EVENTS: Final = facts.EVENTS
REASONS: Final = facts.REASONS
_SCHEME: Final = "LKLAPI-SHA256withRSA"
_PART: Final = re.compile(r'(?<!\w)(\w+)="([^"]*)"', re.ASCII)
"""A name begins where a word does: looked for inside of a long word, it would cost its square."""
_NOTICE: Final = ("timestamp", "nonce_str", "signature")
_ANSWER: Final = ("appid", "serial", "timestamp", "nonce", "signature")
_WINDOW_S: Final = 300
_TIME_DIGITS_MAX: Final = 12
_API_BASE: Final = "https://s2.lakala.com"
_JSON: Final = "application/json"
_ANSWERS: Final = {
    Outcome.KEPT: Acknowledgement(200, _JSON, '{"code":"SUCCESS","message":"执行成功"}'.encode()),
    Outcome.REFUSED: Acknowledgement(401, _JSON, b'{"code":"FAIL","message":"signature"}'),
    Outcome.BUSY: Acknowledgement(503, _JSON, b'{"code":"FAIL","message":"busy"}'),
    Outcome.TOO_LARGE: Acknowledgement(413, _JSON, b'{"code":"FAIL","message":"too large"}'),
}
_PATHS: Final = {
    ("scan", None): "/api/v3/labs/query/tradequery",
    ("scan", Verb.CLOSE): "/api/v3/labs/relation/close",
    ("scan", Verb.VOID): "/api/v3/labs/relation/revoked",
    ("scan", Verb.REFUND): "/api/v3/labs/relation/refund",
    ("cashier", None): "/api/v3/ccss/counter/order/query",
    ("cashier", Verb.CLOSE): "/api/v3/ccss/counter/order/close",
    ("cashier", Verb.REFUND): "/api/v3/labs/relation/refund",
}


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Check the RSA signature of a notice or of an answer, and that it was made just now.

    The keys are those of "platform_cert": certificates of Lakala's gateway, never the merchant's;
    production and test have different ones. An error may come unsigned as the answer to a
    question; it then leads to no conclusion.

    Raises:
        SignatureMissing: a header, or a part of it, is absent or came twice.
        SignatureInvalid: no match, or another algorithm.
        SignatureExpired: signed more than 300 s before or after `now`.
        KeyUnknown: no certificate is configured, or the one that matches is not valid; it is named.
    """
    if delivery.via is ASKED:
        if _is_unsigned_error(delivery):
            return
        given = {name: delivery.header(f"lklapi-{name}") or "" for name in _ANSWER}
        lines = [given[name] for name in _ANSWER[:-1]]
    else:
        given = _parts(delivery.header("authorization") or "")
        lines = [given.get(name, "") for name in _NOTICE[:-1]]
    at, signature = given.get("timestamp", ""), given.get("signature", "")
    if not all(lines) or not signature:
        raise SignatureMissing("a part of the signature's header is absent or came twice")
    if not (at.isascii() and at.isdigit() and len(at) <= _TIME_DIGITS_MAX):
        raise SignatureInvalid("the signed timestamp is not a number")
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    _match(delivery, secrets, signature, text + delivery.body + b"\n", now)
    skew_s = now // 1_000_000 - int(at)
    if abs(skew_s) > _WINDOW_S:
        side = "before" if skew_s > 0 else "after"
        raise SignatureExpired(f"signed {abs(skew_s):,} s {side} now; the window is {_WINDOW_S} s")


def _parts(header: str) -> dict[str, str]:
    """Return the parts of an Authorization header, which may hold line breaks.

    Raises:
        SignatureInvalid: another scheme, or something else stands between the parts.
        SignatureMissing: a part stands twice.
    """
    scheme, rest = (*header.split(None, 1), "", "")[:2]
    if header and scheme != _SCHEME:
        raise SignatureInvalid(f"the scheme of Authorization is not {_SCHEME}")
    if _PART.sub("", rest).strip(", \r\n\t"):
        raise SignatureInvalid("something else stands between the parts of Authorization")
    found = _PART.findall(rest)
    parts = dict(found)
    if len(parts) != len(found):
        raise SignatureMissing("a part of Authorization came twice")
    return parts


def _match(delivery: Delivery, secrets: Secrets, signature: str, text: bytes, now: Micros) -> None:
    keys = [secret.reveal() for secret in secrets.get("platform_cert", ())]
    if not keys:
        raise KeyUnknown(f"account {delivery.account} has no secret 'platform_cert' (Lakala's own)")
    titles = []
    for key in keys:
        found = crypto.certificate(key)
        titles.append(found.title if found else "a public key")
        if crypto.rsa_verifies(key, signature, text):
            if found and not found.is_valid(now):
                raise KeyUnknown(f"{found.title} is not valid now: fetch Lakala's new one")
            return
    raise SignatureInvalid(f"signature does not match under {'; '.join(titles)}")


def _is_unsigned_error(delivery: Delivery) -> bool:
    if any(name == "lklapi-signature" for name, _ in delivery.headers):
        return False
    fields = canonical.json_fields(delivery.body) or {}
    code = fields.get("code", "")
    return bool(code) and code not in facts.DONE and not fields.get("resp_data")


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a notice of a payment, a refund or a void in any dialect, or an answer."""
    return facts.facts(delivery, account)


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return a code in JSON; anything else makes Lakala send the notice again."""
    return _ANSWERS[outcome]


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask by our order number; None without "private_key" and the account's numbers."""
    name = "out_order_no" if _product(account) == "cashier" else "out_trade_no"
    return _request(None, {name: reference}, reference, account, secrets, now, nonce)


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Close what is unpaid, void a scanned payment, or refund; the key is the operation's number.

    None without the account's numbers, for a refund without its amount, and for what the cashier
    cannot do.
    """
    wanted: dict[str, object]
    if _product(account) == "cashier" and deed.verb is Verb.CLOSE:
        wanted = {"out_order_no": deed.payment}
    else:
        wanted = {
            "origin_out_trade_no": deed.payment,
            "location_info": {"request_ip": account.options.get("request_ip", "127.0.0.1")},
        }
    if deed.verb in (Verb.VOID, Verb.REFUND):
        long = len(deed.key) > 32
        wanted["out_trade_no"] = sha256(deed.key.encode()).hexdigest()[:32] if long else deed.key
    if deed.verb is Verb.REFUND:
        amount = deed.amount_minor or deed.total_minor
        if not amount:
            return None
        wanted |= {"refund_amount": str(amount), "refund_reason": "退款"}
    return _request(deed.verb, wanted, deed.payment, account, secrets, now, nonce)


def _product(account: Account) -> str:
    return "cashier" if account.options.get("product") == "cashier" else "scan"


def _request(
    verb: Verb | None, wanted: dict[str, object], payment: str, account: Account,
    secrets: Secrets, now: Micros, nonce: str,
) -> Request | None:  # fmt: skip
    keys, path = secrets.get("private_key", ()), _PATHS.get((_product(account), verb))
    app_id, serial_no = (account.options.get(name, "") for name in ("app_id", "serial_no"))
    # A service provider's account has no merchant of its own; the accounts under it are asked for.
    merchant_no = account.options.get("merchant") or account.options.get("merchant_no", "")
    if not keys or path is None or not (app_id and serial_no and merchant_no):
        return None
    data = {"merchant_no": merchant_no, "term_no": account.options.get("term_no", ""), **wanted}
    sent = "".join(each for each in reading.wall_text(now) if each.isdigit())
    body = msgspec.json.encode({"req_time": sent, "version": "3.0", "req_data": data})
    at, nonce = str(now // 1_000_000), nonce[:32]
    text = f"{app_id}\n{serial_no}\n{at}\n{nonce}\n".encode() + body + b"\n"
    signature = crypto.rsa_sign(keys[0].reveal(), text)
    credentials = (
        f'appid="{app_id}",serial_no="{serial_no}",timestamp="{at}",nonce_str="{nonce}",'
        f'signature="{signature}"'
    )
    return Request(
        method="POST", url=account.options.get("api_base", _API_BASE).rstrip("/") + path,
        payment=payment, body=body, context=f"act:{verb.value}" if verb else "",
        headers=(("Content-Type", _JSON), ("Accept", _JSON),
                 ("Authorization", f"{_SCHEME} {credentials}")),
    )  # fmt: skip
