# SPDX-License-Identifier: AGPL-3.0-or-later
"""The store as a whole: bring the schema up to date, open it, know its epoch."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from salut.engine.database import open_database

ENGINE_SCHEMA = "engine_1"
ENGINE_MIGRATIONS = "salut.engine.migrations"


def current_schema(connection: sqlite3.Connection) -> set[str]:
    """The Alembic revisions that the database stands at."""
    try:
        return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    except sqlite3.OperationalError:
        return set()


def prepare(path: Path, schemas: Sequence[tuple[str, str]], *, durable: bool = True) -> sqlite3.Connection:
    """Open the database for writing, migrated to the given ``(migrations package, newest revision)`` pairs.

    Alembic and SQLAlchemy cost 0.3 s to import, so they are touched only when there is something to do.
    """
    wanted = [(ENGINE_MIGRATIONS, ENGINE_SCHEMA), *schemas]
    connection = open_database(path, durable=durable)
    path.chmod(0o600)
    missing = [pair for pair in wanted if pair[1] not in current_schema(connection)]
    if missing:
        from salut.engine.migrate import upgrade

        upgrade(path, [package for package, _revision in wanted])
    return connection


def settle_epoch(connection: sqlite3.Connection, side_file: Path) -> str:
    """The epoch of this database; a fresh one when it was restored from a copy.

    Each start draws a number that is kept in the database and in a file beside it. A database that comes
    back from a backup holds an older number than the file.
    """
    rows = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    known = side_file.read_text().strip() if side_file.exists() else ""
    epoch = rows.get("epoch", "")
    if not epoch or (known and known != rows.get("start")):
        epoch = secrets.token_hex(4)
    start = secrets.token_hex(8)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?,?)", [("epoch", epoch), ("start", start)]
    )
    connection.execute("COMMIT")
    fresh = side_file.with_suffix(".new")
    fresh.write_text(start)
    fresh.rename(side_file)
    return str(epoch)
