# SPDX-License-Identifier: AGPL-3.0-or-later
"""Strangers decides: who is unknown waits; nothing rings, and they learn nothing, until the person accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from salut.api.ports import Read, Tx
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid, not_found
from salut.model.page import Page
from salut.model.promise import Promise
from salut.model.words import _
from salut.plugins.blocking.api import Blocking
from salut.plugins.history.api import History, NewMessage
from salut.plugins.strangers import store
from salut.plugins.strangers.api import Stranger, StrangersApi, StrangersSettings
from salut.plugins.strangers.memory import Memory

MAX_PAGE: Final = 1000
OLD: Final = 10_000  # conversations from before this plugin that are looked through at start
Asked = Callable[[str, str], bool]


class StrangersService(StrangersApi):
    """The contract's methods, and the port ``Strangers``."""

    def __init__(self, host: Host, history: History) -> None:
        self._host = host
        self._history = history
        self._inbox = store.Inbox(history)
        self._memories: dict[str, Memory] = {}
        self._is_contact: Asked = lambda _profile, _bare: False
        self._is_room: Asked = lambda _profile, _bare: False
        self._own: dict[str, tuple[str, str]] = {}

    def contacts(self, is_contact: Asked) -> None:
        """Whom the roster knows."""
        self._is_contact = is_contact

    def rooms(self, is_room: Asked) -> None:
        """What is a room."""
        self._is_room = is_room

    # Other plugins
    def is_stranger(self, profile: str, address: str) -> bool:
        """See ``Strangers``."""
        bare = address.partition("/")[0].lower()
        return (
            not self._is_contact(profile, bare)
            and bare not in self._memory(profile).known
            and bare not in self._self(profile)
            and not self._is_room(profile, bare)
        )

    def _memory(self, profile: str) -> Memory:
        memory = self._memories.get(profile)
        if memory is None:
            memory = self._memories[profile] = Memory()
        return memory

    def _self(self, profile: str) -> tuple[str, str]:
        """Our address and our server's: its announcements are no stranger's."""
        own = self._own.get(profile)
        if own is None:
            bare = addresses.bare(self._host.address(profile))
            own = self._own[profile] = (bare, bare.rpartition("@")[2])
        return own

    def takes(self, profile: str, message: NewMessage) -> bool:
        """Asked for each message that comes in, before it is stored."""
        if message.conversation_kind != "contact":
            return True
        address = message.conversation
        if message.outgoing:  # another device of ours wrote to them
            self.met(profile, address)
            return True
        if not self.is_stranger(profile, address):
            return True
        if self._host.settings.get("strangers", StrangersSettings).may_write == "contacts":
            return False
        if message.act is not None:
            return address not in self._memory(profile).refused  # it only acts on another one
        verdict = self._memory(profile).verdict(address, message.origin or message.archive)
        if verdict == "take":
            self._host.journal.submit(profile, self._inbox, message).then(self._counted)
        return verdict != "refused"

    def _counted(self, end: Promise) -> None:
        if end.error is not None:
            self._host.log.warning("a stranger was not counted", problem=repr(end.error))

    def met(self, profile: str, address: str) -> None:
        """See ``Strangers``; also called when the person writes to somebody."""
        if "/" in address or address in self._self(profile) or self._is_room(profile, address):
            return
        if self._memory(profile).accept(address):
            self._later(profile, [address])

    def now_contacts(self, profile: str, found: Sequence[str]) -> None:
        """These are in the roster now."""
        memory = self._memories.get(profile)
        if memory is not None:
            waited = [each for each in found if each in memory.waiting or each in memory.refused]
            for address in waited:
                memory.accept(address)
            if waited:
                self._later(profile, waited)

    def _later(self, profile: str, found: Sequence[str]) -> None:
        def work(tx: Tx) -> None:
            for address in found:
                store.set_state(tx, address, "known")

        write = self._host.journal.commit(profile, work, patient=True)
        self._host.owner.spawn(write, f"strangers of {profile}")

    # Windows
    async def list(
        self, *, profile: str, refused: bool = False, after: str | None = None, limit: int = 200
    ) -> Page[Stranger]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        pid, size = self._host.pid(profile), min(limit, MAX_PAGE)
        found = await self._host.readers.read(lambda read: store.page(read, pid, refused, after, size + 1))
        items = found[:size]
        return Page(items=items, after=store.mark_of(items[-1]) if len(found) > size else None)

    async def accept(self, *, profile: str, address: str) -> None:
        bare = await self._existing(profile, address)
        await self._host.journal.commit(profile, lambda tx: store.set_state(tx, bare, "known"))
        self._memory(profile).accept(bare)

    async def refuse(self, *, profile: str, address: str, block: bool = False, forget: bool = False) -> None:
        bare = await self._existing(profile, address)
        blocking = self._host.prefer("blocking", Blocking)  # type: ignore[type-abstract]  # the port's Protocol
        if block and blocking is None:
            raise SalutError("unavailable", _("Nobody can be blocked: the plugin for it is missing."))
        if block and blocking is not None:
            await blocking.block(profile=profile, address=bare)

        def work(tx: Tx) -> None:
            store.set_state(tx, bare, "refused")
            if forget:
                self._history.erase(tx, bare)

        self._memory(profile).refuse(bare)  # first: what comes meanwhile is not taken
        try:
            await self._host.journal.commit(profile, work)
        except SalutError:
            await self._load(profile, self._host.pid(profile))
            raise

    async def _existing(self, profile: str, address: str) -> str:
        """The address of somebody who waits or was refused. ``not-found``."""
        bare = addresses.bare(address)
        pid = self._host.pid(profile)
        row = await self._host.readers.read(lambda read: store.get(read, pid, bare))
        if row is None or row[5] == "known":
            raise not_found(_("{} is not among the strangers. Who is: jp strangers").format(bare))
        return bare

    # Sessions
    async def load(self) -> None:
        """At start."""
        for profile, pid in self._host.journal.journals.pids.items():
            if profile:
                await self._load(profile, pid)

    async def _load(self, profile: str, pid: int) -> None:
        def read(tx: Read) -> tuple[Memory, Sequence[str]]:
            memory = store.memory(tx, pid)
            decided = memory.known | memory.refused | memory.waiting.keys()
            old = [address for address, kind, _title in self._history.known(tx, pid) if kind == "contact"]
            open_ = [address for address in old[:OLD] if address not in decided]
            return memory, self._history.answered(tx, pid, open_)

        memory, answered = await self._host.readers.read(read)
        self._memories[profile] = memory
        fresh = [address for address in answered if memory.accept(address)]
        if fresh:
            self._later(profile, fresh)

    def forget(self, profile: str) -> None:
        """The profile was deleted."""
        self._memories.pop(profile, None)
        self._own.pop(profile, None)
