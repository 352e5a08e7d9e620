# SPDX-License-Identifier: AGPL-3.0-or-later
"""Contacts that moved, proven by their old accounts, not yet dealt with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "moved_1"
down_revision = None
branch_labels = ("moved",)
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "move",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("old", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
