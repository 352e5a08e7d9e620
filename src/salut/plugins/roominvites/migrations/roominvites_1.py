# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations to rooms that wait for an answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "roominvites_1"
down_revision = None
branch_labels = ("roominvites",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "room_invitation",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),  # the contract's Invitation, JSON
        sa.Column("password", sa.LargeBinary, nullable=False),  # sealed; empty: none
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "room"),
    )
