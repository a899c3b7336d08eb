"""Every page as people see it: both languages, both themes, phone and desk; and three journeys.

Set VOIDTRAIL_SCREENSHOTS to a folder, and every page's picture is written there for review.
"""

import os
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.console_house import Console, browser
from tests.messages import messages

pytestmark = pytest.mark.slow
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
LANGUAGES = {"zh": "zh-CN", "en": "en-US"}
SIZES = {390: 844, 1440: 900}
CONTRAST = "{runOnly: ['color-contrast']}"
VIOLATIONS = """() => axe.run(%s).then(found => found.violations.map(
    each => each.id + ': ' + each.nodes.map(node => node.target.join(' ')).join(', ')))"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
TEXTS = """() => {
    const texts = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const place = walk.currentNode.parentElement;
        if (place.closest('[translate=no], script, style, code')) continue;
        const text = walk.currentNode.textContent.replace(/\\s+/g, ' ').trim();
        if (text) texts.push(text);
    }
    for (const place of document.querySelectorAll('[aria-label], [placeholder], [title]')) {
        if (place.closest('[translate=no]')) continue;
        for (const name of ['aria-label', 'placeholder', 'title']) {
            const text = place.getAttribute(name);
            if (text) texts.push(text.trim());
        }
    }
    return texts;
}"""
NAMES = re.compile(
    # A command is written as it is typed, a zone and a digest as machines write them.
    r"voidtrail(?: [a-z]+| --[a-z-]+| [\d-]+)+|[A-Z]\w+/[A-Z]\w+|\b[0-9a-f]{16}\b|"
    r"Stripe|Voidtrail|App|CSV|PDF|H5|JSAPI|POS|UTC|TLS|ISO|toml|voidtrail|server|public_url|hooks|"
    r"account|source|channel|route|CNY|USD|EUR|GBP|JPY|US|JP"
)
MENU = "details.menu"
WORDS = re.compile(r"[A-Za-z]{2,}")


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    with Console(tmp_path_factory.mktemp("console")) as served:
        yield served


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def signed_in(chromium, console):
    """The state of a browser that opened a one-time link."""
    context = chromium.new_context()
    context.new_page().goto(console.link())
    state = context.storage_state()
    context.close()
    return state


class Looking:
    """A page in a browser, and what its console complained of."""

    def __init__(self, page, console):
        self.page, self.console = page, console
        self.complaints = []
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))

    def _hear(self, kind, text):
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def at(self, path):
        self.page.goto(self.console.address + path)
        return self.page


@pytest.fixture
def look(chromium, console, signed_in):
    """Open a browser's window: `look(language, theme, width)`."""
    contexts = []

    def opened(language="zh", theme="light", width=390):
        context = chromium.new_context(
            storage_state=signed_in, locale=LANGUAGES[language], color_scheme=theme,
            viewport={"width": width, "height": SIZES[width]}, has_touch=width < 500,
            timezone_id="Asia/Shanghai",
        )  # fmt: skip
        contexts.append(context)
        return Looking(context.new_page(), console)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def pages(console):
    """Every page's address, by the name of its picture."""
    (paid,) = console.rows(
        "SELECT n.text FROM verdict v JOIN name n ON n.payment_id = v.payment_id "
        "WHERE v.money = 4 ORDER BY n.no LIMIT 1"
    )[0]
    (order,) = console.rows(
        "SELECT o.text FROM payment p JOIN order_name o ON o.order_id = p.order_id "
        "GROUP BY p.order_id ORDER BY count(*) DESC, p.order_id LIMIT 1"
    )[0]
    ((quarantined,),) = console.rows("SELECT max(seq) FROM delivery WHERE outcome = 1")
    return {
        "overview": f"/overview?{console.period}",
        "overview-empty": "/overview?since=2020-01-01&until=2020-01-01",
        "payments": f"/payments?{console.period}",
        "payments-saveable": "/payments?saveable=1&order=largest",
        "payments-empty": "/payments?since=2020-01-01&until=2020-01-01",
        "payment": f"/payments/{paid}",
        "order": f"/orders/{order}",
        "delivery": f"/deliveries/{quarantined}",
        "find": "/find?query=128",
        "find-nothing": "/find?query=%E6%B2%A1%E6%9C%89",
        "sources": "/sources",
        "connections": "/connections",
        "reconciliation": "/reconciliation",
        "reconciliation-none": "/reconciliation?kind=currency_differs",
        "alerts": f"/alerts?{console.period}&try=1",
        "report": f"/report?{console.period}",
        "settings": "/settings",
        "missing": "/no-such-page",
    }  # fmt: skip


