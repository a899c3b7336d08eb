"""Who may open the console: whoever holds a link, once, in time, from where it may be reached."""

import pytest

from tests.unit.runtime.rig import HOUR, SECOND, Clock, house_at
from voidtrail.runtime.settings import Server
from voidtrail.web.access import Access, is_near, is_page

LOCAL = {"host": "127.0.0.1:8420"}
PUBLIC = {"host": "pay.example.com", "x-forwarded-for": "203.0.113.9"}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def house(tmp_path, clock):
    with house_at(tmp_path, clock) as found:
        yield found


def ticket(link):
    return link.partition("ticket=")[2].partition("&")[0]


def signed_in(access, headers=LOCAL):
    return {access.cookie(headers): access.enter(ticket(access.link("Li Wei")))}


def test_link_opens_once(house):
    access = Access(house)
    link = access.link("Li Wei")
    assert link.startswith("http://127.0.0.1:8420/enter?ticket=")
    assert access.enter(ticket(link))
    assert access.enter(ticket(link)) is None


def test_session_says_who_and_carries_its_own_token(house):
    access = Access(house)
    one, other = (access.who(LOCAL, signed_in(access)) for _ in range(2))
    assert one.name == "Li Wei"
    assert one.csrf != other.csrf
    assert access.is_own_form(one, LOCAL, one.csrf)
    assert not access.is_own_form(one, LOCAL, other.csrf)
    assert not access.is_own_form(one, LOCAL, "")
    assert not access.is_own_form(one, {"sec-fetch-site": "cross-site"}, one.csrf)


def test_link_of_another_process_on_the_same_store_opens(house):
    server = Access(house)
    assert server.enter(ticket(Access(house).link()))


def test_link_that_is_older_than_the_server_opens_nothing(house, clock):
    """Whether it was used before the server began, nobody remembers."""
    link = Access(house).link()
    clock.now += SECOND
    assert Access(house).enter(ticket(link)) is None


def test_link_is_good_for_an_hour_and_session_for_twelve(house, clock):
    access = Access(house)
    link, cookies = access.link(), signed_in(access)
    clock.now += HOUR
    assert access.enter(ticket(link)) is None
    clock.now += 11 * HOUR - SECOND
    assert access.who(LOCAL, cookies)
    clock.now += SECOND
    assert access.who(LOCAL, cookies) is None


@pytest.mark.parametrize("spoil", [
    lambda text: "", lambda text: "x" + text, lambda text: text[:-1], lambda text: text + "A",
    lambda text: text.partition(".")[0], lambda text: "." + text.partition(".")[2],
    lambda text: "é" + text,
])  # fmt: skip
def test_nothing_but_what_was_signed_opens(house, spoil):
    access = Access(house)
    assert access.enter(spoil(ticket(access.link()))) is None
    cookies = {name: spoil(value) for name, value in signed_in(access).items()}
    assert access.who(LOCAL, cookies) is None


def test_ticket_is_no_session_and_session_is_no_ticket(house):
    access = Access(house)
    link = ticket(access.link())
    assert access.who(LOCAL, {access.cookie(LOCAL): link}) is None
    assert access.enter(access.enter(link)) is None


def test_session_survives_a_restart(house):
    cookies = signed_in(Access(house))
    assert Access(house).who(LOCAL, cookies)


@pytest.mark.parametrize(("client", "headers", "admitted"), [
    ("127.0.0.1", LOCAL, True),
    ("127.0.0.1", {"host": "localhost:8420"}, True),
    ("::1", {"host": "[::1]:8420"}, True),
    ("127.0.0.1", {"host": "rebound.example:8420"}, False),
    ("127.0.0.1", {**LOCAL, "x-forwarded-for": "203.0.113.9"}, False),
    ("192.0.2.7", LOCAL, False),
    (None, LOCAL, False),
    ("127.0.0.1", {}, False),
])  # fmt: skip
def test_only_this_machine_is_admitted_unless_configured(house, client, headers, admitted):
    assert Access(house).admits(client, headers) is admitted


def test_public_address_is_admitted_once_configured_and_its_cookie_is_bound_to_it(house):
    server = Server(public_url="https://pay.example.com")
    access = Access(house._replace(settings=_with(house.settings, server)))
    assert access.admits("127.0.0.1", PUBLIC)
    assert not access.admits("127.0.0.1", {**PUBLIC, "host": "other.example.com"})
    assert access.cookie(PUBLIC) == "__Host-voidtrail"
    assert access.is_secure(PUBLIC)
    assert access.link().startswith("https://pay.example.com/enter?ticket=")
    assert access.cookie(LOCAL) == "voidtrail-8420"
    assert not access.is_secure(LOCAL)


def _with(settings, server):
    import msgspec

    return msgspec.structs.replace(settings, server=server)


def test_link_leads_to_a_page_of_ours_only(house):
    link = Access(house).link(to="/overview?since=2026-03-17&until=2026-03-17")
    assert link.endswith("&to=/overview%3Fsince%3D2026-03-17%26until%3D2026-03-17")
    assert is_page("/payments")
    for elsewhere in ("", "payments", "//evil.example/", "/\\evil.example", "https://evil.example"):
        assert not is_page(elsewhere)


def test_an_address_that_is_none_is_not_near():
    assert not is_near("unix", {})
