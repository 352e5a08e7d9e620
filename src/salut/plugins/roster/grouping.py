# SPDX-License-Identifier: AGPL-3.0-or-later
"""What windows do with groups as a whole: list them, rename one for all its contacts, choose the delimiter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from salut.api.ports import Tx
from salut.engine.plugin import Host
from salut.model.errors import SalutError, invalid, not_found
from salut.model.words import _
from salut.plugins.roster import groups
from salut.plugins.roster.api import Contact, GroupList, Groups, RosterSettings

if TYPE_CHECKING:
    from salut.plugins.roster.protocol import RosterProtocol

AT_ONCE: Final = 20  # contacts changed at one time
Set = Callable[[str, Contact, Groups], Awaitable[None]]


class Grouping:
    """Groups of all profiles. ``change(profile, contact, groups)`` has the server set a contact's groups."""

    def __init__(self, host: Host, change: Set) -> None:
        self._host = host
        self._change = change
        self.protocol: RosterProtocol

    async def delimiter(self, profile: str) -> str:
        """What divides names: the account's own, else the setting."""
        pid = self._host.pid(profile)
        found = await self._host.readers.read(lambda read: groups.stored(read, pid))
        default: str = self._host.settings.get("roster", RosterSettings).delimiter
        return found if found is not None else default

    async def learn(self, profile: str) -> None:
        """Ask the server for the account's delimiter."""
        try:
            found = await self.protocol.delimiter(self._host.link(profile))
        except SalutError:
            return  # it stores nothing private: the setting counts
        await self._host.journal.commit(profile, lambda tx: groups.store(tx, found), patient=True)

    async def set_delimiter(self, profile: str, delimiter: str) -> GroupList:
        """Store another one on the server."""
        if not 0 < len(delimiter) <= groups.MAX_DELIMITER or not delimiter.isprintable():
            words = _("A delimiter is 1 to {} characters on one line.").format(groups.MAX_DELIMITER)
            raise invalid("delimiter", words)
        await self.protocol.set_delimiter(self._host.link(profile), delimiter)

        def work(tx: Tx) -> GroupList:
            groups.store(tx, delimiter)
            return groups.listed(tx, tx.pid, delimiter)

        return await self._host.journal.commit(profile, work)

    async def list(self, profile: str) -> GroupList:
        """All groups."""
        pid, delimiter = self._host.pid(profile), await self.delimiter(profile)
        return await self._host.readers.read(lambda read: groups.listed(read, pid, delimiter))

    async def rename(self, profile: str, group: str, name: str) -> GroupList:
        """Rename a group, and those nested in it, for all their contacts."""
        self._host.link(profile)
        pid, delimiter = self._host.pid(profile), await self.delimiter(profile)
        inside = await self._host.readers.read(lambda read: groups.members(read, pid, group, delimiter))
        if not inside:
            raise not_found(_("There is no group {}. See them: jp contacts groups").format(group[:80]))
        done = 0
        for start in range(0, len(inside), AT_ONCE):
            part = inside[start : start + AT_ONCE]
            fresh = [groups.renamed(contact.groups, group, name, delimiter) for contact in part]
            changes = (self._change(profile, c, g) for c, g in zip(part, fresh, strict=True))
            ends = await asyncio.gather(*changes, return_exceptions=True)
            failed = [end for end in ends if isinstance(end, BaseException)]
            done += len(ends) - len(failed)
            if failed:
                self._stop(failed[0], done, len(inside))
        return await self._host.journal.commit(profile, lambda tx: groups.listed(tx, tx.pid, delimiter))

    def _stop(self, error: BaseException, done: int, wanted: int) -> None:
        """Some could not be moved: say how far it went. What was moved stays; the same call does the rest."""
        if not isinstance(error, SalutError):
            raise error
        words = _("{0} of {1} contacts were moved, then: {2} Try again for the rest.")
        raise SalutError(error.code, words.format(done, wanted, error.message), error.data) from error
