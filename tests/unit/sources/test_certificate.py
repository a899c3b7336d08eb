"""Certificates: whose, until when, by whom, and each refusal names the one it is about."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.signers import rsa_key
from voidtrail.errors import KeyUnknown
from voidtrail.sources import certificate

NAME = "messageverificationcerts.paypal.com"
FROM = datetime(2025, 1, 1, tzinfo=UTC)
UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
AT = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000


def issued(name=NAME, by=None, *, key="leaf", ca=False, serial=0xAB, until=UNTIL):
    """A certificate of a name; `by` is (name, key) of who issued it, else it issued itself."""
    issuer, issuer_key = by or (name, key)
    subject, above = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer)
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above)
        .public_key(rsa_key(key).public_key())
        .serial_number(serial)
        .not_valid_before(FROM)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    done = built.sign(rsa_key(issuer_key), hashes.SHA256())
    return done.public_bytes(serialization.Encoding.PEM).decode()


def test_valid_certificate_of_the_right_name_counts():
    certificate.check(issued(), AT, (NAME,))
    assert certificate.named(issued()) == f"certificate '{NAME}' (serial AB, not after 2026-01-01)"


@pytest.mark.parametrize(
    ("days", "why"), [(366, "had expired"), (-1, "not valid yet")], ids=["after", "before"]
)
def test_certificate_out_of_its_time_names_itself(days, why):
    at = int((FROM + timedelta(days=days)).timestamp()) * 1_000_000
    with pytest.raises(KeyUnknown, match=rf"serial AB, not after 2026-01-01.*{why}"):
        certificate.check(issued(), at, (NAME,))


def test_certificate_of_another_name_names_itself():
    with pytest.raises(KeyUnknown, match=r"'evil\.example' \(serial AB.*expected message"):
        certificate.check(issued("evil.example"), AT, (NAME,))


@pytest.mark.parametrize("text", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_text_without_a_certificate_is_refused(text):
    with pytest.raises(KeyUnknown, match="PEM"):
        certificate.check(text, AT, (NAME,))


ROOT = issued("Root", key="root", ca=True)
MIDDLE = issued("Middle", ("Root", "root"), key="middle", ca=True)
LEAF = issued(by=("Middle", "middle"))


@pytest.mark.parametrize(
    ("pem", "roots"),
    [
        (LEAF, (MIDDLE,)),
        (LEAF + MIDDLE, (ROOT,)),
        (LEAF + MIDDLE, (MIDDLE + ROOT,)),
        (LEAF, (issued("Other", key="other", ca=True), MIDDLE)),
        (issued(), (issued(),)),
    ],
)
def test_chain_to_a_configured_authority_counts(pem, roots):
    certificate.check(pem, AT, (NAME,), roots)


@pytest.mark.parametrize(
    ("pem", "roots"),
    [
        (LEAF, (ROOT,)),
        (issued(), (ROOT,)),
        (issued(by=("Root", "other")), (ROOT,)),
        (LEAF + issued("Middle", ("Root", "root"), key="middle"), (ROOT,)),
        (LEAF + MIDDLE, (issued("Root", key="other", ca=True),)),
    ],
    ids=["without the middle", "by itself", "in its name", "by no authority", "another root"],
)
def test_chain_to_nobody_is_refused(pem, roots):
    with pytest.raises(KeyUnknown, match="issued by none of the configured"):
        certificate.check(pem, AT, (NAME,), roots)
