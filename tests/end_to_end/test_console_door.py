"""The console's door over real HTTP: who comes in, with what, and what a browser is told."""

import gzip
import json
import re
from urllib.parse import quote

import pytest

from tests.end_to_end.console_house import Console
from tests.end_to_end.house import request, until

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    with Console(tmp_path_factory.mktemp("door"), orders=60) as served:
        yield served


class Person:
    """Somebody with a session, over raw HTTP."""

    def __init__(self, console):
        self.console = console
        path = console.link().removeprefix(console.address)
        status, headers, _ = console.get(path)
        assert status == 303
        self.cookie = headers["set-cookie"].partition(";")[0]
        self.set_cookie = headers["set-cookie"]
        self.path = path

    def get(self, path, *more):
        return self.console.get(path, [("Cookie", self.cookie), *more])

    def page(self, path):
        status, _, body = self.get(path)
        assert status == 200, body
        return body.decode()

    @property
    def csrf(self):
        return re.search(r'name="csrf" value="([^"]+)"', self.page("/settings"))[1]

    def post(self, path, *more, csrf=None, **fields):
        form = {"csrf": self.csrf if csrf is None else csrf, **fields}
        body = "&".join(f"{name}={quote(value)}" for name, value in form.items()).encode()
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.console.post(path, body, [("Cookie", self.cookie), kind, *more])


@pytest.fixture(scope="module")
def person(console):
    return Person(console)


def test_link_opens_once_and_the_session_is_for_this_site_alone(console, person):
    assert console.get(person.path)[0] == 401
    assert person.get(person.path)[0] == 303  # whoever is in already is let through
    said = person.set_cookie.lower()
    for word in ("httponly", "samesite=strict", "path=/"):
        assert word in said
    assert person.cookie.startswith(f"voidtrail-{console.port}=")


@pytest.mark.parametrize("path", [
    "/", "/overview", "/payments", "/payments.csv", "/payments/a/b/c", "/orders/x", "/sources",
    "/alerts", "/report", "/settings", "/find?query=1", "/deliveries/1", "/nowhere",
])  # fmt: skip
def test_without_a_session_nothing_is_shown_but_the_way_in(console, path):
    status, headers, body = console.get(path)
    assert status == 401
    assert "voidtrail link" in body.decode()
    assert "hutong" not in body.decode()
    assert headers["content-security-policy"] == POLICY


def test_what_a_page_may_do_is_said_with_every_answer(person):
    for path in ("/overview", "/payments", "/nowhere", "/orders/nobody"):
        _, headers, body = person.get(path)
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        text = body.decode()
        assert not re.search(r"<[^>]+ (style|on\w+)=", text)
        scripts = re.findall(r"<script([^>]*)>", text)
        assert all("src=" in each or 'type="application/json"' in each for each in scripts)


def test_a_name_of_another_site_does_not_reach_the_console(console, person):
    head = f"GET /overview HTTP/1.1\r\nHost: rebound.example\r\nCookie: {person.cookie}\r\n"
    import socket

    with socket.create_connection((console.host, console.port)) as wire:
        wire.sendall(f"{head}Connection: close\r\n\r\n".encode())
        answer = wire.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"hutong" not in answer


def test_a_proxy_that_was_not_configured_is_not_this_machine(person):
    assert person.get("/overview", ("X-Forwarded-For", "203.0.113.9"))[0] == 403


def test_forms_of_others_change_nothing(console, person):
    ((before,),) = console.rows("SELECT count(*) FROM control")
    number = console.rows("SELECT min(seq) FROM delivery")[0][0]
    other = Person(console)
    for given in ("", "x", other.csrf):
        assert person.post(f"/deliveries/{number}", csrf=given, why="because")[0] == 403
    cross = ("Sec-Fetch-Site", "cross-site")
    assert person.post(f"/deliveries/{number}", cross, why="because")[0] == 403
    assert console.rows("SELECT count(*) FROM control WHERE kind = 'revealed'") == [(0,)]
    assert console.rows("SELECT count(*) FROM control")[0][0] >= before


def test_a_delivery_is_not_opened_without_a_reason(console, person):
    number = console.rows("SELECT min(seq) FROM delivery")[0][0]
    status, _, body = person.post(f"/deliveries/{number}", why="  ")
    assert status == 400
    assert b"<pre" not in body
    assert console.rows("SELECT count(*) FROM control WHERE kind = 'revealed'") == [(0,)]


def test_going_back_never_leads_elsewhere(person):
    for back in ("//evil.example", "https://evil.example", "/\\evil.example", ""):
        status, headers, _ = person.post("/preferences", back=back, theme="dark")
        assert (status, headers["location"]) == (303, "/overview")
    assert person.post("/preferences", back="/payments", theme="dark")[1]["location"] == "/payments"
    assert "set-cookie" not in person.post("/preferences", back="/", theme="<script>")[1]


