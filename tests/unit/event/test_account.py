"""A secret never shows itself, whichever way somebody tries to write it down."""

import copy
import json
import pickle

import msgspec
import pytest

from voidtrail.event.account import Account, Secret

CANARY = "whsec_canary"
SECRET = Secret(CANARY)


@pytest.mark.parametrize("write", [repr, str, "{}".format, "{!r:>30}".format, lambda s: f"{s}",
                                   lambda s: repr({"signing": (s,)}), ascii])  # fmt: skip
def test_a_secret_shows_nothing_of_itself(write):
    assert CANARY not in write(SECRET)


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, msgspec.json.encode, copy.deepcopy,
                                   msgspec.msgpack.encode])  # fmt: skip
def test_a_secret_cannot_be_written_down(write):
    with pytest.raises(TypeError):
        write(SECRET)


def test_a_secret_has_no_open_attributes():
    assert not hasattr(SECRET, "__dict__")
    assert SECRET.reveal() == CANARY


def test_secrets_compare_by_what_they_hide():
    assert Secret(CANARY) == SECRET
    assert Secret("other") != SECRET
    assert SECRET != CANARY
    assert len({SECRET, Secret(CANARY)}) == 1


def test_an_account_is_read_back_from_its_json():
    account = Account(source="stripe", name="main", options={"order_field": "metadata.order_id"})
    assert msgspec.json.decode(msgspec.json.encode(account), type=Account) == account
