# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages that act on messages: corrections, retractions, reactions; and what a message holds beside its text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "history_2"
down_revision = "history_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and columns."""
    for name in ("occupant", "stanza", "extra"):
        op.add_column("message", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_index("message_stanza", "message", ["stanza", "conv"], sqlite_where=sa.text("stanza <> ''"))
    # each commit adds a piece to the index of words: merging 8 at a time, not 4, writes each word less often
    op.execute("INSERT INTO message_text (message_text, rank) VALUES ('automerge', 8)")
    op.create_table(
        "act",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("conv", sa.Integer, nullable=False),
        sa.Column("message", sa.Integer, nullable=False),  # 0: its target is not there
        sa.Column("orphan", sa.Integer, nullable=False),  # the message that stands for it meanwhile
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("occupant", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("outgoing", sa.Integer, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("sub", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("archive", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("act_waiting", "act", ["conv", "target"], sqlite_where=sa.text("message = 0"))
    op.create_index("act_message", "act", ["message"], sqlite_where=sa.text("message <> 0"))
    op.create_index("act_archive", "act", ["conv", "archive"], sqlite_where=sa.text("archive <> ''"))
    op.create_index("act_origin", "act", ["origin", "conv"], sqlite_where=sa.text("origin <> ''"))
    op.create_index("act_pending", "act", ["pid", "id"], sqlite_where=sa.text("state = 'pending'"))
