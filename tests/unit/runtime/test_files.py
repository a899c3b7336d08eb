"""Imports: nothing doubles, nothing is lost, a later revision takes the place of the earlier."""

import msgspec
import pytest

from tests.unit.runtime.house import MAPPING, house, mapping, row, rows, table
from voidtrail.errors import FileInvalid, LedgerStopped, MappingInvalid, NotFound, WrongUse
from voidtrail.ledger import rebuild
from voidtrail.runtime.files import import_file, name_of
from voidtrail.runtime.report import report
from voidtrail.runtime.retranslate import retranslate


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    yield made
    made.close()


def _figures(home):
    found = report(home)
    return found["payments"], found["cancelled"], found["cancelled_minor"]


def _sound(home):
    verified = rebuild.verify(home.ledger)
    assert verified.ok, verified.trouble
    replayed = rebuild.replay(home.ledger)
    assert replayed.equal, replayed.differing


def test_import_counts_what_it_did(home, tmp_path):
    done = import_file(home, table(tmp_path, rows(600)), mapping(tmp_path))
    assert msgspec.to_builtins(done.counts) == {
        "deliveries": 600, "events": 1200, "duplicates": 0, "unreadable": 0, "payments": 600,
        "orders": 600,
    }  # fmt: skip
    assert done.account == "shop"
    assert _figures(home) == (600, 120, {"CNY": 120_000})
    _sound(home)


def test_history_tells_nobody(home, tmp_path):
    import_file(home, table(tmp_path, rows(50)), mapping(tmp_path))
    loud = home.ledger.db.execute("SELECT count(*) FROM outbox WHERE quiet = 0").fetchone()
    assert loud == (0,)


def test_repeated_import_gives_only_duplicates(home, tmp_path):
    file, how = table(tmp_path, rows(300)), mapping(tmp_path)
    first = import_file(home, file, how)
    before = home.ledger.head()
    again = import_file(home, file, how)
    copy = import_file(home, table(tmp_path, rows(300), "copy.csv"), how)
    for each in (again, copy):
        assert (each.counts.events, each.counts.duplicates) == (0, first.counts.events)
    assert home.ledger.head().entries == before.entries
    assert _figures(home) == (300, 60, {"CNY": 60_000})


@pytest.mark.parametrize("dies_after", [0, 1, 2, 3])
def test_interrupted_import_is_taken_up(home, tmp_path, monkeypatch, dies_after):
    file, how = table(tmp_path, rows(1800)), mapping(tmp_path)
    append, calls = home.ledger.append, []

    def dying(items, at, ahead):
        if len(calls) == dies_after:
            raise LedgerStopped("pulled the plug")
        calls.append(len(items))
        return append(items, at, ahead)

    monkeypatch.setattr(home.ledger, "append", dying)
    with pytest.raises(LedgerStopped):
        import_file(home, file, how)
    monkeypatch.undo()
    done = import_file(home, file, how)
    assert done.resumed == sum(calls)
    assert done.counts.deliveries == 1800
    assert done.counts.events + done.counts.duplicates == 3600
    assert _figures(home) == (1800, 360, {"CNY": 360_000})
    _sound(home)


def test_later_file_of_the_same_name_takes_the_place(home, tmp_path):
    how = mapping(tmp_path)
    import_file(home, table(tmp_path, rows(400)), how)
    corrected = [row(no, "off" if no % 4 == 0 else "paid", "7.00") for no in range(500)]
    done = import_file(home, table(tmp_path, corrected), how)
    assert done.superseded == (1,)
    assert _figures(home) == (500, 125, {"CNY": 125 * 700})
    kinds = [kind for (kind,) in home.ledger.db.execute("SELECT kind FROM control ORDER BY seq")]
    assert kinds.count("file") == 2
    assert kinds.count("supersede") == 1
    _sound(home)
    loud = home.ledger.db.execute("SELECT count(*) FROM outbox WHERE quiet = 0").fetchone()
    assert loud == (0,)


def test_row_that_a_later_file_leaves_out_is_no_payment_any_more(home, tmp_path):
    how = mapping(tmp_path)
    import_file(home, table(tmp_path, rows(40)), how)
    import_file(home, table(tmp_path, rows(30)), how)
    assert _figures(home)[0] == 30
    _sound(home)


def test_earlier_revision_imported_again_takes_its_place_back(home, tmp_path):
    how = mapping(tmp_path)
    for content in (rows(40), rows(60, called_off=3), rows(40)):
        import_file(home, table(tmp_path, content), how)
    assert _figures(home) == (40, 8, {"CNY": 8000})
    _sound(home)


