# SPDX-License-Identifier: AGPL-3.0-or-later
"""The table of what our node says, in units of work on the writer's thread.

What the node names and history lacks waits here: the mark moves when that message comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from salut.api.ports import Read, Tx
from salut.plugins.history.api import History, NewMessage

MOST: Final = 10_000  # conversations of a profile


class Marks:
    """``waiting`` is remembered on the writer's thread alone, to cost nothing for each message that comes."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._waiting: dict[int, dict[str, str]] = {}

    def rolled_back(self) -> None:
        """Forget: the store is the truth."""
        self._waiting.clear()

    def _of(self, tx: Tx) -> dict[str, str]:
        waiting = self._waiting.get(tx.pid)
        if waiting is None:
            rows = tx.all("SELECT address, archive FROM displayed WHERE pid=? AND waiting", (tx.pid,))
            waiting = self._waiting[tx.pid] = {str(address): str(archive) for address, archive in rows}
        return waiting

    def heard(self, tx: Tx, told: Sequence[tuple[str, str]]) -> None:
        """The node says that these conversations are read up to these archive ids."""
        waiting = self._of(tx)
        row = tx.one("SELECT count(*) FROM displayed WHERE pid=?", (tx.pid,))
        room = MOST - cast("int", row[0] if row else 0)
        for address, archive in told:
            old = tx.one("SELECT archive FROM displayed WHERE pid=? AND address=?", (tx.pid, address))
            if old is not None and old[0] == archive:
                continue
            if old is None:
                room -= 1
                if room < 0:
                    continue
            found = self._history.read_up_to(tx, address, archive=archive)
            waiting.pop(address, None)
            if not found:
                waiting[address] = archive
            tx.execute(
                "INSERT INTO displayed (pid, address, archive, waiting) VALUES (?,?,?,?) ON CONFLICT (pid, address) "
                "DO UPDATE SET archive=excluded.archive, waiting=excluded.waiting",
                (tx.pid, address, archive, not found),
            )

    def stored(self, tx: Tx, messages: Sequence[NewMessage]) -> None:
        """Messages came: the marks that waited for one of them move."""
        waiting = self._of(tx)
        if not waiting:
            return
        for message in messages:
            if message.archive and waiting.get(message.conversation) == message.archive:
                self._history.read_up_to(tx, message.conversation, archive=message.archive)
                del waiting[message.conversation]
                tx.execute(
                    "UPDATE displayed SET waiting=0 WHERE pid=? AND address=?", (tx.pid, message.conversation)
                )

    def due(self, tx: Tx, address: str) -> None:
        """A window moved the mark: the node has to be told."""
        tx.execute(
            "INSERT INTO displayed (pid, address, due) VALUES (?,?,1) "
            "ON CONFLICT (pid, address) DO UPDATE SET due=1",
            (tx.pid, address),
        )

    def told(self, tx: Tx, address: str, archive: str) -> None:
        """The node says this now; where ``archive`` is empty, there was nothing to tell."""
        if archive:
            self._of(tx).pop(address, None)
            tx.execute(
                "UPDATE displayed SET due=0, waiting=0, archive=? WHERE pid=? AND address=?",
                (archive, tx.pid, address),
            )
        else:
            tx.execute("UPDATE displayed SET due=0 WHERE pid=? AND address=?", (tx.pid, address))


def known(read: Read, pid: int) -> Mapping[str, str]:
    """What the node said last, by conversation."""
    rows = read.all("SELECT address, archive FROM displayed WHERE pid=?", (pid,))
    return {str(address): str(archive) for address, archive in rows}


def due(read: Read, pid: int) -> list[str]:
    """The conversations whose marks the node does not know."""
    return [str(row[0]) for row in read.all("SELECT address FROM displayed WHERE pid=? AND due", (pid,))]


def state(read: Read, pid: int, address: str) -> tuple[str, bool]:
    """What the node says of a conversation, and whether history lacks that message."""
    row = read.one("SELECT archive, waiting FROM displayed WHERE pid=? AND address=?", (pid, address))
    return (str(row[0]), bool(row[1])) if row is not None else ("", False)
