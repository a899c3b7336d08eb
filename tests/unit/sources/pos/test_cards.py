"""No card number, no track and no PIN block is left in clear, and nothing else is changed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pos_messages import PAN, message, read, sale, terminal
from voidtrail.sources.pos.cards import masked
from voidtrail.sources.pos.wire import CUP, DIALECTS, decode, encode

TRACK2 = PAN + "D28062013949031013"
KEY = "a key of the shop"


def in_clear(body, pan=PAN):
    """Whether a number stands in bytes: packed at any nibble, in ASCII or in EBCDIC."""
    return pan in body.hex() or pan.encode() in body or pan.encode("cp500") in body


def test_packed_card_data_is_masked_in_place():
    body = sale(d35=TRACK2, d52="AB" * 8)
    kept, _ = masked(body, "")
    found, before = read(kept), read(body)
    assert found.pop(2) == "620000FFFFFF0005"
    assert found.pop(35) == "620000FFFFFF0005D" + "F" * 17
    assert found.pop(52) == "F" * 16
    assert len(kept) == len(body)
    assert found == {n: text for n, text in before.items() if n not in (2, 35, 52)}
    assert not in_clear(kept)


@pytest.mark.parametrize("name", ["ascii", "ascii-hex"])
def test_written_card_data_is_masked_in_place(name):
    fields = {2: PAN, 3: "000000", 11: "000001", 35: PAN + "=28062013949031013", 48: f"CARD {PAN}"}
    kept, _ = masked(message("0200", fields, name), name)
    found = read(kept, name)
    assert found[2] == "620000******0005"
    assert found[35] == "620000******0005=" + "*" * 17
    assert not in_clear(kept)
    assert found[11] == "000001"


def test_ebcdic_card_data_is_masked_in_place():
    dialect = DIALECTS["ebcdic"]
    body = encode("0200", {2: PAN, 11: "000001", 45: f"B{PAN}^LI/WEI"}, dialect, b"")
    kept, _ = masked(body, "")
    assert decode(kept, dialect).fields[2] == "620000******0005"
    assert decode(kept, dialect).fields[45] == "*" * 24
    assert not in_clear(kept)


def test_chip_data_loses_card_and_holder_and_keeps_the_rest():
    chip = "9F2608" + "1122334455667788" + "5A08" + PAN + "5F2004" + "4C494E45" + "9F02060000000012"
    chip += "30" + "5713" + TRACK2 + "FFFF"
    kept, _ = masked(sale(d55=chip), "")
    found = read(kept)[55]
    assert found.startswith("9F26081122334455667788" + "5A08" + "F" * 16 + "5F2004" + "F" * 8)
    assert "9F0206000000001230" in found
    assert not in_clear(kept)


def test_chip_data_that_is_no_tlv_is_emptied():
    kept, _ = masked(sale(d55="9F26FF" + PAN), "")
    assert set(read(kept)[55]) == {"F"}


@pytest.mark.parametrize("number", [48, 62])
@pytest.mark.parametrize("content", [PAN, "AB" + PAN + "99", PAN.encode().hex(), "0" + PAN + "0"])
def test_the_card_is_masked_wherever_a_free_field_repeats_it(number, content):
    kept, _ = masked(sale(**{f"d{number}": content}), "")
    assert not in_clear(kept)


def test_references_amounts_and_batches_are_never_taken_for_cards():
    """A batch and trace number may pass the check of a card number by chance."""
    body = terminal("0200", "23", d61="4242424242424242", d37="424242424242")
    kept, _ = masked(body, "")
    assert kept == body


@pytest.mark.parametrize(
    "body",
    [b"\x60" + bytes.fromhex("0" + PAN + "0"), b"xx" + PAN.encode(), b"\xff" + PAN.encode("cp500"),
     sale()[:-9], sale()[3:], bytes.fromhex("13" + PAN + "00"), sale() + b"\x00"],
)  # fmt: skip
def test_what_cannot_be_read_is_searched_in_every_writing(body):
    kept, card = masked(body, "", KEY)
    assert not in_clear(kept)
    assert len(kept) == len(body)
    assert card == ""


@given(st.binary(max_size=40), st.binary(max_size=40), st.sampled_from(["4242424242424242",
       "5555555555554444", "378282246310005", "6011000990139424", PAN]))  # fmt: skip
def test_no_packed_number_survives_in_any_bytes(before, after, pan):
    body = before + bytes.fromhex(pan + "0" * (len(pan) % 2)) + after
    assert not in_clear(masked(body, "")[0], pan)


def test_one_card_has_one_pseudonym_under_one_key():
    _, card = masked(sale(), "", KEY)
    assert len(card) == 32
    assert masked(sale(d35=TRACK2), "", KEY)[1] == card
    track_only = terminal("0200", "22", d35=TRACK2)
    assert masked(track_only, "", KEY)[1] == card
    assert masked(sale(), "", KEY + "!")[1] != card
    assert masked(sale(d2="4242424242424242"), "", KEY)[1] != card
    assert masked(sale(), "", "")[1] == ""


def test_masking_is_done_once_and_for_all():
    kept, _ = masked(sale(d35=TRACK2), "", KEY)
    assert masked(kept, "", KEY) == (kept, "")


def test_published_samples_keep_everything_but_the_card(shared):
    path = shared / "psp" / "iso8583" / "derived_synthetic_messages.json"
    for sample in json.loads(path.read_text()):
        body = bytes.fromhex(sample["hex"])[2:]
        kept, _ = masked(body, "")
        before, after = decode(body, CUP).fields, decode(kept, CUP).fields
        assert not in_clear(kept)
        assert {n: t for n, t in after.items() if n not in (2, 35)} == {
            n: t for n, t in before.items() if n not in (2, 35)}  # fmt: skip
