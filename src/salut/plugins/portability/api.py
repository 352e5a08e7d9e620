# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking everything out and bringing it back in. Contract of the plugin ``portability``.

No file and no path crosses the bridge: a window reads pages (``history.page``, ``things``) and writes the file; it
reads a file and hands over batches. Every import may be repeated: what is there already is not stored again.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from salut.api.contract import Contract, Service, method
from salut.api.ports import Read
from salut.model.page import Page
from salut.plugins.history.api import Conversation, Message

MAX_BATCH: Final = 1_000
"""Messages, conversations or things of one import call; a request has at most 1 MiB besides."""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a plugin keeps beside messages (a draft, a contact); ``value`` is the plugin's own struct."""

    kind: str
    key: str
    value: dict[str, Any]


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a batch."""

    stored: int
    known: int  # were there already


class PortabilityApi(Service):
    """Export and import."""

    service = "portability"

    @method()
    @abstractmethod
    async def kinds(self) -> list[str]:
        """The kinds of things that plugins hand out and take back, beside conversations and messages."""

    @method()
    @abstractmethod
    async def things(
        self, *, profile: str, kind: str, after: str | None = None, limit: int = 500
    ) -> Page[Thing]:
        """Things of one kind by key. ``limit`` at most 1,000."""

    @method(scope="admin", write=True)
    @abstractmethod
    async def begin(self, *, profile: str) -> int:
        """Begin an import: the mark for its ``import_messages``."""

    @method(scope="admin", write=True)
    @abstractmethod
    async def import_conversations(self, *, profile: str, batch: list[Conversation]) -> int:
        """Make conversations that are missing, name those without a title, move read marks forward.

        Unread counts and previews follow from messages and are not taken. Returns how many there were.
        """

    @method(scope="admin", write=True)
    @abstractmethod
    async def import_messages(
        self, *, profile: str, batch: list[Message], mark: int, dry_run: bool = False
    ) -> Brought:
        """Store messages, all or (``invalid``, ``data.index`` says which one is wrong) none.

        Each stands where its time puts it, or at its ``place`` where it has one; nothing rings or becomes unread.
        ``id`` is not taken; what waited to be sent becomes ``failed``. A message is there already if its archive
        id is, or its origin id with the same sender and text, or else if a message that was stored before
        ``mark`` (see ``begin``) says the same by the same sender within 5 seconds (one that was imported itself:
        within one). ``dry_run`` only counts.
        """

    @method(scope="admin", write=True)
    @abstractmethod
    async def import_things(self, *, profile: str, kind: str, batch: list[Thing]) -> Brought:
        """Hand things back to the plugin of their kind. ``not-found`` where no plugin takes the kind.

        What is there is not overwritten with something older.
        """


Dump = Callable[[Read, int, str, int], Sequence[tuple[str, msgspec.Struct]]]
Load = Callable[[str, Sequence[Any]], Awaitable[int]]


class Portability(Protocol):
    """What other plugins use of it, in the daemon: name it in ``prefers``, and have your things carried."""

    def carry(self, kind: str, struct: type[msgspec.Struct], dump: Dump, load: Load) -> None:
        """Have things of a ``kind`` exported and imported.

        ``dump(read, pid, after, limit)`` gives keys and structs with keys above ``after``, in order (in a reader
        thread). ``load(profile, things)`` takes structs of that type, of any origin, says how many were new,
        and may be given the same again. Ids of messages mean nothing elsewhere: a thing must not hold them.
        """


CONTRACT: Final = Contract(plugin="portability", services=(PortabilityApi,))
