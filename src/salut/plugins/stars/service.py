# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stars decide: one a message, on messages that there are."""

from __future__ import annotations

from typing import Any, Final

from salut.api.ports import SqlRow, Tx
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.history.api import HistoryApi
from salut.plugins.stars.api import Star, Starred, StarsApi

MOST: Final = 10_000
SHOWN: Final = 500  # that a new window gets; the rest on demand
MAX_PAGE: Final = 200
COLUMNS: Final = "message, conversation, at, said_at, rev"
NEWEST: Final = f"SELECT {COLUMNS} FROM star WHERE pid=? ORDER BY said_at DESC, message DESC LIMIT {SHOWN}"


def of_row(row: SqlRow) -> Star:
    """A row of ``COLUMNS``."""
    r: tuple[Any, ...] = row
    return Star(message=r[0], conversation=r[1], at=r[2], said_at=r[3])


def put(tx: Tx, star: Star) -> Star:
    """Star a message; one that has a star keeps it."""
    row = tx.one(f"SELECT {COLUMNS} FROM star WHERE pid=? AND message=?", (tx.pid, star.message))
    if row is not None:
        return of_row(row)
    count = tx.one("SELECT count(*) FROM star WHERE pid=?", (tx.pid,))
    if count is not None and int(count[0] or 0) >= MOST:
        raise SalutError(
            "too-large",
            _("There are {} stars already; take some away first: jp star MESSAGE --off").format(MOST),
            {"field": "message", "limit": MOST},
        )
    rev = tx.change("star", str(star.message), star)
    tx.execute(
        "INSERT INTO star (pid, message, conversation, at, said_at, rev) VALUES (?,?,?,?,?,?)",
        (tx.pid, star.message, star.conversation, star.at, star.said_at, rev),
    )
    return star


def remove(tx: Tx, message: int) -> None:
    """Take a star away, if there is one."""
    if tx.one("SELECT 1 FROM star WHERE pid=? AND message=?", (tx.pid, message)) is not None:
        tx.execute("DELETE FROM star WHERE pid=? AND message=?", (tx.pid, message))
        tx.change("star", str(message), None)


class StarsService(StarsApi):
    """The contract's methods."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._history = host.need("history", HistoryApi)  # type: ignore[type-abstract]  # its port serves it

    async def set(self, *, profile: str, message: int, on: bool = True) -> Star:
        found = await self._history.get(profile=profile, message=message)
        star = Star(message=found.id, conversation=found.conversation, at=moment.now(), said_at=found.at)
        if on:
            return await self._host.journal.commit(profile, lambda tx: put(tx, star))
        await self._host.journal.commit(profile, lambda tx: remove(tx, message))
        return star

    async def list(
        self, *, profile: str, conversation: str | None = None, before: str | None = None, limit: int = 50
    ) -> Page[Starred]:
        size = max(1, min(limit, MAX_PAGE))
        where = "pid=?"
        given: list[int | str] = [self._host.pid(profile)]
        if conversation is not None:
            where += " AND conversation=?"
            given.append(addresses.normal(conversation))
        if before is not None:
            where += " AND (said_at, message) < (?,?)"
            given += _mark(before)
        sql = f"SELECT {COLUMNS} FROM star WHERE {where} ORDER BY said_at DESC, message DESC LIMIT {size + 1}"
        rows = await self._host.readers.read(lambda read: read.all(sql, given))
        stars = [of_row(row) for row in rows[:size]]
        items = []
        for star in stars:
            try:
                message = await self._history.get(profile=profile, message=star.message)
            except SalutError as error:
                if error.code != "not-found":  # history forgot it
                    raise
                continue
            items.append(Starred(star=star, message=message))
        last = f"{stars[-1].said_at}.{stars[-1].message}" if len(rows) > size else None
        return Page(items=items, before=last)


def _mark(text: str) -> tuple[int, int]:
    at, _dot, key = text.partition(".")
    try:
        found = (int(at), int(key))
    except ValueError:
        found = (1 << 62, 0)
    if any(abs(n) >= 1 << 62 for n in found):
        raise invalid("before", _("“{}” is no mark of a page.").format(text[:80]))
    return found
