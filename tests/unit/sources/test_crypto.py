"""Signatures and seals: what is right is accepted, and foreign bytes are a plain "no"."""

import base64
import hmac
import json

import pytest

from tests.signers import private_pem, public_pem, rsa_key, self_signed
from voidtrail.errors import KeyUnknown
from voidtrail.sources import crypto


def test_hmac_is_the_standard_librarys():
    for size in (0, 1, 63, 64, 65, 5000):
        message = bytes(size)
        expected = hmac.new("whsec_ü".encode(), message, "sha256").hexdigest().encode()
        assert crypto.hmac_sha256_hex("whsec_ü", message) == expected


def test_any_key_counts_and_each_is_tried():
    left = [b"one", b"two", b"three"]
    assert crypto.any_same((left.pop(0) for _ in range(3)), "one")
    assert not left, "which key it was is not told by the time it takes"
    assert not crypto.any_same([b"one"], "One")
    assert not crypto.any_same([], "")


@pytest.mark.parametrize(
    "text", ["", "a", "aGk", "aG k=", "aGk=\n", "aGk==", "订单", "-_-_", "\udcff"]
)
def test_loose_base64_is_no_base64(text):
    assert crypto.from_base64(text) in (None, b"")
    assert crypto.from_base64(text) is None or text == ""


def test_signature_is_checked_under_every_form_of_a_key():
    key, message = rsa_key(), "订单".encode()
    signature = crypto.rsa_sign(private_pem(key), message)
    pem = public_pem(key)
    bare = "".join(pem.splitlines()[1:-1])
    for form in (pem, f"\n{pem}\n", bare, self_signed(key, 7)):
        assert crypto.rsa_verifies(form, signature, message)
        assert not crypto.rsa_verifies(form, signature, message + b" ")
        assert not crypto.rsa_verifies(form, signature, message, "sha1")
    assert not crypto.rsa_verifies(public_pem(rsa_key("other")), signature, message)


@pytest.mark.parametrize("signature", ["", "AA==", base64.b64encode(bytes(256)).decode(), "x"])
def test_foreign_signature_is_a_plain_no(signature):
    assert not crypto.rsa_verifies(public_pem(rsa_key()), signature, b"message")


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN PUBLIC KEY-----\nAA==\n"])
def test_key_that_is_none_is_a_wrong_setting(text):
    with pytest.raises(KeyUnknown):
        crypto.public_key(text)
    with pytest.raises(KeyUnknown):
        crypto.private_key(text)


def test_text_that_is_no_certificate_has_no_serial():
    with pytest.raises(KeyUnknown):
        crypto.certificate_serial("-----BEGIN CERTIFICATE-----")


def test_serial_of_a_certificate_is_bare_hex():
    assert crypto.certificate_serial(self_signed(rsa_key(), 0x0AB1)) == "AB1"


def test_published_seal_opens(shared):
    vector = json.loads((shared / "psp/wechatpay/vector_java_aead.json").read_text())
    sealed = [vector[name] for name in ("api_v3_key", "nonce", "associated_data", "ciphertext")]
    assert crypto.aes_gcm_open(*sealed) == vector["plaintext"].encode()
    for place, foreign in enumerate(("x" * 32, "x" * 12, "other", "AAAA")):
        changed = [foreign if place == at else text for at, text in enumerate(sealed)]
        assert crypto.aes_gcm_open(*changed) is None


@pytest.mark.parametrize("key", ["", "x" * 15, "x" * 31, "x" * 33])
def test_key_of_another_length_opens_nothing(key):
    assert crypto.aes_gcm_open(key, "uluk4a9R25RW", "", "A" * 64) is None
