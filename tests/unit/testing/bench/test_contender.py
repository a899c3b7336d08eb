from functools import partial

import pytest

from voidtrail.testing.bench.contender import (
    Site,
    djstripe_peer,
    fastapi_peer,
    floor,
    missing_peers,
    on_postgresql,
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


def test_on_postgresql_a_peer_is_the_same_behind_a_launcher(site, tmp_path):
    usual = djstripe_peer(tmp_path, site)
    env = {"PEER_DATABASE": "postgresql"}
    beside = on_postgresql(tmp_path, partial(djstripe_peer, tmp_path), env, site)
    assert beside.name == "dj-stripe, PostgreSQL"
    assert dict(beside.env) == {**usual.env, **env}
    launcher = beside.argv[:3]
    assert launcher[1:] == (
        str(tmp_path / "benchmarks" / "peers" / "postgresql" / "beside.py"),
        str(site.data / "cluster"),
    )
    assert beside.argv == (*launcher, *usual.argv)
    assert beside.prepare_argv == (*launcher, *usual.prepare_argv)
    assert beside.store.ask_argv[:3] == launcher
    assert beside.store.count_sql == usual.store.count_sql


def test_a_peer_without_its_environment_is_left_out(tmp_path, site):
    def names():
        return [peer_at(site).name for peer_at in peers(tmp_path)]

    def environment(folder):
        python = tmp_path / ".bench" / folder / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()

    assert names() == []
    environment("djstripe_service")
    assert names() == ["dj-stripe", "dj-stripe (store only)"]
    assert missing_peers(tmp_path) == ("fastapi_service", "postgresql")
    environment("postgresql")
    assert names() == ["dj-stripe", "dj-stripe, PostgreSQL", "dj-stripe (store only)"]
    environment("fastapi_service")
    assert names()[:2] == ["hand-rolled FastAPI", "hand-rolled FastAPI, PostgreSQL"]
    assert missing_peers(tmp_path) == ()
