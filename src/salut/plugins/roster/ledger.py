# SPDX-License-Identifier: AGPL-3.0-or-later
"""The roster's tables, written on the writer's thread: what the server says, and who asks.

Nothing is written, and no change told, where nothing changes: servers repeat themselves at each login.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import msgspec

from salut.api.ports import Read, SqlRow, Tx
from salut.plugins.roster import requests
from salut.plugins.roster.api import Contact, Subscription, What

MOST_STRANGERS: Final = 500
"""Requests kept of people who are not in the roster; the oldest go first."""
MAX_NAME: Final = 1000
MAX_GROUPS: Final = 100
SEPARATOR: Final = "\x1f"  # no group's name can hold it: XML cannot carry it
COLUMNS: Final = "address, name, groups, subscription, pending, asks, in_roster, approved, note"
SELECT: Final = f"SELECT {COLUMNS} FROM contact WHERE pid=?"
Retitle = Callable[[Tx, str], None]
Changed = tuple[str, Contact | None]


class RosterItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the server's roster (RFC 6121 section 2.1.2). ``removed``: it is there no longer."""

    address: str
    name: str = ""
    groups: tuple[str, ...] = ()
    subscription: Subscription = "none"
    pending: bool = False
    approved: bool = False
    removed: bool = False


class Push(msgspec.Struct, frozen=True):
    """What the server says of its own accord; ``ver`` is the roster's version with it (section 2.6)."""

    item: RosterItem
    ver: str = ""


class Whole(msgspec.Struct, frozen=True):
    """All of the server's roster."""

    items: Sequence[RosterItem]
    ver: str = ""


def of_row(row: SqlRow) -> Contact:
    """A row of ``COLUMNS``."""
    r: tuple[Any, ...] = row
    return Contact(
        address=r[0],
        name=r[1],
        groups=r[2].strip(SEPARATOR).split(SEPARATOR) if r[2] else [],
        subscription=r[3],
        pending=bool(r[4]),
        asks=bool(r[5]),
        in_roster=bool(r[6]),
        approved=bool(r[7]),
        note=r[8],
    )


def joined(groups: Sequence[str]) -> str:
    """Groups as a column: each between separators, so that one can be looked for."""
    return f"{SEPARATOR}{SEPARATOR.join(groups)}{SEPARATOR}" if groups else ""


def get(read: Read, pid: int, address: str) -> Contact | None:
    """One contact."""
    row = read.one(f"{SELECT} AND address=?", (pid, address))
    return of_row(row) if row is not None else None


def page(read: Read, pid: int, group: str | None, after: str, limit: int) -> list[Contact]:
    """Contacts by address."""
    where, params = ("AND instr(groups, ?)", (joined([group]),)) if group else ("", ())
    rows = read.all(
        f"{SELECT} AND address>? {where} ORDER BY address LIMIT {int(limit)}", (pid, after, *params)
    )
    return [of_row(row) for row in rows]


def names(read: Read, pid: int) -> list[tuple[str, str]]:
    """Address and name of all that are in the roster."""
    rows = read.all("SELECT address, name FROM contact WHERE pid=? AND in_roster ORDER BY address", (pid,))
    return cast("list[tuple[str, str]]", rows)


def version(read: Read, pid: int) -> str:
    """The version of the roster that the table shows; empty where there is none."""
    row = read.one("SELECT ver FROM roster_version WHERE pid=?", (pid,))
    return str(row[0]) if row is not None else ""


