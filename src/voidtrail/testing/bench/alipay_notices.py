"""Alipay's asynchronous notices: URL-encoded forms with an RSA2 signature among the fields."""

import base64
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# How a payment goes, and how often: the notices of its trade, in order.
_STORIES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.45, ("created", "paid")),
    (0.35, ("created", "closed")),
    (0.20, ("created", "paid", "refunded")),
)
_BEIJING_OFFSET = timedelta(hours=8)
_INSTANT = "%Y-%m-%d %H:%M:%S"


def signed_text(form: Mapping[str, str]) -> str:
    """Return the text that Alipay signs: sorted `k=v` pairs without `sign`, `sign_type`, empties.

    Args:
        form: The decoded fields of the notice.

    Returns:
        The pairs joined by `&`, values as they are.
    """
    return "&".join(
        f"{name}={value}"
        for name, value in sorted(form.items())
        if value and name not in ("sign", "sign_type")
    )


def payment(
    rng: random.Random, at_unix: int, app_id: str, key: rsa.RSAPrivateKey
) -> list[tuple[str, bytes]]:
    """Return the notices of one trade, in order, as pairs of notify id and signed body.

    Args:
        rng: The source of every id and amount.
        at_unix: When the trade was created, in Unix seconds.
        app_id: The merchant's application.
        key: The platform's private key.

    Returns:
        Two or three pairs.
    """
    story = rng.choices([steps for _, steps in _STORIES], [weight for weight, _ in _STORIES])[0]
    day = datetime.fromtimestamp(at_unix, UTC) + _BEIJING_OFFSET
    trade = {
        "app_id": app_id,
        "auth_app_id": app_id,
        "buyer_id": f"2088{rng.randrange(10**12):012d}",
        "charset": "utf-8",
        "gmt_create": day.strftime(_INSTANT),
        "notify_type": "trade_status_sync",
        "out_trade_no": f"{day:%Y%m%d}{rng.randrange(10**12):012d}",
        "seller_id": "2088721003899159",
        "subject": f"订单 {rng.randrange(10**6)} + 1",
        "total_amount": f"{rng.randrange(1, 9_000)}.{rng.randrange(100):02d}",
        "trade_no": f"{day:%Y%m%d}22001{rng.randrange(10**15):015d}",
        "version": "1.0",
    }
    notices = []
    for step, what in enumerate(story):
        now = (day + timedelta(seconds=step)).strftime(_INSTANT)
        notify_id = f"{day:%Y%m%d}01222{rng.randrange(10**21):021d}"
        form = {**trade, **_fields(what, trade, now), "notify_id": notify_id, "notify_time": now}
        signature = key.sign(signed_text(form).encode(), padding.PKCS1v15(), hashes.SHA256())
        form["sign"] = base64.b64encode(signature).decode()
        form["sign_type"] = "RSA2"
        notices.append((notify_id, urlencode(form).encode()))
    return notices


def _fields(what: str, trade: Mapping[str, str], now: str) -> dict[str, str]:
    if what == "created":
        return {"trade_status": "WAIT_BUYER_PAY"}
    if what == "closed":
        return {"trade_status": "TRADE_CLOSED", "gmt_close": now, "refund_fee": "0.00"}
    total = trade["total_amount"]
    paid = {
        "trade_status": "TRADE_SUCCESS",
        "buyer_pay_amount": total,
        "fund_bill_list": f'[{{"amount":"{total}","fundChannel":"ALIPAYACCOUNT"}}]',
        "gmt_payment": now,
        "invoice_amount": total,
        "point_amount": "0.00",
        "receipt_amount": total,
    }
    if what == "paid":
        return paid
    return {
        **paid,
        "trade_status": "TRADE_CLOSED",
        "gmt_refund": f"{now}.143",
        "out_biz_no": f"refund-{trade['out_trade_no']}",
        "refund_fee": total,
    }
