"""Trying out, looking at and mending endpoints, as an engineer does at the keyboard."""

import asyncio
import json

import pytest

from tests.unit.runtime.endpoints.office import HOOK, cancelled, house_telling, office, run
from tests.unit.runtime.endpoints.receiver import SECRET, Receiver, receiving
from voidtrail.errors import NotFound, SettingInvalid
from voidtrail.ledger.messages import DEAD, SENT
from voidtrail.response.telling import Word
from voidtrail.runtime.doctor import examine
from voidtrail.runtime.endpoints.delivery import Fault
from voidtrail.runtime.endpoints.desk import dead_letters, listed, resend, try_out
from voidtrail.runtime.endpoints.hints import hint
from voidtrail.runtime.refusals import Refusals
from voidtrail.runtime.settings import load
from voidtrail.web.metrics import exposition


def tried(folder, receiver, target=None, **more):
    async def work():
        async with receiving(receiver):
            with house_telling(folder, receiver.url) as house:
                settings = house.settings
            return await try_out(settings, target or receiver.url, Word.CALLED_OFF,
                                 environment=HOOK, **more)  # fmt: skip

    return asyncio.run(work())


def test_a_sample_to_an_endpoint_verifies_and_says_that_it_is_a_test(tmp_path):
    receiver = Receiver()
    trial = tried(tmp_path, receiver, "orders")
    assert (trial.reply.fault, trial.reply.status) == (Fault.NONE, 200)
    key, found = receiver.got[0]
    assert key == trial.message_key
    assert (found["data"]["order"], found["data"]["test"]) == ("VOIDTRAIL-TEST", True)
    assert trial.made_up is None


def test_a_sample_to_an_address_is_signed_by_the_secret_that_is_named(tmp_path):
    receiver = Receiver()
    trial = tried(tmp_path, receiver, secret="env:HOOK")
    assert (trial.reply.fault, len(receiver.got)) == (Fault.NONE, 1)


def test_without_a_secret_one_is_made_up_and_told(tmp_path):
    from standardwebhooks.webhooks import Webhook

    receiver = Receiver(299)
    receiver.verifier = None
    trial = tried(tmp_path, receiver)
    assert trial.made_up is not None
    headers, body = receiver.raw[0]
    Webhook(trial.made_up.reveal()).verify(body, headers)


@pytest.mark.parametrize(("target", "error"), [
    ("stock", NotFound), ("ftp://shop.example/", SettingInvalid), ("https://", SettingInvalid),
])  # fmt: skip
def test_what_cannot_be_tried_is_refused_by_name(tmp_path, target, error):
    with pytest.raises(error, match=target.rstrip("/")):
        tried(tmp_path, Receiver(), target)


@pytest.mark.parametrize(
    "status", [302, 400, 401, 403, 404, 405, 410, 413, 415, 418, 422, 429, 500]
)
def test_every_answer_that_is_no_acknowledgement_has_its_hint(tmp_path, status):
    trial = tried(tmp_path, Receiver(status))
    text = hint(trial.reply)
    assert len(text) > 20
    assert "{" not in text


def test_every_fault_has_its_hint():
    from voidtrail.runtime.endpoints.delivery import Reply

    for fault in set(Fault) - {Fault.NONE, Fault.STATUS}:
        assert "{" not in hint(Reply(fault, detail="x"))
    assert hint(Reply(Fault.NONE, 200)) == ""


# ---------------------------------------------------------------- list, dead, resend


def given_up(folder, receiver, count=3):
    """A ledger with dead letters after the endpoint said 410."""

    async def work():
        receiver.status = 410
        with house_telling(folder, receiver.url) as house:
            for n in range(count):
                cancelled(house, f"A{n}", f"pi_{n}")
            async with office(house) as here:
                await here.tell()

    return work()


def test_dead_letters_are_seen_and_sent_again_and_the_endpoint_is_back(tmp_path):
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            await given_up(tmp_path, receiver)
            receiver.status = 299
            receiver.verifier = None
            with house_telling(tmp_path, receiver.url) as house:
                before = listed(house), dead_letters(house, "orders")
                assert resend(house, "orders") == 3
                async with office(house) as here:
                    await here.post.turn()
                return before, listed(house), dead_letters(house)

    (seen, dead), after, left = run(work)
    assert (seen[0].in_service, seen[0].why, seen[0].dead, seen[0].sent) == (False, "gone", 3, 0)
    assert [each.order for each in dead] == ["A0", "A1", "A2"]
    assert {each.event for each in dead} == {"payment.called_off"}
    assert (after[0].in_service, after[0].dead, after[0].sent) == (True, 0, 3)
    assert left == []


def test_single_messages_may_be_sent_again_by_their_keys(tmp_path):
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            await given_up(tmp_path, receiver)
            with house_telling(tmp_path, receiver.url) as house:
                key = dead_letters(house)[1].key
                assert resend(house, "orders", [key]) == 1
                assert len(dead_letters(house)) == 2
                with pytest.raises(NotFound, match="no dead letter msg_x"):
                    resend(house, "orders", ["msg_x"])
                with pytest.raises(NotFound, match="known: orders"):
                    resend(house, "stock")

    run(work)


