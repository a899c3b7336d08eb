"""Reading again: a newer translator's word counts, the old one's is kept and does not."""

from types import SimpleNamespace

import pytest

from tests.unit.runtime.house import NOW, event, house, mapping, row, table
from voidtrail.errors import AccountUnknown, SourceUnknown
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Kind, Tag, Unreadable
from voidtrail.ledger import rebuild
from voidtrail.runtime.app import add_account
from voidtrail.runtime.files import import_file
from voidtrail.runtime.preparing import prepare
from voidtrail.runtime.report import report
from voidtrail.runtime.retranslate import retranslate
from voidtrail.runtime.show import show

CNY = {"currency": "CNY", "tag": Tag.OWN}


def _open(delivery):
    return event(delivery.body.decode(), Kind.OPEN, amount_minor=5, **CNY)


def _cancel(delivery):
    return event(delivery.body.decode(), Kind.CANCEL)


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    learning = SimpleNamespace(**vars(made.sources["stripe"]))
    made = made._replace(sources={**made.sources, "stripe": learning})
    yield made
    made.close()


def _learn(home, version, said):
    home.sources["stripe"].VERSION = version
    home.sources["stripe"].translate = lambda delivery, account, secrets: said(delivery)


def _take(home, *payments):
    home.ledger.begin()
    entry = add_account(home, Account(source="stripe", name="main"), {})
    items = [
        prepare(
            Delivery(source="stripe", account="main", received_at=NOW, body=name.encode()),
            entry, home.keyring,
        )
        for name in payments
    ]  # fmt: skip
    home.ledger.append(items, NOW)
    home.ledger.commit()


def _sound(home):
    verified = rebuild.verify(home.ledger)
    assert verified.ok, verified.trouble
    assert rebuild.replay(home.ledger).equal


def test_quarantine_is_left_once_the_translator_understands(home):
    _learn(home, 1, lambda _: Unreadable(path="data", why="not understood yet"))
    _take(home, "pi_1", "pi_2")
    assert report(home)["quarantined"] == 2
    assert retranslate(home, "stripe").unreadable == 2
    _learn(home, 1, lambda delivery: [_open(delivery)])
    done = retranslate(home, "stripe")
    assert (done.recovered, done.events, done.unreadable) == (2, 2, 0)
    found = report(home)
    assert (found["quarantined"], found["payments"]) == (0, 2)
    assert retranslate(home, "stripe").deliveries == 0
    _sound(home)


def test_newer_translation_takes_the_place_and_what_it_leaves_out_is_retracted(home):
    _learn(home, 1, lambda delivery: [_open(delivery), _cancel(delivery)])
    _take(home, "pi_1", "pi_2")
    assert report(home)["cancelled"] == 2
    assert retranslate(home, "stripe").deliveries == 0, "the same version has nothing new to say"
    _learn(home, 2, lambda delivery: [_open(delivery)])
    done = retranslate(home, "stripe")
    assert (done.deliveries, done.events, done.retracted) == (2, 2, 2)
    assert report(home, as_of=NOW)["state"]["open"] == 2
    told = show(home, "pi_1")["payments"][0]["events"]
    assert sum(each["superseded"] for each in told) == 2
    assert report(home)["conflicts"] == 0
    _sound(home)
    _learn(home, 3, lambda delivery: [_open(delivery), _cancel(delivery)])
    retranslate(home, "stripe")
    assert report(home)["cancelled"] == 2
    _sound(home)


def test_content_is_not_kept_twice(home):
    _learn(home, 1, lambda delivery: [_open(delivery)])
    _take(home, "pi_1")
    _learn(home, 2, lambda delivery: [_cancel(delivery)])
    retranslate(home, "stripe")
    kept = home.ledger.db.execute(
        "SELECT seq, repeat_of, sealed IS NOT NULL FROM delivery ORDER BY seq"
    ).fetchall()
    assert [(again, sealed) for _, again, sealed in kept] == [(None, 1), (kept[0][0], 0)]


def test_what_was_erased_is_counted_and_left(home):
    _learn(home, 1, lambda delivery: [_open(delivery)])
    _take(home, "pi_1", "pi_2")
    home.ledger.db.execute("DELETE FROM data_key WHERE no = (SELECT min(no) FROM data_key)")
    for key in range(1, 9):
        home.keyring.forget(key)
    _learn(home, 2, lambda delivery: [_cancel(delivery)])
    done = retranslate(home, "stripe")
    assert (done.deliveries, done.erased, done.unreadable) == (2, 1, 0)
    assert report(home)["cancelled"] == 1


def test_nobody_is_told(home):
    _learn(home, 1, lambda delivery: [_open(delivery)])
    _take(home, "pi_1")
    home.ledger.db.execute("DELETE FROM outbox")
    _learn(home, 2, lambda delivery: [_cancel(delivery)])
    retranslate(home, "stripe")
    assert home.ledger.db.execute("SELECT count(*) FROM outbox WHERE quiet = 0").fetchone() == (0,)


def test_row_of_a_file_is_read_by_the_mapping_of_its_import(home, tmp_path):
    import_file(home, table(tmp_path, [row(1), row(2, amount="1,0")]), mapping(tmp_path))
    done = retranslate(home, "table")
    assert (done.deliveries, done.unreadable, done.recovered) == (1, 1, 0)


@pytest.mark.parametrize(
    ("source", "account", "refusal"),
    [("nosuch", "", SourceUnknown), ("stripe", "no", AccountUnknown)],
)
def test_unknown_names_are_refused(home, source, account, refusal):
    with pytest.raises(refusal):
        retranslate(home, source, account=account)
