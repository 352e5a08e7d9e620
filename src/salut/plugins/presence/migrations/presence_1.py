# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the person tells others, one row a profile."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "presence_1"
down_revision = None
branch_labels = ("presence",)
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "status",
        sa.Column("pid", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("show", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
    )
