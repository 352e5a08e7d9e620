# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gajim's history: ``logs.db`` as it was from 0.1x to 1.8 (table ``logs``), and since then (table ``message``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from salut.frontends.cli.portable import found
from salut.frontends.cli.portable.database import Database, Row
from salut.frontends.cli.portable.found import Account, Bad, Found, Where, seconds, text
from salut.model import moment
from salut.model.words import _

# What a row of ``logs`` is (column ``kind``): a room's message, received, sent; all else is no message.
KINDS: Final = {2: ("groupchat", False), 3: ("normal", False), 4: ("chat", False), 5: ("normal", True),
                6: ("chat", True)}  # fmt: skip
OLD: Final = {"jids": "jid_id jid type", "logs": "log_line_id jid_id contact_name time kind message subject"}
NEW: Final = {
    "account": "pk jid",
    "remote": "pk jid",
    "message": "pk fk_account_pk fk_remote_pk resource type direction timestamp id stanza_id text correction_id",
}
TYPES: Final = {1: "chat", 2: "groupchat", 3: "private"}
OUTGOING: Final = 2


class Gajim:
    """``Source`` of such a file. ``me``: the person's names in rooms, which old files do not say."""

    def __init__(self, path: Path, me: list[str]) -> None:
        self._path = path
        self._me = set(me)

    def accounts(self) -> list[Account]:
        with Database(self._path) as base:
            if base.columns("message"):
                base.need(NEW)
                rows = base.rows_now(
                    "SELECT jid FROM account WHERE pk IN (SELECT fk_account_pk FROM message)"
                )
            else:
                base.need(OLD)
                if "account_id" not in base.columns("logs"):
                    return [Account("")]
                rows = base.rows_now(
                    "SELECT jid FROM (SELECT DISTINCT account_id FROM logs) LEFT JOIN jids ON jid_id=account_id"
                )
        return [Account(text(row[0]), text(row[0])) for row in rows]

    def entries(self) -> Iterator[Found]:
        with Database(self._path) as base:
            yield from self._new(base) if base.columns("message") else self._old(base)

    def _old(self, base: Database) -> Iterator[Found]:
        base.need(OLD)
        has = base.columns("logs")
        extra = [f"l.{name}" if name in has else "NULL" for name in ("stanza_id", "message_id", "error")]
        account = "(SELECT jid FROM jids WHERE jid_id=l.account_id)" if "account_id" in has else "''"
        sql = (
            f"SELECT l.log_line_id, {account}, j.jid, l.contact_name, l.time, l.kind, l.message, l.subject, j.type, "
            f"{', '.join(extra)} FROM logs l JOIN jids j ON j.jid_id=l.jid_id WHERE l.kind BETWEEN 2 AND 6 "
            "AND l.message IS NOT NULL ORDER BY l.time, l.log_line_id"
        )
        now = moment.now()
        for row in base.rows(sql):
            yield row if isinstance(row, Bad) else self._old_row(row, now)

    def _old_row(self, row: Row, now: int) -> Found:
        key, account, jid, name, at, kind, body, subject, _kind, archive, origin, error = row
        where = _where(self._path, key)
        when = seconds(at)
        if when is None or not isinstance(kind, int):
            return Bad(where, _("its time or kind is no number"))
        shown, outgoing = KINDS[kind]
        address, resource = text(jid), text(name)
        if shown == "groupchat":
            outgoing = resource in self._me
            sender = f"{address}/{resource}" if resource else address
        elif "/" in address:  # Gajim writes room/nick for private messages
            shown, sender = "private", text(account) if outgoing else address
        else:
            sender = text(account) if outgoing else address
        made = _made(address, sender or address, outgoing, shown, when, text(body), origin, archive)
        if outgoing and error:
            made |= {"state": "failed", "error": text(error)[:500]}
        return found.checked(where, text(account), made | {"subject": text(subject)}, now)

    def _new(self, base: Database) -> Iterator[Found]:
        base.need(NEW)
        has = base.columns("message")
        thread = (
            "(SELECT t.id FROM thread t WHERE t.pk=m.fk_thread_pk)"
            if "fk_thread_pk" in has and "id" in base.columns("thread")
            else "NULL"
        )
        orphan = (
            "NOT EXISTS (SELECT 1 FROM message o WHERE o.id=m.correction_id AND o.fk_remote_pk=m.fk_remote_pk "
            "AND o.fk_account_pk=m.fk_account_pk AND o.direction=m.direction)"
        )
        moderated = (
            "AND NOT EXISTS (SELECT 1 FROM moderation d WHERE d.stanza_id=m.stanza_id "
            "AND d.fk_remote_pk=m.fk_remote_pk)"
            if {"stanza_id", "fk_remote_pk"} <= base.columns("moderation")
            else ""
        )
        corrected = (  # the text of the row with the greatest time (a bare column beside max is that row's)
            "SELECT correction_id, fk_remote_pk, fk_account_pk, direction, "
            "CASE type WHEN 2 THEN resource END AS nick, text, max(timestamp) FROM message "
            "WHERE correction_id IS NOT NULL AND text IS NOT NULL GROUP BY 1, 2, 3, 4, 5"
        )
        sql = (
            "SELECT m.pk, a.jid, r.jid, m.resource, m.type, m.direction, m.timestamp, m.id, m.stanza_id, "
            f"coalesce(c.text, m.text), {thread} FROM message m JOIN account a ON a.pk=m.fk_account_pk "
            f"JOIN remote r ON r.pk=m.fk_remote_pk LEFT JOIN ({corrected}) c ON c.correction_id=m.id "
            "AND c.fk_remote_pk=m.fk_remote_pk AND c.fk_account_pk=m.fk_account_pk AND c.direction=m.direction "
            "AND c.nick IS CASE m.type WHEN 2 THEN m.resource END "
            f"WHERE m.text IS NOT NULL AND (m.correction_id IS NULL OR {orphan}) {moderated} "
            "ORDER BY m.timestamp, m.pk"
        )
        now = moment.now()
        for row in base.rows(sql):
            yield row if isinstance(row, Bad) else self._new_row(row, now)

    def _new_row(self, row: Row, now: int) -> Found:
        key, account, jid, resource, kind, direction, at, origin, archive, body, thread = row
        where = _where(self._path, key)
        when = seconds(at)
        shown = TYPES.get(kind) if isinstance(kind, int) else None
        if when is None or shown is None:
            return Bad(where, _("its time or type is none that is known"))
        outgoing = direction == OUTGOING
        address, own, name = text(jid), text(account), text(resource)
        if shown == "private" and "/" not in address and name:
            address = f"{address}/{name}"
        if shown == "groupchat":
            sender = f"{address}/{name}" if name else address
        elif outgoing:
            sender = f"{own}/{name}" if name and shown == "chat" else own
        else:
            sender = f"{address}/{name}" if name and "/" not in address else address
        made = _made(address, sender, outgoing, shown, when, text(body), origin, archive)
        return found.checked(where, own, made | {"thread": text(thread)}, now)


def _made(
    conversation: str,
    sender: str,
    outgoing: bool,
    kind: str,
    at: int,
    body: str,
    origin: object,
    archive: object,
) -> dict[str, Any]:
    return {
        "conversation": conversation,
        "sender": sender,
        "outgoing": outgoing,
        "kind": kind,
        "at": at,
        "body": body,
        "state": "sent" if outgoing else "received",
        "origin": text(origin),
        "archive": text(archive),
    }


def _where(path: Path, key: object) -> Where:
    return Where(str(path), key if isinstance(key, int) else 0, "row")
