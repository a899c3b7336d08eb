"""Messages on their way out, and what became of them."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS: Final = (
    """CREATE TABLE message (no INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, target TEXT NOT NULL, lane TEXT NOT NULL, body BLOB NOT NULL,
    created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, tries INTEGER NOT NULL,
    state INTEGER NOT NULL, last_error TEXT NOT NULL, done_at INTEGER, failed_at INTEGER) STRICT""",
    "CREATE INDEX message_due ON message (kind, target, due_at, no, state) WHERE state = 0",
    """CREATE INDEX message_lane ON message (kind, target, lane, no)
    WHERE state < 2 AND lane <> ''""",
    "CREATE INDEX message_behind ON message (kind, target) WHERE state = 1",
    "CREATE INDEX message_arrived ON message (kind, target, done_at) WHERE state = 2",
    """CREATE INDEX message_failed ON message (kind, target, failed_at)
    WHERE state <> 2 AND failed_at > 0""",
    "CREATE INDEX message_dead ON message (kind, target, no, state) WHERE state = 3",
    "CREATE INDEX message_sent ON message (done_at) WHERE state = 2",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is never taken back."""
    raise AssertionError("a ledger is never taken back; restore a backup instead")
