# SPDX-License-Identifier: AGPL-3.0-or-later
"""Conversations, messages and their full-text index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "history_1"
down_revision = None
branch_labels = ("history",)
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "conversation",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False, server_default=""),
        sa.Column("unread", sa.Integer, nullable=False, server_default="0"),
        sa.Column("mentions", sa.Integer, nullable=False, server_default="0"),
        sa.Column("read_place", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("read_sub", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("last_place", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("last_sub", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("last_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("last_id", sa.Integer, nullable=False, server_default="0"),
        sa.Column("preview", sa.Text, nullable=False, server_default=""),
        sa.Column("preview_sender", sa.Text, nullable=False, server_default=""),
        sa.Column("preview_outgoing", sa.Integer, nullable=False, server_default="0"),
        sa.Column("rev", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint("pid", "address"),
    )
    op.create_index("conversation_recent", "conversation", ["pid", "last_at"])
    op.create_table(
        "message",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("conv", sa.Integer, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("sub", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("outgoing", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("archive", sa.Text, nullable=False),
        sa.Column("mention", sa.Integer, nullable=False),
        sa.Column("counts", sa.Integer, nullable=False),
        sa.Column("markable", sa.Integer, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
    )
    op.create_index("message_place", "message", ["conv", "place", "sub"])
    op.create_index("message_archive", "message", ["conv", "archive"], sqlite_where=sa.text("archive <> ''"))
    op.create_index("message_origin", "message", ["origin", "conv"], sqlite_where=sa.text("origin <> ''"))
    op.create_index(
        "message_pending",
        "message",
        ["pid", "id"],
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.execute(
        "CREATE VIRTUAL TABLE message_text USING fts5("
        "body, content='message', content_rowid='id', tokenize='unicode61 remove_diacritics 2')"
    )
    op.create_table(
        "stream",
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("last_place", sa.BigInteger, nullable=False),
        sa.Column("floor_place", sa.BigInteger, nullable=False),
        sa.Column("floor_at", sa.BigInteger, nullable=False),
        sa.Column("top_place", sa.BigInteger, nullable=False),
        sa.Column("top_sub", sa.BigInteger, nullable=False),
        sa.Column("top_archive", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pid", "name"),
    )
