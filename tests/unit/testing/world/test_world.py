"""A seed is a world: the same bytes, real signatures, shares in bounds, money that adds up."""

import base64
import hmac
import json
import time
from collections import Counter
from urllib.parse import parse_qsl

import pytest

from voidtrail.sources import alipay, stripe, wechatpay
from voidtrail.testing.world.behaviour import BEHAVIOURS
from voidtrail.testing.world.keys import RsaKeys, public_pem, shared_keys
from voidtrail.testing.world.settings import ACCOUNTS, Settings
from voidtrail.testing.world.world import World

SMALLER = Settings(orders=400, test_orders=20, refused=30)
NOW = 1_790_000_000


@pytest.fixture(scope="module")
def world():
    return World(11, SMALLER, keys=shared_keys)


@pytest.fixture(scope="module")
def large():
    return World(5, Settings(orders=3000), keys=shared_keys)


def _payloads(world):
    return [(letter.at, letter.source, letter.account, letter.body) for letter in world.letters]


def test_a_seed_gives_the_same_bytes(world):
    again = World(11, SMALLER, keys=RsaKeys.make)
    assert _payloads(again) == _payloads(world)
    assert again.truth == world.truth
    assert _payloads(World(12, SMALLER, keys=shared_keys)) != _payloads(world)


def test_secrets_of_bodies_come_from_the_seed_and_rsa_keys_do_not():
    one, two = World(11, Settings(orders=1)), World(11, Settings(orders=1))
    assert one.secrets.wechatpay_api_v3("hutong") == two.secrets.wechatpay_api_v3("hutong")
    assert public_pem(one.signer.keys.alipay) != public_pem(two.signer.keys.alipay)


def test_stripe_headers_verify_with_its_own_sdk(world):
    from stripe import WebhookSignature

    now = int(time.time())
    for post in _posts(world, "stripe", now)[:80]:
        header = dict(post.headers)["Stripe-Signature"]
        secret = world.secrets.stripe_signing(post.account)
        assert WebhookSignature.verify_header(post.body, header, secret, tolerance=300)


def test_alipay_forms_verify_with_its_own_sdk(world):
    from alipay import AliPay

    pem = public_pem(world.signer.keys.alipay)
    private = world.configuration("http://x")["accounts"]
    key = next(a["secrets"]["private_key"][0] for a in private if a["source"] == "alipay")
    sdk = AliPay(appid="1", app_private_key_string=key, alipay_public_key_string=pem)
    posts = [p for p in _posts(world, "alipay", NOW) if p.account == "hutong"][:60]
    assert posts
    for post in posts:
        form = dict(parse_qsl(post.body.decode()))
        assert sdk.verify(form, form.pop("sign"))


def test_wechatpay_notices_verify_and_open_with_its_own_sdk(world):
    from wechatpayv3.utils import aes_decrypt, rsa_verify

    key = world.signer.keys.wechatpay.public_key()
    posts = _posts(world, "wechatpay", NOW)
    assert posts
    for post in posts:
        headers, body = dict(post.headers), post.body.decode()
        at, nonce = headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"]
        assert rsa_verify(at, nonce, body, headers["Wechatpay-Signature"], key)
        sealed = json.loads(body)["resource"]
        plain = aes_decrypt(
            sealed["nonce"], sealed["ciphertext"], sealed["associated_data"],
            world.secrets.wechatpay_api_v3(post.account),
        )  # fmt: skip
        assert json.loads(plain)


def test_shop_statements_carry_their_hmac(world):
    for post in _posts(world, "storefront", NOW)[:50]:
        t, v1 = (part.partition("=")[2] for part in dict(post.headers)[
            "Voidtrail-Signature"].split(","))  # fmt: skip
        key = world.secrets.storefront(post.account).encode()
        assert hmac.new(key, t.encode() + b"." + post.body, "sha256").hexdigest() == v1
        assert int(t) == NOW


def test_the_script_is_in_order_of_arrival_and_names_what_must_be_refused(world):
    script = world.script(NOW)
    assert [post.at for post in script] == sorted(post.at for post in script)
    assert [post.number for post in script] == list(range(len(script)))
    assert sum(post.expected == 401 for post in script) == SMALLER.refused
    assert {post.path for post in script} <= {f"/hooks/{a.source}/{a.name}" for a in ACCOUNTS}


def test_probes_of_wechatpay_are_among_the_refused():
    world = World(2, Settings(orders=10, refused=150), keys=shared_keys)
    spoils = Counter((letter.source, letter.spoil) for letter in world.letters if letter.spoil)
    assert spoils["wechatpay", "probe"] > 0
    probe = next(letter for letter in world.letters if letter.spoil == "probe")
    headers = dict(world.sign(probe, NOW).headers)
    assert headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    base64.b64decode(headers["Wechatpay-Signature"].removeprefix("WECHATPAY/SIGNTEST/"))


def test_shares_of_behaviours_are_realistic(large):
    counts = Counter(order.behaviour for order in large.truth.orders if not order.test)
    total = sum(counts.values())
    assert 0.45 < counts["paid"] / total < 0.65
    assert set(counts) == set(BEHAVIOURS)
    live = list(large.truth.payments())
    gone = [payment for payment in live if payment.state == "cancelled"]
    assert 0.2 < len(gone) / len(live) < 0.4
    assert 0.5 < sum(payment.explicit for payment in gone) / len(gone) < 0.75
    assert 0.01 < len(list(large.truth.payments(test=True))) / len(live) < 0.06


