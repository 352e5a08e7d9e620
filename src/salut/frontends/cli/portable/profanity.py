# SPDX-License-Identifier: AGPL-3.0-or-later
"""Profanity's history: its database ``chatlog.db``, and its text files ``chatlogs/ACCOUNT/CONTACT/YYYY_MM_DD.log``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from salut.frontends.cli.portable import found
from salut.frontends.cli.portable.database import Database, Row
from salut.frontends.cli.portable.found import Account, Bad, Found, Where, text
from salut.frontends.cli.portable.logs import Log, LogLine, files, lines
from salut.model import moment
from salut.model.words import _

NEED: Final = {
    "ChatLogs": "id from_jid to_jid from_resource to_resource message timestamp type stanza_id archive_id"
}
TYPES: Final = {"chat": "chat", "muc": "groupchat", "mucpm": "private"}
AT: Final = "_at_"
FILE: Final = re.compile(r"(\d{4})_(\d\d)_(\d\d)\.log\Z")
LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT[0-9:.,]+(?:Z|[+-][0-9:]+)?|\d\d:\d\d:\d\d) - (?:\*(\S+) |(.*?): )"
)


class ChatlogDatabase:
    """``Source`` of ``chatlog.db``, which is one account's: that of its folder's name, else the one in all rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._account = ""
        self._own = ""

    def adopt(self, own: str) -> None:
        """Whose it is, where that cannot be seen from it."""
        self._own = own

    def accounts(self) -> list[Account]:
        with Database(self._path) as base:
            base.need(NEED)
            self._account = unescaped(self._path.absolute().parent.name) or _common(base)
        return [Account(self._account, self._account)]

    def entries(self) -> Iterator[Found]:
        if not self._account:
            self.accounts()
        now = moment.now()
        with Database(self._path) as base:
            base.need(NEED)
            for row in base.rows(self._sql(base)):
                yield row if isinstance(row, Bad) else self._row(row, now)

    def _sql(self, base: Database) -> str:
        """Corrections (XEP-0308) stand in their original's place."""
        has = base.columns("ChatLogs")
        newer, join, keep = "NULL", "", "1"
        if {"replaces_db_id", "replaced_by_db_id"} <= has:
            newer, keep = "c.message", "m.replaces_db_id IS NULL"
            join = "LEFT JOIN ChatLogs c ON c.id=m.replaced_by_db_id AND c.from_jid=m.from_jid"
        elif "replace_id" in has:
            newer, keep = "c.message", "coalesce(m.replace_id, '')=''"
            join = (
                "LEFT JOIN (SELECT replace_id, from_jid, to_jid, message, max(id) FROM ChatLogs WHERE replace_id<>'' "
                "GROUP BY 1, 2, 3) c ON c.replace_id=m.stanza_id AND c.from_jid=m.from_jid AND c.to_jid=m.to_jid"
            )
        return (
            f"SELECT m.id, m.from_jid, m.from_resource, m.to_jid, m.to_resource, coalesce({newer}, m.message), "
            f"m.timestamp, m.type, m.stanza_id, m.archive_id FROM ChatLogs m {join} "
            f"WHERE {keep} AND m.message IS NOT NULL ORDER BY m.id"
        )

    def _row(self, row: Row, now: int) -> Found:
        key, sender, resource, to, to_resource, body, stamp, kind, origin, archive = row
        where = Where(str(self._path), key if isinstance(key, int) else 0, "row")
        shown = TYPES.get(text(kind) or "chat")
        try:
            at = moment.parse(text(stamp).replace("/", "-"))
        except (ValueError, OverflowError):
            return Bad(where, _("its time cannot be read: {}").format(text(stamp)[:60]))
        if shown is None:
            return Bad(where, _("its type is none that is known: {}").format(text(kind)[:60]))
        outgoing = text(sender) == (self._account or self._own)
        other, name = (text(to), text(to_resource)) if outgoing else (text(sender), text(resource))
        full = f"{text(sender)}/{text(resource)}" if text(resource) else text(sender)
        made = {
            "conversation": f"{other}/{name}" if shown == "private" and name else other,
            "sender": full,
            "outgoing": outgoing,
            "kind": shown,
            "at": at,
            "body": text(body),
            "state": "sent" if outgoing else "received",
            "origin": text(origin),
            "archive": text(archive),
        }
        return found.checked(where, self._account, made, now)


