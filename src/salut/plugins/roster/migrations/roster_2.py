# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests and what became of ours, each by itself; the delimiter of nested groups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "roster_2"
down_revision = "roster_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; requests that wait are taken over."""
    op.create_table(
        "subscription_request",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
    op.execute(
        "INSERT INTO subscription_request (pid, address, name, note, at, rev) "
        "SELECT pid, address, name, note, 0, rev FROM contact WHERE asks"
    )
    op.create_table(
        "subscription_news",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
    op.create_table(
        "roster_delimiter",
        sa.Column("pid", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("delimiter", sa.Text, nullable=False),
    )
