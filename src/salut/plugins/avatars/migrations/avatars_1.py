# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who shows which picture, and the bytes of those that were asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "avatars_1"
down_revision = None
branch_labels = ("avatars",)
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "avatar",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
    op.create_table(
        "avatar_data",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "hash"),
    )
