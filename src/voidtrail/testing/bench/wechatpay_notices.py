"""WeChat Pay API v3 notices: an AES-GCM sealed resource, the whole signed by RSA in the headers."""

import base64
import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_HEX = "0123456789ABCDEF"
_BEIJING_OFFSET = timedelta(hours=8)
# Ordinary payments push nothing when they are closed: only success and refunds are told.
_STORIES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.5, ("TRANSACTION.SUCCESS", "REFUND.SUCCESS")),
    (0.5, ("TRANSACTION.SUCCESS", "REFUND.ABNORMAL", "REFUND.SUCCESS")),
)


def signature_headers(
    body: bytes, key: rsa.RSAPrivateKey, serial: str, at_unix: int, nonce: str
) -> tuple[tuple[str, str], ...]:
    """Return the five `Wechatpay-...` headers for a body.

    Args:
        body: The exact bytes of the request.
        key: The platform's private key.
        serial: The serial of its certificate, or the id of its public key.
        at_unix: The instant of signing, in Unix seconds.
        nonce: Any text; not the nonce of the resource.

    Returns:
        Pairs of name and value.
    """
    text = f"{at_unix}\n{nonce}\n".encode() + body + b"\n"
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return (
        ("Wechatpay-Timestamp", str(at_unix)),
        ("Wechatpay-Nonce", nonce),
        ("Wechatpay-Serial", serial),
        ("Wechatpay-Signature", base64.b64encode(signature).decode()),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048"),
    )


def payment(
    rng: random.Random, at_unix: int, api_v3_key: str, mchid: str, appid: str
) -> list[tuple[str, bytes]]:
    """Return the notices of one payment, in order, as pairs of notice id and body.

    Args:
        rng: The source of every id, nonce and amount.
        at_unix: When the payment was made, in Unix seconds.
        api_v3_key: The merchant's key for resources, 32 ASCII characters.
        mchid: The merchant's number.
        appid: The merchant's application.

    Returns:
        Two or three pairs.
    """
    story = rng.choices([types for _, types in _STORIES], [weight for weight, _ in _STORIES])[0]
    total = rng.randrange(100, 900_000)
    paid_at = datetime.fromtimestamp(at_unix, UTC) + _BEIJING_OFFSET
    ids = {
        "mchid": mchid,
        "out_trade_no": f"{paid_at:%Y%m%d}{rng.randrange(10**12):012d}",
        "transaction_id": f"42000{rng.randrange(10**23):023d}",
    }
    refund_id = f"503{rng.randrange(10**25):025d}"
    notices = []
    for step, kind in enumerate(story):
        now = f"{paid_at + timedelta(seconds=step):%Y-%m-%dT%H:%M:%S}+08:00"
        if kind == "TRANSACTION.SUCCESS":
            plain = _transaction(ids, appid, total, now, f"o{rng.getrandbits(100):027x}")
        else:
            plain = _refund(ids, refund_id, kind.removeprefix("REFUND."), total, now)
        notice_id = f"EV-{rng.randrange(10**20):020d}"
        nonce = "".join(rng.choices(_HEX, k=12))
        notices.append((notice_id, _sealed(notice_id, kind, plain, now, nonce, api_v3_key)))
    return notices


def _sealed(
    notice_id: str, kind: str, plain: Mapping[str, object], now: str, nonce: str, api_v3_key: str
) -> bytes:
    original = kind.split(".", 1)[0].lower()
    sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), _compact(plain), original.encode())
    return _compact(
        {
            "id": notice_id,
            "create_time": now,
            "resource_type": "encrypt-resource",
            "event_type": kind,
            "summary": "支付成功" if original == "transaction" else "退款通知",
            "resource": {
                "original_type": original,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "associated_data": original,
                "nonce": nonce,
            },
        }
    )


def _transaction(
    ids: Mapping[str, str], appid: str, total: int, now: str, openid: str
) -> dict[str, object]:
    return {
        **ids,
        "appid": appid,
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": now,
        "payer": {"openid": openid},
        "amount": {
            "total": total,
            "payer_total": total,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }


def _refund(
    ids: Mapping[str, str], refund_id: str, status: str, total: int, now: str
) -> dict[str, object]:
    refund: dict[str, object] = {
        **ids,
        "out_refund_no": f"R{ids['out_trade_no']}",
        "refund_id": refund_id,
        "refund_status": status,
        "user_received_account": "支付用户零钱",
        "amount": {"total": total, "refund": total, "payer_total": total, "payer_refund": total},
    }
    if status == "SUCCESS":
        refund["success_time"] = now
    return refund


def _compact(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
