"""From a delivery to what the ledger keeps of it."""

import pytest
from structlog.testing import capture_logs

from tests.unit.runtime.rig import delivery, event, house_at, stated
from voidtrail.event.codec import REST_AT
from voidtrail.event.model import Unreadable, Via
from voidtrail.ledger.contract import QUARANTINED
from voidtrail.money import MINOR_MAX
from voidtrail.runtime.preparing import item_of, prepare, references


@pytest.fixture
def house(tmp_path):
    with house_at(tmp_path) as house:
        yield house


def _tests(item):
    return [encoded.rest[REST_AT["test"]] for encoded in item.events]


def test_what_a_test_account_says_is_test_traffic_and_no_history(house):
    body, headers = stated(payment={"source": "stripe", "account": "main", "reference": "pi_1"})
    for account, expected in (("main", 0), ("try-out", 1)):
        told = delivery("storefront", account, body, headers=headers)
        item = prepare(told, house.entry("storefront", account), house.keyring)
        assert (_tests(item), item.quiet) == ([expected], False)


def test_history_is_quiet(house):
    entry = house.entry("stripe", "main")
    assert item_of(delivery(via=Via.FILE), [event()], entry, house.keyring).quiet


def test_a_translator_that_breaks_puts_the_delivery_into_quarantine(house):
    class Broken:
        VERSION = 1

        def translate(self, *_):
            raise RuntimeError("4242424242424242")

    entry = house.entry("stripe", "main")._replace(source=Broken())
    with capture_logs():
        item = prepare(delivery(), entry, house.keyring)
    assert (item.outcome, item.events) == (QUARANTINED, [])
    assert item.why == "the translator failed: RuntimeError"


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"amount_minor": MINOR_MAX + 1, "currency": "CNY"}, "amount"),
        ({"at": -1}, "event"),
        ({"at": 2**53}, "event"),
        ({"amount_minor": 1, "currency": "XXXX"}, "event"),
    ],
)
def test_what_the_ledger_cannot_hold_is_quarantined_whole(house, more, path):
    found = [event(), event(notice="n2", **more)]
    item = item_of(delivery(), found, house.entry("stripe", "main"), house.keyring)
    assert (item.outcome, item.events, item.path) == (QUARANTINED, [], path)
    assert item.why


def test_what_could_not_be_read_keeps_path_and_reason(house):
    found = Unreadable(path="data.object", why="no id")
    item = item_of(delivery(), found, house.entry("stripe", "main"), house.keyring)
    assert (item.outcome, item.path, item.why) == (QUARANTINED, "data.object", "no id")


def test_references_that_look_like_card_numbers_are_left_alone():
    found = [event(payment="4242424242424242", operation="short", order="6200000000000000")]
    assert references(found) == {b"4242424242424242", b"6200000000000000"}
