# SPDX-License-Identifier: AGPL-3.0-or-later
"""The store as a whole: bring the schema up to date, open it, know its lives."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from salut.engine.database import open_database

ENGINE_SCHEMA = "engine_1"
ENGINE_MIGRATIONS = "salut.engine.migrations"
LIVES_KEPT = 200  # windows that were away for longer than so many starts begin with a snapshot


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


@dataclass(frozen=True)
class Lives:
    """The starts of this database that are remembered. ``ends``: of past ones, where each journal (by number) ended.

    A position names the life in which it was told. One that a life of this database cannot have told comes
    from a future that was undone: the database was restored from a copy. It is no use then, even when
    the journal has grown past its number again.
    """

    current: str
    ends: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def told(self, epoch: str, seq: int, pid: int) -> bool:
        """Whether a position ``(epoch, seq)`` of the journal ``pid`` is of this database's past or present."""
        life, _dot, number = epoch.partition(".")
        if number != str(pid):
            return False
        return life == self.current or seq <= self.ends.get(life, {}).get(pid, -1)


def begin_life(connection: sqlite3.Connection, heads: Mapping[int, int]) -> Lives:
    """Enter this start of the daemon into the database: its name, and where the journals stand."""
    rows = connection.execute(
        "SELECT name, value FROM meta WHERE name LIKE 'life:%' ORDER BY name"
    ).fetchall()
    begun = [msgspec.json.decode(value, type=_Life) for _name, value in rows]
    current = _Life(id=secrets.token_hex(4), heads=dict(heads))
    number = int(rows[-1][0].partition(":")[2]) + 1 if rows else 1
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?,?)",
        (f"life:{number:012}", msgspec.json.encode(current).decode()),
    )
    connection.executemany("DELETE FROM meta WHERE name=?", [(row[0],) for row in rows[:-LIVES_KEPT]])
    connection.execute("COMMIT")
    following = [*begun[1:], current]
    return Lives(current.id, {life.id: then.heads for life, then in zip(begun, following, strict=False)})


class _Life(msgspec.Struct):
    """One start: its name, and the heads of the journals (by number) at that moment."""

    id: str
    heads: dict[int, int]