def test_the_price_change_and_the_fault_show_in_the_truth(large):
    def rate(orders):
        orders = list(orders)
        gone = sum(all(p.state == "cancelled" for p in order.payments) for order in orders)
        return gone / len(orders)

    live = [order for order in large.truth.orders if not order.test]
    dear = [order for order in live if order.repriced]
    assert rate(dear) > 1.4 * rate(order for order in live if not order.repriced)
    hit = [order for order in live if order.in_fault]
    faulted = [o for o in hit if any(p.how == "gave_up_after_fault" for p in o.payments)]
    assert len(faulted) / len(hit) > 0.25
    assert {p.source for o in faulted for p in o.payments if p.how == "gave_up_after_fault"} == {
        large.truth.fault_source
    }


def test_money_is_conserved(large):
    for payment in [*large.truth.payments(), *large.truth.payments(test=True)]:
        assert 0 <= payment.returned_minor <= payment.captured_minor <= payment.amount_minor
        stands = (payment.captured_minor > 0, payment.returned_minor > 0)
        whole = payment.returned_minor == payment.captured_minor
        expected = {
            (False, False): {"none", "held"},
            (True, False): {"taken"},
            (True, True): {"returned"} if whole else {"partly_returned"},
        }[stands]
        assert payment.money in expected
        assert (payment.state == "paid") == (payment.captured_minor > payment.returned_minor)
    sums = large.truth.sums()
    for currency, money in sums.items():
        live = [payment for payment in large.truth.payments() if payment.currency == currency]
        assert money["captured"] == sum(payment.captured_minor for payment in live)
    assert {"CNY", "USD", "EUR", "JPY"} <= set(sums)


def test_platforms_lie(large):
    copies = Counter(letter.copy for letter in large.letters)
    assert copies[0] < len(large.letters)
    assert copies[1]
    assert copies[9]
    first_seen: dict[tuple[str, str], list[str]] = {}
    for letter in large.letters:
        if letter.source == "stripe" and letter.notices and not letter.spoil:
            kind = json.loads(letter.body)["type"]
            first_seen.setdefault((letter.account, letter.notices[0].payment), []).append(kind)
    early = [
        kinds for kinds in first_seen.values()
        if "payment_intent.created" in kinds and "payment_intent.succeeded" in kinds
        and kinds.index("payment_intent.succeeded") < kinds.index("payment_intent.created")
    ]  # fmt: skip
    assert early
    assert any(letter.at - letter.sent_at > 3_600_000_000 for letter in large.letters)


def test_notices_of_the_failing_platform_wait_for_its_return(large):
    begin, end = large.settings.fault
    waiting = [
        letter for letter in large.letters
        if letter.source == large.truth.fault_source and begin <= letter.sent_at < end
        and not letter.spoil and letter.copy in (0, 9)
    ]  # fmt: skip
    assert waiting
    assert all(letter.at >= end for letter in waiting)


def test_wechatpay_pushes_nothing_but_money(large):
    kinds = {json.loads(letter.body)["event_type"] for letter in large.letters
             if letter.source == "wechatpay"}  # fmt: skip
    assert kinds <= {
        "TRANSACTION.SUCCESS", "REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED",
        "COMPLAINT.CREATE",
    }  # fmt: skip


def test_repeated_alipay_notices_differ_in_notify_time_alone(large):
    seen: dict[str, dict[str, str]] = {}
    repeated = 0
    for letter in large.letters:
        if letter.source != "alipay" or letter.spoil:
            continue
        form = dict(parse_qsl(letter.body.decode()))
        form.pop("notify_time")
        before = seen.setdefault(form["notify_id"], form)
        repeated += before is not form
        assert before == form
    assert repeated


def test_card_numbers_and_addresses_are_told_to_the_checker(large):
    bodies = b"".join(letter.body for letter in large.letters if letter.source == "stripe")
    assert any(address.encode() in bodies for address in large.truth.personal)
    spaced = [f"{n[:4]} {n[4:8]} {n[8:12]} {n[12:]}".encode() for n in large.truth.card_numbers]
    assert any(number in bodies for number in spaced)


def test_configuration_names_only_secrets_that_the_sources_know(world):
    modules = {"stripe": stripe, "alipay": alipay, "wechatpay": wechatpay}
    for account in world.configuration("http://127.0.0.1:1")["accounts"]:
        module = modules.get(account["source"])
        if module:
            assert set(account["secrets"]) <= set(module.CAPABILITIES.secrets)
            assert account["options"]["api_base"].startswith("http://127.0.0.1:1/")
    silent = world.configuration()["accounts"]
    assert not any("private_key" in a["secrets"] or "api_key" in a["secrets"] for a in silent)


def _posts(world, source, signed_at):
    letters = [l for l in world.letters if l.source == source and not l.spoil]  # noqa: E741
    return [world.sign(letter, signed_at) for letter in letters]
