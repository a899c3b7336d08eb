"""Who opens a raw delivery is on record before anything is shown."""

import asyncio

import msgspec
import pytest

from tests.unit.runtime.rig import NOW, Clock, event, house_at, put
from voidtrail.errors import KeyErased, LedgerStopped, NotFound, WrongUse
from voidtrail.ledger import rebuild
from voidtrail.runtime.ingest import Intake
from voidtrail.runtime.views.revealing import reveal


@pytest.fixture
def home(tmp_path):
    with house_at(tmp_path, Clock(NOW)) as made:
        yield made


def _reveal(home, number, who="Li Wei", why="the customer calls", stopped=None):
    async def run():
        intake = Intake(home.ledger, home.clock)
        intake.stopped = stopped
        try:
            return await reveal(home, intake, number, who=who, why=why)
        finally:
            await intake.close()

    return asyncio.run(run())


def _entries(home):
    rows = home.ledger.db.execute("SELECT seq, at, body FROM control WHERE kind = 'revealed'")
    return [(seq, at, msgspec.json.decode(body)) for seq, at, body in rows]


def test_what_is_shown_is_what_came_and_who_looked_stands_in_the_chain(home):
    (receipt,) = put(home, event())
    found = _reveal(home, receipt.delivery_id)
    assert found.body.startswith("(Event(")
    assert (found.source, found.account, found.via) == ("stripe", "main", "push")
    assert found.received_at == NOW
    (entry,) = _entries(home)
    assert entry == (found.entry, NOW, {"delivery": receipt.delivery_id, "who": "Li Wei",
                                        "why": "the customer calls"})  # fmt: skip
    assert rebuild.verify(home.ledger).ok


def test_repetition_shows_the_body_that_was_kept(home):
    put(home, event())
    (again,) = put(home, event())
    assert again.repeat_of is not None
    assert _reveal(home, again.delivery_id).body.startswith("(Event(")
    assert _entries(home)[0][2]["delivery"] == again.delivery_id


def test_without_a_reason_nothing_is_opened(home):
    (receipt,) = put(home, event())
    for who, why in (("Li Wei", "  "), ("", "because")):
        with pytest.raises(WrongUse):
            _reveal(home, receipt.delivery_id, who, why)
    assert _entries(home) == []


def test_what_cannot_be_opened_leaves_no_entry(home):
    (receipt,) = put(home, event())
    with pytest.raises(NotFound):
        _reveal(home, 999)
    home.ledger.db.execute("UPDATE data_key SET wrapped = x''")
    with pytest.raises(KeyErased):
        _reveal(home, receipt.delivery_id)
    assert _entries(home) == []


def test_what_cannot_be_written_down_is_not_shown(home):
    (receipt,) = put(home, event())
    with pytest.raises(LedgerStopped):
        _reveal(home, receipt.delivery_id, stopped=LedgerStopped("the disk is full"))
