"""A Stripe that others wrote, driven by Stripe's own SDK: the whole way over HTTP.

localstripe pushes only what was paid or declined; of an intent that is left or cancelled it says
nothing. So what the recorder knows of those it has asked for.
"""

import contextlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.end_to_end.house import (
    STOREFRONT_KEY,
    STRIPE_SECRET,
    Served,
    clean_environment,
    free_port,
    until,
)

pytest.importorskip("localstripe", reason="localstripe is not installed: make setup-dev")
API_KEY = "sk_test_rehearsal"
GOOD_CARD, DECLINED_CARD = "4242424242424242", "4000000000000341"
PATIENCE_S = 2
LIVELESS = {"name": "main", "mode": "test"}
"""localstripe says `livemode: false`, so its account is one for tests."""


class LocalStripe:
    """localstripe in a process of its own, and Stripe's SDK that talks to it."""

    def __init__(self, folder):
        import stripe

        self.port, self.log = free_port(), folder / "localstripe.log"
        self.address = f"http://127.0.0.1:{self.port}"
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "localstripe", "--port", str(self.port), "--from-scratch"],
                cwd=folder, stdout=said, stderr=said, env=clean_environment(),
                start_new_session=True,
            )  # fmt: skip
        bases = {"api": self.address}
        self.sdk = stripe.StripeClient(API_KEY, base_addresses=bases, max_network_retries=0).v1

    def is_up(self):
        if self.process.poll() is not None:
            pytest.skip(f"localstripe does not run here: {self.log.read_text()[-300:]}")
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.address}/js.stripe.com/v3/").status == 200
        return False

    def tell(self, address):
        """Have events pushed to an address."""
        body = json.dumps({"url": address, "secret": STRIPE_SECRET}).encode()
        place = f"{self.address}/_config/webhooks/recorder"
        request = urllib.request.Request(place, body, {"Content-Type": "application/json"})
        assert urllib.request.urlopen(request).status == 200

    def intent(self, order, card=GOOD_CARD, **more):
        """Make an intent that only has to be confirmed to be paid."""
        method = self.sdk.payment_methods.create(
            {"type": "card", "card": {"number": card, "exp_month": 12, "exp_year": 2039,
                                      "cvc": "123"}}
        )  # fmt: skip
        return self.sdk.payment_intents.create(
            {"amount": 4200, "currency": "eur", "payment_method": method.id,
             "metadata": {"order_id": order}, **more}  # type: ignore[typeddict-item]
        ).id  # fmt: skip

    def status(self, intent):
        return self.sdk.payment_intents.retrieve(intent).status

    def refunds(self):
        return self.sdk.refunds.list().data

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Scene:
    """Both, and a shop that says which payments it has made."""

    def __init__(self, folder, **seal):
        self.stripe = LocalStripe(folder)
        until(self.stripe.is_up, why="localstripe does not answer")
        accounts = [
            {**LIVELESS, "source": "stripe", "options": {"api_base": self.stripe.address},
             "secrets": {"signing": STRIPE_SECRET, "api_key": API_KEY}},
            {**LIVELESS, "source": "storefront", "secrets": {"signing": STOREFRONT_KEY}},
        ]  # fmt: skip
        self.served = Served(folder, accounts, worker={"tick_s": 0.1, "ask_backoff_s": 0.5})
        extra = ["[silence.patience_s]", f"card_form = {PATIENCE_S}", "[seal]"]
        extra += [f"{name} = {value}" for name, value in seal.items()]
        config = self.served.config
        config.write_text("\n".join(extra) + "\n" + config.read_text("utf-8"), "utf-8")

    def __enter__(self):
        self.served.up()
        self.stripe.tell(f"{self.served.address}/hooks/stripe/main")
        return self

    def __exit__(self, *_):
        self.served.down(signal.SIGKILL)
        self.stripe.close()

    def announce(self, order, intent):
        """The shop says that it has made a payment."""
        at_s = int(time.time())
        body = json.dumps({
            "id": intent, "statement": "payment_created", "order": order, "method": "card_form",
            "at": at_s, "payment": {"source": "stripe", "account": "main", "reference": intent},
        }).encode()  # fmt: skip
        mac = hmac.digest(STOREFRONT_KEY.encode(), f"{at_s}.".encode() + body, "sha256").hex()
        headers = [("Voidtrail-Signature", f"t={at_s},v1={mac}")]
        assert self.served.post("/hooks/storefront/main", body, headers)[0] == 200

    def made(self, order, **more):
        intent = self.stripe.intent(order, **more)
        self.announce(order, intent)
        return intent

    def becomes(self, order, state, how="none"):
        """Wait until the order stands so."""

        def stands():
            status, _, body = self.served.get(f"/api/orders/{order}")
            told = json.loads(body) if status == 200 else {}
            seen[:] = [told]
            return (told.get("state"), told.get("how")) == (state, how)

        seen: list = []
        try:
            until(stands, 40, 0.2)
        except AssertionError:
            raise AssertionError(f"{order} is not {state}, {how}: {seen}") from None


@pytest.mark.timeout(180)
def test_left_asked_abandoned_and_paid_after_all(tmp_path):
    seal = {"late": '"refund"', "refunds": '"on"', "refund_cap": '{ EUR = "100.00" }'}
    with Scene(tmp_path, **seal) as scene:
        left = scene.made("LEFT-1")
        cancelled = scene.made("CANCELLED-1")
        scene.stripe.sdk.payment_intents.cancel(cancelled)
        declined = scene.made("DECLINED-1", card=DECLINED_CARD)
        with pytest.raises(Exception, match="declined"):
            scene.stripe.sdk.payment_intents.confirm(declined)

        scene.becomes("LEFT-1", "cancelled", "abandoned")
        scene.becomes("CANCELLED-1", "cancelled", "platform_closed")
        scene.becomes("DECLINED-1", "cancelled", "gave_up_after_decline")
        asked = scene.stripe.log.read_text().count(f"GET /v1/payment_intents/{left} ")
        assert asked >= 1, "declared abandoned without asking"

        # The customer comes back: the success is pushed, and by policy the money goes back, once.
        scene.stripe.sdk.payment_intents.confirm(left)
        until(scene.stripe.refunds, 60, 0.3, why="the late success is not resolved")
        scene.becomes("LEFT-1", "cancelled", "refunded_in_full")
        time.sleep(1)
        assert [(r.amount, r.payment_intent) for r in scene.stripe.refunds()] == [(4200, left)]


@pytest.mark.timeout(180)
def test_abandoned_intent_is_closed_at_the_platform_and_cannot_be_paid_any_more(tmp_path):
    with Scene(tmp_path, mode='"on"', after_s=1) as scene:
        left = scene.made("LEFT-2")
        paid = scene.made("PAID-2")
        scene.stripe.sdk.payment_intents.confirm(paid)
        scene.becomes("PAID-2", "paid")
        scene.becomes("LEFT-2", "cancelled", "abandoned")
        until(lambda: scene.stripe.status(left) == "canceled", 40, 0.3, why="it is not closed")
        with pytest.raises(Exception, match="Bad request"):
            scene.stripe.sdk.payment_intents.confirm(left)
        assert scene.stripe.status(paid) == "succeeded"
        sealed = "SELECT count(*) FROM verdict WHERE sealed = 1"
        until(lambda: scene.served.rows(sealed) == [(1,)], why="the record does not say: sealed")
