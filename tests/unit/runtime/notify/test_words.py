"""What an alert says, in both languages, and what it must not say."""

import json

import pytest

from tests.unit.response.told import FAILED, HOUR, MINUTE, NOW, Office, news, route
from voidtrail.response.incident import Topic
from voidtrail.response.news import WHATS
from voidtrail.response.route import Step
from voidtrail.runtime.notify.words import Links, letter, money, what
from voidtrail.runtime.text import speak

LINKS = Links("https://pay.example.com/alerts#incident-1", "https://pay.example.com/acknowledge/1")


def opened(*changes, routes=None):
    office = Office(*(routes or [route()]))
    office.hear(*changes)
    return office.tells[0][1]


def test_one_payment_in_english():
    tell = opened(news(1, amount_minor=65_000, method="alipay_qr"))
    written = letter(tell, LINKS, "en")
    assert written.title == "Called off by the customer · CN¥650.00 · downtown · Alipay"
    assert written.text.splitlines() == [
        "order A1 · CN¥650.00 · called off by the customer · Alipay QR",
        "2026-03-17 14:46:40 (Asia/Shanghai)",
        "Look: https://pay.example.com/alerts#incident-1",
        "Acknowledge: https://pay.example.com/acknowledge/1",
        "Reference: alert:1:duty:opened",
    ]
    assert written.level == "warning"


def test_many_payments_in_chinese():
    tell = opened(*(news(no, FAILED, amount_minor=100 * no) for no in range(1, 1235)))
    written = letter(tell, LINKS, "zh_CN")
    assert written.title == "技术故障 · 1,234 笔支付 · ¥761,995.00 · downtown · 支付宝"
    assert "金额最大：订单 A1234 · ¥1,234.00" in written.text
    assert written.level == "failure"


def test_an_escalation_and_an_end_say_so():
    office = Office(route(escalate=(Step(300, ("lead",)),)))
    office.hear(news(1))
    (escalated,) = office.wait(5 * MINUTE)
    assert letter(escalated, LINKS, "zh_CN").title.startswith("无人确认：")
    office.hear(news(2, at=NOW + 6 * MINUTE))
    closed = office.wait(HOUR)[-1]
    written = letter(closed, Links("look"), "en")
    assert written.title.startswith("Over: ")
    assert "Acknowledge" not in written.text
    assert written.level == "info"


def test_a_digest_is_short_enough_for_every_channel_and_names_the_dearest_first():
    office = Office(route("rest", send="digest"))
    office.hear(*(news(no, shop=f"商场{no:02d}号店", amount_minor=no * 100) for no in range(1, 61)))
    (digest,) = office.wait(HOUR)
    written = letter(digest, LINKS, "zh_CN")
    lines = written.text.splitlines()
    assert written.title == "汇总：60 个事件，60 笔支付"
    assert "商场60号店" in lines[0]
    assert "另有 50 个事件" in lines[10]
    assert len(f"{written.title}\r\n{written.text}".encode()) < 2048, "WeCom takes no more"


@pytest.mark.parametrize(
    ("amount", "currency", "english", "chinese"),
    [(65_000, "CNY", "CN¥650.00", "¥650.00"), (500, "JPY", "¥500", "JP¥500"),
     (1234, "KWD", "KWD1.234", "KWD1.234"), (7, "", "7", "7")],
)  # fmt: skip
def test_amounts_are_written_as_the_language_does(amount, currency, english, chinese):
    for language, wanted in (("en", english), ("zh_CN", chinese)):
        speak(language)
        assert money(amount, currency) == wanted
    speak("en")


@pytest.mark.parametrize(
    ("order", "shown"),
    [("A-1001/3", "A-1001/3"), ("<!channel> @all", "‹!channel› ＠all"),
     ("a\r\nb\x00\u202ec", "a bc"), ("[x](http://e.example)", "⟦x⟧(http://e.example)"),
     ("7" * 99, "7" * 64 + "…")],
)  # fmt: skip
def test_a_reference_chosen_outside_stays_a_reference(order, shown):
    written = letter(opened(news(1, order=order)), LINKS, "en")
    assert written.text.splitlines()[0].startswith(f"order {shown} · ")


def test_everything_that_can_happen_has_its_word():
    for language in ("en", "zh_CN"):
        speak(language)
        for each in WHATS:
            word = what(Topic("s", "alipay", each))
            assert word != each or language == "en", each
    speak("en")


def test_facts_for_machines_say_the_same():
    tell = opened(news(1, amount_minor=65_000))
    facts = json.loads(json.dumps(letter(tell, LINKS, "en").facts))
    assert facts["incidents"][0]["money_minor"] == {"CNY": 65_000}
    assert facts["incidents"][0]["opened_at"] == "2026-03-17T14:46:40+08:00"
    assert facts["incidents"][0]["example"]["order"] == "A1"
    assert (facts["why"], facts["step"]) == ("opened", 0)
