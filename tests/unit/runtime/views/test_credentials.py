"""The self-test of secrets: what is wrong is named, what is right is never shown."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from voidtrail.event.account import Account, Secret
from voidtrail.runtime.views.credentials import self_test
from voidtrail.sources.registry import SOURCES

NOW = 1_773_730_000_000_000
DAY = 86_400_000_000
KEY = rsa.generate_private_key(65537, 2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def certificate(first, last):
    """A certificate of ours, valid from one day to another, counted from now."""
    now = datetime.fromtimestamp(NOW / 1e6, UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pay.example")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
        .serial_number(7).not_valid_before(now + timedelta(days=first))
        .not_valid_after(now + timedelta(days=last)).sign(KEY, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM).decode()


def check(source, **secrets):
    entry = SimpleNamespace(
        account=Account(source=source, name="main"), source=SOURCES[source],
        secrets={name: (Secret(text),) for name, text in secrets.items()},
    )  # fmt: skip
    return {each.purpose: each for each in self_test(entry, NOW)}


def test_keys_that_can_sign_and_be_checked_are_good():
    found = check("alipay", public_key=PUBLIC, private_key=PRIVATE)
    assert {name: each.result for name, each in found.items()} == {
        "public_key": "good", "private_key": "good",
    }  # fmt: skip
    assert found["public_key"].needed
    assert not found["private_key"].needed


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("whsec_abc ", "blanks"), ("changeme-please", "placeholder"), ("<secret>", "placeholder"),
        ("kurz", "short"), ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                            "unreadable"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "unreadable"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_secret_is_named(secret, why):
    found = check("stripe", signing=secret)["signing"]
    assert (found.result, found.why) == ("broken", why)
    assert secret not in repr(found)


def test_a_secret_that_is_needed_and_not_given_is_missing():
    found = check("stripe")["signing"]
    assert (found.result, found.why, found.needed) == ("missing", "absent", True)


@pytest.mark.parametrize(
    ("first", "last", "result", "why"),
    [(-10, 300, "good", ""), (-10, 20, "soon", ""), (-10, -1, "broken", "expired"),
     (1, 300, "broken", "not_yet")],
)  # fmt: skip
def test_a_certificate_is_good_until_its_last_day(first, last, result, why):
    found = check("paypal", certificate=certificate(first, last))["certificate"]
    assert (found.result, found.why) == (result, why)
    assert found.until == NOW // 1_000_000 * 1_000_000 + last * DAY
    assert "pay.example" in found.detail


def test_the_key_of_wechat_pay_has_its_length_and_the_one_of_adyen_is_hex():
    assert check("wechatpay", api_v3_key="k" * 31)["api_v3_key"].why == "length"
    assert check("wechatpay", api_v3_key="k" * 32)["api_v3_key"].result == "good"
    assert check("adyen", hmac="no hex at all")["hmac"].why == "unreadable"
    assert check("adyen", hmac="44782DEF547AAA06")["hmac"].result == "good"
