"""Messages on their way out, and what became of them."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS: Final[tuple[str, ...]] = ()


def upgrade() -> None:
    """Make the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: a ledger is never taken back."""
    raise AssertionError("a ledger is never taken back; restore a backup instead")
