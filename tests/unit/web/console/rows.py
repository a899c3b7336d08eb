"""A payment's row as pages get it."""

from voidtrail.runtime.views.shapes import Amount, PaymentRow

BEGAN = 1_773_720_000_000_000  # 2026-03-17T12:00:00+08:00


def row(**changes):
    """Return a payment that its customer called off, with changes."""
    said = {
        "payment": "alipay/main/2026", "reference": "2026", "order": "HT1", "state": "cancelled",
        "how": "customer_cancelled", "actor": "customer", "money": "none",
        "amount": Amount(minor=12800, currency="CNY"), "source": "alipay", "account": "main",
        "method": "alipay_qr", "channel": "online", "shop": "hutong", "entity": "hz", "test": False,
        "final": True, "sealed": True, "began_at": BEGAN, "ended_at": BEGAN + 60_000_000,
        "saveable": False, "save_until": None, "zone": "Asia/Shanghai",
    }  # fmt: skip
    return PaymentRow(**{**said, **changes})
