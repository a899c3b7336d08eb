"""Signs letters as the platforms do, by the platforms' own SDKs where they can sign.

The SDKs belong to the optional group `simulate`; they are imported when the first letter is signed.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from voidtrail.testing.world.fact import Headers, Letter, Post
from voidtrail.testing.world.keys import RsaKeys, Secrets, private_pem, public_pem

_JSON = ("Content-Type", "application/json; charset=utf-8")
_FORGED = b"\x00" * 256


class Signer:
    """Turns letters into posts.

    Args:
        secrets: the shared secrets of every account.
        keys: gives the RSA keys when the first letter needs them.
    """

    def __init__(self, secrets: Secrets, keys: Callable[[], RsaKeys]) -> None:
        self.secrets = secrets
        self._keys = keys

    @cached_property
    def keys(self) -> RsaKeys:
        """The RSA keys of this world."""
        return self._keys()

    @cached_property
    def _alipay_sdk(self) -> Any:
        from alipay import AliPay

        return AliPay(
            appid="",
            app_private_key_string=private_pem(self.keys.alipay),
            alipay_public_key_string=public_pem(self.keys.alipay),
            sign_type="RSA2",
        )

    def sign(self, letter: Letter, signed_at: int, number: int = 0) -> Post:
        """Return the post of a letter.

        Args:
            letter: what is sent.
            signed_at: the real instant of signing, in Unix seconds: it stands in the signatures
                that carry one, and receivers refuse those that are minutes old.
            number: its place in the script.
        """
        if letter.spoil == "stale":
            signed_at -= 3600
        headers, body = getattr(self, f"_{letter.source}")(letter, signed_at)
        if letter.spoil == "body":
            body = body.replace(b"0", b"9", 1)
        elif letter.spoil == "missing":
            headers = tuple(pair for pair in headers if "ignature" not in pair[0])
            body = body.replace(b"&sign=", b"&unsigned=")
        return Post(
            number, letter.at, letter.sent_at, letter.source, letter.account, letter.path,
            headers, body, 401 if letter.spoil else 200,
        )  # fmt: skip

    def _stripe(self, letter: Letter, signed_at: int) -> tuple[Headers, bytes]:
        from stripe import WebhookSignature

        secret = self.secrets.stripe_signing(letter.account)
        if letter.spoil == "key":
            secret = secret[::-1]
        header = WebhookSignature.generate_signature_header(
            letter.body.decode(), secret, timestamp=signed_at
        )
        return (_JSON, ("User-Agent", "Stripe/1.0"), ("Stripe-Signature", header)), letter.body

    def _storefront(self, letter: Letter, signed_at: int) -> tuple[Headers, bytes]:
        key = self.secrets.storefront(letter.account)
        if letter.spoil == "key":
            key = key[::-1]
        mac = hmac.digest(key.encode(), f"{signed_at}.".encode() + letter.body, "sha256").hex()
        return (_JSON, ("Voidtrail-Signature", f"t={signed_at},v1={mac}")), letter.body

    def _alipay(self, letter: Letter, signed_at: int) -> tuple[Headers, bytes]:
        """Sign a form; its signature carries no instant."""
        charset = "GBK" if b"charset=GBK" in letter.body else "utf-8"
        headers = (("Content-Type", f"application/x-www-form-urlencoded; charset={charset}"),)
        if letter.spoil == "key":
            signature = base64.b64encode(_FORGED).decode()
            return headers, letter.body + b"&sign_type=RSA2&sign=" + quote_plus(signature).encode()
        form = dict(parse_qsl(letter.body.decode(), encoding=charset))
        if charset == "utf-8":
            return headers, self._alipay_sdk.sign_data(form).encode() + b"&sign_type=RSA2"
        # The SDK signs UTF-8 only; Alipay signs the bytes of the form's own character set.
        text = "&".join(f"{name}={value}" for name, value in sorted(form.items()))
        raw = self.keys.alipay.sign(text.encode("gb18030"), PKCS1v15(), hashes.SHA256())
        sign = quote_plus(base64.b64encode(raw).decode()).encode()
        return headers, letter.body + b"&sign_type=RSA2&sign=" + sign

    def alipay_answer(self, name: str, inner: bytes) -> bytes:
        """Return the signed answer of the gateway around the exact bytes `inner`."""
        raw = self.keys.alipay.sign(inner, PKCS1v15(), hashes.SHA256())
        sign = base64.b64encode(raw).decode()
        return b'{"%s":%s,"sign":"%s"}' % (name.encode(), inner, sign.encode())

    def wechatpay_headers(self, body: bytes, signed_at: int, nonce: str) -> Headers:
        """Return the headers that prove WeChat's own bodies, pushed or answered."""
        from wechatpayv3.utils import rsa_sign

        text = f"{signed_at}\n{nonce}\n{body.decode()}\n"
        return (
            ("Content-Type", "application/json"),
            ("Wechatpay-Timestamp", str(signed_at)),
            ("Wechatpay-Nonce", nonce),
            ("Wechatpay-Serial", self.secrets.wechatpay_public_id),
            ("Wechatpay-Signature", rsa_sign(self.keys.wechatpay, text)),
            ("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048"),
        )

    def _wechatpay(self, letter: Letter, signed_at: int) -> tuple[Headers, bytes]:
        nonce = f"{hash_of(letter.body)}{letter.copy:02d}"
        headers = self.wechatpay_headers(letter.body, signed_at, nonce)
        forged = {
            "key": base64.b64encode(_FORGED).decode(),
            "probe": "WECHATPAY/SIGNTEST/" + base64.b64encode(_FORGED).decode()[:320],
        }.get(letter.spoil)
        if forged:
            headers = tuple(
                (name, forged if name == "Wechatpay-Signature" else value)
                for name, value in headers
            )
        return headers, letter.body


def hash_of(body: bytes) -> str:
    """Return 30 hex digits of a body, as a nonce that the seed fixes."""
    return hmac.digest(b"nonce", body, "sha256").hex()[:30].upper()