def test_what_goes_out_again_keeps_its_key(tmp_path):
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            await given_up(tmp_path, receiver, 1)
            receiver.status = 299
            receiver.verifier = None
            with house_telling(tmp_path, receiver.url) as house:
                resend(house, "orders")
                async with office(house) as here:
                    await here.post.turn()
                    return here.messages()[0]

    message = run(work)
    assert [headers["webhook-id"] for headers, _ in receiver.raw] == [message.key] * 2
    assert (message.state, message.tries) == (SENT, 1)
    assert message.state != DEAD


def test_settings_hold_no_secret_and_json_neither(tmp_path):
    with house_telling(tmp_path) as house:
        assert SECRET not in json.dumps([str(each) for each in listed(house)])
        assert SECRET not in repr(house.settings)


@pytest.mark.parametrize(("line", "said"), [
    ('url = "http://shop.example/h"', "use https://"),
    ('url = "https://u:p@shop.example/h"', "neither a user"),
    ('url = "shop.example"', "is not an address"),
    ('url = "https://shop.example/h"\nallow = ["10.0.0.1/8"]', "is not a network"),
    ('url = "https://shop.example/h"\ntimeout_s = 31', "timeout_s"),
    ('url = "https://shop.example/h"\ndisable_after_days = 0', "disable_after_days"),
    ('url = "https://shop.example/h"\nevents = ["payment.died"]', "payment.died"),
    ('url = "https://shop.example/h"\nevent = []', "did you mean endpoint.events"),
    ('url = "https://[::1/h"', "is not an address"),
])  # fmt: skip
def test_settings_that_cannot_be_used_are_refused_and_say_why(tmp_path, line, said):
    file = tmp_path / "voidtrail.toml"
    file.write_text(f'[[endpoint]]\nname = "orders"\nsecret = "env:HOOK"\n{line}\n', "utf-8")
    with pytest.raises(Exception, match=said):
        load(file, {})


@pytest.mark.parametrize("names", [("a", "a"), ("a/b",), ("a b",), ("",)])
def test_names_are_single_words_and_unique(tmp_path, names):
    each = '[[endpoint]]\nname = "{}"\nsecret = "env:HOOK"\nurl = "https://shop.example/h"\n'
    (tmp_path / "v.toml").write_text("".join(each.format(name) for name in names), "utf-8")
    with pytest.raises(SettingInvalid):
        load(tmp_path / "v.toml", {})


@pytest.mark.parametrize("text", ["whsec_", "whsec_c2hvcnQ=", "0123456789abcdef" * 2, "whsec_%%%"])
def test_a_secret_that_is_none_is_refused_with_the_way_to_make_one(tmp_path, text):
    with house_telling(tmp_path) as house:
        settings = house.settings
    with pytest.raises(SettingInvalid, match="openssl rand") as refusal:
        asyncio.run(try_out(settings, "orders", Word.CALLED_OFF, environment={"HOOK": text}))
    assert "c2hvcnQ" not in str(refusal.value)


# ---------------------------------------------------------------- doctor and metrics


def looked_at(house, environment=HOOK):
    found = {each.name: each for each in examine(house.settings, environment)}
    return found["endpoint orders"]


def test_the_doctor_says_whether_an_endpoint_hears_anything(tmp_path):
    receiver = Receiver()

    async def work():
        async with receiving(receiver):
            with house_telling(tmp_path, receiver.url) as house:
                found = [looked_at(house), looked_at(house, {**HOOK, "HOOK": "whsec_no"})]
                cancelled(house)
                receiver.status = 500
                async with office(house) as here:
                    await here.tell()
                    found.append(looked_at(house))
            await given_up(tmp_path, receiver)
            with house_telling(tmp_path, receiver.url) as house:
                found.append(looked_at(house))
            return found

    fit, secretless, failing, gone = run(work)
    assert (fit.ok, fit.found) == (True, "complete")
    assert not secretless.ok
    assert not failing.ok
    assert "voidtrail hooks test orders" in failing.found
    assert not gone.ok
    assert "voidtrail hooks resend orders" in gone.found


def test_metrics_say_what_waits_and_who_is_out_of_service(tmp_path):
    receiver = Receiver(410)

    async def work():
        async with receiving(receiver):
            with house_telling(tmp_path, receiver.url) as house:
                cancelled(house, "A1", "pi_1")
                async with office(house) as here:
                    await here.tell()
                    receiver.status = 200
                    cancelled(house, "A2", "pi_2")
                    await here.worker._teller.turn()
                    return exposition(here.intake, Refusals(), here.worker, here.post).decode()

    text = run(work)
    for line in (
        'voidtrail_carried_total{kind="hook",outcome="dead"} 1.0',
        'voidtrail_messages_waiting{kind="hook",target="orders"} 1.0',
        'voidtrail_dead_letters{kind="hook",target="orders"} 1.0',
        'voidtrail_endpoint_disabled{endpoint="orders"} 1.0',
    ):
        assert line in text.splitlines()
