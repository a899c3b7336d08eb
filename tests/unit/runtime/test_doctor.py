"""The doctor looks, says what is wrong and what to do, and changes nothing."""

import pytest

from tests.unit.runtime.house import house
from tests.unit.runtime.rig import VARIABLES, house_at
from voidtrail.runtime.doctor import examine
from voidtrail.runtime.settings import load


def _checks(folder, environment=None, config=None):
    settings = load(config, {}, {"ledger.path": str(folder / "test.db")})
    return {each.name: each for each in examine(settings, environment or {})}


def test_fresh_machine_is_fit(tmp_path):
    found = _checks(tmp_path)
    assert all(each.ok for each in found.values()), found
    assert not list(tmp_path.iterdir())


def test_ledger_is_looked_at(tmp_path):
    house(tmp_path).close()
    found = _checks(tmp_path)
    assert {"chain", "read_tables"} <= found.keys()
    assert all(each.ok for each in found.values()), found


@pytest.mark.parametrize("remove", [True, False])
def test_key_file_that_is_missing_or_open_is_found(tmp_path, remove):
    house(tmp_path).close()
    key = tmp_path / "test.db.key"
    if remove:
        key.unlink()
    else:
        key.chmod(0o644)
    found = _checks(tmp_path)["key_file"]
    assert not found.ok
    assert str(key) in found.found


def test_secret_that_is_not_there_is_found(tmp_path):
    config = tmp_path / "voidtrail.toml"
    config.write_text('[[account]]\nsource = "stripe"\nname = "main"\n'
                      '[account.secrets]\nsigning = "env:STRIPE"\n')  # fmt: skip
    assert not _checks(tmp_path, {}, config)["account stripe/main"].ok
    assert _checks(tmp_path, {"STRIPE": "whsec_1"}, config)["account stripe/main"].ok


def test_a_platform_that_is_left_alone_is_named(tmp_path):
    def put(circuit):
        with house_at(tmp_path) as house:
            body = f'{{"account":"stripe/main","circuit":"{circuit}","failures":5}}'
            house.ledger.begin()
            house.ledger.control([("circuit", body)], house.clock())
            house.ledger.commit()
            return [each for each in examine(house.settings, VARIABLES)
                    if each.name == "platform stripe/main"]  # fmt: skip

    (check,) = put("open")
    assert (check.ok, "after 5 failures in a row" in check.found) == (False, True)
    assert put("closed") == []
