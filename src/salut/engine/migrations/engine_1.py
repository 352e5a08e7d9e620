# SPDX-License-Identifier: AGPL-3.0-or-later
"""The engine's tables: what is ours, profiles, journal, ops, settings, secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "engine_1"
down_revision = None
branch_labels = ("engine",)
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "meta", sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
    )
    op.create_table(
        "profile",
        sa.Column("pid", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("enabled", sa.Integer, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("password", sa.LargeBinary, nullable=False),
        sa.Column("shown", sa.LargeBinary, nullable=False),  # the profile as windows see it, at rev
        sa.Column("rev", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "journal",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pid", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "op",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("op", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
        sa.Column("reply", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("pid", "op"),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
    )
