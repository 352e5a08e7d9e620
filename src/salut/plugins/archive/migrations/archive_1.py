# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gaps, and how far each archive was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "archive_1"
down_revision = None
branch_labels = ("archive",)
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "archive_gap",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("after_id", sa.Text, nullable=False),
        sa.Column("before_id", sa.Text, nullable=False),
        sa.Column("low", sa.BigInteger, nullable=False),
        sa.Column("cap", sa.BigInteger, nullable=False),
        sa.Column("sub", sa.BigInteger, nullable=False),
        sa.Column("first_id", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("fetched", sa.Integer, nullable=False, server_default="0"),
        sa.Column("quota", sa.Integer, nullable=False, server_default="0"),
        sa.Column("manual", sa.Integer, nullable=False, server_default="0"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("rev", sa.BigInteger, nullable=False),
    )
    op.create_index("archive_gap_stream", "archive_gap", ["pid", "stream", "id"])
    op.create_table(
        "archive_top",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("archive", sa.Text, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "stream"),
    )