def test_interrupted_superseding_is_taken_up(home, tmp_path, monkeypatch):
    how = mapping(tmp_path)
    import_file(home, table(tmp_path, rows(600)), how)
    later = table(tmp_path, rows(500, called_off=2))
    real, calls = rebuild.rebuild, []

    def dying(log, ids):
        calls.append(len(ids))
        if len(calls) == 2:
            raise LedgerStopped("pulled the plug")
        real(log, ids)

    monkeypatch.setattr(rebuild, "rebuild", dying)
    with pytest.raises(LedgerStopped):
        import_file(home, later, how)
    monkeypatch.undo()
    assert rebuild.verify(home.ledger).ok
    import_file(home, later, how)
    assert _figures(home) == (500, 250, {"CNY": 250_000})
    _sound(home)


def test_file_mapped_anew_is_translated_anew(home, tmp_path):
    file = table(tmp_path, rows(30))
    import_file(home, file, mapping(tmp_path))
    without = MAPPING.replace("'off'", "'never'").replace('kind = "ORDER"', 'kind = "OPEN"')
    done = import_file(home, file, mapping(tmp_path, without))
    assert done.superseded == (1,)
    assert report(home, as_of="2026-03-01")["state"]["open"] == 6
    assert report(home)["conflicts"] == 0
    _sound(home)
    import_file(home, file, mapping(tmp_path))
    assert _figures(home) == (30, 6, {"CNY": 6000})
    _sound(home)


def test_rows_that_cannot_be_read_are_quarantined_and_named(home, tmp_path):
    bad = [row(1), row(2, amount="1,000.00"), (*row(3, day=1)[:4], "yesterday", "1"), row(4)]
    done = import_file(home, table(tmp_path, bad), mapping(tmp_path))
    assert done.counts.unreadable == 2
    assert done.counts.payments == 2
    assert [path for path, _ in done.quarantined] == ["row 2, column amount", "row 3, column at"]
    assert report(home)["quarantined"] == 2
    again = import_file(home, tmp_path / "orders.csv", tmp_path / "shop.toml")
    assert again.counts.unreadable == 2


def test_what_cannot_be_used_leaves_no_trace(home, tmp_path):
    before = home.ledger.head().entries
    file, how = table(tmp_path, rows(3)), mapping(tmp_path)
    with pytest.raises(MappingInvalid, match="nosuch"):
        import_file(home, file, mapping(tmp_path, MAPPING.replace('"city"', '"nosuch"'), "b.toml"))
    with pytest.raises(FileInvalid):
        import_file(home, tmp_path / "absent.csv", how)
    with pytest.raises(NotFound, match=r"absent\.toml"):
        import_file(home, file, tmp_path / "absent.toml")
    with pytest.raises(WrongUse, match="slash"):
        import_file(home, file, how, account="a/b")
    assert home.ledger.head().entries == before


def test_account_is_made_on_the_fly_and_kept(home, tmp_path):
    how = mapping(tmp_path)
    import_file(home, table(tmp_path, rows(3)), how, account="own", shop="s1", entity="e1")
    import_file(home, table(tmp_path, rows(4)), how, account="own")
    (account,) = home.ledger.accounts().values()
    assert (account.name, account.shop, account.entity) == ("own", "s1", "e1")
    assert account.zone == "Asia/Shanghai"


def test_test_mode_stays_out_of_the_numbers(home, tmp_path):
    import_file(home, table(tmp_path, rows(10)), mapping(tmp_path), mode="test")
    assert report(home)["payments"] == 0
    assert report(home, include_test=True)["payments"] == 10


def test_account_in_the_settings_is_changed_there(tmp_path):
    config = tmp_path / "voidtrail.toml"
    config.write_text('[[account]]\nsource = "table"\nname = "shop"\nshop = "s1"\n')
    home = house(tmp_path, config=config)
    file, how = table(tmp_path, rows(3)), mapping(tmp_path)
    with pytest.raises(WrongUse, match="settings"):
        import_file(home, file, how, shop="s2")
    assert import_file(home, file, how).counts.payments == 3
    home.close()


def test_silence_is_judged_after_the_import(home, tmp_path):
    import_file(home, table(tmp_path, [row(1, "waiting")]), mapping(tmp_path))
    assert report(home)["how"]["abandoned"] == 1
    assert report(home, as_of="2026-03-01T12:01")["state"]["open"] == 1


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b/taobao.toml", "taobao"), ("a/tmall/map.toml", "tmall"), ("x y.toml", "x-y")],
)
def test_account_is_named_for_the_mapping(tmp_path, path, name):
    assert name_of(tmp_path / path) == name


def test_present_rows_are_not_read_again(home, tmp_path):
    import_file(home, table(tmp_path, rows(3)), mapping(tmp_path))
    assert retranslate(home, "table").deliveries == 0
