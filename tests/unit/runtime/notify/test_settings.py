"""The book of routes from settings, and refusals that name the field."""

import pytest

from voidtrail.errors import SettingInvalid, SettingUnknown
from voidtrail.response.hours import Hours, Span
from voidtrail.response.route import Step
from voidtrail.runtime.settings import load

BASE = """
[[account]]
source = "alipay"
name = "main"
shop = "downtown"
[[channel]]
name = "duty"
address = "env:DUTY"
"""
ROUTE = '[[route]]\nname = "large"\nto = ["duty"]\n'


def read(tmp_path, text):
    file = tmp_path / "voidtrail.toml"
    file.write_text(BASE + text, "utf-8")
    return load(file, {})


def test_a_route_is_read_with_its_amounts_steps_and_hours(tmp_path):
    text = """
[alerts]
window_s = 60
[[hours]]
shop = "downtown"
quiet = "22:00-08:00"
[[hours]]
business = "Mon 09:00-18:00"
[[route]]
name = "large"
to = ["duty"]
how = ["abandoned"]
hours = "awake"
at_least = { CNY = "500.00", JPY = "10000" }
tags = { tier = ["gold"] }
[[route.escalate]]
after_s = 300
to = ["duty"]
"""
    book = read(tmp_path, text).book()
    (route,) = book.routes
    assert route.at_least == {"CNY": 50_000, "JPY": 10_000}
    assert (route.how, route.hours, route.tags) == (("abandoned",), "awake", {"tier": ("gold",)})
    assert route.escalate == (Step(300, ("duty",)),)
    assert (book.window_us, book.digest_us) == (60_000_000, 3_600_000_000)
    assert book.hours["*"] == Hours(business=(Span(540, 1080),))
    assert len(book.hours["downtown"].quiet) == 7


def test_without_routes_the_book_is_empty(tmp_path):
    assert read(tmp_path, "").book().routes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROUTE + 'how = ["abandond"]', "route large, how: 'abandond'"),
        (ROUTE + 'shop = ["uptown"]', "route large, shop: 'uptown' is not a shop"),
        (ROUTE + 'rail = ["stripe"]', "route large, rail: 'stripe' is not a source"),
        (ROUTE + 'at_least = { CNY = "5,00" }', "route large, at_least: amount '5,00'"),
        (ROUTE + 'at_least = { XXQ = "5" }', "route large, at_least: currency 'XXQ'"),
        (ROUTE + 'send = "soon"', r"Invalid enum value 'soon'"),
        ('[[route]]\nname = "x"\nto = ["nobody"]', "route x, to: 'nobody' is not a channel"),
        ('[[channel]]\nname = "duty"\naddress = "env:X"', "channel 'duty': a name"),
        ('[[channel]]\nname = "b"\naddress = "env:X"\ntimeout_s = 0.0', "channel b, timeout_s"),
        ('[[channel]]\nname = "b"\naddress = "env:X"\nserver = "im"', "channel b, server"),
        ("[alerts]\nwindow_s = 0", r"alerts\.window_s"),
        ("[alerts]\ndigest_every_s = -1", r"alerts\.digest_every_s"),
        ('[[hours]]\nshop = "uptown"', "hours: 'uptown' is not a shop"),
        ('[[hours]]\n[[hours]]\nquiet = "22:00-23:00"', "are given twice"),
        ('[[hours]]\nquiet = "late"', r"hours of shop '\*': 'late' is not hours"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_field(tmp_path, text, said):
    with pytest.raises(SettingInvalid, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROUTE + "sho = []", r"setting route\.sho is not known; did you mean route\.shop\?"),
        (ROUTE + "[[route.escalate]]\nafter = 3", r"route\.escalate\.after is not known"),
        ('[[channel]]\nname = "b"\nurl = "x"', r"channel\.url is not known"),
        ("[[hours]]\nquite = 'x'", r"did you mean hours\.quiet"),
    ],
)
def test_an_unknown_key_is_refused_by_name(tmp_path, text, said):
    with pytest.raises(SettingUnknown, match=said):
        read(tmp_path, text)
