# SPDX-License-Identifier: AGPL-3.0-or-later
"""New passwords of which the server has not yet said whether it took them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "account_1"
down_revision = None
branch_labels = ("account",)
depends_on = None


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "account_pending",
        sa.Column("pid", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("password", sa.LargeBinary, nullable=False),
    )
