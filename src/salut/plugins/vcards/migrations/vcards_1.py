# SPDX-License-Identifier: AGPL-3.0-or-later
"""What contacts call themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "vcards_1"
down_revision = None
branch_labels = ("vcards",)
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "nickname",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("nick", sa.Text, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pid", "address"),
    )
