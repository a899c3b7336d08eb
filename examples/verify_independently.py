"""Verify a ledger of Voidtrail without Voidtrail, by docs/reference/ledger-format.md alone.

    python examples/verify_independently.py voidtrail.db [head]

`head` is one that was kept elsewhere: it proves that nothing was cut off since. Needs nothing but
Python. Exit code 1 if anything was changed.
"""

import heapq
import sqlite3
import struct
import sys
from hashlib import blake2b, sha256
from itertools import islice

DELIVERIES = """SELECT seq, sealed, account_no, via, received_at, digest, repeat_of, outcome,
    version, key_no, path, why, file_no FROM delivery ORDER BY seq"""
EVENTS = """SELECT seq, delivery_id, subject, version, account_no, home_no, event_id, digest,
    kind, result, role, via, tag, life, test, placeholder, cause, name_key, names, order_key, op,
    reverses, occurred_at, until_at, amount_minor, currency, packed, method_seen, label, operation,
    code, dimensions FROM event ORDER BY seq"""
CONTROLS = "SELECT seq, at, kind, body FROM control ORDER BY seq"
GROUPS = "SELECT no, first_seq, count, at, tick, root, head FROM chain ORDER BY no"


def pack(value):
    """Encode as MessagePack, each value in its shortest form."""
    if value is None:
        return b"\xc0"
    if isinstance(value, tuple):
        n = len(value)
        return (bytes([0x90 | n]) if n < 16 else struct.pack(">BH", 0xDC, n)) + b"".join(
            map(pack, value)
        )
    if isinstance(value, int):
        if -32 <= value < 128:
            return struct.pack("b", value)
        size = next(n for n in range(4) if -(2 ** ((8 << n) - 1)) <= value < 2 ** (8 << n))
        tag = (0xCC if value > 0 else 0xD0) + size
        return bytes([tag]) + value.to_bytes(1 << size, "big", signed=value < 0)
    text = isinstance(value, str)
    raw = value.encode() if text else value
    if text and len(raw) < 32:
        return bytes([0xA0 | len(raw)]) + raw
    size = next(n for n in range(3) if len(raw) < 2 ** (8 << n))
    return bytes([(0xD9 if text else 0xC4) + size]) + len(raw).to_bytes(1 << size, "big") + raw


def hashed(kind, value):
    """Return SHA-256 over a tag and a value."""
    return sha256(b"voidtrail/1/" + kind + b"\0" + pack(value)).digest()


def leaves(db):
    """Yield every entry's number and leaf, in order."""
    yield from heapq.merge(
        (
            (seq, hashed(b"delivery", (tuple(public), sha256(sealed).digest() if sealed else b"")))
            for seq, sealed, *public in db.execute(DELIVERIES)
        ),
        (
            # The leaf covers the digest, and the digest the rest.
            (row[0], row[7] == blake2b(pack(row[8:]), digest_size=16).digest()
             and hashed(b"event", row[1:8]))
            for row in db.execute(EVENTS)
        ),
        ((seq, hashed(b"control", tuple(said))) for seq, *said in db.execute(CONTROLS)),
        key=lambda entry: entry[0],
    )  # fmt: skip


def tree(found):
    """Return the Merkle tree hash of RFC 6962, section 2.1."""
    if len(found) == 1:
        return sha256(b"\0" + found[0]).digest()
    half = 1 << (len(found) - 1).bit_length() - 1
    return sha256(b"\1" + tree(found[:half]) + tree(found[half:])).digest()


def verify(path, kept=""):
    """Walk along the chain; return (entries, head, what is wrong or "")."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.execute("BEGIN")  # one moment of the store, though others write
    store, lane = db.execute("SELECT id, lane FROM store").fetchone()
    entries, done, head, met = leaves(db), 0, bytes(32), not kept
    for place, (no, first, count, at, tick, root, stored) in enumerate(db.execute(GROUPS), start=1):
        group = list(islice(entries, count))
        numbers = [seq for seq, _ in group]
        if (no, first, numbers) != (place, done + 1, [*range(done + 1, done + count + 1)]):
            return done, head.hex(), f"an entry or a group is missing after entry {done}"
        if not all(leaf for _, leaf in group) or tree([leaf for _, leaf in group]) != root:
            return done, head.hex(), f"an entry among {first} to {done + count} was changed"
        head = hashed(b"head", (store, lane, first, head, root, count, at, tick))
        if head != stored:
            return done, head.hex(), f"the head of group {no} was changed"
        done, met = done + count, met or head.hex() == kept
    if next(entries, None):
        return done, head.hex(), f"there are entries after {done}, outside of the chain"
    return done, head.hex(), "" if met else "the head that was kept is not in the chain"


if __name__ == "__main__":
    number, last, wrong = verify(*sys.argv[1:3])
    sys.stdout.write(f"{wrong or 'ok'}: {number} entries, head {last}\n")
    sys.exit(bool(wrong))
