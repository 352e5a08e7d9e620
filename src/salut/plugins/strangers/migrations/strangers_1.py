# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who wrote without being known, and who is known without being a contact."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "strangers_1"
down_revision = None
branch_labels = ("strangers",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "stranger",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("preview", sa.Text, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
    op.create_index("stranger_state", "stranger", ["pid", "state", "at"])
