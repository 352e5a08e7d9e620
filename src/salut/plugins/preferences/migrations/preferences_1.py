# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the person wishes of conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "preferences_1"
down_revision = None
branch_labels = ("preferences",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "conversation_setting",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("pinned", sa.Integer, nullable=False),
        sa.Column("notify", sa.Text, nullable=False),
        sa.Column("muted_until", sa.BigInteger, nullable=False),
        sa.Column("there", sa.Integer, nullable=False),  # as an item in our node
        sa.Column("pending", sa.Integer, nullable=False),  # the server does not know yet
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
