"""Two ways to verify an Alipay RSA2 notification: the SDK's, and the faster library's."""

import base64
from collections.abc import Callable

from alipay import AliPay
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Verifier = Callable[[dict[str, str], str], bool]


def alipay_verifier(kind: str, app_id: str, public_key_pem: str) -> Verifier:
    """Return a function that says whether a form without `sign` bears this signature.

    The SDK wants an application's private key too, which receiving does not need: a throw-away one
    is made.
    """
    if kind == "cryptography":
        return _with_cryptography(public_key_pem)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private_key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
    client = AliPay(
        appid=app_id,
        app_notify_url=None,
        app_private_key_string=private_key_pem,
        alipay_public_key_string=public_key_pem,
        sign_type="RSA2",
    )
    return client.verify


def _with_cryptography(public_key_pem: str) -> Verifier:
    key = serialization.load_pem_public_key(public_key_pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)

    def verify(form: dict[str, str], signature: str) -> bool:
        form.pop("sign_type", None)
        text = "&".join(f"{name}={value}" for name, value in sorted(form.items()) if value)
        try:
            key.verify(
                base64.b64decode(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (ValueError, InvalidSignature):
            return False
        return True

    return verify
