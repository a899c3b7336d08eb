"""Indexes for the pages that people read."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS: Final[tuple[str, ...]] = (
    # A capture or authorisation that gives names has that of the operation among them.
    """CREATE INDEX event_operation ON event (operation)
    WHERE operation <> '' AND (kind NOT IN (6, 7) OR names = x'')""",
    # A schema that nobody may abuse has no JSON functions; the text is as our encoder writes it.
    """CREATE INDEX event_card
    ON event (substr(dimensions, instr(dimensions, '"card_last4":"') + 14, 4))
    WHERE instr(dimensions, '"card_last4":"') > 0""",
    "CREATE INDEX delivery_account ON delivery (account_no, received_at)",
)


def upgrade() -> None:
    """Make the indexes."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is never taken back."""
    raise AssertionError("a ledger is never taken back; restore a backup instead")
