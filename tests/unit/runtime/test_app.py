"""The one place that builds things."""

import json

import pytest

from tests.unit.runtime.rig import HOUR, NOW, Clock, event, house_at, put
from voidtrail.errors import AccountUnknown, LedgerStopped, SettingInvalid, SourceUnknown
from voidtrail.event.model import Kind
from voidtrail.ledger.keys import Keyring
from voidtrail.ledger.sqlite import SqliteLog
from voidtrail.lifecycle.projection import Projection
from voidtrail.runtime.app import build, reader_of
from voidtrail.runtime.settings import load


def controls(house, kind):
    return [json.loads(body) for (body,) in house.ledger.db.execute(
        "SELECT body FROM control WHERE kind = ? ORDER BY seq", (kind,))]  # fmt: skip


def test_accounts_keep_their_numbers_and_stand_in_the_ledger(tmp_path):
    for _ in range(2):
        with house_at(tmp_path) as house:
            assert house.homes == {"storefront/main": 1, "storefront/try-out": 2, "stripe/main": 3}
            assert [each["no"] for each in controls(house, "account")] == [1, 2, 3]
            quiet = [house.entry("storefront", name).quiet for name in ("main", "try-out")]
            assert quiet == [False, True]


def test_only_a_platform_with_credentials_can_be_asked(tmp_path):
    with house_at(tmp_path) as house:
        assert house.terms.askable == (house.homes["stripe/main"],)
        (terms,) = controls(house, "terms")
        assert terms["askable"] == [3]


def test_terms_are_written_down_when_they_change_and_only_then(tmp_path):
    with house_at(tmp_path) as house:
        put(house, event(Kind.OPEN, payment="A1", method=1), source="storefront")
        due = house.ledger.due(NOW + 100 * HOUR, 1)[0][1]
    with house_at(tmp_path) as house:
        assert len(controls(house, "terms")) == 1
    file = tmp_path / "voidtrail.toml"
    file.write_text(file.read_text("utf-8") + "[silence.patience_s]\ncard_form = 60\n", "utf-8")
    with house_at(tmp_path) as house:
        assert len(controls(house, "terms")) == 2
        assert house.ledger.due(NOW + 100 * HOUR, 1)[0][1] < due, "judged anew under the new terms"


def test_an_account_of_an_unknown_source_is_refused_and_leaves_nothing(tmp_path):
    file = tmp_path / "voidtrail.toml"
    file.write_text(f'[ledger]\npath = "{tmp_path}/x.db"\n[[account]]\nsource = "stripee"\n'
                    'name = "main"\n')  # fmt: skip
    with pytest.raises(SourceUnknown, match="stripee"):
        build(load(file, {}), environment={}, clock=Clock())
    file.write_text(f'[ledger]\npath = "{tmp_path}/x.db"\n[[account]]\nsource = "stripe"\n'
                    'name = "main"\nsecrets = {signing = "env:NONE"}\n')  # fmt: skip
    with pytest.raises(SettingInvalid, match="NONE"):
        build(load(file, {}), environment={}, clock=Clock())
    ledger = SqliteLog(tmp_path / "x.db", Projection(load(None, {}).terms()),
                       Keyring.load(tmp_path / "x.db.key"))  # fmt: skip
    assert (ledger.accounts(), ledger.head().entries) == ({}, 0)
    ledger.close()


def test_an_account_that_is_not_configured_is_named(tmp_path):
    with house_at(tmp_path) as house:
        with pytest.raises(AccountUnknown, match="'other'"):
            house.entry("stripe", "other")
        with pytest.raises(SourceUnknown, match="'paypal'"):
            house.entry("paypal", "main")


def test_a_reader_sees_what_is_written_and_can_write_nothing(tmp_path):
    with house_at(tmp_path) as house:
        reader = reader_of(house)
        put(house, event())
        assert reader.ledger.head() == house.ledger.head()
        with pytest.raises(LedgerStopped, match="reading only"):
            reader.ledger.begin()
        reader.close()


def test_a_command_that_does_not_judge_silence_leaves_the_terms_as_they_are(tmp_path):
    with house_at(tmp_path) as house:
        before = house.terms
    file = tmp_path / "voidtrail.toml"
    file.write_text(file.read_text("utf-8") + "[silence.patience_s]\ncard_form = 60\n", "utf-8")
    with house_at(tmp_path, settle=False) as house:
        assert house.terms == before
        assert len(controls(house, "terms")) == 1
