"""A described platform is held to the contract of any source, whatever its rule of signing."""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from tests.signers import NOW, NOW_S, public_pem, rsa_key, secrets
from tests.unit.sources import described
from tests.unit.sources.described import FACTS, HMAC, PAID, genuine
from voidtrail.errors import (
    AccountMismatch,
    KeyUnknown,
    SettingInvalid,
    SettingUnknown,
    SignatureExpired,
    SignatureInvalid,
    SignatureMissing,
)
from voidtrail.event.account import Account
from voidtrail.event.model import Kind, Unreadable
from voidtrail.sources import custom
from voidtrail.sources.contract import Outcome
from voidtrail.testing import contract

BODY = json.dumps(PAID).encode()
SORTED = "amount=1230&order_no=A1&status=PAID&trade_no=T1"
VALUES = "A1T1PAID1230key"


def _rsa(text, digest=hashes.SHA256):
    return base64.b64encode(rsa_key().sign(text.encode(), PKCS1v15(), digest())).decode()


def _mac(text, digest="sha256", key=b"key"):
    return hmac.new(key, text if isinstance(text, bytes) else text.encode(), digest)


def _json(sign):
    return json.dumps({**PAID, "sign": sign}).encode()


PUBLIC = {"public_key": public_pem(rsa_key())}
KEY = {"signing": "key"}
LAKALA = f'S timestamp="{NOW_S}",\nnonce_str="n1",\r\n signature="{{}}"'
RULES = {
    "HMAC of the body in a header": (
        'algorithm = "hmac-sha256"\nat = "header:X-Sign"\ntext = "{body}"',
        genuine(BODY, (("x-sign", _mac(BODY).hexdigest()),), **KEY),
    ),
    "HMAC-SHA512 in upper-case hex of sorted fields": (
        'algorithm = "hmac-sha512"\nat = "sign"',
        genuine(_json(_mac(SORTED, "sha512").hexdigest().upper()), **KEY),
    ),
    "HMAC-SHA1 in base64 with a key in hex": (
        'algorithm = "hmac-sha1"\nat = "sign"\nencoding = "base64"\nkey = "hex"',
        genuine(
            _json(base64.b64encode(_mac(SORTED, "sha1", b"\x01\x02").digest()).decode()),
            signing="0102",
        ),
    ),
    "HMAC with a key in base64": (
        'algorithm = "hmac-sha256"\nat = "sign"\nkey = "base64"',
        genuine(_json(_mac(SORTED, key=b"\xff\x00").hexdigest()), signing="/wA="),
    ),
    "MD5 of a sorted form with the key behind": (
        'algorithm = "md5"\nat = "sign"\ntext = "{fields}&key={secret}"',
        genuine(described.md5_upper(PAID, "key"), **KEY),
    ),
    "SHA1 of values in an order, the key behind": (
        'algorithm = "sha1"\nat = "sign"\ntext = "{fields}{secret}"\nsort = false\n'
        'order = ["order_no", "trade_no", "status", "amount"]\nnames = false\nbetween = ""',
        genuine(_json(hashlib.sha1(VALUES.encode()).hexdigest()), **KEY),
    ),
    "RSA over sorted fields": (
        'algorithm = "rsa-sha256"\nat = "sign"',
        genuine(_json(_rsa(SORTED)), **PUBLIC),
    ),
    "RSA-SHA1 in hex": (
        'algorithm = "rsa-sha1"\nat = "sign"\nencoding = "hex"',
        genuine(_json(base64.b64decode(_rsa(SORTED, hashes.SHA1)).hex()), **PUBLIC),
    ),
    "RSA over the hex hash, as UnionPay": (
        'algorithm = "rsa-sha256"\nat = "sign"\nhashed = "sha256"',
        genuine(_json(_rsa(hashlib.sha256(SORTED.encode()).hexdigest())), **PUBLIC),
    ),
    "RSA over lines in parts of a header with line breaks, as Lakala": (
        'algorithm = "rsa-sha256"\nat = "header:Authorization#signature"\n'
        'text = "{timestamp}\\n{header:Authorization#nonce_str}\\n{body}\\n"\n'
        '[timestamp]\nat = "header:Authorization#timestamp"',
        genuine(
            BODY,
            (("authorization", LAKALA.format(_rsa(f"{NOW_S}\nn1\n{BODY.decode()}\n"))),),
            **PUBLIC,
        ),
    ),
    "HMAC over a timestamp and the body, as Stripe": (
        'algorithm = "hmac-sha256"\nat = "header:Sig#v1"\ntext = "{timestamp}.{body}"\n'
        '[timestamp]\nat = "header:Sig#t"',
        genuine(
            BODY,
            (("sig", f"t={NOW_S},v1={_mac(f'{NOW_S}.{BODY.decode()}').hexdigest()}"),),
            **KEY,
        ),
    ),
    "HMAC in the query of the address": (
        'algorithm = "hmac-sha256"\nat = "query:sign"\ntext = "{body}"',
        genuine(BODY, query=f"sign={_mac(BODY).hexdigest()}", **KEY),
    ),
}


def _described(rule, delivery):
    rule, _, rest = rule.partition("[timestamp]")
    body = "json" if delivery.body.startswith(b"{") else "form"
    stamp = f"[timestamp]{rest}" if rest else ""
    return f'title = "Test"\nbody = "{body}"\n{FACTS}\n[signature]\n{rule}\n{stamp}'


