import pytest

from voidtrail.testing.bench.contender import (
    Site,
    djstripe_peer,
    fastapi_peer,
    floor,
    missing_peers,
    peers,
)
from voidtrail.testing.bench.intake import Plan, run_intake
from voidtrail.testing.bench.payloads import Credentials


@pytest.fixture(scope="module")
def credentials():
    return Credentials()


@pytest.fixture
def site(tmp_path, credentials):
    return Site(tmp_path, 4242, credentials, "shop")


def test_hand_rolled_peer_gets_the_keys_it_verifies_with(site, credentials, tmp_path):
    contender = fastapi_peer(tmp_path, site)
    assert contender.path_for("alipay", "shop") == "/hooks/alipay/shop"
    assert contender.env["PEER_STRIPE_SECRET"] == credentials.stripe_secret
    assert "BEGIN PUBLIC KEY" in (tmp_path / "alipay_public_key.pem").read_text()
    assert "4242" in contender.argv


def test_the_floor_answers_whatever_it_is_sent(tmp_path):
    plan = Plan(connections=(2,), rounds=1, requests_max=20, warm_up=5, pinned=False)
    result = run_intake([floor], plan, tmp_path, lambda _line: None)
    assert {source for _, source, _ in result.loads} == {"stripe", "alipay"}
    assert all(each.requests == 20 and not each.errors for (each,) in result.loads.values())


def test_djstripe_receives_only_stripe_at_its_own_address(site, tmp_path):
    contender = djstripe_peer(tmp_path, site)
    assert contender.sources == {"stripe"}
    assert contender.path_for("stripe", "shop").startswith("/stripe/webhook/")
    assert contender.name != djstripe_peer(tmp_path, site, store_only=True).name


def test_a_peer_without_its_environment_is_left_out(tmp_path):
    assert peers(tmp_path) == []
    python = tmp_path / ".bench" / "djstripe_service" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert len(peers(tmp_path)) == 2
    assert missing_peers(tmp_path) == ("fastapi_service",)
