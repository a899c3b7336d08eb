"""Findings are said in one sentence, as people say it, and never blame."""

import pytest

from tests.unit.web.console.rows import BEGAN, row
from voidtrail.event.reason import How
from voidtrail.lifecycle.verdict import State
from voidtrail.runtime.text import speak
from voidtrail.runtime.views.overview_shapes import Sentence
from voidtrail.runtime.views.shapes import Amount
from voidtrail.web.console import wording

HOUR = 3_600_000_000
ZONE = "Asia/Shanghai"


def yuan(minor):
    return Amount(minor=minor, currency="CNY")


def said(language, **sentence):
    speak(language)
    given = {"kind": "usual", "called_off": 12, "payments": 100, **sentence}
    return wording.headline(Sentence(**given), today=True, zone=ZONE, now=BEGAN + 4 * HOUR)


def test_what_is_unusual_says_since_when_where_and_how_much():
    unusual = {"kind": "higher", "since_at": BEGAN + 2 * HOUR, "source": "alipay",
               "method": "alipay_qr", "times": 2.1}  # fmt: skip
    assert said("zh_CN", **unusual) == (
        "今天 14:00 起，支付宝、支付宝扫码支付的取消率是平时的 2.1 倍；100 笔支付中取消了 12 笔。"
    )
    assert said("en", **unusual) == (
        "Since 14:00 today, payments by Alipay, Alipay QR are called off 2.1 times as often as "
        "usual; 12 of 100 payments were called off."
    )


def test_another_day_is_named():
    found = said("en", kind="lower", since_at=BEGAN - 24 * HOUR, times=0.5)
    assert found.startswith("Since 12:00 on Mar 16, 2026, payments are called off 0.5 times")


@pytest.mark.parametrize(("kind", "ending"), [
    ("usual", "as usual."), ("few", "too few to say whether that is usual."),
    ("unknown", "there are no earlier weeks to compare with yet."),
])  # fmt: skip
def test_what_is_not_unusual_says_how_far_that_is_known(kind, ending):
    found = said("en", kind=kind)
    assert found.startswith("12 of 100 payments were called off")
    assert found.endswith(ending)


def test_nothing_is_said_of_nothing():
    assert said("en", kind="nothing", payments=0, called_off=0) == "No payment has begun today."
    assert said("zh_CN", kind="nothing", payments=0, called_off=0) == "今天还没有支付发起。"


def test_one_payment_is_one():
    assert said("en", kind="few", payments=1, called_off=1).startswith("1 of 1 payment was")


@pytest.mark.parametrize("how", [each.name.lower() for each in How])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_way_of_calling_off_has_its_sentence(language, how):
    speak(language)
    found = wording.verdict(row(how=how, money="none"), {})
    assert found.endswith("." if language == "en" else "。")
    assert "!" not in found


@pytest.mark.parametrize("state", [each.name.lower() for each in State])
def test_every_state_has_its_sentence(state):
    speak("en")
    found = wording.verdict(row(state=state, how="none", money="none"), {})
    assert found
    assert ("no longer be paid" in found) == (state == "cancelled")


def test_money_is_said_where_it_is():
    speak("en")
    legs = {"captured": yuan(12800), "returned": yuan(2800), "net": yuan(10000)}
    assert wording.verdict(row(state="paid", how="none", money="partly_returned"), legs) == (
        "This payment was paid. CN¥28.00 went back, the shop keeps CN¥100.00."
    )
    assert "CN¥128.00 is still held." in wording.verdict(row(money="held"), {})
    speak("zh_CN")
    assert wording.verdict(row(how="refunded_in_full", money="returned"),
                           {"returned": yuan(12800)}) == (
        "这笔支付已全额退款。¥128.00 已退回顾客。"
    )  # fmt: skip


def test_what_nobody_closed_might_still_be_paid():
    speak("en")
    assert wording.verdict(row(sealed=False), {}).endswith(
        "Nobody has said that it can no longer be paid."
    )


def test_what_can_be_saved_is_counted_with_its_money():
    speak("zh_CN")
    assert wording.at_risk((yuan(100), Amount(minor=5, currency="JPY")), 2) == (
        "还有 2 笔、合计 ¥1.00 + JP¥5 可以挽回。"
    )
    assert wording.at_risk((), 0) == "没有待挽回的支付。"
