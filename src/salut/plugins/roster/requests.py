# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests to see our presence, and what became of ours, as they are stored; on the writer's thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from salut.api.ports import Read, SqlRow, Tx
from salut.api.wire import Item
from salut.model import moment
from salut.model.words import _
from salut.plugins.roster.api import Contact, News, Request, What

SHOWN: Final = 100  # requests, and news, that a new window gets, the newest first
MOST_NEWS: Final = 100
REQUESTS: Final = "SELECT address, name, note, at, rev FROM subscription_request WHERE pid=?"
NEWS: Final = "SELECT address, what, text, at, rev FROM subscription_news WHERE pid=?"


def words(what: What, address: str) -> str:
    """What happened, for the person."""
    if what == "accepted":
        return _("{} lets you see their presence.").format(address)
    if what == "refused":
        return _("{} does not let you see their presence, or no longer does.").format(address)
    return _("{} no longer wants to see your presence.").format(address)


def request(row: SqlRow) -> Request:
    """A row of ``REQUESTS``."""
    r: tuple[Any, ...] = row
    return Request(address=r[0], name=r[1], note=r[2], at=r[3])


def news(row: SqlRow) -> News:
    """A row of ``NEWS``."""
    r: tuple[Any, ...] = row
    return News(address=r[0], what=r[1], text=r[2], at=r[3])


def page(read: Read, pid: int, after: str, limit: int) -> list[Request]:
    """Requests by address."""
    rows = read.all(f"{REQUESTS} AND address>? ORDER BY address LIMIT {int(limit)}", (pid, after))
    return [request(row) for row in rows]


def snapshot(read: Read, pid: int) -> Iterable[Item]:
    """What a new window gets."""
    for row in read.all(f"{REQUESTS} ORDER BY at DESC, address LIMIT {SHOWN}", (pid,)):
        yield Item("request", str(row[0]), cast("int", row[4]), request(row))
    for row in read.all(f"{NEWS} ORDER BY at DESC, address LIMIT {SHOWN}", (pid,)):
        yield Item("subscription", str(row[0]), cast("int", row[4]), news(row))


def follow(tx: Tx, address: str, old: Contact | None, new: Contact | None) -> None:
    """A contact changed: a request of theirs came, or is answered or withdrawn."""
    asked, asks = (c is not None and c.asks for c in (old, new))
    if asks and not asked:
        assert new is not None
        shown = Request(address=address, name=new.name, note=new.note, at=moment.now())
        rev = tx.change("request", address, shown)
        tx.execute(
            "INSERT OR REPLACE INTO subscription_request (pid, address, name, note, at, rev) VALUES (?,?,?,?,?,?)",
            (tx.pid, address, shown.name, shown.note, shown.at, rev),
        )
    elif asked and not asks:
        tx.execute("DELETE FROM subscription_request WHERE pid=? AND address=?", (tx.pid, address))
        tx.change("request", address, None)


def told(tx: Tx, address: str, what: What) -> None:
    """A contact did something about a subscription. Said once, until the person has seen it."""
    row = tx.one(f"{NEWS} AND address=?", (tx.pid, address))
    if row is not None and row[1] == what:
        return
    shown = News(address=address, what=what, text=words(what, address), at=moment.now())
    rev = tx.change("subscription", address, shown)
    tx.execute(
        "INSERT OR REPLACE INTO subscription_news (pid, address, what, text, at, rev) VALUES (?,?,?,?,?,?)",
        (tx.pid, address, what, shown.text, shown.at, rev),
    )
    crowd = tx.all(
        f"SELECT address FROM subscription_news WHERE pid=? ORDER BY at DESC LIMIT -1 OFFSET {MOST_NEWS}",
        (tx.pid,),
    )
    for (other,) in crowd:
        seen(tx, str(other))


def seen(tx: Tx, address: str) -> None:
    """The person has seen it."""
    if tx.one(f"{NEWS} AND address=?", (tx.pid, address)) is not None:
        tx.execute("DELETE FROM subscription_news WHERE pid=? AND address=?", (tx.pid, address))
        tx.change("subscription", address, None)
