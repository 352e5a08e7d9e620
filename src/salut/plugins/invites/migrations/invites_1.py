# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations that we made, and the people whose invitation we have taken up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "invites_1"
down_revision = None
branch_labels = ("invites",)
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "invite",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("used_by", sa.Text, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "id"),
    )
    op.create_table(
        "invite_expected",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