class Ledger:
    """Writes. ``retitle(tx, address)`` hears of new names, and of who comes or goes."""

    def __init__(self, retitle: Retitle) -> None:
        self._retitle = retitle

    def put(self, tx: Tx, new: Contact) -> None:
        """Store a contact."""
        old = get(tx, tx.pid, new.address)
        if old == new:
            return
        rev = tx.change("contact", new.address, new)
        tx.execute(
            f"INSERT OR REPLACE INTO contact (pid, {COLUMNS}, rev) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (
                tx.pid, new.address, new.name, joined(new.groups), new.subscription, new.pending, new.asks,
                new.in_roster, new.approved, new.note, rev,
            ),
        )  # fmt: skip
        requests.follow(tx, new.address, old, new)
        self._rename(tx, new.address, old, new)

    def drop(self, tx: Tx, address: str) -> None:
        """A contact is gone."""
        old = get(tx, tx.pid, address)
        if old is None:
            return
        tx.execute("DELETE FROM contact WHERE pid=? AND address=?", (tx.pid, address))
        tx.change("contact", address, None)
        requests.follow(tx, address, old, None)
        self._rename(tx, address, old, None)

    def _rename(self, tx: Tx, address: str, old: Contact | None, new: Contact | None) -> None:
        before, after = ((c.name if c is not None and c.in_roster else None) for c in (old, new))
        if before != after:
            self._retitle(tx, address)

    # What the server says
    def pushed(self, tx: Tx, pushes: Sequence[Push], whole: Whole | None = None) -> list[Changed]:
        """All of the roster, if it came, then what changed since. What is in force now of each that was named."""
        touched: dict[str, None] = {}
        if whole is not None:
            kept = {item.address for item in whole.items}
            for address, _name in names(tx, tx.pid):
                if address not in kept:
                    self.drop(tx, address)
                    touched[address] = None
        items = [*(whole.items if whole is not None else ()), *(push.item for push in pushes)]
        for item in items:
            self._item(tx, item)
            touched[item.address] = None
        ver = next(
            (push.ver for push in reversed(pushes) if push.ver), whole.ver if whole is not None else ""
        )
        if ver or whole is not None:
            tx.execute("INSERT OR REPLACE INTO roster_version (pid, ver) VALUES (?,?)", (tx.pid, ver))
        return [(address, get(tx, tx.pid, address)) for address in touched]

    def _item(self, tx: Tx, item: RosterItem) -> None:
        if item.removed:
            self.drop(tx, item.address)
            return
        old = get(tx, tx.pid, item.address)
        asks = old is not None and old.asks and item.subscription not in ("from", "both")
        self.put(
            tx,
            Contact(
                address=item.address,
                name=item.name,
                groups=list(item.groups),
                subscription=item.subscription,
                pending=item.pending,
                asks=asks,
                approved=item.approved,
                note=old.note if asks and old is not None else "",
            ),
        )

    # Who asks
    def requested(self, tx: Tx, address: str, note: str, nick: str) -> None:
        """Somebody asks to see our presence; what they said first stays until it is answered."""
        old = get(tx, tx.pid, address)
        if old is None:
            self.put(tx, Contact(address=address, name=nick, asks=True, in_roster=False, note=note))
            self._crowded(tx)
        elif not old.asks and old.subscription not in ("from", "both"):
            self.put(tx, msgspec.structs.replace(old, asks=True, note=note))

    def _crowded(self, tx: Tx) -> None:
        rows = tx.all(
            "SELECT address FROM contact WHERE pid=? AND NOT in_roster "
            f"ORDER BY rev DESC LIMIT -1 OFFSET {MOST_STRANGERS}",
            (tx.pid,),
        )
        for row in rows:
            self.drop(tx, str(row[0]))

    def answered(self, tx: Tx, address: str) -> None:
        """They ask no longer: we answered, or they took it back."""
        old = get(tx, tx.pid, address)
        if old is None or not old.asks:
            return
        if old.in_roster:
            self.put(tx, msgspec.structs.replace(old, asks=False, note=""))
        else:
            self.drop(tx, address)

    def told(self, tx: Tx, address: str, what: What) -> None:
        """They say what they did about a subscription. Believed where it can be so: of a contact, and an acceptance
        only where we asked."""
        old = get(tx, tx.pid, address)
        if old is None or not old.in_roster:
            return
        if what != "accepted" or old.pending or old.subscription in ("to", "both"):
            requests.told(tx, address, what)