def _common(base: Database) -> str:
    """The address that is in every chat, if there is one; empty else."""
    rows = base.rows_now(
        "SELECT jid, count(*), (SELECT count(*) FROM ChatLogs) FROM "
        "(SELECT from_jid AS jid FROM ChatLogs UNION ALL SELECT to_jid FROM ChatLogs WHERE to_jid<>from_jid) "
        "GROUP BY jid ORDER BY 2 DESC LIMIT 2"
    )
    best = [text(row[0]) for row in rows if row[1] == row[2]]
    return best[0] if len(best) == 1 else ""


def unescaped(name: str) -> str:
    """``juliet_at_capulet.example`` as an address; empty for what is none."""
    local, at, domain = name.rpartition(AT)
    return f"{local}@{domain}" if at and local and domain else ""


class Chatlogs:
    """``Source`` of the text files: of all accounts, one account's, or one conversation's, by the folder given."""

    def __init__(self, path: Path, me: list[str]) -> None:
        self._path = path
        self._me = frozenset(me)

    def accounts(self) -> list[Account]:
        names = dict.fromkeys(log.account for log in self._logs())
        return [Account(name, name) for name in names]

    def entries(self) -> Iterator[Found]:
        now = moment.now()
        for log in self._logs():
            for line in lines(log, lambda text, log=log: self._line(log, text)):  # type: ignore[misc]
                yield (
                    line if isinstance(line, Bad) else found.checked(line.where, log.account, line.made, now)
                )

    def _logs(self) -> Iterator[Log]:
        for path in files(self._path, lambda name: FILE.match(name) is not None):
            folder = path.parent
            room = folder.parent.name == "rooms"
            account = unescaped((folder.parent.parent if room else folder.parent).name)
            other, nick = unescaped(folder.name), ""
            if "_" in other.rpartition("@")[2]:  # room_at_host_nick: a private chat in a room
                head, _bar, domain = other.rpartition("@")
                domain, _bar, nick = domain.partition("_")
                other = f"{head}@{domain}/{nick}"
            match = FILE.match(path.name)
            assert match is not None
            day = "-".join(match.groups())
            kind = "groupchat" if room else "private" if nick else "chat"
            yield Log(path, account, other, kind, day)

    def _line(self, log: Log, line: str) -> LogLine | Bad | None:
        match = LINE.match(line)
        if match is None:
            return None
        stamp, actor, name = match.groups()
        try:
            at = _moment(stamp, log.day)
        except (ValueError, OverflowError):
            return Bad(Where(""), _("its time cannot be read: {}").format(stamp[:60]))
        who = actor or name
        body = f"/me {line[match.end() :]}" if actor else line[match.end() :]
        outgoing = who in self._me or (who == "me" and log.kind != "groupchat")
        sender = log.account if outgoing else log.other
        if log.kind == "groupchat":
            sender = f"{log.other}/{who}"
        made: dict[str, Any] = {
            "conversation": log.other,
            "sender": sender or log.other,
            "outgoing": outgoing,
            "kind": log.kind,
            "at": at,
            "body": body,
            "state": "sent" if outgoing else "received",
        }
        return LogLine(made)


def _moment(stamp: str, day: str) -> int:
    """With its zone as it stands; old files have the local time of day alone, in files of a day."""
    when = datetime.fromisoformat(stamp if "T" in stamp else f"{day}T{stamp}")
    whole = int(when.replace(microsecond=0).timestamp())
    return whole * moment.SECOND + when.microsecond
