# SPDX-License-Identifier: AGPL-3.0-or-later
"""Groups of contacts, and groups in groups by a delimiter in their names (XEP-0083). No I/O but for the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from salut.api.ports import Read, Tx
from salut.plugins.roster.api import Contact, Group, GroupList
from salut.plugins.roster.ledger import SELECT, SEPARATOR, joined, of_row

MAX_DELIMITER: Final = 20


def nests(delimiter: str) -> bool:
    """Whether a delimiter divides names: a single letter or digit must not (XEP-0083 section 2)."""
    return bool(delimiter) and not (len(delimiter) == 1 and delimiter.isalnum())


def path(name: str, delimiter: str) -> list[str]:
    """The names of a group and of those around it, the outermost first."""
    parts = name.split(delimiter) if nests(delimiter) else [name]
    return parts if all(part.strip() for part in parts) else [name]


def renamed(groups: Sequence[str], old: str, new: str, delimiter: str) -> list[str]:
    """The groups of a contact when ``old``, with all that is nested in it, is called ``new``; nothing: it is gone."""
    inner = old + delimiter if nests(delimiter) else None
    found: dict[str, None] = {}
    for group in groups:
        if group == old:
            found[new] = None
        elif inner is not None and group.startswith(inner):
            found[new + group[len(old) :] if new else ""] = None
        else:
            found[group] = None
    return sorted(found.keys() - {""})


def listed(read: Read, pid: int, delimiter: str) -> GroupList:
    """All groups by name, with how many contacts are in each."""
    rows = read.all(
        "SELECT groups, count(*) FROM contact WHERE pid=? AND groups<>'' AND in_roster GROUP BY groups",
        (pid,),
    )
    counts: dict[str, int] = {}
    for groups, count in rows:
        for name in str(groups).strip(SEPARATOR).split(SEPARATOR):
            counts[name] = counts.get(name, 0) + int(count or 0)
    items = [Group(name=name, path=path(name, delimiter), contacts=counts[name]) for name in sorted(counts)]
    return GroupList(delimiter=delimiter, items=items)


def members(read: Read, pid: int, group: str, delimiter: str) -> list[Contact]:
    """The contacts in a group and in those nested in it."""
    inside = f"{SEPARATOR}{group}{delimiter}" if nests(delimiter) else joined([group])
    rows = read.all(
        f"{SELECT} AND in_roster AND (instr(groups, ?) OR instr(groups, ?)) ORDER BY address",
        (pid, joined([group]), inside),
    )
    return [of_row(row) for row in rows]


def stored(read: Read, pid: int) -> str | None:
    """The delimiter that the account has on its server, as far as known."""
    row = read.one("SELECT delimiter FROM roster_delimiter WHERE pid=?", (pid,))
    return str(row[0]) if row is not None else None


def store(tx: Tx, delimiter: str) -> None:
    """The account's delimiter; empty: it has none."""
    if delimiter:
        tx.execute(
            "INSERT OR REPLACE INTO roster_delimiter (pid, delimiter) VALUES (?,?)", (tx.pid, delimiter)
        )
    else:
        tx.execute("DELETE FROM roster_delimiter WHERE pid=?", (tx.pid,))
