import json
import random
from collections import Counter
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from voidtrail.testing.bench.payloads import (
    SOURCES,
    Credentials,
    Pool,
    build_pool,
    public_pem,
)

NOW = 1_790_000_000


@pytest.fixture(scope="module")
def credentials():
    return Credentials()


def _pool(source, credentials, count=60, seed=7, **more) -> Pool:
    return build_pool(source, credentials, count, seed=seed, at_unix=NOW, **more)


@pytest.mark.parametrize("source", SOURCES)
def test_pool_has_exactly_the_count_and_its_share_of_duplicates(source, credentials):
    pool = _pool(source, credentials, 200, duplicates=0.1)
    times = Counter(draft.event_id for draft in pool.drafts)
    assert len(pool.drafts) == 200
    assert 0 < 200 - len(times) < 50
    assert set(times.values()) <= {1, 2}
    for event_id in times:
        assert len({d.body for d in pool.drafts if d.event_id == event_id}) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_no_duplicates_are_sent_when_none_are_asked_for(source, credentials):
    pool = _pool(source, credentials, duplicates=0.0)
    assert len({draft.event_id for draft in pool.drafts}) == 60


@pytest.mark.parametrize("source", SOURCES)
def test_same_seed_gives_the_same_payments(source, credentials):
    first, again, other = (_pool(source, credentials, seed=seed) for seed in (1, 1, 2))
    assert [d.event_id for d in first.drafts] == [d.event_id for d in again.drafts]
    assert [d.event_id for d in first.drafts] != [d.event_id for d in other.drafts]


def test_unknown_source_is_refused_by_name(credentials):
    with pytest.raises(ValueError, match="no such source: 'paypal'"):
        _pool("paypal", credentials)


def test_request_is_whole_http(credentials):
    pool = _pool("stripe", credentials)
    request = pool.requests("/hooks/stripe/shop", "127.0.0.1:1", NOW, 3, 4)[0]
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "POST /hooks/stripe/shop HTTP/1.1"
    assert int(headers["Content-Length"]) == len(body)
    assert body == pool.drafts[3].body
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_stripe_signatures_verify_with_the_official_sdk(credentials):
    stripe = pytest.importorskip("stripe")
    pool = _pool("stripe", credentials, 120)
    for draft in pool.drafts:
        ((_, header),) = pool.sign(draft.body, NOW)
        assert stripe.WebhookSignature.verify_header(
            draft.body.decode(), header, credentials.stripe_secret
        )
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(
                draft.body.decode() + " ", header, credentials.stripe_secret
            )


def test_stripe_events_have_the_shape_of_real_ones(credentials):
    drafts = _pool("stripe", credentials, 400, duplicates=0.0).drafts
    kinds: Counter[str] = Counter()
    for draft in drafts:
        event = json.loads(draft.body)
        obj = event["data"]["object"]
        kinds[event["type"]] += 1
        assert event["id"] == draft.event_id
        assert isinstance(event["created"], int)
        assert isinstance(obj["amount"], int)
        assert 1_800 <= len(draft.body) <= 4_096
        if event["type"] == "payment_intent.canceled":
            assert isinstance(obj["canceled_at"], int)
            assert obj["status"] == "canceled"
        if event["type"] == "payment_intent.payment_failed":
            assert obj["status"] == "requires_payment_method"
        if event["type"] == "charge.refunded":
            assert obj["amount_refunded"] == obj["amount"]
    assert len(kinds) == 5


def test_a_payments_events_come_in_its_own_order(credentials):
    created: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for draft in _pool("stripe", credentials, 300, duplicates=0.0).drafts:
        event = json.loads(draft.body)
        obj = event["data"]["object"]
        payment = obj["id"] if obj["object"] == "payment_intent" else obj["payment_intent"]
        assert event["created"] >= created.get(payment, 0)
        created[payment] = event["created"]
        seen[payment] += 1
    assert max(seen.values()) == 3


def test_alipay_signatures_verify_with_the_official_sdk(credentials):
    alipay = pytest.importorskip("alipay")
    private_pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    client = alipay.AliPay(
        appid=credentials.alipay_app_id,
        app_private_key_string=private_pem.decode(),
        alipay_public_key_string=public_pem(credentials.alipay_key),
        sign_type="RSA2",
    )
    for draft in _pool("alipay", credentials, 20).drafts:
        form = dict(parse_qsl(draft.body.decode(), strict_parsing=True))
        signature = form.pop("sign")
        assert client.verify(dict(form), signature)
        assert not client.verify({**form, "total_amount": "0.01"}, signature)


def test_alipay_closed_unpaid_differs_from_refunded(credentials):
    forms = [
        dict(parse_qsl(draft.body.decode()))
        for draft in _pool("alipay", credentials, 80, duplicates=0.0).drafts
    ]
    closed = [form for form in forms if form["trade_status"] == "TRADE_CLOSED"]
    assert {("gmt_payment" in form, "gmt_refund" in form) for form in closed} == {
        (False, False),
        (True, True),
    }


def test_wechatpay_signatures_and_seals_open_with_the_official_sdk(credentials):
    utils = pytest.importorskip("wechatpayv3.utils")
    key = credentials.wechatpay_key.public_key()
    pool = _pool("wechatpay", credentials, 12)
    for draft in pool.drafts:
        headers = dict(pool.sign(draft.body, NOW))
        assert headers["Wechatpay-Timestamp"] == str(NOW)
        assert utils.rsa_verify(
            timestamp=headers["Wechatpay-Timestamp"],
            nonce=headers["Wechatpay-Nonce"],
            body=draft.body.decode(),
            signature=headers["Wechatpay-Signature"],
            public_key=key,
        )
        notice = json.loads(draft.body)
        resource = notice["resource"]
        plain = json.loads(
            utils.aes_decrypt(
                nonce=resource["nonce"],
                ciphertext=resource["ciphertext"],
                associated_data=resource["associated_data"],
                apiv3_key=credentials.wechatpay_api_v3_key,
            )
        )
        assert plain["mchid"] == credentials.wechatpay_mchid
        assert isinstance(plain["amount"]["total"], int)


def test_secrets_are_not_shown(credentials):
    assert credentials.stripe_secret not in repr(credentials)
    assert credentials.wechatpay_api_v3_key not in repr(credentials)


def test_payments_do_not_disturb_the_global_random_state(credentials):
    random.seed(1)
    before = random.getstate()
    _pool("stripe", credentials)
    assert random.getstate() == before
