"""The live feed in a browser: rows arrive, and nothing moves under a reader's eyes."""

import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.end_to_end.console_house import browser
from tests.end_to_end.house import Served, clean_environment, stripe_account
from voidtrail.testing.crash import payments

NUMBERS = iter(range(10**6))


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    accounts = [stripe_account(), stripe_account("try", mode="test")]
    with Served(tmp_path_factory.mktemp("page"), accounts) as server:
        yield server


def pay(server, count=1, account="main"):
    """Let payments be captured; return their references, as rows show them."""
    shown = []
    for _ in range(count):
        notice = {each.label: each for each in next(payments(f"page{next(NUMBERS)}", 1))}["capture"]
        body = notice.body(int(time.time()))
        body = body if account == "main" else body.replace(b": true", b": false")
        assert server.stripe(body, account)[0] == 200
        shown.append(f"O-{notice.payment[3:]}")
    return shown


@pytest.fixture
def look(chromium, server):
    contexts = []

    def opened(locale="en", path="/overview"):
        command = [sys.executable, "-m", "voidtrail", "link", "--config", str(server.config)]
        link = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT,
                              env=clean_environment()).stdout.strip()  # fmt: skip
        context = chromium.new_context(locale=locale)
        contexts.append(context)
        page = context.new_page()
        page.goto(link)
        with page.expect_response(lambda answer: "/live?" in answer.url):
            page.goto(server.address + path)
        return page

    yield opened
    for each in contexts:
        each.close()


def rows(page):
    return page.locator(".news li a.whole").all_inner_texts()


def test_rows_wait_behind_a_button_that_counts_them_and_then_come_on_top(server, look):
    old = pay(server, 2)
    page = look()
    before = rows(page)
    assert before[:2] == old[::-1]
    place = page.locator(".news li").first.bounding_box()
    new = pay(server, 3)
    page.get_by_role("button", name="3 new").wait_for()
    assert rows(page) == before, "nothing moved"
    assert page.locator(".news li").first.bounding_box() == place, "not even for the button"
    page.get_by_role("button", name="3 new").click()
    assert rows(page)[:5] == [*new[::-1], *before[:2]]
    assert page.locator(".news .waiting").is_hidden()


def test_what_came_while_a_page_was_cut_off_is_told_when_it_comes_back(server, look):
    pay(server, 1)
    page = look("zh-CN")
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    new = pay(server, 2)
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('pageshow'))")
    page.get_by_role("button", name="2 条新动态").click()
    assert rows(page)[:2] == new[::-1]


def test_test_traffic_is_not_shown_to_who_does_not_ask_for_it(server, look):
    pay(server, 1)
    page, asked = look(), look(path="/overview?test=1")
    pay(server, 1, "try")
    asked.get_by_role("button", name="1 new").wait_for()
    pay(server, 1)
    page.get_by_role("button", name="1 new").wait_for()
    assert page.locator(".news .waiting").inner_text() == "1 new"
