"""The ledger: accounts, deliveries, events, names, keys, the chain, the outbox."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS: Final = (
    "CREATE TABLE store (id BLOB NOT NULL, lane INTEGER NOT NULL) STRICT",
    """CREATE TABLE account (no INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (source, name)) STRICT""",
    """CREATE TABLE chain (no INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL,
    count INTEGER NOT NULL, at INTEGER NOT NULL, tick INTEGER NOT NULL, root BLOB NOT NULL,
    head BLOB NOT NULL) STRICT""",
    """CREATE TABLE control (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL) STRICT""",
    "CREATE INDEX control_kind ON control (kind, seq)",
    """CREATE TABLE delivery (seq INTEGER PRIMARY KEY, account_no INTEGER NOT NULL,
    via INTEGER NOT NULL, received_at INTEGER NOT NULL, digest BLOB NOT NULL, repeat_of INTEGER,
    outcome INTEGER NOT NULL, version INTEGER NOT NULL, key_no INTEGER, path TEXT NOT NULL,
    why TEXT NOT NULL, file_no INTEGER, sealed BLOB) STRICT""",
    "CREATE INDEX delivery_quarantine ON delivery (seq) WHERE outcome = 1",
    "CREATE INDEX delivery_repeat ON delivery (repeat_of) WHERE repeat_of IS NOT NULL",
    "CREATE INDEX delivery_file ON delivery (file_no, seq) WHERE file_no IS NOT NULL",
    """CREATE TABLE event (seq INTEGER PRIMARY KEY, active INTEGER NOT NULL,
    conflict INTEGER NOT NULL, name_no INTEGER NOT NULL, id_key INTEGER NOT NULL,
    delivery_id INTEGER NOT NULL, subject INTEGER, version INTEGER NOT NULL,
    account_no INTEGER NOT NULL, home_no INTEGER, event_id BLOB NOT NULL, digest BLOB NOT NULL,
    kind INTEGER NOT NULL, result INTEGER NOT NULL,
    role INTEGER NOT NULL, via INTEGER NOT NULL, tag INTEGER NOT NULL, life INTEGER NOT NULL,
    test INTEGER NOT NULL, placeholder INTEGER NOT NULL, cause INTEGER NOT NULL,
    name_key INTEGER NOT NULL,
    names BLOB NOT NULL, order_key INTEGER, op INTEGER, reverses INTEGER,
    occurred_at INTEGER NOT NULL, until_at INTEGER, amount_minor INTEGER, currency INTEGER,
    packed INTEGER NOT NULL, method_seen INTEGER,
    label TEXT NOT NULL, operation TEXT NOT NULL, code TEXT NOT NULL,
    dimensions TEXT NOT NULL) STRICT""",
    "CREATE INDEX event_id_key ON event (id_key)",
    "CREATE INDEX event_name ON event (name_no)",
    "CREATE INDEX event_conflict ON event (seq) WHERE conflict = 1",
    """CREATE TABLE name (no INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE,
    text TEXT NOT NULL, payment_id INTEGER NOT NULL) STRICT""",
    "CREATE INDEX name_payment ON name (payment_id)",
    """CREATE TABLE order_name (no INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE,
    text TEXT NOT NULL, order_id INTEGER NOT NULL) STRICT""",
    "CREATE INDEX order_name_order ON order_name (order_id)",
    "CREATE TABLE subject (no INTEGER PRIMARY KEY, blind BLOB NOT NULL UNIQUE) STRICT",
    """CREATE TABLE data_key (no INTEGER PRIMARY KEY, subject INTEGER,
    retention INTEGER NOT NULL, wrapped BLOB NOT NULL) STRICT""",
    "CREATE INDEX data_key_subject ON data_key (subject) WHERE subject IS NOT NULL",
    """CREATE TABLE file (no INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL,
    account_no INTEGER NOT NULL, mapping TEXT NOT NULL, done INTEGER NOT NULL,
    superseded_by INTEGER) STRICT""",
    """CREATE TABLE outbox (no INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
    payment_id INTEGER NOT NULL, quiet INTEGER NOT NULL, before BLOB, after BLOB NOT NULL,
    done_at INTEGER) STRICT""",
    "CREATE INDEX outbox_open ON outbox (no) WHERE done_at IS NULL",
    "CREATE TABLE read_tables (fingerprint TEXT NOT NULL) STRICT",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is never taken back."""
    raise AssertionError("a ledger is never taken back; restore a backup instead")