def picture(page, name):
    folder = os.environ.get("VOIDTRAIL_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


def untranslated(texts):
    """Return what a Chinese reader would find in English."""
    ours = {message for context, message in messages() if context is None and "{" not in message}
    for text in texts:
        rest = NAMES.sub("", text)
        if text in ours or len(WORDS.findall(rest)) > 2:
            yield text


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_whole_readable_and_in_one_language(look, pages, language):
    """Light and dark, phone and desk: what differs is looked at, what does not is not repeated."""
    looking = look(language)
    faults = []
    for name, path in pages.items():
        page = looking.at(path)
        page.evaluate(AXE.read_text("utf-8"))
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for theme, rules in (("light", "{}"), ("dark", CONTRAST)):
                page.emulate_media(color_scheme=theme)
                found = page.evaluate(VIOLATIONS % rules)
                if page.evaluate(OVERFLOW) > 0:
                    found.append("scrolls sideways")
                picture(page, f"{name}-{language}-{theme}-{width}")
                faults += [f"{name}, {theme}, {width}: {fault}" for fault in found]
        if name != "missing":
            faults += [f"{name}: {complaint}" for complaint in looking.complaints]
        looking.complaints.clear()
        if language == "zh":
            left = untranslated(page.evaluate(TEXTS))
            faults += [f"{name}: not translated: {text}" for text in left]
    assert not faults, "\n".join(faults)


def taps(page, *steps):
    """Tap one thing after the other; each is a function of the page that finds it."""
    for step in steps:
        step(page).tap()
        page.wait_for_load_state()
    return len(steps)


def test_the_largest_payment_that_can_be_saved_is_two_taps_from_its_evidence(look, console):
    page = look().at(f"/overview?{console.period}")
    largest = page.locator("section[aria-labelledby=risk] .feed li").first
    amount = largest.locator(".amount").inner_text()
    used = taps(page, lambda _: largest.locator("a"), lambda page: page.locator("a.jump"))
    assert used <= 3
    assert amount in page.locator("dl.facts").inner_text()
    proof = page.locator("ol.said li.proves").first
    proof.wait_for()
    assert page.evaluate("location.hash").startswith("#evidence")
    assert "证明" in proof.inner_text()


def test_an_order_is_found_by_a_platforms_reference_in_one_tap(look, console):
    ((reference,),) = console.rows(
        "SELECT substr(text, 18) FROM name WHERE text LIKE 'stripe/northlight/pi_%' LIMIT 1"
    )
    page = look().at("/settings")
    assert taps(page, lambda page: page.locator("#find")) <= 2
    page.keyboard.type(reference.strip("/"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/**")
    assert reference.strip("/") in page.content()


def test_a_quarantined_delivery_is_read_again_in_two_taps(look, console):
    page = look().at("/sources")
    before = int(page.locator("#quarantine > header .figures").inner_text())
    page.goto(console.address + "/overview")
    used = taps(
        page, lambda page: page.locator("nav a[href^='/sources']"),
        lambda page: page.locator("#quarantine button").first,
    )  # fmt: skip
    assert used <= 3
    page.locator("#quarantine [role=status]").wait_for()
    assert "现在解析成功" in page.locator("#quarantine [role=status]").inner_text()
    assert page.locator("#quarantine > header .figures").inner_text() == str(before - 1)


def test_a_raw_delivery_is_shown_after_who_and_why_stand_in_the_ledger(look, console):
    ((delivery,),) = console.rows("SELECT max(seq) FROM delivery WHERE outcome = 0")
    page = look().at(f"/deliveries/{delivery}")
    assert not page.locator("pre").count()
    page.locator("#why").fill("顾客来电询问")
    page.locator("button.main").tap()
    page.locator("pre").wait_for()
    ((body,),) = console.rows("SELECT body FROM control WHERE kind = 'revealed'")
    assert "李伟" in body
    assert "顾客来电询问" in body


def test_language_and_theme_are_chosen_and_kept(look):
    looking = look("zh", "light", 1440)
    page = looking.at("/settings")
    page.locator("details.menu", has=page.locator("button[name=language]")).locator(
        "summary"
    ).click()
    page.locator("button[value=en]").click()
    page.locator("h1", has_text="Settings").wait_for()
    page.locator(MENU, has=page.locator("button[name=theme]")).locator("summary").click()
    page.locator("button[value=dark]").click()
    page.locator(":root[data-theme=dark]").wait_for()
    assert looking.at("/sources").locator(":root[data-theme=dark][lang=en]").count()
    assert not looking.complaints


def test_keys_lead_to_the_search_and_through_the_rows(look, console):
    page = look("en", "light", 1440).at(f"/payments?{console.period}")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Escape")
    page.locator("main").focus()
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("j")
    second = page.evaluate("document.activeElement.getAttribute('href')")
    assert first.startswith("/payments/")
    assert second.startswith("/payments/")
    assert first != second
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{second}")
    page.go_back()
    assert console.period in page.url


def test_more_rows_are_appended_where_the_reader_is(look, console):
    page = look("en", "light", 1440).at(f"/payments?{console.period}")
    rows = page.locator("tbody tr.open")
    before = rows.count()
    page.locator("a[rel=next]").click()
    rows.nth(before).wait_for()
    names = rows.evaluate_all("all => all.map(each => each.querySelector('a').pathname)")
    assert len(set(names)) == len(names)
    assert console.period in page.url


def test_what_bills_say_otherwise_is_filtered_and_exported(look, console):
    page = look("zh").at("/reconciliation")
    assert page.locator("#differences tbody tr").count() == 3
    page.locator("select[name=kind]").select_option("missing_here")
    page.wait_for_url("**kind=missing_here**")
    assert page.locator("#differences tbody tr").count() == 1
    export = page.locator("#differences a[download]").get_attribute("href")
    text = page.request.get(console.address + export).text()
    lines = text.lstrip("\ufeff").splitlines()
    assert lines[0].startswith("kind,open,item,order")
    assert [line.split(",")[0] for line in lines[1:]] == ["missing_here"]
    assert "NL-unheard-of" in lines[1]
