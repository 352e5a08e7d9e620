# SPDX-License-Identifier: AGPL-3.0-or-later
"""Alembic's environment: run by ``salut.engine.migrate``, never by hand."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
