# SPDX-License-Identifier: AGPL-3.0-or-later
"""Drafts, one a conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "drafts_1"
down_revision = None
branch_labels = ("drafts",)
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "draft",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("window", sa.Text, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "conversation"),
    )
