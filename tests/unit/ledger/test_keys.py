"""Keys: made whole or not at all, never readable by others, wrapped, gone when erased."""

import os
import threading

import pytest

from voidtrail.errors import KeyErased, LedgerUnsafe
from voidtrail.ledger.keys import ONCE, PAYMENT_CLASS, Keyring, WrappedKey


def test_key_file_is_made_with_mode_0600_and_read_back(tmp_path):
    path = tmp_path / "ledger.key"
    first = Keyring.load(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == 96
    assert os.listdir(tmp_path) == ["ledger.key"], "nothing else is left behind"
    assert Keyring.load(path).blind("f", "v") == first.blind("f", "v")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_key_file_that_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "ledger.key"
    Keyring.load(path)
    path.chmod(mode)
    with pytest.raises(LedgerUnsafe, match="chmod 600"):
        Keyring.load(path)


@pytest.mark.parametrize("size", [0, 95, 97])
def test_file_of_another_size_is_no_key_file(tmp_path, size):
    path = tmp_path / "ledger.key"
    path.write_bytes(b"x" * size)
    path.chmod(0o600)
    with pytest.raises(LedgerUnsafe, match="not a key file"):
        Keyring.load(path)


def test_many_that_start_at_once_end_with_one_key(tmp_path):
    path, blinds = tmp_path / "ledger.key", []
    start = threading.Barrier(8)

    def load():
        start.wait()
        blinds.append(Keyring.load(path).blind("f", "v"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(blinds) == 8
    assert len(set(blinds)) == 1
    assert os.listdir(tmp_path) == ["ledger.key"]


def test_what_is_sealed_is_opened_again_and_only_in_its_place():
    ring = Keyring.generate()
    key = ring.new_key(1, 5, PAYMENT_CLASS)
    sealed = ring.seal(1, b"canary", b"about")
    assert b"canary" not in sealed
    assert ring.open(1, sealed, b"about") == b"canary"
    with pytest.raises(LedgerUnsafe, match="changed"):
        ring.open(1, sealed, b"elsewhere")
    with pytest.raises(LedgerUnsafe, match="changed"):
        ring.open(1, sealed[:-1] + bytes([sealed[-1] ^ 1]), b"about")
    assert len(key.wrapped) == 12 + 32 + 16
    assert ring.seal(1, b"canary", b"about") != sealed, "a nonce is used once"


def test_data_key_is_wrapped_for_its_number_subject_and_class():
    ring = Keyring.generate()
    key, sealed = ring.seal_once(3, PAYMENT_CLASS, b"canary", b"", os.urandom(ONCE))
    assert not ring.knows(3)
    for other in (key._replace(no=4), key._replace(subject=1), key._replace(retention=2)):
        with pytest.raises(LedgerUnsafe, match="does not belong"):
            ring.unwrap(other)
    ring.unwrap(key)
    assert ring.open(3, sealed, b"") == b"canary"


def test_key_of_another_ledger_is_refused():
    key = Keyring.generate().new_key(1, None, PAYMENT_CLASS)
    with pytest.raises(LedgerUnsafe, match="does not belong"):
        Keyring.generate().unwrap(key)


def test_erased_key_opens_nothing_even_if_it_was_in_memory():
    ring = Keyring.generate()
    key = ring.new_key(1, 5, PAYMENT_CLASS)
    sealed = ring.seal(1, b"canary", b"")
    with pytest.raises(KeyErased):
        ring.unwrap(key._replace(wrapped=b""))
    with pytest.raises(KeyErased):
        ring.open(1, sealed, b"")


def test_number_given_out_anew_after_a_rollback_is_another_key():
    """Found by reasoning: a body would have been sealed under a key that nobody had stored."""
    ring, other = Keyring(bytes(96)), Keyring(bytes(96))
    ring.new_key(1, 5, PAYMENT_CLASS)  # given up
    kept = other.new_key(1, 6, PAYMENT_CLASS)  # by another process, committed
    ring.unwrap(kept)
    assert other.open(1, ring.seal(1, b"canary", b""), b"") == b"canary"


def test_blind_indexes_are_keyed_and_apart_by_field():
    ring = Keyring.generate()
    assert ring.blind("a", "v") != ring.blind("b", "v")
    assert ring.blind("a", "v") != Keyring.generate().blind("a", "v")
    assert ring.same(ring.body_digest(b"x"), ring.body_digest(b"x"))
    assert not ring.same(ring.body_digest(b"x"), ring.body_digest(b"y"))


def test_cache_forgets_the_oldest(monkeypatch):
    monkeypatch.setattr("voidtrail.ledger.keys._CACHE", 2)
    ring = Keyring.generate()
    keys: list[WrappedKey] = [ring.new_key(no, no, PAYMENT_CLASS) for no in (1, 2, 3)]
    assert [ring.knows(key.no) for key in keys] == [False, True, True]
    ring.unwrap(keys[0])
    assert ring.knows(1)
