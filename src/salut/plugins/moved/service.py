# SPDX-License-Identifier: AGPL-3.0-or-later
"""Moves decide: nobody is believed to be somebody else but by the account that they say they were."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from salut.api.ports import Read, SqlRow, Tx
from salut.engine.plugin import Host
from salut.engine.tasks import Progress
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid, not_found
from salut.model.words import _
from salut.plugins.moved import protocol
from salut.plugins.moved.api import Move, MovedApi
from salut.plugins.moved.protocol import MOVED, MovedProtocol
from salut.plugins.pep.api import Pep
from salut.plugins.roster.api import Contact, Roster

SHOWN: Final = ("from", "both")  # they see us
MOST_MOVES: Final = 200
MOST_CHECKS: Final = 10
AGAIN_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 500
BUSY_SECONDS: Final = 0.5
COLUMNS: Final = "address, old, at"


def of_row(row: SqlRow) -> Move:
    """A row of ``COLUMNS``."""
    r: tuple[Any, ...] = row
    return Move(address=r[0], old=r[1], at=r[2])


def load(read: Read, pid: int) -> list[tuple[Move, int]]:
    """All moves with their revisions, newest first."""
    rows = read.all(f"SELECT {COLUMNS}, rev FROM move WHERE pid=? ORDER BY at DESC, address", (pid,))
    return [(of_row(row), int(row[3] or 0)) for row in rows]


def keep(tx: Tx, move: Move) -> None:
    """A move that is proven; the oldest give way."""
    drop(tx, move.address)
    rev = tx.change("move", move.address, move)
    tx.execute(
        f"INSERT INTO move (pid, {COLUMNS}, rev) VALUES (?,?,?,?,?)",
        (tx.pid, move.address, move.old, move.at, rev),
    )
    for old, _rev in load(tx, tx.pid)[MOST_MOVES:]:
        drop(tx, old.address)


def drop(tx: Tx, address: str) -> Move | None:
    """It is dealt with; ``None`` where there is none."""
    row = tx.one(f"SELECT {COLUMNS} FROM move WHERE pid=? AND address=?", (tx.pid, address))
    if row is None:
        return None
    tx.execute("DELETE FROM move WHERE pid=? AND address=?", (tx.pid, address))
    tx.change("move", address, None)
    return of_row(row)


class MovedService(MovedApi):
    """The contract's methods, and what comes of being told of a move."""

    def __init__(self, host: Host, roster: Roster, pep: Pep) -> None:
        self._host = host
        self._roster = roster
        self._pep = pep
        self._checking: set[tuple[str, str]] = set()
        self._checked: OrderedDict[tuple[str, str], float] = OrderedDict()
        self.protocol = MovedProtocol(self)

    # Others
    def told(self, profile: str, sender: str, old: str) -> None:
        """``sender`` says that they were ``old``. Asked of the old account, within bounds."""
        mark, now = (profile, sender), time.monotonic()
        last = self._checked.get(mark)
        if mark in self._checking or len(self._checking) >= MOST_CHECKS:
            return
        if last is not None and now - last < AGAIN_SECONDS:
            return
        self._checked[mark] = now
        if len(self._checked) > MOST_REMEMBERED:
            self._checked.popitem(last=False)
        self._checking.add(mark)
        self._host.owner.spawn(self._check(profile, sender, old), f"move of {old}")

    async def _check(self, profile: str, sender: str, old: str) -> None:
        try:
            contact = await self._roster.get(profile=profile, address=old)
            if contact is None or contact.subscription not in SHOWN:
                return  # section 4.3: then it is to be ignored entirely, and nobody is asked
            said = protocol.stated(await self._pep.items(profile, MOVED, of=old, ids=["current"]))
        except SalutError as error:
            self._host.log.info("move not proven", profile=profile, sender=sender, reason=error.message)
            return
        finally:
            self._checking.discard((profile, sender))
        if said != sender:
            self._host.log.warning(
                "somebody says falsely that a contact moved", profile=profile, sender=sender
            )
            return
        move = Move(address=sender, old=old, at=moment.now())
        await self._host.journal.commit(profile, lambda tx: keep(tx, move), patient=True)

    # Windows
    async def list(self, *, profile: str) -> list[Move]:
        pid = self._host.pid(profile)
        return [move for move, _rev in await self._host.readers.read(lambda read: load(read, pid))]

    async def accept(self, *, profile: str, address: str) -> Move:
        bare = addresses.bare(address)
        move = next((move for move in await self.list(profile=profile) if move.address == bare), None)
        if move is None:
            raise _unknown(bare)
        old = await self._roster.get(profile=profile, address=move.old)
        await self._roster.add(
            profile=profile, address=bare, name=old.name if old else "", groups=old.groups if old else None,
            subscribe=False,
        )  # fmt: skip
        await self._roster.accept(profile=profile, address=bare)
        if old is not None and old.subscription in SHOWN:
            await self._roster.refuse(profile=profile, address=move.old)
        await self._host.journal.commit(profile, lambda tx: drop(tx, bare))
        return move

    async def dismiss(self, *, profile: str, address: str) -> None:
        bare = addresses.bare(address)
        if await self._host.journal.commit(profile, lambda tx: drop(tx, bare)) is None:
            raise _unknown(bare)

    # Our own move
    async def move(self, *, profile: str, to: str) -> str:
        old, new = (addresses.bare(self._host.link(name).address) for name in (profile, to))
        if old == new:
            raise invalid("to", _("Both profiles are the same account."))
        if to not in self._host.visible():
            raise not_found(_("There is no profile {}.").format(to))
        await self._pep.publish(profile, MOVED, protocol.statement(new), access="presence")
        pid = self._host.pid(profile)
        names = await self._host.readers.read(lambda read: self._roster.names(read, pid))
        contacts = [await self._roster.get(profile=profile, address=address) for address, _name in names]
        known = [contact for contact in contacts if contact is not None]
        return self._host.tasks.run(
            _("Moving {} to {}").format(old, new), lambda progress: self._tell(to, old, new, known, progress)
        )

    async def _tell(
        self, to: str, old: str, new: str, contacts: Sequence[Contact], progress: Progress
    ) -> None:
        for done, contact in enumerate(contacts):
            progress(done / len(contacts), contact.address)
            if contact.address == new:
                continue
            await self._roster.add(
                profile=to, address=contact.address, name=contact.name, groups=contact.groups, subscribe=False
            )
            if contact.subscription != "none":
                await self._ask(to, contact.address, old)

    async def _ask(self, to: str, address: str, old: str) -> None:
        while True:
            try:
                self.protocol.tell(self._host.link(to), address, old)
            except SalutError as error:
                if error.code != "busy":
                    raise
                await asyncio.sleep(BUSY_SECONDS)
            else:
                return

    async def stay(self, *, profile: str) -> None:
        self._host.link(profile)
        await self._pep.retract(profile, MOVED, "current")


def _unknown(address: str) -> SalutError:
    return not_found(_("No contact has moved to {}. See: jp account moves").format(address))
