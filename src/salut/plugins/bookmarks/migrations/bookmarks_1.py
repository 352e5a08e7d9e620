# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bookmarks of rooms, as the server has them or is to have them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "bookmarks_1"
down_revision = None
branch_labels = ("bookmarks",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "bookmark",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("nick", sa.Text, nullable=False),
        sa.Column("autojoin", sa.Integer, nullable=False),
        sa.Column("password", sa.LargeBinary, nullable=False),  # sealed; empty: none
        sa.Column("element", sa.Text, nullable=False),  # as others wrote it, without its password
        sa.Column("there", sa.Integer, nullable=False),  # lists of the server's that have it: 1 0402, 2 0048
        sa.Column("due", sa.Integer, nullable=False),  # those that do not know yet what is here
        sa.Column("removed", sa.Integer, nullable=False),  # it is to go from them
        sa.Column("pinned", sa.Integer, nullable=False),
        sa.Column("notify", sa.Text, nullable=False),
        sa.Column("muted_until", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
