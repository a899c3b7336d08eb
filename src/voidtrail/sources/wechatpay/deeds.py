"""What WeChat Pay is asked and told, as signed requests: question, closing, refund, pay code."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Deed, Micros, Request, Verb
from voidtrail.sources import crypto
from voidtrail.sources.contract import first

UNDECIDED: Final = frozenset(
    {"SYSTEM_ERROR", "SYSTEMERROR", "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "USERPAYING",
     "BIZERR_NEED_RETRY", "SIGN_ERROR", "NOT_ENOUGH", "RATELIMIT_EXCEEDED", "ACCOUNT_ERROR"}
)  # fmt: skip
"""Codes after which a deed may still be done, if it is ordered again under the same number."""
_SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
_API_BASE: Final = "https://api.mch.weixin.qq.com"
_JSON: Final = "application/json"
_TRADE: Final = "transactions/out-trade-no/"


def query(
    reference: str, account: Account, secrets: Secrets, now: Micros, nonce: str
) -> Request | None:
    """Ask for a transaction by `out_trade_no`; None without key, certificate serial and mchid."""
    mchid, sub = _setting("mchid", account, secrets), sub_merchant(account)
    path = f"/v3/pay/{_TRADE}{quote(reference, safe='')}?mchid={mchid}"
    if sub:
        path = f"/v3/pay/partner/{_TRADE}{quote(reference, safe='')}?sp_mchid={mchid}"
        path += f"&sub_mchid={sub}"
    return _signed("GET", path, b"", reference, "", account, secrets, now, nonce)


def act(deed: Deed, account: Account, secrets: Secrets, now: Micros, nonce: str) -> Request | None:
    """Close an order, refund, or make a native code to pay by.

    A closing is once by its nature; a refund is once by its number, the deed's key.
    """
    found = _told(deed, account, _setting("mchid", account, secrets))
    if found is None:
        return None
    path, content = found
    body, context = msgspec.json.encode(content), f"act:{deed.verb.value}"
    return _signed("POST", path, body, deed.payment, context, account, secrets, now, nonce)


def sub_merchant(account: Account) -> str:
    """Return the sub-merchant for whom a service provider asks; "" if the account is direct."""
    return first(account.options.get("sub_mchid"), account.options.get("merchant"))


def _told(deed: Deed, account: Account, mchid: str) -> tuple[str, dict[str, object]] | None:
    """Return the path and the content of a deed, or None if WeChat Pay cannot do it."""
    sub = sub_merchant(account)
    whose = {"sp_mchid": mchid, "sub_mchid": sub} if sub else {"mchid": mchid}
    room = "/v3/pay/partner/" if sub else "/v3/pay/"
    if deed.verb is Verb.CLOSE:
        return f"{room}{_TRADE}{quote(deed.payment, safe='')}/close", dict(whose)
    if deed.amount_minor is None:
        return None
    currency = deed.currency or "CNY"
    if deed.verb is Verb.REFUND:
        total = deed.amount_minor if deed.total_minor is None else deed.total_minor
        amount = {"refund": deed.amount_minor, "total": total, "currency": currency}
        return "/v3/refund/domestic/refunds", {
            **({"sub_mchid": sub} if sub else {}),
            "out_trade_no": deed.payment,
            "out_refund_no": deed.key,
            "amount": amount,
        }
    appid, told = account.options.get("appid"), account.options.get("notify_url")
    if deed.verb is not Verb.PAY_LINK or not appid or not told:
        return None
    return f"{room}transactions/native", {
        ("sp_appid" if sub else "appid"): appid,
        **whose,
        "description": deed.order or deed.payment,
        "out_trade_no": deed.payment,
        "notify_url": told,
        "amount": {"total": deed.amount_minor, "currency": currency},
    }


def _signed(
    method: str, path: str, body: bytes, payment: str, context: str, account: Account,
    secrets: Secrets, now: Micros, nonce: str,
) -> Request | None:  # fmt: skip
    """Return a request with its signature, or None without key, certificate serial and mchid."""
    keys = secrets.get("private_key", ())
    serial, mchid = _setting("serial_no", account, secrets), _setting("mchid", account, secrets)
    if not keys or not serial or not mchid:
        return None
    url = account.options.get("api_base", _API_BASE).rstrip("/") + path
    split, at = urlsplit(url), now // 1_000_000
    place = split.path + (f"?{split.query}" if split.query else "")
    text = f"{method}\n{place}\n{at}\n{nonce}\n".encode() + body + b"\n"
    signature = crypto.rsa_sign(keys[0].reveal(), text)
    credentials = (
        f'mchid="{mchid}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{at}",serial_no="{serial}"'
    )
    headers: tuple[tuple[str, str], ...] = (
        ("Accept", _JSON), ("Authorization", f"{_SCHEME} {credentials}"),
    )  # fmt: skip
    if body:
        headers = (*headers, ("Content-Type", _JSON))
    return Request(method=method, url=url, payment=payment, headers=headers, body=body,
                   context=context)  # fmt: skip


def _setting(name: str, account: Account, secrets: Secrets) -> str:
    return account.options.get(name) or first(*(s.reveal() for s in secrets.get(name, ())))
