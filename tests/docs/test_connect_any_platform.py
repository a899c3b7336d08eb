"""Connecting a platform by description as the page says: its file, its sample, its commands."""

import hashlib
import json

import pytest

from tests.docs.pages import blocks, page
from tests.docs.test_connect_your_shop import Newcomer, pytestmark  # noqa: F401
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Kind, Result
from voidtrail.sources import custom

PAGES = ["docs/how-to/connect-any-platform.md", "docs/how-to/connect-any-platform.zh-CN.md"]
KEY = "demo-key-of-this-page"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", PAGES)
def test_a_platform_is_connected_by_what_the_page_says(name, tmp_path):
    newcomer = Newcomer(tmp_path, page(name))
    settings, description = blocks(newcomer.text, "toml")
    (tmp_path / "voidtrail.toml").write_text(settings, "utf-8")
    (tmp_path / description.split("\n")[0].removeprefix("# ")).write_text(description, "utf-8")
    sample, run = blocks(newcomer.text, "sh")
    code, said = newcomer.shell(sample)
    assert code == 0, said
    assert "✓ custom/main: genuine" in said
    assert "12.30 CNY · closed unpaid" in said
    start, send, show = run.strip().split("\n")
    newcomer.environment["CUSTOM_SIGNING"] = KEY
    newcomer.serve(start)
    try:
        code, said = newcomer.shell(f"{send}\n{show}")
        assert code == 0, said
        assert said.startswith('{"code":"00"}')
        assert "called off" in said
        forge = "sed 's/1230/1231/' sample.json > forged.json"
        send_it = send.replace("sample", "forged").replace("-sf", "-s")
        code, said = newcomer.shell(f"{forge}\n{send_it}")
        assert (code, said) == (0, '{"code":"99"}')
    finally:
        newcomer.end()


def _translated(description, **fields):
    said = {"orderId": "A1", "transactionId": "R1", "merchantId": "8201000001", **fields}
    body = json.dumps(said).encode()
    account = Account(source="custom", name="main", options={"description": description})
    delivery = Delivery(source="custom", account="main", received_at=0, body=body)
    [event] = custom.translate(delivery, account, {})
    return event


@pytest.mark.parametrize("name", PAGES)
def test_every_status_of_the_example_means_what_it_says(name):
    _, description = blocks(page(name), "toml")
    for kind, state, told, result in (
        ("PAY", "SUCCESS", Kind.CAPTURE, Result.SUCCEEDED),
        ("PAY", "FAIL", Kind.AUTHORISE, Result.REFUSED),
        ("PAY", "CLOSED", Kind.CANCEL, Result.SUCCEEDED),
        ("REVOKE", "SUCCESS", Kind.VOID, Result.SUCCEEDED),
        ("REVOKE", "FAIL", Kind.VOID, Result.REFUSED),
        ("REFUND", "SUCCESS", Kind.REFUND, Result.SUCCEEDED),
        ("PAY", "NEW", Kind.OTHER, Result.UNKNOWN),
    ):
        event = _translated(description, tradeType=kind, tradeState=state)
        assert (event.kind, event.result) == (told, result)


def test_the_sample_is_signed_by_the_rule_of_the_page():
    sample = blocks(page(PAGES[0]), "sh")[0].split("END'\n")[1].split("\nEND")[0]
    fields = json.loads(sample)
    signed = {k: v for k, v in fields.items() if v != "" and k not in ("sign", "signType")}
    text = "&".join(f"{k}={signed[k]}" for k in sorted(signed)) + f"&key={KEY}"
    made = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
    assert made == fields["sign"]
