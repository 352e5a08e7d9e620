# SPDX-License-Identifier: AGPL-3.0-or-later
"""Export in pages, import in batches; other plugins' things through what they registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from salut.api.ports import Tx
from salut.engine.plugin import Host
from salut.model import moment
from salut.model.errors import invalid, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.history.api import Conversation, History, Message, NewMessage
from salut.plugins.portability import checked
from salut.plugins.portability.api import Brought, Dump, Load, PortabilityApi, Thing

MAX_PAGE: Final = 1_000
WITHIN: Final = 5 * moment.SECOND  # the same words by the same sender so near in time are the same message


@dataclass(frozen=True, slots=True)
class Carried:
    """What a plugin registered for a kind."""

    struct: type[msgspec.Struct]
    dump: Dump
    load: Load


class _OnlyCountedError(Exception):
    """Takes a counted batch back."""

    def __init__(self, brought: Brought) -> None:
        super().__init__()
        self.brought = brought


class PortabilityService(PortabilityApi):
    """The contract's methods, and the port ``Portability``."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._history = host.need("history", History)  # type: ignore[type-abstract]  # the port's Protocol
        self._carried: dict[str, Carried] = {}

    # For plugins
    def carry(self, kind: str, struct: type[msgspec.Struct], dump: Dump, load: Load) -> None:
        """See ``Portability``."""
        self._carried[kind] = Carried(struct, dump, load)

    # For windows
    async def kinds(self) -> list[str]:
        return sorted(self._carried)

    async def things(
        self, *, profile: str, kind: str, after: str | None = None, limit: int = 500
    ) -> Page[Thing]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        carried, pid, size = self._kind(kind), self._host.pid(profile), min(limit, MAX_PAGE)
        found = await self._host.readers.read(lambda read: carried.dump(read, pid, after or "", size + 1))
        items = [
            Thing(kind=kind, key=key, value=msgspec.to_builtins(value, str_keys=True))
            for key, value in found[:size]
        ]
        return Page(items=items, after=items[-1].key if len(found) > size else None)

    async def begin(self, *, profile: str) -> int:
        return await self._host.journal.commit(profile, lambda tx: self._history.newest(tx, "").last_id)

    async def import_conversations(self, *, profile: str, batch: list[Conversation]) -> int:
        now = moment.now()
        conversations = [checked.conversation(new, now) for new in checked.bounded(batch)]

        def work(tx: Tx) -> None:
            for conversation in conversations:
                self._history.bring_conversation(tx, conversation)

        await self._host.journal.commit(profile, work)
        return len(conversations)

    async def import_messages(
        self, *, profile: str, batch: list[Message], mark: int, dry_run: bool = False
    ) -> Brought:
        messages = checked.new_messages(batch, moment.now())
        try:
            return await self._host.journal.commit(
                profile, lambda tx: self._bring(tx, messages, mark, dry_run)
            )
        except _OnlyCountedError as counted:
            return counted.brought

    def _bring(self, tx: Tx, messages: list[NewMessage], mark: int, dry_run: bool) -> Brought:
        done = self._history.bring(tx, messages, mark=mark, within=WITHIN)
        stored = sum(message is not None for message in done)
        brought = Brought(stored=stored, known=len(done) - stored)
        if dry_run:
            raise _OnlyCountedError(brought)  # the writer takes back what a unit of work did that raises
        return brought

    async def import_things(self, *, profile: str, kind: str, batch: list[Thing]) -> Brought:
        carried = self._kind(kind)
        values = checked.things([thing.value for thing in checked.bounded(batch)], carried.struct)
        stored = await carried.load(profile, values)
        return Brought(stored=stored, known=len(values) - stored)

    def _kind(self, kind: str) -> Carried:
        carried = self._carried.get(kind)
        if carried is None:
            raise not_found(_("No plugin here has things of the kind “{}”.").format(kind[:80]))
        return carried
