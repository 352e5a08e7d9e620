# SPDX-License-Identifier: AGPL-3.0-or-later
"""Archives with a past: many messages in a server's archive, as if all had come while nobody was there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from devkit.prosody import Prosody
from devkit.servers import Account


class Said(NamedTuple):
    """One message: who said it to the account (a bare address), what, and when (seconds of the epoch)."""

    sender: str
    body: str
    at: int


TABLE = (
    'CREATE TABLE IF NOT EXISTS "prosodyarchive" ("sort_id" INTEGER PRIMARY KEY AUTOINCREMENT, "host" TEXT NOT NULL, '
    '"user" TEXT NOT NULL, "store" TEXT NOT NULL, "key" TEXT NOT NULL, "when" INTEGER NOT NULL, "with" TEXT NOT NULL, '
    '"type" TEXT NOT NULL, "value" TEXT NOT NULL)',
    'CREATE UNIQUE INDEX IF NOT EXISTS "prosodyarchive_index" ON "prosodyarchive" ("host", "user", "store", "key")',
    'CREATE INDEX IF NOT EXISTS "prosodyarchive_with_when" ON "prosodyarchive" '
    '("host", "user", "store", "with", "when")',
    'CREATE INDEX IF NOT EXISTS "prosodyarchive_when" ON "prosodyarchive" ("host", "user", "store", "when")',
    'CREATE INDEX IF NOT EXISTS "prosodyarchive_sort" ON "prosodyarchive" ("host", "user", "store", "sort_id")',
)
"""As prosody 0.12 makes them at its first use of the store (mod_storage_sql)."""
INSERT = (
    'INSERT INTO prosodyarchive ("host", "user", "store", "when", "with", "key", "type", "value") '
    "VALUES (?,?,'archive',?,?,?,'xml',?)"
)


def put(server: Prosody, account: Account, said: Iterable[Said]) -> int:
    """Put messages, oldest first, into an account's archive; returns how many.

    The server has ``sql_archive`` and may run. Its table is made where it has not done so yet.
    """
    user, _, host = account.jid.partition("@")
    connection = sqlite3.connect(server.archive_database, timeout=30)
    try:
        for statement in TABLE:
            connection.execute(statement)
        with connection:
            (last,) = connection.execute("SELECT coalesce(max(sort_id), 0) FROM prosodyarchive").fetchone()
            rows = (
                (
                    host,
                    user,
                    one.at,
                    one.sender,
                    f"{last:x}-{number:x}",
                    _stanza(account.jid, one, f"{last:x}-{number:x}"),
                )
                for number, one in enumerate(said)
            )
            before = connection.total_changes
            connection.executemany(INSERT, rows)
            return connection.total_changes - before
    finally:
        connection.close()


def _stanza(to: str, one: Said, key: str) -> str:
    return (
        f"<message xmlns='jabber:client' type='chat' id={quoteattr('m' + key)} from={quoteattr(one.sender + '/phone')} "
        f"to={quoteattr(to)}><body>{escape(one.body)}</body>"
        f"<origin-id xmlns='urn:xmpp:sid:0' id={quoteattr('m' + key)}/>"
        f"<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>"
    )
