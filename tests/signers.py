"""Genuine deliveries, signed by the platforms' own SDKs and not by our idea of a signature."""

import base64
import json
import os
from functools import cache
from urllib.parse import quote_plus

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voidtrail.event.account import Account, Secret
from voidtrail.event.model import Delivery, Unreadable, Via
from voidtrail.testing.contract import Genuine

NOW_S = 1_750_000_000
NOW = NOW_S * 1_000_000
STRIPE_SECRET = "whsec_test_secret"
WECHAT_SERIAL = "PUB_KEY_ID_0114232134912410000000000000"
API_V3_KEY = "AES256Key-32Characters1234567890"
STRIPE = Account(source="stripe", name="main")
ALIPAY = Account(source="alipay", name="main")
WECHATPAY = Account(source="wechatpay", name="main")


@cache
def rsa_key(name="platform"):
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def self_signed(key, serial):
    from datetime import UTC, datetime

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "platform")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2035, 1, 1, tzinfo=UTC))
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def secrets(**texts):
    return {
        purpose: tuple(Secret(text) for text in ((value,) if isinstance(value, str) else value))
        for purpose, value in texts.items()
    }


def events(source, delivery, account, keys):
    """Translate what must be readable."""
    found = source.translate(delivery, account, keys)
    assert not isinstance(found, Unreadable), found
    return found


# ------------------------------------------------------------------------------------------ Stripe


def stripe_header(body, secret=STRIPE_SECRET, at_s=NOW_S):
    from stripe import WebhookSignature

    signature = WebhookSignature._compute_signature(f"{at_s}.{body.decode()}", secret)
    return f"t={at_s},v1={signature}"


def stripe_body(kind, obj, *, livemode=True, created=NOW_S - 60, event_id="evt_1"):
    event = {
        "id": event_id,
        "object": "event",
        "api_version": "2025-04-30.basil",
        "created": created,
        "data": {"object": obj},
        "livemode": livemode,
        "type": kind,
    }
    return json.dumps(event, indent=2).encode()


def stripe(body, **changes):
    delivery = Delivery(
        source="stripe",
        account="main",
        received_at=NOW,
        body=body,
        headers=(("content-type", "application/json"), ("stripe-signature", stripe_header(body))),
    )
    return Genuine(delivery, secrets(signing=STRIPE_SECRET), NOW)


def asked(source, body, request, headers=()):
    return Delivery(
        source=source,
        account="main",
        received_at=NOW,
        body=body,
        headers=headers,
        via=Via.ASKED,
        request=request,
    )


# ------------------------------------------------------------------------------------------ Alipay


def alipay_sdk(sign_type="RSA2"):
    from alipay import AliPay

    key = rsa_key()
    return AliPay(
        appid="9021000122682882",
        app_private_key_string=private_pem(key),
        alipay_public_key_string=public_pem(key),
        sign_type=sign_type,
    )


def alipay_form(fields, *, sign_type="RSA2", charset="utf-8", extra=()):
    """Sign a notice as Alipay does and encode it; `extra` are parameters of our own address."""
    fields = {"charset": charset, **fields}
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value)
    if charset == "utf-8":
        sign = alipay_sdk(sign_type)._sign(text)
    else:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

        raw = rsa_key().sign(text.encode(charset), PKCS1v15(), hashes.SHA256())
        sign = base64.b64encode(raw).decode()
    pairs = [*fields.items(), ("sign_type", sign_type), ("sign", sign), *extra]
    return "&".join(
        f"{name}={quote_plus(value, encoding=charset)}" for name, value in pairs
    ).encode()


def alipay(body):
    delivery = Delivery(source="alipay", account="main", received_at=NOW, body=body)
    return Genuine(delivery, secrets(public_key=public_pem(rsa_key())), NOW)


def alipay_answer(fields, name="alipay_trade_query_response"):
    """Sign an answer as the gateway does: over the bytes of its value, escapes included."""
    value = json.dumps(fields, ensure_ascii=False).replace("/", "\\/")
    sign = alipay_sdk()._sign(value)
    return f'{{"{name}":{value},"sign":"{sign}"}}'.encode()


# -------------------------------------------------------------------------------------- WeChat Pay


def wechatpay_headers(body, *, at_s=NOW_S, serial=WECHAT_SERIAL, nonce="EcZ9Cmy4Xyx1i6RlJQzLcCyE"):
    from wechatpayv3.utils import rsa_sign

    signature = rsa_sign(rsa_key(), f"{at_s}\n{nonce}\n{body.decode()}\n")
    return (
        ("wechatpay-timestamp", str(at_s)),
        ("wechatpay-nonce", nonce),
        ("wechatpay-serial", serial),
        ("wechatpay-signature", signature),
        ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048"),
    )


def wechatpay_body(kind, plain, *, key=API_V3_KEY, notice_id="EV-1"):
    nonce = base64.b32encode(os.urandom(8))[:12]
    text = json.dumps(plain, ensure_ascii=False).encode() if isinstance(plain, dict) else plain
    sealed = AESGCM(key.encode()).encrypt(nonce, text, b"transaction")
    return json.dumps(
        {
            "id": notice_id,
            "create_time": "2025-06-15T23:06:39+08:00",
            "resource_type": "encrypt-resource",
            "event_type": kind,
            "summary": "通知",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": base64.b64encode(sealed).decode(),
                "nonce": nonce.decode(),
                "associated_data": "transaction",
                "original_type": "transaction",
            },
        },
        ensure_ascii=False,
    ).encode()


def wechatpay(body):
    delivery = Delivery(
        source="wechatpay",
        account="main",
        received_at=NOW,
        body=body,
        headers=wechatpay_headers(body),
    )
    keys = secrets(platform_key=f"{WECHAT_SERIAL}={public_pem(rsa_key())}", api_v3_key=API_V3_KEY)
    return Genuine(delivery, keys, NOW)
