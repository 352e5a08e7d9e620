# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dino's history, ``dino.db``: messages with their corrections. Files that were sent are not in it as messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from salut.frontends.cli.portable import found
from salut.frontends.cli.portable.database import Database, Row
from salut.frontends.cli.portable.found import Account, Bad, Found, Where, seconds, text
from salut.model import moment
from salut.model.words import _

NEED: Final = {
    "account": "id bare_jid",
    "jid": "id bare_jid",
    "message": "id stanza_id account_id counterpart_id counterpart_resource our_resource direction type time body",
}
TYPES: Final = {1: "chat", 2: "groupchat", 3: "private", 4: "normal"}
# Dino's ``marked``: received, read, acknowledged, unsent, "won't send"
STATES: Final = {1: "delivered", 2: "read", 3: "sent", 4: "failed", 5: "failed", 8: "failed"}


class Dino:
    """``Source`` of such a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def accounts(self) -> list[Account]:
        with Database(self._path) as base:
            base.need(NEED)
            rows = base.rows_now("SELECT bare_jid FROM account WHERE id IN (SELECT account_id FROM message)")
        return [Account(text(row[0]), text(row[0])) for row in rows]

    def entries(self) -> Iterator[Found]:
        with Database(self._path) as base:
            base.need(NEED)
            now = moment.now()
            for row in base.rows(self._sql(base)):
                yield row if isinstance(row, Bad) else self._row(row, now)

    def _sql(self, base: Database) -> str:
        has = base.columns("message")
        archive = "m.server_id" if "server_id" in has else "NULL"
        marked = "m.marked" if "marked" in has else "NULL"
        body, where = "m.body", "m.body IS NOT NULL AND m.type IN (1, 2, 3, 4)"
        if "retracted" in has:
            where += " AND NOT m.retracted"
        if {"message_id", "to_stanza_id"} <= base.columns("message_correction"):
            same = (
                "o.account_id=m.account_id AND o.counterpart_id=m.counterpart_id AND o.direction=m.direction "
                "AND (m.type<>2 OR o.counterpart_resource IS m.counterpart_resource)"
            )
            body = (
                "coalesce((SELECT o.body FROM message_correction k JOIN message o ON o.id=k.message_id "
                f"WHERE k.to_stanza_id=m.stanza_id AND {same} ORDER BY o.id DESC LIMIT 1), m.body)"
            )
            where += (
                " AND NOT EXISTS (SELECT 1 FROM message_correction k JOIN message o ON o.stanza_id=k.to_stanza_id "
                f"WHERE k.message_id=m.id AND {same})"
            )
        return (
            "SELECT m.id, a.bare_jid, j.bare_jid, m.counterpart_resource, m.our_resource, m.direction, m.type, m.time, "
            f"{body}, m.stanza_id, {archive}, {marked} FROM message m JOIN account a ON a.id=m.account_id "
            f"JOIN jid j ON j.id=m.counterpart_id WHERE {where} ORDER BY m.time, m.id"
        )

    def _row(self, row: Row, now: int) -> Found:
        key, account, jid, theirs, ours, direction, kind, at, body, origin, archive, marked = row
        where = Where(str(self._path), key if isinstance(key, int) else 0, "row")
        when = seconds(at)
        if when is None or not isinstance(kind, int):
            return Bad(where, _("its time or type is no number"))
        outgoing, shown = bool(direction), TYPES[kind]
        own, bare = text(account), text(jid)
        there, here = text(theirs), text(ours)
        conversation = f"{bare}/{there}" if shown == "private" and there else bare
        if shown == "groupchat":
            nick = (here if outgoing else "") or there
            sender = f"{bare}/{nick}" if nick else bare
        elif outgoing:
            sender = f"{own}/{here}" if here else own
        else:
            sender = f"{bare}/{there}" if there else bare
        state = STATES.get(marked, "sent") if isinstance(marked, int) else "sent"
        made: dict[str, Any] = {
            "conversation": conversation,
            "sender": sender,
            "outgoing": outgoing,
            "kind": shown,
            "at": when,
            "body": text(body),
            "state": state if outgoing else "received",
            "origin": text(origin),
            "archive": text(archive),
        }
        return found.checked(where, own, made, now)
