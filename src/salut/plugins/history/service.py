# SPDX-License-Identifier: AGPL-3.0-or-later
"""History decides: what other plugins hand in is stored once; windows read, and move the read mark."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from salut.api.ports import Read, Tx
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import invalid
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.history import bringing, deeds, displayed, fleeting, queries, rows
from salut.plugins.history.api import (
    Conversation,
    ConversationKind,
    Found,
    HistoryApi,
    Message,
    MessageState,
    Newest,
    NewMessage,
    OwnAct,
    Pointer,
    ReadHook,
    Standing,
    StoredHook,
)
from salut.plugins.history.content import Version
from salut.plugins.history.ledger import Ledger

MAX_PAGE = 500
MAX_CONVERSATIONS = 200


class HistoryService(HistoryApi):
    """The contract's methods, and the port ``History`` for other plugins."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ledger = Ledger()
        self._read_hooks: list[ReadHook] = []
        host.journal.participants.append(self._ledger.rolled_back)

    # For windows
    async def conversations(
        self, *, profile: str, before: str | None = None, limit: int = 50
    ) -> Page[Conversation]:
        pid = self._host.pid(profile)
        return await self._host.readers.read(
            queries.conversations(pid, before, bounded(limit, MAX_CONVERSATIONS))
        )

    async def page(
        self,
        *,
        profile: str,
        conversation: str,
        before: str | None = None,
        after: str | None = None,
        since: int | None = None,
        limit: int = 50,
    ) -> Page[Message]:
        if sum(mark is not None for mark in (before, after, since)) > 1:
            raise invalid("before", _("Give one of before, after and since."))
        pid = self._host.pid(profile)
        address = addresses.normal(conversation)
        return await self._host.readers.read(
            queries.page(pid, address, before, after, since, bounded(limit, MAX_PAGE))
        )

    async def get(self, *, profile: str, message: int) -> Message:
        return await self._host.readers.read(queries.one(self._host.pid(profile), message))

    async def versions(self, *, profile: str, message: int) -> list[Version]:
        pid = self._host.pid(profile)
        return await self._host.readers.read(
            lambda read: deeds.versions(read, queries.one(pid, message)(read))
        )

    async def search(
        self,
        *,
        query: str,
        profile: str | None = None,
        conversation: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Page[Found]:
        names = [profile] if profile is not None else self._host.visible()
        pids = {self._host.pid(name): name for name in names}
        address = addresses.normal(conversation) if conversation else None
        return await self._host.readers.read(
            queries.search(pids, query, address, before, bounded(limit, MAX_PAGE))
        )

    async def mark_read(self, *, profile: str, conversation: str, up_to: int | None = None) -> Conversation:
        address = addresses.normal(conversation)
        shown, message = await self._host.journal.commit(
            profile, lambda tx: self._ledger.mark_read(tx, address, up_to)
        )
        for hook in self._read_hooks:
            self._host.owner.spawn(_call(hook, profile, shown, message), "read mark moved")
        return shown

    async def mark_unread(self, *, profile: str, conversation: str, since: int) -> Conversation:
        address = addresses.normal(conversation)
        return await self._host.journal.commit(
            profile, lambda tx: self._ledger.mark_unread(tx, address, since)
        )

    # Messages that do not stay
    async def keep_sweeping(self) -> None:
        """Let go of them when their time has come: now, and every few minutes."""
        while True:
            await self.sweep(moment.now())
            await asyncio.sleep(fleeting.SWEEP_SECONDS)

    async def sweep(self, at: int) -> None:
        """Let go of what is due at a moment (microseconds)."""
        due = set(await self._host.readers.read(lambda read: fleeting.due(read, at)))
        for profile, pid in list(self._host.journal.journals.pids.items()):
            going = pid in due
            while going:
                gone = await self._host.journal.commit(
                    profile, lambda tx: fleeting.let_go(tx, self._ledger, at), patient=True
                )
                going = gone == fleeting.BATCH

    # For plugins
    def on_read(self, hook: ReadHook) -> None:
        """See ``History``."""
        self._read_hooks.append(hook)

    def on_stored(self, hook: StoredHook) -> None:
        """See ``History``."""
        self._ledger.stored_hooks.append(hook)

    async def displayed(self, profile: str, conversation: str) -> str:
        """See ``History``."""
        pid = self._host.pid(profile)
        return await self._host.readers.read(lambda read: displayed.newest_read(read, pid, conversation))

    def read_up_to(self, tx: Tx, conversation: str, *, archive: str = "", origin: str = "") -> bool:
        """See ``History``."""
        return displayed.read_up_to(self._ledger, tx, conversation, archive, origin)

    def ingest(self, profile: str, message: NewMessage) -> Awaitable[Message | None]:
        """See ``History``."""
        waits_for_a_person = message.outgoing and message.state == "pending"
        future = self._host.journal.submit(profile, self._ledger, message, patient=not waits_for_a_person)
        return cast("Awaitable[Message | None]", future)

    def store(self, tx: Tx, messages: Sequence[NewMessage]) -> list[Message | None]:
        """See ``History``."""
        return self._ledger.store(tx, messages)

    def bring(
        self, tx: Tx, messages: Sequence[NewMessage], *, mark: int, within: int
    ) -> list[Message | None]:
        """See ``History``."""
        return bringing.messages(self._ledger, tx, messages, mark, within)

    def pointer(self, read: Read, pid: int, message: int) -> Pointer | None:
        """See ``History``."""
        return bringing.pointer(read, pid, message)

    def pointed(self, read: Read, pid: int, pointer: Pointer) -> Message | None:
        """See ``History``."""
        return bringing.pointed(read, pid, pointer)

    def bring_conversation(self, tx: Tx, conversation: Conversation) -> None:
        """See ``History``."""
        bringing.conversation(self._ledger, tx, conversation)

    def newest(self, tx: Tx, stream: str) -> Newest:
        """See ``History``."""
        row = tx.one("SELECT max(id) FROM message")
        known = self._ledger.stream(tx, stream)
        last_id = cast("int", row[0] or 0) if row else 0
        return Newest(place=known.floor, at=known.at, archive=known.archive, last_id=last_id)

    def ceiling(self, tx: Tx, stream: str, after_id: int, above: int = 0) -> Message | None:
        """See ``History``."""
        row = tx.one(
            f"{rows.MESSAGES} WHERE m.id>? AND m.pid=? AND m.stream=? AND m.sub=0 AND NOT m.outgoing AND m.place>? "
            "ORDER BY m.id LIMIT 1",
            (after_id, tx.pid, stream, above),
        )
        return rows.message(row) if row else None

    def oldest(self, tx: Tx, conversation: str) -> Message | None:
        """See ``History``."""
        row = tx.one(
            f"{rows.MESSAGES} WHERE m.pid=? AND c.address=? AND m.archive<>'' "
            "ORDER BY m.place, m.sub, m.id LIMIT 1",
            (tx.pid, conversation),
        )
        return rows.message(row) if row else None

    def standing(self, tx: Tx, messages: Sequence[NewMessage]) -> list[Standing | None]:
        """See ``History``."""
        return [self._ledger.standing(tx, message) for message in messages]

    def set_state(
        self, profile: str, *, origin: str, state: MessageState, error: str = "", by: str = ""
    ) -> Awaitable[Message | None]:
        """See ``History``."""
        return self._host.journal.commit(
            profile, lambda tx: self._ledger.set_state(tx, origin, state, error, by), patient=True
        )

    async def find(self, profile: str, *, origin: str, conversation: str) -> Message | None:
        """See ``History``."""
        pid = self._host.pid(profile)
        sql = f"{rows.MESSAGES} WHERE m.origin=? AND m.origin<>'' AND m.pid=? AND c.address=? AND m.outgoing"
        row = await self._host.readers.read(lambda read: read.one(sql, (origin, pid, conversation)))
        return rows.message(row) if row else None

    async def newest_message(self, profile: str, conversation: str) -> Message | None:
        """See ``History``."""
        pid = self._host.pid(profile)
        sql = (
            f"{rows.MESSAGES} WHERE m.conv=(SELECT id FROM conversation WHERE pid=? AND address=?) "
            "AND (NOT m.outgoing OR m.archive<>'') ORDER BY m.place DESC, m.sub DESC LIMIT 1"
        )
        row = await self._host.readers.read(lambda read: read.one(sql, (pid, conversation)))
        return rows.message(row) if row else None

    async def pending(self, profile: str) -> list[Message]:
        """See ``History``."""
        pid = self._host.pid(profile)
        found = await self._host.readers.read(
            lambda read: read.all(
                f"{rows.MESSAGES} WHERE m.pid=? AND m.state='pending' ORDER BY m.id", (pid,)
            )
        )
        return [rows.message(row) for row in found]

    def act(self, profile: str, message: NewMessage, key: int) -> Awaitable[OwnAct]:
        """See ``History``."""
        return self._host.journal.commit(profile, lambda tx: self._ledger.own_act(tx, message, key))

    async def pending_acts(self, profile: str) -> list[OwnAct]:
        """See ``History``."""
        pid = self._host.pid(profile)
        return await self._host.readers.read(lambda read: deeds.pending(read, pid))

    def unread(self, read: Read, pid: int) -> list[Conversation]:
        """See ``History``."""
        return [
            rows.conversation(row)
            for row in read.all(f"{rows.CONVERSATIONS} WHERE pid=? AND unread>0", (pid,))
        ]

    def titles(self, title_of: Callable[[Tx, str], str]) -> None:
        """See ``History``."""
        self._ledger.title_of = title_of

    def title(self, tx: Tx, conversation: str, title: str) -> None:
        """See ``History``."""
        self._ledger.set_title(tx, conversation, title)

    def known(self, read: Read, pid: int) -> list[tuple[str, ConversationKind, str]]:
        """See ``History``."""
        return queries.known(read, pid)

    def answered(self, read: Read, pid: int, conversations: Sequence[str]) -> list[str]:
        """See ``History``."""
        return queries.answered(read, pid, conversations)

    def erase(self, tx: Tx, conversation: str) -> None:
        """See ``History``."""
        self._ledger.erase(tx, conversation)

    def set_title(self, profile: str, conversation: str, title: str) -> Awaitable[object]:
        """See ``History``."""
        return self._host.journal.commit(profile, lambda tx: self._ledger.set_title(tx, conversation, title))

    def forget(self) -> None:
        """A profile was deleted: what is remembered of it is void."""
        self._ledger.rolled_back()

    def recent(self, read: Read, pid: int, limit: int) -> list[tuple[Conversation, int]]:
        """Conversations for a snapshot, with their revisions."""
        return [
            (rows.conversation(row), cast("int", row[-2])) for row in queries.recent(read, pid, None, limit)
        ]


async def _call(hook: ReadHook, profile: str, shown: Conversation, message: Message | None) -> None:
    await hook(profile, shown, message)


def bounded(limit: int, most: int) -> int:
    """A page's length within its limits."""
    if limit < 1:
        raise invalid("limit", _("A page holds at least one entry."))
    return min(limit, most)
