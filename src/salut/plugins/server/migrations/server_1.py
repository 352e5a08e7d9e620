# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a server tells of outages, and what it told last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "server_1"
down_revision = None
branch_labels = ("server",)
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "server_status",
        sa.Column("pid", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("addresses", sa.Text, nullable=False),
        sa.Column("outage", sa.LargeBinary, nullable=True),
        sa.Column("rev", sa.BigInteger, nullable=False),
    )
