"""What the sources can do, and what one makes of a pasted sample."""

import json

import pytest

from tests import signers
from tests.unit.sources import described
from voidtrail.errors import FileInvalid, SettingInvalid, WrongUse
from voidtrail.event.model import Via
from voidtrail.runtime import sampling
from voidtrail.runtime.sampling import capabilities, split_sample, try_sample
from voidtrail.runtime.settings import load
from voidtrail.sources.registry import SOURCES

SETTINGS = """
[[account]]
source = "custom"
name = "main"
options = { description = "file:platform.toml" }
secrets = { signing = "env:KEY" }

[[account]]
source = "stripe"
name = "try"
mode = "test"
secrets = { signing = "env:STRIPE_SIGNING" }
"""
ENVIRONMENT = {"KEY": "key", "STRIPE_SIGNING": signers.STRIPE_SECRET}


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "platform.toml").write_text(described.HMAC + described.FACTS, "utf-8")
    (tmp_path / "voidtrail.toml").write_text(SETTINGS, "utf-8")
    return load(tmp_path / "voidtrail.toml", {})


@pytest.fixture
def tried(settings, tmp_path):
    def call(content, name="custom/main", **more):
        file = tmp_path / "sample.txt"
        file.write_bytes(content)
        return try_sample(settings, file, name, environment=ENVIRONMENT, **more)

    return call


PAID = json.dumps(described.PAID).encode()


def _request(body=PAID, key="key"):
    [(name, value)] = described.signed(body, key).delivery.headers
    return f"POST /hooks/custom/main HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\n\r\n".encode() + body


def test_the_table_is_what_the_sources_state():
    found = {each.source: each for each in capabilities()}
    assert set(found) == set(SOURCES)
    for name, each in found.items():
        can = SOURCES[name].CAPABILITIES
        assert (each.title, each.notify, each.query) == (can.title, can.webhook, can.query)
        assert (each.close, each.void, each.refund) == (can.close, can.void, can.refund)
        assert (each.pay_link, each.bill_file, each.signed) == (
            can.pay_link, can.bill_file, can.signed,
        )  # fmt: skip


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_genuine_request_is_told_as_it_would_be_recorded(tried, end):
    trial = tried(_request() + end)
    assert (trial.refusal, trial.unreadable, trial.is_recorded) == ("", "", True)
    [event] = trial.events
    assert (event.kind, event.payment, event.order) == ("capture", "T1", "A1")
    assert (event.amount_minor, event.currency, event.test) == (1230, "CNY", False)


def test_a_forged_request_is_refused_and_yet_explained(tried):
    trial = tried(_request(key="other"))
    assert trial.refusal == "signature_invalid"
    assert not trial.is_recorded
    assert trial.checked_text == json.dumps(described.PAID)
    assert trial.events[0].payment == "T1"
    assert "key" not in trial.checked_text


def test_what_cannot_be_read_would_be_quarantined(tried):
    trial = tried(_request(b'{"status": "PAID"}'))
    assert (trial.refusal, trial.unreadable, trial.events) == ("", "trade_no", ())
    assert not trial.is_recorded


def test_a_written_source_is_tried_as_of_an_instant(tried):
    intent = {"id": "pi_1", "object": "payment_intent", "amount_received": 5, "currency": "eur"}
    given = signers.stripe(signers.stripe_body("payment_intent.succeeded", intent))
    head = "".join(f"{name}: {value}\n" for name, value in given.delivery.headers)
    content = head.encode() + b"\n" + given.delivery.body
    assert tried(content, "stripe/try").refusal == "signature_expired"
    trial = tried(content, "stripe/try", at=signers.NOW)
    assert trial.is_recorded
    assert trial.events[0].test


def test_an_answer_is_tried_as_an_answer(tried, monkeypatch):
    seen = []
    real = sampling._refusal

    def refusal(*given):
        seen.append(given[1])
        return real(*given)

    monkeypatch.setattr(sampling, "_refusal", refusal)
    tried(_request(), asked="T1")
    assert (seen[0].via, seen[0].request) == (Via.ASKED, "T1")


def test_nothing_is_stored(tried, tmp_path):
    tried(_request())
    assert {path.name for path in tmp_path.iterdir()} == {
        "platform.toml", "voidtrail.toml", "sample.txt",
    }  # fmt: skip


def test_wrong_use_is_refused_by_name(settings, tried, tmp_path):
    with pytest.raises(WrongUse, match=r"did you mean custom/main\?"):
        tried(b"{}", "custom/man")
    with pytest.raises(WrongUse, match="known: custom/main, stripe/try"):
        tried(b"{}", "")
    with pytest.raises(FileInvalid, match="absent"):
        try_sample(settings, tmp_path / "absent", "custom/main", environment=ENVIRONMENT)
    with pytest.raises(FileInvalid, match="1 MiB"):
        tried(b"x" * 1_048_577)
    with pytest.raises(SettingInvalid, match="KEY"):
        try_sample(settings, tmp_path / "platform.toml", "custom/main", environment={})
    (tmp_path / "platform.toml").unlink()
    with pytest.raises(SettingInvalid, match=r"option description: platform\.toml"):
        tried(b"{}")


def test_a_description_is_refused_by_its_field(tried, tmp_path):
    text = described.HMAC.replace("algorithm", "algoritm") + described.FACTS
    (tmp_path / "platform.toml").write_text(text, "utf-8")
    with pytest.raises(WrongUse, match='did you mean "algorithm"'):
        tried(_request())


@pytest.mark.parametrize(
    ("content", "headers", "body"),
    [
        (b'{"a": "b: c"}', (), b'{"a": "b: c"}'),
        (b"a=b&c=d", (), b"a=b&c=d"),
        (b"X-A: 1\n\nbody\n\nmore", (("x-a", "1"),), b"body\n\nmore"),
        (b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nb\r\nc", (("x-a", "1"),), b"b\r\nc"),
        (b"POST /x?sign=1\nX-A: 1\n\n", (("x-a", "1"), (":query", "sign=1")), b""),
        (b"X-A: 1,\ntwo", (("x-a", "1,\ntwo"),), b""),
        (b"", (), b""),
    ],
)
def test_a_pasted_request_is_split(content, headers, body):
    assert split_sample(content) == (headers, body)
