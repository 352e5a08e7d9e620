# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is blocked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "blocking_1"
down_revision = None
branch_labels = ("blocking",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "blocked",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("local", sa.Integer, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
