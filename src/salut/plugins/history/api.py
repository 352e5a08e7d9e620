# SPDX-License-Identifier: AGPL-3.0-or-later
"""History: messages, conversations, unread counts, read marks, search. Contract of the plugin ``history``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.api.ports import Read, Tx
from salut.model.page import Page
from salut.plugins.history.content import (
    MAX_EMOJI as MAX_EMOJI,
)
from salut.plugins.history.content import (
    MAX_REACTIONS as MAX_REACTIONS,
)
from salut.plugins.history.content import (
    Act as Act,
)
from salut.plugins.history.content import (
    ActKind as ActKind,
)
from salut.plugins.history.content import (
    Attachment as Attachment,
)
from salut.plugins.history.content import (
    Content as Content,
)
from salut.plugins.history.content import (
    Reaction as Reaction,
)
from salut.plugins.history.content import (
    Reference as Reference,
)
from salut.plugins.history.content import (
    Reply as Reply,
)
from salut.plugins.history.content import (
    Retraction as Retraction,
)
from salut.plugins.history.content import (
    Version as Version,
)

MessageKind = Literal["chat", "normal", "groupchat", "private"]
MessageState = Literal["received", "pending", "sent", "delivered", "read", "failed"]
ConversationKind = Literal["contact", "room", "private"]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One chat message.

    Messages of a conversation stand in the order of ``(place, sub, id)``. ``place`` follows ``at``, but
    never contradicts the order in which the server delivered or archived them.
    ``at`` is the server's time where it gave one, else that of arrival.
    """

    id: int
    conversation: str
    place: int
    sub: int = 0
    at: int
    sender: str  # address; of the occupant (room/nick) in rooms
    outgoing: bool = False
    kind: MessageKind = "chat"
    body: str
    subject: str = ""
    thread: str = ""
    state: MessageState = "received"
    error: str = ""
    origin: str = ""  # the id given by its sender (XEP-0359 origin-id, else the stanza's id)
    archive: str = ""  # the id in the archive of the account or room (XEP-0359 stanza-id)
    mention: bool = False
    edited_at: int = 0  # when it was corrected last (XEP-0308)
    retraction: Retraction | None = None  # taken back; then there is no text any more
    reactions: list[Reaction] = []
    reply: Reply | None = None
    attachments: list[Attachment] = []
    references: list[Reference] = []
    encryption: str = (
        ""  # what it is encrypted with, in words; the body is only its sender's excuse (XEP-0380)
    )
    unstyled: bool = False  # its sender wants no styling (XEP-0393)
    fleeting: bool = False  # its sender wants no record of it: it goes soon after it was read (XEP-0334)


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A contact, a room, or a private chat inside a room, with what a list of them shows."""

    address: str
    kind: ConversationKind = "contact"
    title: str = ""
    unread: int = 0
    mentions: int = 0
    read_place: int = 0  # place and sub of the last message read
    read_sub: int = 0
    last_at: int = 0
    last_id: int = 0
    preview: str = ""  # first line of the newest message, at most 120 characters
    preview_sender: str = ""
    preview_outgoing: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A search result: the message and its text with marks around what was found."""

    profile: str
    message: Message
    excerpt: str  # what was found stands between U+0002 and U+0003


