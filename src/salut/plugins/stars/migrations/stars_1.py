# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stars, at most one a message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "stars_1"
down_revision = None
branch_labels = ("stars",)
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "star",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("message", sa.Integer, nullable=False),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("said_at", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "message"),
    )
    op.create_index("star_said", "star", ["pid", "said_at", "message"])
