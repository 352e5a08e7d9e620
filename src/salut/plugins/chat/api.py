# SPDX-License-Identifier: AGPL-3.0-or-later
"""Chat: sending and typing notices. Contract of the plugin ``chat``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.plugins.history.api import Act, ActKind, Content, Message, MessageState, NewMessage, OwnAct

Wait = Literal["stored", "server", "delivered", "read"]
TypingState = Literal["active", "composing", "paused", "inactive", "gone"]  # XEP-0085 section 3


class Typing(msgspec.Struct, frozen=True, kw_only=True):
    """Someone writes in a conversation, or has stopped to."""

    conversation: str
    sender: str
    state: TypingState


class ChatApi(Service):
    """Writing to people and rooms."""

    service = "chat"

    @method(scope="send", write=True)
    @abstractmethod
    async def send(
        self,
        *,
        profile: str,
        to: str,
        body: str,
        subject: str = "",
        kind: Literal["auto", "chat", "normal"] = "auto",
        wait: Wait = "stored",
        timeout: float = 30.0,
    ) -> Message:
        """Send a message to an address, or to a joined room.

        It is stored first and leaves as soon as there is a link. ``wait`` says for what to wait, ``timeout``
        how many seconds (at most 600); ``timeout`` as an error leaves the message on its way.
        """

    @method(scope="send")
    @abstractmethod
    async def typing(self, *, profile: str, conversation: str, state: TypingState) -> None:
        """Tell the other side whether the person is writing (XEP-0085)."""


class Occupancy(Protocol):
    """What chat asks the plugin that knows of rooms."""

    def sender(self, profile: str, room: str) -> str | None:
        """Our address in a room (room/nick), whether we are in it now or not; ``None``: this is no room."""

    def ready(self, profile: str, room: str) -> bool:
        """We are in it and know what it holds: messages may leave."""

    def check(self, profile: str, room: str) -> None:
        """``refused`` when we are not in the room and do not try to get in."""


class Chat(Protocol):
    """What other plugins use of chat, in the daemon."""

    def ask(self, extra: Callable[[Message], str]) -> None:
        """``extra(message)`` is XML that goes with each outgoing message (receipt and marker requests, what the
        message holds beside its text)."""

    def preface(self, write: Callable[[Message], str]) -> None:
        """``write(message)`` is text that stands before an outgoing message's own, for old clients."""

    def prefaced_by(self, message: Message) -> int:
        """How many characters stand before the message's own text as it is sent: so far are places in it moved."""

    def composing(self, fill: Callable[[str, NewMessage], None]) -> None:
        """``fill(profile, message)`` adds to each new text of the person's (corrections too) before it is stored."""

    def content(self, part: str, fill: Callable[[str, NewMessage, Any], None], *, last: bool = False) -> None:
        """``fill(profile, message, inbound)`` adds to a message that comes in with this part of its ``Inbound``;
        ``last``: after those who may change the text."""

    def reads(self, part: str, read: Callable[[Any, bool], Act | None]) -> None:
        """``read(inbound, archived)`` is what a message with this part does to another one; ``None``: nothing, it is
        a message like others."""

    def writes(self, kind: ActKind, write: Callable[[OwnAct], str]) -> None:
        """``write(own)`` is the XML that does to a message what the person wants; for corrections it is added to the
        new message."""

    def filled(self, profile: str, new: NewMessage, inbound: Any, archived: bool) -> NewMessage | None:
        """A message with all that ``inbound`` holds beside its text; ``None`` where there is nothing to keep. A message
        without text is worth asking where ``holds`` says so."""

    def holds(self, inbound: Any) -> bool:
        """See ``filled``."""

    def do(
        self,
        profile: str,
        message: int,
        act: Act,
        content: Content | None = None,
    ) -> Awaitable[Message]:
        """Do something to a message, now or as soon as there is a link. ``act.target`` is found out. ``not-found``,
        ``refused``."""

    def reference(self, message: Message) -> str:
        """The id by which others know a message, when it is answered or reacted to. ``refused`` where it has none."""

    def own_address(self, profile: str, conversation: str) -> str:
        """As whom the person speaks there: as an occupant in rooms, else by the account's address."""

    def compose(self, profile: str, to: str, body: str) -> NewMessage:
        """A message of the person's to an address or a joined room, to be changed and given to ``deliver``."""

    def deliver(
        self, profile: str, message: NewMessage, wait: Wait = "stored", timeout: float = 30.0
    ) -> Awaitable[Message]:
        """Store a message of the person's, and send it. Errors as those of ``ChatApi.send``."""

    def rooms(self, occupancy: Occupancy) -> None:
        """Set who knows of rooms."""

    def flush(self, profile: str) -> Awaitable[None]:
        """Send what is pending and has not left in this session; no effect between ``hold`` and ``release``."""

    def late(self, take: Callable[[str, NewMessage], bool]) -> None:
        """``take(profile, message)`` is asked for each message that a fresh session delivers late (kept by the
        server while nobody was there, or taken from a session that it gave up), and that the archive has too.
        True: it is dealt with; its place is the archive's to say."""

    def filter(self, check: Callable[[str, NewMessage], bool]) -> None:
        """``check(profile, message)`` is asked for each message that comes in, of people and in rooms, live, as a
        carbon copy or from an archive, own ones of other devices included, when all that it holds is read.
        False: it is not taken. Called for each message: one look into memory, no more."""

    def silence(self, check: Callable[[str, str], bool]) -> None:
        """``check(profile, bare)`` true: this address is told nothing that the person did not write (receipts, read
        marks, typing), and its typing is not shown."""

    def is_silent(self, profile: str, bare: str) -> bool:
        """Whether this address is told nothing; see ``silence``."""

    def before_send(self, hook: Callable[[str, str], object]) -> None:
        """``hook(profile, conversation)`` is called before a message of a window's is stored; it may raise
        ``SalutError`` to refuse it."""

    def hold(self, profile: str) -> Awaitable[int | None]:
        """Do not send again what is pending until ``release``: the archive may show that it arrived.

        Returns when the oldest of it was written; ``None``: nothing is pending, and nothing held.
        """

    def held(self, profile: str) -> Awaitable[bool]:
        """Whether something that ``hold`` found is still pending."""

    def release(self, profile: str) -> None:
        """Pending messages may leave (again). May be called more than once."""

    def advance(
        self, profile: str, origin: str, state: MessageState, error: str = "", by: str = ""
    ) -> Awaitable[None]:
        """An own message got further (or failed); ``by``: in this conversation."""

    def heard(self, profile: str, sender: str, state: TypingState, *, group: bool = False) -> None:
        """Someone writes, or has stopped to; ``group``: to all in the room that ``sender`` is in."""


CONTRACT: Final = Contract(
    plugin="chat",
    services=(ChatApi,),
    kinds=(Kind("typing", Typing, "conversation and sender, a space between", passing=True, snapshot=True),),
)
