"""Every figure of the first page in words, with the page behind it."""

from tests.unit.web.console.overviews import START, overview
from voidtrail.insight.rate import rate
from voidtrail.runtime.text import speak
from voidtrail.runtime.views.overview_shapes import Breakdown, Comparison, Slice, Tile
from voidtrail.runtime.views.shapes import Amount
from voidtrail.web.console.desk import address
from voidtrail.web.console.overview import shown


def link(path, /, **changes):
    return address(path, changes)


def of(**changes):
    speak("en")
    return shown(overview(**changes), link, is_today=True, now=START)


def compared(times):
    return Comparison(basis="week_before", since="", until="", value=1.0, times=times)


def test_tiles_lead_to_the_payments_that_they_count():
    (tile,) = of(tiles=(Tile(name="called_off", count=1234, compared=(compared(1.25),)),))["tiles"]
    assert (tile["value"], tile["more"]) == ("1,234", "1.2× the week before")
    assert tile["href"] == "/payments?state=cancelled"


def test_a_factor_upon_next_to_nothing_is_not_told():
    (tile,) = of(tiles=(Tile(name="called_off", count=150, compared=(compared(150.0),)),))["tiles"]
    assert tile["more"] == ""


def test_only_what_can_be_saved_is_red_and_only_if_there_is_any():
    amounts = (Amount(minor=12800, currency="CNY"), Amount(minor=500, currency="JPY"))
    tiles = (Tile(name="saveable", count=2, amounts=amounts), Tile(name="saveable", count=0),
             Tile(name="cost", count=9, amounts=amounts))  # fmt: skip
    some, none, cost = of(tiles=tiles)["tiles"]
    assert (some["value"], some["more"], some["risk"]) == (
        "CN¥128.00", "+ ¥500 · payments: 2", True)  # fmt: skip
    assert (none["value"], none["risk"]) == ("–", False)
    assert not cost["risk"]


def test_a_rate_tells_its_interval():
    found = rate(50, 400, numerator="a", denominator="b")
    (tile,) = of(tiles=(Tile(name="rate", count=50, rate=found),))["tiles"]
    assert (tile["value"], tile["more"]) == ("12.5%", "between 9.6–16.1 %")


def test_slices_show_shares_of_what_was_called_off_and_rates_of_what_began():
    how = Breakdown(dimension="how", slices=(
        Slice(value="abandoned", payments=30, called_off=30, share=0.75),
        Slice(value="expired", payments=0, called_off=0, share=0.0)))  # fmt: skip
    rail = Breakdown(dimension="source", slices=(
        Slice(value="alipay", payments=400, called_off=50, share=0.5,
              rate=rate(50, 400, numerator="a", denominator="b")),
        Slice(value="stripe", payments=3, called_off=3, share=0.1,
              rate=rate(3, 3, numerator="a", denominator="b"))))  # fmt: skip
    first, second = of(breakdowns=(how, rail))["breakdowns"]
    (abandoned,) = first["slices"]
    assert (abandoned["label"], abandoned["said"]) == ("abandoned", "75.0%")
    assert abandoned["href"] == "/payments?state=cancelled&how=abandoned"
    alipay, stripe = second["slices"]
    assert (alipay["label"], alipay["said"]) == ("Alipay", "12.5% (9.6–16.1)")
    assert (stripe["said"], stripe["part"]) == ("too few to say", 0)
