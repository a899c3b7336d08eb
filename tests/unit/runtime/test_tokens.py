"""A platform's access token is fetched once, renewed in time, and never kept anywhere."""

import asyncio
from types import SimpleNamespace

import pytest

from tests.signers import secrets
from voidtrail.errors import PlatformUnavailable
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Via
from voidtrail.runtime.app import build
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.poll import Asker
from voidtrail.runtime.settings import load
from voidtrail.runtime.tokens import PURPOSE, Tokens
from voidtrail.sources import paypal, stripe
from voidtrail.testing.platforms.fake import Situation
from voidtrail.testing.platforms.paypal import FakePaypal
from voidtrail.testing.platforms.server import now, serve

SECOND = 1_000_000
KEYS = secrets(client_id="id", client_secret="key")


class Platform:
    """A platform that hands out numbered tokens."""

    def __init__(self, answer=b'{"access_token":"A%d","expires_in":600}'):
        self.now, self.requests, self.answer = 0, [], answer
        self.tokens = Tokens(lambda: self.now, self.carry_out)

    async def carry_out(self, entry, request):
        self.requests.append(request)
        number = len(self.requests)
        body = self.answer % number if b"%d" in self.answer else self.answer
        return Delivery(source="paypal", account="main", received_at=0, body=body, via=Via.ASKED)

    def secrets(self, entry):
        return asyncio.run(self.tokens.secrets(entry))


def entry_of(source, keys):
    account = Account(source=source.NAME, name="main")
    return SimpleNamespace(source=source, account=account, secrets=keys, identity="paypal/main")


def token(found):
    return found[PURPOSE][0].reveal()


def test_token_is_fetched_once_and_renewed_before_it_runs_out():
    platform, entry = Platform(), entry_of(paypal, KEYS)
    assert token(platform.secrets(entry)) == "A1"
    platform.now = 539 * SECOND
    assert token(platform.secrets(entry)) == "A1"
    platform.now = 540 * SECOND
    assert token(platform.secrets(entry)) == "A2"
    assert [request.url for request in platform.requests] == [
        "https://api-m.paypal.com/v1/oauth2/token"
    ] * 2


def test_forgotten_token_is_fetched_anew():
    platform, entry = Platform(), entry_of(paypal, KEYS)
    platform.secrets(entry)
    platform.tokens.forget(entry)
    assert token(platform.secrets(entry)) == "A2"


def test_who_needs_no_token_or_has_no_credentials_keeps_his_secrets():
    platform = Platform()
    for source, keys in ((stripe, KEYS), (paypal, {})):
        assert platform.secrets(entry_of(source, keys)) is keys
    assert platform.requests == []


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"error":"invalid_client"}', b"<html>", b"\xff"])
def test_answer_without_a_token_is_no_answer(answer):
    platform, entry = Platform(answer), entry_of(paypal, KEYS)
    with pytest.raises(PlatformUnavailable, match="credentials"):
        platform.secrets(entry)


SETTINGS = """
[ledger]
path = "{path}"
[[account]]
source = "paypal"
name = "main"
options = {{ api_base = "{address}/paypal" }}
[account.secrets]
webhook_id = "env:PAYPAL_WEBHOOK_ID"
certificate = "env:PAYPAL_CERTIFICATE"
client_id = "env:PAYPAL_CLIENT_ID"
client_secret = "env:PAYPAL_CLIENT_SECRET"
"""


async def _asked(folder, fake, reference):
    """Ask a fake PayPal over HTTP, twice; return what came of it and what it was asked."""
    async with serve([fake]) as (address, stage):
        file = folder / "voidtrail.toml"
        file.write_text(SETTINGS.format(path=folder / "voidtrail.db", address=address), "utf-8")
        variables = {f"PAYPAL_{name.upper()}": text for name, text in fake.secrets().items()}
        house = build(load(file, {}), environment=variables, clock=now)
        intake = Intake(house.ledger, house.clock)
        asker = Asker(house, intake)
        try:
            entry = house.entry("paypal", "main")
            answered = [await asker.ask(entry, reference) for _ in range(2)]
            return answered, dict(stage.asked)
        finally:
            await asker.close()
            await intake.close()
            house.close()


def test_platform_is_asked_with_a_token_that_is_fetched_first(tmp_path):
    fake = FakePaypal(seed=1)
    payment = fake.play(Situation.REFUSED_CANCELLATION, "A1", 4200, now())
    answered, came = asyncio.run(_asked(tmp_path, fake, payment.reference))
    assert answered == [True, True]
    assert came == {("paypal", 200): 3}, "one token, two questions"


def test_wrong_credentials_are_no_answer(tmp_path):
    fake = FakePaypal(seed=1)
    payment = fake.play(Situation.PAID, "A1", 4200, now())
    honest = fake.secrets
    fake.secrets = lambda: {**honest(), "client_secret": "wrong"}
    answered, came = asyncio.run(_asked(tmp_path, fake, payment.reference))
    assert answered == [False, False]
    assert came == {("paypal", 401): 2}
