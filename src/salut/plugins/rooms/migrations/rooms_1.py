# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms that are joined, kept or were left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "rooms_1"
down_revision = None
branch_labels = ("rooms",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "room",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),  # the contract's Room, JSON
        sa.Column("password", sa.LargeBinary, nullable=False),  # sealed; empty: none
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