class HistoryApi(Service):
    """Reading what was said."""

    service = "history"

    @method()
    @abstractmethod
    async def conversations(
        self, *, profile: str, before: str | None = None, limit: int = 50
    ) -> Page[Conversation]:
        """Conversations, the last active first. ``limit`` at most 200."""

    @method()
    @abstractmethod
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
        """Messages of a conversation in their order: the newest ``limit``, or those before or after a mark.

        ``since`` (microseconds) starts at the first message not older than that. ``limit`` at most 500.
        """

    @method()
    @abstractmethod
    async def get(self, *, profile: str, message: int) -> Message:
        """One message."""

    @method()
    @abstractmethod
    async def versions(self, *, profile: str, message: int) -> list[Version]:
        """The texts of a corrected message, oldest first, the one in force last."""

    @method()
    @abstractmethod
    async def search(
        self,
        *,
        query: str,
        profile: str | None = None,
        conversation: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Page[Found]:
        """Messages that hold all words of ``query``, newest first; a word ending in ``*`` is a beginning."""

    @method(scope="send", write=True)
    @abstractmethod
    async def mark_read(self, *, profile: str, conversation: str, up_to: int | None = None) -> Conversation:
        """Move the read mark forward to message ``up_to`` (default: the newest). Never moves it back."""

    @method(scope="send", write=True)
    @abstractmethod
    async def mark_unread(self, *, profile: str, conversation: str, since: int) -> Conversation:
        """Move the read mark back to just before message ``since``."""


class NewMessage(msgspec.Struct, kw_only=True):
    """A message on its way into history, from another plugin."""

    conversation: str
    conversation_kind: ConversationKind = "contact"
    sender: str
    outgoing: bool = False
    kind: MessageKind = "chat"
    body: str
    subject: str = ""
    thread: str = ""
    state: MessageState = "received"
    error: str = ""
    origin: str = ""
    archive: str = ""
    at: int = 0  # 0: now
    stream: str = ""  # whose order it belongs to: "" the account's, else a room's address
    place: int = 0  # 0: live, history gives it the next place of its stream
    sub: int = 0
    mention: bool = False
    counts: bool = True  # whether it may count as unread
    perhaps_own: bool = False  # replayed under our nick: ours only if history holds it as sent by us
    markable: bool = False  # its sender wants to know when it is read (XEP-0333)
    stanza: str = ""  # the stanza's id where it differs from ``origin``
    occupant: str = ""  # who it is in the room, whatever the nick (XEP-0421)
    since: int = 0  # rooms without occupant ids: since when its sender has had the nick, as far as we saw
    reply: Reply | None = None
    attachments: list[Attachment] = []
    references: list[Reference] = []
    encryption: str = ""
    unstyled: bool = False
    fleeting: bool = False
    act: Act | None = None  # it acts on another message, and is none that stands for itself
    edited_at: int = 0  # this and what follows: of an import, what had been done to it
    retraction: Retraction | None = None
    reactions: list[Reaction] = []


class OwnAct(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the person did to a message and that the server does not have yet."""

    origin: str
    message: Message  # as it is shown now
    act: Act
    content: Content | None = None  # of a correction


class Pointer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Names a message where its number means nothing: in an export."""

    conversation: str
    at: int
    sender: str
    origin: str = ""
    archive: str = ""


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """Where one stream of messages ends now; a gap that opens lies above it."""

    place: int = 0  # of the newest message received or known to be archived; 0: none
    at: int = 0  # when that was
    archive: str = ""  # the newest archive id known
    last_id: int = 0  # the highest message id there is, of any stream


class Standing(msgspec.Struct, frozen=True):
    """Where a message stands that history has already. ``sure``: known by its archive id, not by likeness."""

    place: int
    sub: int
    sure: bool


ReadHook = Callable[[str, Conversation, Message | None], Awaitable[object]]


StoredHook = Callable[[Tx, Sequence[NewMessage]], object]


class History(Protocol):
    """What other plugins use of history, in the daemon."""

    def on_read(self, hook: ReadHook) -> None:
        """``hook(profile, conversation, message)`` is called when a window moved the read mark forward; ``message``
        is the newest one under it whose sender wants to know."""

    def on_stored(self, hook: StoredHook) -> None:
        """``hook(tx, messages)`` is called in the writer's thread for what was just handed in and is stored now, or
        was before, in the same unit of work."""

    def displayed(self, profile: str, conversation: str) -> Awaitable[str]:
        """The archive id of the newest message received that the read mark covers; empty where there is none."""

    def read_up_to(self, tx: Tx, conversation: str, *, archive: str = "", origin: str = "") -> bool:
        """Another device of the account has displayed this message, named by its archive id or, if received, by the id
        that its sender gave it: the read mark moves forward to it, never back. False: there is no such message
        (yet)."""

    def ingest(self, profile: str, message: NewMessage) -> Awaitable[Message | None]:
        """Store a message once. Done when it is durable; ``None`` if it was there already."""

    def store(self, tx: Tx, messages: Sequence[NewMessage]) -> list[Message | None]:
        """The same inside a unit of work of the caller's, for several; ``None`` for each that was there.

        A message that was there without its archive id learns it.
        """

    def bring(
        self, tx: Tx, messages: Sequence[NewMessage], *, mark: int, within: int
    ) -> list[Message | None]:
        """``store`` for messages from elsewhere (an import), whose ids may be missing.

        One without a common id is there already if a message with an id up to ``mark`` says the same by the same
        sender within ``within`` microseconds (one second where both are of the same stream); each stored message
        stands for one of these at most.
        """

    def pointer(self, read: Read, pid: int, message: int) -> Pointer | None:
        """What names a message in an export; ``None``: it is gone."""

    def pointed(self, read: Read, pid: int, pointer: Pointer) -> Message | None:
        """The message that an export names: by its archive id, its origin id, or its time; each with its sender."""

    def bring_conversation(self, tx: Tx, conversation: Conversation) -> None:
        """Make a conversation that is missing, name it if it has no title, and move its read mark forward;
        nobody is told that something was read."""

    def get(self, *, profile: str, message: int) -> Awaitable[Message]:
        """See ``HistoryApi``."""

    def newest(self, tx: Tx, stream: str) -> Newest:
        """Where a gap that opens now begins. Own messages without an archive id do not count: where they stand
        among those that others sent meanwhile, the archive alone knows."""

    def ceiling(self, tx: Tx, stream: str, after_id: int, above: int = 0) -> Message | None:
        """Where it ends: the first message received live with an id above ``after_id`` and a place above
        ``above``, if any."""

    def oldest(self, tx: Tx, conversation: str) -> Message | None:
        """The first message of a conversation that has an archive id."""

    def standing(self, tx: Tx, messages: Sequence[NewMessage]) -> list[Standing | None]:
        """Which of these archived messages are there already, and where."""

    def set_state(
        self, profile: str, *, origin: str, state: MessageState, error: str = "", by: str = ""
    ) -> Awaitable[Message | None]:
        """Advance the state of an own message, found by its origin id and, where ``by`` is given, its
        conversation. Never goes back (``read`` to ``delivered``)."""

    def find(self, profile: str, *, origin: str, conversation: str) -> Awaitable[Message | None]:
        """An own message, by the id that it left with."""

    def newest_message(self, profile: str, conversation: str) -> Awaitable[Message | None]:
        """The newest message of a conversation that its server has shown us."""

    def pending(self, profile: str) -> Awaitable[list[Message]]:
        """Own messages that the server has not acknowledged, in order."""

    def act(self, profile: str, message: NewMessage, key: int) -> Awaitable[OwnAct]:
        """Let an own message with an ``act`` take effect on message ``key``, pending. ``not-found``; ``refused`` where
        the person may not do that."""

    def pending_acts(self, profile: str) -> Awaitable[list[OwnAct]]:
        """What the person did to messages and the server has not acknowledged, in order."""

    def unread(self, read: Read, pid: int) -> list[Conversation]:
        """Conversations that hold something unread; for reader threads."""

    def titles(self, title_of: Callable[[Tx, str], str]) -> None:
        """``title_of(tx, address)`` names each conversation with a contact that is made from now on; it is called
        in the writer's thread."""

    def title(self, tx: Tx, conversation: str, title: str) -> None:
        """``set_title`` inside a unit of work of the caller's."""

    def known(self, read: Read, pid: int) -> list[tuple[str, ConversationKind, str]]:
        """Address, kind and title of all conversations, the last active first (10,000 at most); for reader
        threads."""

    def answered(self, read: Read, pid: int, conversations: Sequence[str]) -> list[str]:
        """Which of these conversations hold a message of our own; for reader threads."""

    def erase(self, tx: Tx, conversation: str) -> None:
        """Delete a conversation with all its messages; nothing where it does not exist."""

    def set_title(self, profile: str, conversation: str, title: str) -> Awaitable[object]:
        """Name a conversation, if it exists."""


CONTRACT: Final = Contract(
    plugin="history",
    services=(HistoryApi,),
    kinds=(
        Kind("message", Message, "message id"),
        Kind("conversation", Conversation, "address", snapshot=True),
    ),
)
