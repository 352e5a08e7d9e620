# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of wishes. What is as usual has no row, unless the server has to be told so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from salut.api.ports import Read, SqlRow, Tx
from salut.api.wire import Item
from salut.plugins.preferences.api import ConversationSetting

SELECT: Final = (
    "SELECT address, pinned, notify, muted_until, there, pending, rev FROM conversation_setting WHERE pid=?"
)


@dataclass(slots=True)
class Wish:
    """``there``: an item in our node. ``pending``: the server does not know yet."""

    setting: ConversationSetting
    there: bool = False
    pending: bool = False


def usual(setting: ConversationSetting) -> bool:
    """Nothing is wished."""
    return setting == ConversationSetting(address=setting.address)


def of_row(row: SqlRow) -> Wish:
    """A row of ``SELECT``."""
    r: tuple[Any, ...] = row
    setting = ConversationSetting(address=r[0], pinned=bool(r[1]), notify=r[2], muted_until=r[3])
    return Wish(setting, bool(r[4]), bool(r[5]))


def write(tx: Tx, wish: Wish) -> None:
    """Store a wish; a change where windows see something new."""
    s = wish.setting
    row = tx.one(f"{SELECT} AND address=?", (tx.pid, s.address))
    old = of_row(row).setting if row is not None else ConversationSetting(address=s.address)
    rev: object = row[6] if row is not None else 0
    if old != s:
        rev = tx.change("conversation_setting", s.address, None if usual(s) else s)
    if usual(s) and not wish.pending:
        tx.execute("DELETE FROM conversation_setting WHERE pid=? AND address=?", (tx.pid, s.address))
        return
    values: tuple[Any, ...] = (s.pinned, s.notify, s.muted_until, wish.there, wish.pending, rev)
    tx.execute(
        "INSERT OR REPLACE INTO conversation_setting "
        "(pid, address, pinned, notify, muted_until, there, pending, rev) VALUES (?,?,?,?,?,?,?,?)",
        (tx.pid, s.address, *values),
    )


def snapshot(read: Read, pid: int) -> Iterator[Item]:
    """All wishes with their revisions."""
    for row in read.all(SELECT, (pid,)):
        setting = of_row(row).setting
        if not usual(setting):
            revision: Any = row[6]
            yield Item("conversation_setting", setting.address, revision, setting)
