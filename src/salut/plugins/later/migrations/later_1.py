# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages that wait for their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "later_1"
down_revision = None
branch_labels = ("later",)
depends_on = None


def upgrade() -> None:
    """Create it. Numbers are never given twice: a person who names one must not hit another."""
    op.create_table(
        "scheduled",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("op", sa.Text, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("room", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("undo", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("late", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("message", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sent_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("rev", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint("pid", "op"),
        sqlite_autoincrement=True,
    )
    op.create_index("scheduled_at", "scheduled", ["pid", "at"])