@pytest.mark.parametrize("name", RULES)
def test_genuine_is_accepted_and_its_forgeries_are_refused(name):
    rule, given = RULES[name]
    text = _described(rule, given.delivery)
    source = described.source(text)
    [event] = contract.check_genuine(source, given, described.account(text))
    assert (event.kind, event.payment, event.order) == (Kind.CAPTURE, "T1", "A1")
    assert (event.amount_minor, event.currency) == (1230, "CNY")
    other = {"public_key": public_pem(rsa_key("other")), "signing": "/ww="}
    assert contract.is_refused(source, given.delivery, secrets(**other), NOW)
    contract.check_tables(source)
    contract.check_acknowledgements(source)


@pytest.mark.parametrize("name", RULES)
def test_another_algorithm_over_the_same_text_is_refused(name):
    rule, given = RULES[name]
    for algorithm in ("hmac-sha1", "hmac-sha256", "hmac-sha512", "rsa-sha1", "rsa-sha256"):
        if f'"{algorithm}"' in rule or ("{secret}" in rule and "rsa" in algorithm):
            continue
        changed = rule.replace(rule.split("\n")[0], f'algorithm = "{algorithm}"')
        source = described.source(_described(changed, given.delivery))
        assert contract.is_refused(source, given.delivery, given.secrets, given.now), algorithm


def test_a_rolled_secret_is_valid_beside_the_new_one():
    given = described.signed(BODY, "old")
    source = described.source(HMAC + FACTS)
    source.verify(given.delivery, secrets(signing=("new", "old")), NOW)
    with pytest.raises(SignatureInvalid, match="sources try"):
        source.verify(given.delivery, secrets(signing="new"), NOW)


@pytest.mark.parametrize(("skew_s", "side"), [(301, "before"), (-301, "after")])
def test_a_replay_is_refused_in_both_directions_with_the_measured_skew(skew_s, side):
    rule, given = RULES["HMAC over a timestamp and the body, as Stripe"]
    source = described.source(_described(rule, given.delivery))
    for within in (300, -300):
        source.verify(given.delivery, given.secrets, NOW + within * 1_000_000)
    with pytest.raises(SignatureExpired, match=f"signed 301 s {side} now"):
        source.verify(given.delivery, given.secrets, NOW + skew_s * 1_000_000)


def test_what_is_wrong_is_refused_by_name():
    source = described.source(HMAC + FACTS)
    with pytest.raises(SignatureMissing, match="X-Sign"):
        source.verify(described.delivery(BODY), secrets(signing="key"), NOW)
    with pytest.raises(KeyUnknown, match="'signing'"):
        source.verify(described.signed(BODY).delivery, {}, NOW)
    with pytest.raises(SignatureInvalid, match="no json"):
        source.verify(described.signed(b"a=1").delivery, secrets(signing="key"), NOW)
    text = HMAC.replace("algorithm", 'key = "hex", algorithm') + FACTS
    with pytest.raises(KeyUnknown, match="not hex"):
        described.source(text).verify(described.signed(BODY).delivery, secrets(signing="zz"), NOW)


def test_a_delivery_to_another_merchant_is_refused_by_name():
    text = HMAC + FACTS + '[expect]\n"order_no" = "B1"\n'
    given = described.signed(BODY)
    with pytest.raises(AccountMismatch, match="'order_no' is not this account's"):
        described.source(text).verify(given.delivery, given.secrets, NOW)
    found = described.source(text).translate(given.delivery, described.account(text), {})
    assert isinstance(found, Unreadable)
    assert found.path == "order_no"


def test_answer_is_the_described_one_to_the_byte():
    said = described.source(HMAC + FACTS.replace("[fields]", _ACKNOWLEDGE + "\n[fields]"))
    kept = said.acknowledge(Outcome.KEPT)
    assert (kept.status, kept.content_type) == (200, "application/json")
    assert kept.body == '{"code":"00","msg":"成功"}'.encode()
    assert said.acknowledge(Outcome.REFUSED).body == b'{"code":"99"}'


_ACKNOWLEDGE = """[acknowledge]
content_type = "application/json"
body = '{"code":"00","msg":"成功"}'
refused = '{"code":"99"}'
"""


def test_without_a_description_nothing_is_accepted_or_read():
    given = described.signed(BODY)
    with pytest.raises(KeyUnknown, match="no description"):
        custom.verify(given.delivery, given.secrets, NOW)
    found = custom.translate(given.delivery, Account(source="custom", name="main"), {})
    assert isinstance(found, Unreadable)
    assert found.path == "description"
    with pytest.raises(SettingInvalid, match="account custom/main: options"):
        custom.described(Account(source="custom", name="main"))


def test_a_wrong_description_names_account_and_field():
    with pytest.raises(SettingUnknown, match=r"account custom/main, description: fields\.ordr: "):
        described.source(HMAC + FACTS.replace("order =", "ordr ="))


def test_the_version_of_a_description_is_the_translators():
    assert described.source(HMAC + FACTS).VERSION == 1
    assert described.source("version = 7\n" + HMAC + FACTS).VERSION == 7


def test_the_checked_text_is_shown_without_the_secret():
    rule, given = RULES["MD5 of a sorted form with the key behind"]
    source = described.source(_described(rule, given.delivery))
    assert source.explain(given.delivery) == f"{SORTED}&key={{secret}}"


def test_no_field_hides_in_the_one_before_it():
    rule, given = RULES["RSA over sorted fields"]
    source = described.source(_described(rule, given.delivery))
    fields = json.loads(given.delivery.body)
    fields["order_no"] += f"&status={fields.pop('status')}"
    hidden = described.delivery(fields)
    assert source.explain(hidden) == source.explain(given.delivery)
    with pytest.raises(SignatureInvalid, match="hides in another"):
        source.verify(hidden, given.secrets, NOW)
