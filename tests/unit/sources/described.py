"""Descriptions for tests, and signers by the standard library, not by our canonical text."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

from tests.signers import NOW, secrets
from voidtrail.event.account import Account
from voidtrail.event.model import QUERY, Delivery, Via
from voidtrail.sources import custom
from voidtrail.testing.contract import Genuine

FACTS = """
currency = "CNY"

[fields]
payment = "trade_no"
order = "order_no"
status = "status"
amount = "amount"

[status]
"PAID" = { kind = "CAPTURE", result = "SUCCEEDED" }
"CLOSED" = { kind = "CANCEL", result = "SUCCEEDED", reason = "closed_unpaid" }
"""
HMAC = """
title = "Test"
signature = { algorithm = "hmac-sha256", at = "header:X-Sign", text = "{body}" }
"""
PAID = {"trade_no": "T1", "order_no": "A1", "status": "PAID", "amount": "1230"}


def account(text):
    return Account(source="custom", name="main", options={"description": text})


def source(text):
    return custom.described(account(text))


def delivery(body, headers=(), query="", via=Via.PUSH):
    if isinstance(body, dict):
        body = json.dumps(body, ensure_ascii=False).encode()
    headers = (*headers, (QUERY, query)) if query else headers
    return Delivery(source="custom", account="main", received_at=NOW, body=body, headers=headers,
                    via=via, request="T1" if via is Via.ASKED else "")  # fmt: skip


def genuine(body, headers=(), query="", **keys):
    return Genuine(delivery(body, headers, query), secrets(**keys), NOW)


def signed(body, key="key", digest="sha256"):
    """A body whose HMAC stands in the header of `HMAC`."""
    made = hmac.new(key.encode(), body, digest).hexdigest()
    return genuine(body, (("x-sign", made),), signing=key)


def md5_upper(fields, key):
    """A form as older Chinese platforms sign it."""
    text = "&".join(f"{k}={fields[k]}" for k in sorted(fields) if fields[k]) + f"&key={key}"
    sign = hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest().upper()
    return urlencode({**fields, "sign": sign}).encode()
