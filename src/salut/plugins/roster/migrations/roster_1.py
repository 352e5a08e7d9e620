# SPDX-License-Identifier: AGPL-3.0-or-later
"""Contacts, and the version of the server's roster that they show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "roster_1"
down_revision = None
branch_labels = ("roster",)
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "contact",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("subscription", sa.Text, nullable=False),
        sa.Column("pending", sa.Integer, nullable=False),
        sa.Column("asks", sa.Integer, nullable=False),
        sa.Column("in_roster", sa.Integer, nullable=False),
        sa.Column("approved", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
    op.create_table(
        "roster_version",
        sa.Column("pid", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ver", sa.Text, nullable=False),
    )
