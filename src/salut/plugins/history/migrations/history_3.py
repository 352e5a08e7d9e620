# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages that do not stay (XEP-0334): when each goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "history_3"
down_revision = "history_2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the column and what finds the few that have it."""
    op.add_column("message", sa.Column("fleeting", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("message_fleeting", "message", ["fleeting"], sqlite_where=sa.text("fleeting <> 0"))
