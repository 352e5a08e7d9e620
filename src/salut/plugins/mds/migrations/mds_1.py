# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far each conversation is read, as the account's node says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mds_1"
down_revision = None
branch_labels = ("mds",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "displayed",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("archive", sa.Text, nullable=False, server_default=""),  # what the node says
        sa.Column("waiting", sa.Integer, nullable=False, server_default="0"),  # history lacks that message
        sa.Column(
            "due", sa.Integer, nullable=False, server_default="0"
        ),  # the node does not know our mark yet
        sa.PrimaryKeyConstraint("pid", "address"),
    )
