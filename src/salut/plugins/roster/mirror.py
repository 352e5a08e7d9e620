# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the server's roster comes to be ours: fetched with each session, then kept by its pushes, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from salut.api.ports import Tx
from salut.engine.plugin import Host
from salut.model.errors import SalutError
from salut.plugins.roster import ledger
from salut.plugins.roster.api import Contact
from salut.plugins.roster.ledger import Changed, Ledger, Push, Whole

if TYPE_CHECKING:
    from salut.plugins.roster.protocol import RosterProtocol

PUSH_SECONDS: Final = 5.0  # how long we wait for the server to say what it has done
Wanted = Callable[[Contact | None], bool]
Act = Callable[[], Awaitable[None] | None]


class Mirror:
    """The rosters of all profiles as their servers have them."""

    def __init__(self, host: Host, own_ledger: Ledger) -> None:
        self._host = host
        self._ledger = own_ledger
        self._contacts: dict[str, set[str]] = {}
        self._queues: dict[str, list[Push]] = {}  # pushes not yet stored
        self._fetching: dict[str, object] = {}  # the newest request for the roster, while it runs
        self._fetched: set[str] = set()
        self._waiting: dict[tuple[str, str], list[tuple[Wanted, asyncio.Future[None]]]] = {}
        self.hooks: list[Callable[[str, list[str]], object]] = []
        self.protocol: RosterProtocol

    def is_contact(self, profile: str, bare: str) -> bool:
        """Whether it is in the roster."""
        return bare in self._contacts.get(profile, ())

    async def load(self) -> None:
        """At start: contacts are known before any session stands."""
        for profile, pid in self._host.journal.journals.pids.items():
            found = await self._host.readers.read(lambda read, pid=pid: ledger.names(read, pid))  # type: ignore[misc]
            self._contacts[profile] = {address for address, _name in found}

    async def begin(self, profile: str, resumed: bool) -> None:
        """A session stands: fetch the roster where this session has not given it yet."""
        if resumed and profile in self._fetched:
            return
        self.end(profile)
        mark = self._fetching[profile] = object()
        try:
            whole = await self._fetch(profile)
        except SalutError as error:
            self._host.log.warning("the roster was not fetched", profile=profile, problem=error.message)
            whole = None
        else:
            if self._fetching.get(profile) is mark:
                self._fetched.add(profile)
        if self._fetching.get(profile) is not mark:
            return  # a newer session has asked anew
        del self._fetching[profile]
        early = self._take(profile)
        if whole is not None or early:
            await self._write(profile, lambda tx: self._ledger.pushed(tx, early, whole))

    async def _fetch(self, profile: str) -> Whole | None:
        pid = self._host.pid(profile)
        names, ver = await self._host.readers.read(
            lambda read: (ledger.names(read, pid), ledger.version(read, pid))
        )
        self._contacts[profile] = {address for address, _name in names}
        return await self.protocol.fetch(self._host.link(profile), ver)

    def _take(self, profile: str) -> list[Push]:
        """Pushes that wait. Without the roster before them, their version would hide what is missing."""
        pushes = self._queues.pop(profile, [])
        if profile not in self._fetched:
            pushes = [Push(push.item) for push in pushes]
        return pushes

    def end(self, profile: str) -> None:
        """The session is lost."""
        self._fetched.discard(profile)
        self._fetching.pop(profile, None)
        self._queues.pop(profile, None)  # the next session's roster has what they said

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        self.end(profile)
        self._contacts.pop(profile, None)

    def pushed(self, profile: str, push: Push) -> None:
        """A push that is the server's. They are stored in order, after the roster that is on its way."""
        queue = self._queues.setdefault(profile, [])
        queue.append(push)
        if len(queue) == 1 and profile not in self._fetching:
            self._host.owner.spawn(self._drain(profile), f"roster of {profile}")

    async def _drain(self, profile: str) -> None:
        if profile in self._fetching:
            return  # a new session asks for the roster: then they are stored with it
        pushes = self._take(profile)
        if pushes:
            await self._write(profile, lambda tx: self._ledger.pushed(tx, pushes))

    async def _write(self, profile: str, work: Callable[[Tx], list[Changed]]) -> None:
        self._now(profile, await self._host.journal.commit(profile, work, patient=True))

    def _now(self, profile: str, changed: list[Changed]) -> None:
        contacts = self._contacts.setdefault(profile, set())
        there: list[str] = []
        for bare, contact in changed:
            if contact is not None and contact.in_roster:
                contacts.add(bare)
                there.append(bare)
            else:
                contacts.discard(bare)
            for wanted, future in self._waiting.get((profile, bare), ())[:]:
                if not future.done() and wanted(contact):
                    future.set_result(None)
        for hook in self.hooks if there else ():
            hook(profile, there)

    async def done(
        self, profile: str, bare: str, wanted: Wanted, act: Act, seconds: float = PUSH_SECONDS
    ) -> None:
        """Ask, and wait until the server has said of ``bare`` what is ``wanted``.

        A server that does what we ask and does not say so is believed after ``seconds``.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault((profile, bare), [])
        entry = (wanted, future)
        waiting.append(entry)
        try:
            asked = act()
            if asked is not None:
                await asked
            if seconds:
                async with asyncio.timeout(seconds):
                    await future
        except TimeoutError:
            self._host.log.warning("no roster push for what was asked", profile=profile)
        finally:
            waiting.remove(entry)
            if not waiting:
                self._waiting.pop((profile, bare), None)
