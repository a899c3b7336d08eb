"""A command that only reads makes nothing, changes nothing and brings no terms of its own."""

import pytest

from tests.unit.runtime.house import house
from voidtrail.errors import LedgerStopped, NotFound
from voidtrail.runtime import opening
from voidtrail.runtime.settings import load
from voidtrail.runtime.upkeep import replay, verify


def _settings(folder):
    return load(None, {}, {"ledger.path": str(folder / "test.db")})


def test_absent_ledger_is_not_made(tmp_path):
    with pytest.raises(NotFound, match=r"test\.db"):
        opening.reader(_settings(tmp_path))
    assert not list(tmp_path.iterdir())


def test_reader_takes_the_terms_of_the_ledger(tmp_path):
    config = tmp_path / "voidtrail.toml"
    config.write_text("[silence]\ntolerance_s = 7\n")
    house(tmp_path, config=config).close()
    reader = opening.reader(_settings(tmp_path))
    assert reader.terms.tolerance_s == 7
    with pytest.raises(LedgerStopped):
        reader.ledger.begin()
    reader.close()


def test_reader_beside_a_writer(tmp_path):
    home = house(tmp_path)
    reader = opening.reader(_settings(tmp_path))
    before = reader.ledger.head().entries
    home.ledger.begin()
    home.ledger.control([("note", "{}")], 1)
    assert reader.ledger.head().entries == before
    home.ledger.commit()
    assert reader.ledger.head().entries == before + 1
    assert verify(reader)["ok"]
    assert replay(reader)["equal"]
    reader.close()
    home.close()
