"""Captured messages out of files: raw or in digits, once, as far as they go."""

import os

import pytest

from tests.pos_messages import PAN, message, sale, terminal, void
from tests.unit.runtime.rig import Clock, house_at
from voidtrail.errors import AccountUnknown, FileInvalid, WrongUse
from voidtrail.ledger.contract import QUARANTINED
from voidtrail.runtime.captures import import_capture
from voidtrail.runtime.retranslate import Rereader, retranslate

SETTINGS = """
[ledger]
path = "{path}"
[[account]]
source = "pos"
name = "main"
"""
STORY = [sale(), sale("0210", d39="00", d12="080005", d13="1231"), void(),
         void("0210", d39="00", d12="080105", d13="1231")]  # fmt: skip


@pytest.fixture
def house(tmp_path):
    (tmp_path / "voidtrail.toml").write_text(SETTINGS.format(path=tmp_path / "v.db"), "utf-8")
    with house_at(tmp_path, Clock()) as house:
        yield house


def raw(*messages):
    return b"".join(len(each).to_bytes(2, "big") + each for each in messages)


def imported(house, tmp_path, content, name="capture.bin", **more):
    path = tmp_path / name
    path.write_bytes(content)
    os.utime(path, (1_773_730_000, 1_773_730_000))
    return import_capture(house, path, **more)


def states(house):
    return house.ledger.db.execute("SELECT state, how FROM verdict").fetchall()


def test_a_raw_capture(house, tmp_path):
    done = imported(house, tmp_path, raw(*STORY))
    assert (done.counts.deliveries, done.counts.unreadable, done.counts.payments) == (4, 0, 1)
    assert states(house) == [(2, 6)], "cancelled, voided by the merchant"
    assert not house.ledger.outbox(9) or all(row[3] for row in house.ledger.outbox(9)), "quiet"


def test_lines_of_digits_with_and_without_length_and_instant(house, tmp_path):
    lines = [
        "# captured on the switch", "", STORY[0].hex(),
        f"2026-03-17T14:00:00+08:00 {raw(STORY[1]).hex().upper()}",
        " ".join(f"{byte:02x}" for byte in STORY[2]), f"  {STORY[3].hex()}  ",
    ]  # fmt: skip
    done = imported(house, tmp_path, "\n".join(lines).encode())
    assert (done.counts.deliveries, done.counts.unreadable) == (4, 0)
    assert states(house) == [(2, 6)]
    received = [row.received_at for row in house.ledger.deliveries()]
    assert received[1] == 1_773_727_200_000_000
    assert received[0] == 1_773_730_000_000_000, "the date of the file"


def test_the_day_of_the_capture_gives_the_year(house, tmp_path):
    imported(house, tmp_path, raw(*STORY), on="2023-12-31")
    (at,) = house.ledger.db.execute("SELECT max(occurred_at) FROM event WHERE code = ''").fetchone()
    (told,) = house.ledger.db.execute("SELECT min(occurred_at) FROM event").fetchone()
    assert told == 1_703_980_805_000_000, "2023-12-31 08:00:05 in Shanghai"
    assert at < 1_704_038_400_000_000, "not after the end of that day"


def test_the_same_file_again_says_nothing_new(house, tmp_path):
    imported(house, tmp_path, raw(*STORY))
    again = imported(house, tmp_path, raw(*STORY), name="renamed.bin")
    assert (again.counts.events, again.counts.deliveries) == (0, 4)
    assert len(list(house.ledger.deliveries())) == 4


def test_an_interrupted_import_goes_on_where_it_ended(house, tmp_path, monkeypatch):
    messages = [sale(d11=f"{n:06}") for n in range(600)]
    genuine, calls = house.ledger.append, []

    def append(items, at):
        calls.append(len(items))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return genuine(items, at)

    monkeypatch.setattr(house.ledger, "append", append)
    with pytest.raises(KeyboardInterrupt):
        imported(house, tmp_path, raw(*messages))
    done = imported(house, tmp_path, raw(*messages))
    assert 0 < done.resumed < 600
    assert done.counts.deliveries == done.counts.payments == 600


def test_half_a_file_is_imported_as_far_as_it_goes(house, tmp_path):
    done = imported(house, tmp_path, raw(*STORY)[:-10])
    assert (done.counts.deliveries, done.counts.unreadable) == (4, 1)
    assert len(done.quarantined) == 1
    half = "\n".join(each.hex() for each in STORY)[:-11]
    done = imported(house, tmp_path, half.encode(), name="half.hex")
    assert done.counts.unreadable == 1


def test_nothing_that_is_kept_holds_a_clear_card_number(house, tmp_path):
    track = sale(d35=PAN + "D2806", d62=PAN)
    content = raw(track, b"\x60" + bytes(9) + bytes.fromhex("0" + PAN + "0")) + bytes.fromhex(PAN)
    imported(house, tmp_path, content)
    lines = f"{track.hex()}\n{track.hex()[:-1]}\nnot hex {track.hex()}\n"
    imported(house, tmp_path, lines.encode(), name="lines.hex")
    reader = Rereader(house, "pos", "main")
    bodies = [reader.delivery(row).body for row in house.ledger.deliveries() if row.sealed]
    assert len(bodies) == 4, "noise in a row is one piece, and the first line is known"
    for body in bodies:
        assert PAN not in body.hex()
        assert PAN.encode() not in body


def test_keys_and_echoes_are_left_out(house, tmp_path):
    done = imported(house, tmp_path, raw(terminal("0800", "00"), STORY[0], terminal("0500", "00")))
    assert done.counts.deliveries == 1


def test_international_messages_with_four_digits_of_length(house, tmp_path):
    body = message("0200", {3: "000000", 4: "000000001000", 7: "0101070500", 11: "000111",
                            32: "123456", 41: "TERM0001", 49: "978"}, "ascii")  # fmt: skip
    done = imported(house, tmp_path, (f"{len(body):04}".encode() + body) * 2)
    assert (done.counts.deliveries, done.counts.payments) == (2, 1)


def test_messages_of_a_file_can_be_read_again(house, tmp_path):
    imported(house, tmp_path, raw(*STORY)[:-10])
    done = retranslate(house, "pos")
    assert (done.deliveries, done.unreadable) == (1, 1)
    assert [row.outcome for row in house.ledger.deliveries()].count(QUARANTINED) == 1


def test_what_cannot_be_imported(house, tmp_path):
    with pytest.raises(FileInvalid, match="cannot be read"):
        import_capture(house, tmp_path / "none.bin")
    with pytest.raises(WrongUse, match="2026-03-01"):
        imported(house, tmp_path, raw(*STORY), on="yesterday")
    with pytest.raises(AccountUnknown):
        imported(house, tmp_path, raw(*STORY), account="other")
