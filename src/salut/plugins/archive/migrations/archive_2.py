# SPDX-License-Identifier: AGPL-3.0-or-later
"""Heads: what of a gap is fetched for one conversation alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "archive_2"
down_revision = "archive_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "archive_head",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("gap", sa.Integer, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("before_id", sa.Text, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("whole", sa.Integer, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "gap", "conversation"),
    )