def test_leaving_ends_the_session_in_this_browser(console):
    leaving = Person(console)
    status, headers, _ = leaving.post("/leave")
    assert status == 303
    assert "max-age=0" in headers["set-cookie"].lower()


def test_what_was_written_into_an_address_is_shown_as_text(person):
    for path in ("/find?query=", "/payments?query=", "/payments?shop=", "/orders/"):
        status, _, body = person.get(path + quote("<script>alert(1)</script>"))
        assert status in (200, 404)
        assert b"<script>alert(1)" not in body


@pytest.mark.parametrize("path", [
    "/overview?since=yesterday", "/payments?state=gone", "/payments?cursor=%21%21",
    "/payments?since=2026-99-99",
])  # fmt: skip
def test_an_address_that_means_nothing_is_refused_in_words(person, path):
    status, _, body = person.get(path)
    assert status == 400
    assert "<h1>" in body.decode()
    chinese = person.get(path, ("Accept-Language", "zh"))[2].decode()
    why = re.search(r"</h1>\s*<p[^>]*>(.*?)</p>", chinese, re.DOTALL)[1]
    assert re.search(r"[\u4e00-\u9fff]", why), why


def test_languages_are_taken_from_the_browser_until_one_is_chosen(person):
    for wanted, lang in (("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("fr,en;q=0.5,zh;q=0.3", "en"),
                         ("", "en"), ("de", "en"), ("en;q=0.1,zh-TW;q=0.9", "zh-CN"),
                         ("zh;q=x", "en")):  # fmt: skip
        page = person.get("/settings", ("Accept-Language", wanted))[2].decode()
        assert f'<html lang="{lang}"' in page, wanted
    chosen = [("Accept-Language", "zh"), ("Cookie", f"{person.cookie}; voidtrail-language=en")]
    assert '<html lang="en"' in person.console.get("/settings", chosen)[2].decode()


def test_assets_are_cached_by_their_content_and_need_no_session(console, person):
    paths = set(re.findall(r'"(/static/[^"]+)"', person.page("/overview")))
    assert {"tokens.css", "console.js"} <= {path.split("/")[-1].split("?")[0] for path in paths}
    for path in paths:
        status, headers, body = console.get(path, [("Accept-Encoding", "gzip")])
        assert (status, headers["content-encoding"]) == (200, "gzip")
        assert "immutable" in headers["cache-control"]
        assert console.get(path)[2] == gzip.decompress(body)
    for path in ("/static/../access.py", "/static/%2e%2e/access.py", "/static/vendor/.stamp"):
        assert request(console.port, "GET", path)[0] == 404


def test_export_holds_every_row_of_the_filter_once(console, person):
    status, headers, body = person.get(f"/payments.csv?{console.period}")
    assert status == 200
    assert headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="payments-{console.day}-{console.day}.csv"' in headers["content-disposition"]
    rows = _dechunked(body).decode("utf-8-sig").splitlines()[1:]
    figures = console.json(f"/api/report?{console.period}")
    assert len(rows) == figures["payments"]
    assert len({row.split(",")[0] for row in rows}) == len(rows)


def _dechunked(body):
    """Return a body that came in chunks."""
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        whole += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return whole


def test_numbers_of_the_pages_are_those_of_the_report(console, person):
    figures = console.json(f"/api/report?{console.period}")
    page = person.page(f"/overview?{console.period}")
    assert f"{figures['cancelled']} of {figures['payments']} payments were called off" in page
    listed = person.page(f"/payments?{console.period}&state=cancelled")
    assert listed.count('<tr class="open"') == min(50, figures["cancelled"])


def test_the_api_answers_as_before(console):
    assert console.get("/healthz")[0] == 200
    status, headers, _ = console.get("/api/nowhere")
    assert (status, headers["content-type"]) == (404, "application/json")


def test_an_incident_that_a_person_has_seen_is_so_on_record(console, person):
    """Whoever presses the button stands in the ledger by name."""
    entries = "SELECT body FROM control WHERE kind = 'alert' ORDER BY seq"
    found = until(lambda: console.rows(entries), why="the routes caught nothing")
    number = json.loads(found[0][0])["incident"]
    status, headers, _ = person.post(f"/alerts/{number}/seen")
    assert (status, headers["location"]) == (303, f"/alerts#incident-{number}")
    told = [json.loads(body) for (body,) in console.rows(entries)]
    (seen,) = [each for each in told if each["type"] == "acknowledged"]
    assert (seen["incident"], seen["who"]) == (number, "李伟")
    assert "Seen by 李伟" in person.page("/alerts")
