# SPDX-License-Identifier: AGPL-3.0-or-later
"""Chat decides: a message is stored, then leaves; what the server did not acknowledge leaves again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model.errors import SalutError, invalid
from salut.model.words import _
from salut.plugins.chat import acting
from salut.plugins.chat.api import ChatApi, Occupancy, Typing, TypingState, Wait
from salut.plugins.chat.contents import Contents
from salut.plugins.chat.gates import Gates
from salut.plugins.chat.outgoing import Outgoing
from salut.plugins.history.api import Act, Content, History, Message, MessageState, NewMessage, OwnAct

if TYPE_CHECKING:
    from salut.plugins.chat.protocol import ChatProtocol
    from salut.xmpp.decode import Inbound

MAX_BODY: Final = 65_536
REFLECT_SECONDS: Final = 3.0
MAX_WAIT: Final = 600.0
TYPING_SECONDS: Final = 60.0  # a typing notice that nobody renews goes away
ORDER: Final[dict[str, int]] = {"pending": 0, "sent": 1, "delivered": 2, "read": 3}
GOALS: Final[dict[str, int]] = {"server": 1, "delivered": 2, "read": 3}


def check_text(body: str, subject: str) -> None:
    """``too-large``."""
    if len(body) > MAX_BODY or len(subject) > MAX_BODY:
        raise SalutError(
            "too-large",
            _("A message has at most {} characters; send a longer text as a file.").format(MAX_BODY),
            {"field": "body", "limit": MAX_BODY},
        )


class NoRooms:
    """``Occupancy`` without a plugin for rooms."""

    def sender(self, profile: str, room: str) -> str | None:
        """No address is a room."""
        return None

    def ready(self, profile: str, room: str) -> bool:
        """We are in none."""
        return False

    def check(self, profile: str, room: str) -> None:
        """Nothing to refuse."""


class ChatService(Gates, Contents, ChatApi):
    """Sending, and what comes in between people."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._history = host.need("history", History)  # type: ignore[type-abstract]  # the port's Protocol
        self._rooms: Occupancy = NoRooms()
        self._waiting: dict[tuple[str, str], list[asyncio.Future[Message]]] = {}
        self._typing: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._late: Callable[[str, NewMessage], bool] = lambda _profile, _message: False
        self._outgoing: dict[str, Outgoing] = {}
        self.protocol: ChatProtocol

    # Other plugins (the port)
    def rooms(self, occupancy: Occupancy) -> None:
        """Set who knows of rooms."""
        self._rooms = occupancy

    def late(self, take: Callable[[str, NewMessage], bool]) -> None:
        """See ``Chat``."""
        self._late = take

    async def hold(self, profile: str) -> int | None:
        """See ``Chat``."""
        pending = await self._history.pending(profile)
        if not pending:
            return None
        self._out(profile).held = pending[-1].id
        return min(message.at for message in pending)

    async def held(self, profile: str) -> bool:
        """See ``Chat``."""
        newest = self._out(profile).held
        if newest is None:
            return False
        return any(message.id <= newest for message in await self._history.pending(profile))

    def release(self, profile: str) -> None:
        """See ``Chat``."""
        out = self._out(profile)
        if out.held is not None:
            out.held = None
            self._host.owner.spawn(self.flush(profile), f"send pending {profile}")

    async def advance(
        self, profile: str, origin: str, state: MessageState, error: str = "", by: str = ""
    ) -> None:
        """An own message got further (or failed)."""
        message = await self._history.set_state(profile, origin=origin, state=state, error=error, by=by)
        if message is None and by and (profile, origin) in self._waiting:  # history knew it before us
            message = await self._history.find(profile, origin=origin, conversation=by)
        if message is not None:
            self._tell(profile, message)

    # Windows
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
        new = self._make(profile, addresses.parse(to), body, subject, kind)
        return await self.deliver(profile, new, wait, timeout)

    def compose(self, profile: str, to: str, body: str) -> NewMessage:
        """See ``Chat``."""
        return self._make(profile, addresses.parse(to), body, "", "auto")

    async def deliver(
        self, profile: str, message: NewMessage, wait: Wait = "stored", timeout: float = 30.0
    ) -> Message:
        """See ``Chat``."""
        check_text(message.body, message.subject)
        if not message.body and not message.subject:
            raise invalid("body", _("An empty message was not sent."))
        self.sending(profile, message.conversation)
        self.composed(profile, message)
        stored = await self._history.ingest(profile, message)
        if stored is None:  # the same op again, after the first answer was lost
            stored = await self._again(profile, message)
        elif not self._waits_for_room(profile, stored) and self._out(profile).direct():
            self._out(profile).stuck = not self._put(profile, stored)
        if wait != "stored":
            stored = await self._wait(profile, stored, GOALS[wait], min(max(timeout, 0.1), MAX_WAIT))
        return stored

    async def do(self, profile: str, message: int, act: Act, content: Content | None = None) -> Message:
        """See ``Chat``."""
        shown = await self._history.get(profile=profile, message=message)
        room = shown.kind == "groupchat"
        if room and act.kind != "edit":
            shown = await self._reflected(profile, shown)
        self.sending(profile, shown.conversation)
        target = acting.target_of(shown, act)
        new = acting.new_act(
            shown,
            msgspec.structs.replace(act, target=target),
            content,
            self.own_address(profile, shown.conversation),
        )
        check_text(new.body, new.subject)
        if act.kind == "edit":
            self.composed(profile, new)
        if room:
            self._rooms.check(profile, shown.conversation)
        own = await self._history.act(profile, new, message)
        await self.flush(profile)
        return own.message

    async def _reflected(self, profile: str, message: Message) -> Message:
        """An own message of a moment ago gets its id when the room sends it back: wait a little for that."""
        mark = (profile, message.origin)
        try:
            async with asyncio.timeout(REFLECT_SECONDS):
                while message.outgoing and not message.archive and message.state != "failed":
                    future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
                    self._waiting.setdefault(mark, []).append(future)
                    message = await self._history.get(profile=profile, message=message.id)
                    if not message.archive:
                        await future
        except TimeoutError:
            pass
        return message

    def own_address(self, profile: str, conversation: str) -> str:
        """See ``Chat``."""
        room = self._rooms.sender(profile, conversation.partition("/")[0])
        return room if room is not None else self._own(profile)

    def _make(
        self,
        profile: str,
        to: addresses.Address,
        body: str,
        subject: str,
        kind: Literal["auto", "chat", "normal"],
    ) -> NewMessage:
        origin = acting.fresh_id()
        occupant = self._rooms.sender(profile, to.bare)
        if occupant is not None:
            self._rooms.check(profile, to.bare)
        if occupant is not None and not to.resource:
            return NewMessage(
                conversation=to.bare,
                conversation_kind="room",
                sender=occupant,
                outgoing=True,
                kind="groupchat",
                body=body,
                subject=subject,
                state="pending",
                origin=origin,
                stream=to.bare,
            )
        private = occupant is not None
        words: Literal["chat", "normal", "private"] = "private" if private else "chat"
        if not private and (kind == "normal" or (kind == "auto" and subject)):
            words = "normal"
        return NewMessage(
            conversation=str(to) if private else to.bare,
            conversation_kind="private" if private else "contact",
            sender=occupant or self._own(profile),
            outgoing=True,
            kind=words,
            body=body,
            subject=subject,
            state="pending",
            origin=origin,
        )

    def _own(self, profile: str) -> str:
        return self._host.address(profile)

    async def _again(self, profile: str, new: NewMessage) -> Message:
        message = await self._history.find(profile, origin=new.origin, conversation=new.conversation)
        if message is None:
            raise SalutError("conflict", _("This op id was used for another message."), {"field": "op"})
        return message

    def _out(self, profile: str) -> Outgoing:
        return self._outgoing.setdefault(profile, Outgoing())

    def _waits_for_room(self, profile: str, message: Message) -> bool:
        """Whether a message cannot leave before we are in its room; it is in nobody else's way."""
        if message.kind not in ("groupchat", "private"):
            return False
        return not self._rooms.ready(profile, message.conversation.partition("/")[0])

    def _put(self, profile: str, message: Message) -> bool:
        """On its way, once in a session; false where that is not possible now: then ``flush`` does it."""
        return self._leave(profile, message.origin, lambda link: self.protocol.send(link, message))

    def _put_act(self, profile: str, own: OwnAct) -> bool:
        """The same for what the person did to a message."""
        return self._leave(profile, own.origin, lambda link: self.protocol.send_act(link, own))

    def _leave(self, profile: str, origin: str, send: Callable[[Link], None]) -> bool:
        out = self._out(profile)
        if origin in out.left:
            return True
        if not self._host.is_online(profile):
            return False
        try:
            send(self._host.link(profile))
        except SalutError as error:
            if error.code != "not-connected":
                raise
            return False
        out.left.add(origin)
        return True

    async def _wait(self, profile: str, message: Message, goal: int, timeout: float) -> Message:
        mark = (profile, message.origin)
        try:
            async with asyncio.timeout(timeout):
                while True:
                    future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
                    self._waiting.setdefault(mark, []).append(future)
                    known = await self._history.find(
                        profile, origin=message.origin, conversation=message.conversation
                    )
                    message = known or message
                    if message.state == "failed":
                        raise SalutError(
                            "refused",
                            _("{} did not take the message: {}").format(message.conversation, message.error),
                            {"condition": message.error, "message": message.id},
                        )
                    if ORDER[message.state] >= goal:
                        return message
                    await future
        except TimeoutError:
            words = _("The message is stored and on its way, but was not confirmed within {} seconds.")
            raise SalutError("timeout", words.format(timeout), {"message": message.id}) from None
        finally:
            self._waiting.pop(mark, None)

    def _tell(self, profile: str, message: Message) -> None:
        for future in self._waiting.pop((profile, message.origin), ()):
            if not future.done():
                future.set_result(message)

    async def typing(self, *, profile: str, conversation: str, state: TypingState) -> None:
        to = addresses.parse(conversation)
        occupant = self._rooms.sender(profile, to.bare)
        if occupant is not None:
            self._rooms.check(profile, to.bare)
        elif self.is_silent(profile, to.bare):
            return
        kind = "groupchat" if occupant is not None and not to.resource else "chat"
        self.protocol.send_state(self._host.link(profile), str(to), kind, state)

    # The server
    def filled(self, profile: str, new: NewMessage, inbound: Inbound, archived: bool) -> NewMessage | None:
        """See ``Chat``: the one way of all that comes in, and so the place of the filters."""
        message = super().filled(profile, new, inbound, archived)
        return message if message is None or self.takes(profile, message) else None

    def received(self, profile: str, new: NewMessage, late: bool) -> Awaitable[object] | None:
        """A message between people, live or as a carbon copy; done when it is stored.

        ``late``: the server had it before this session began.
        """
        if late and new.archive and self._late(profile, new):
            return None
        if not new.outgoing:
            self.heard(profile, new.sender, "active")
        return self._history.ingest(profile, new)

    def bounced(self, profile: str, origin: str, other: str, words: str) -> Awaitable[object]:
        """The server or the other side returned a message as an error."""
        return self.advance(profile, origin, "failed", words or _("no reason given"), other)

    def acked(self, profile: str, origins: list[str]) -> None:
        """The server has these."""
        for origin in origins:
            self._host.owner.spawn(self._acked(profile, origin), "acknowledged")

    async def _acked(self, profile: str, origin: str) -> None:
        out = self._out(profile)
        await self.advance(profile, origin, "sent")
        out.left.discard(origin)  # not before: a flush sends what is pending and was not sent
        if out.stuck:
            await self.flush(profile)

    def is_room(self, profile: str, bare: str) -> bool:
        """Whether messages with this bare address are those of a room."""
        return self._rooms.sender(profile, bare) is not None

    def heard(self, profile: str, sender: str, state: TypingState, *, group: bool = False) -> None:
        """Someone writes, or has stopped to."""
        ceases = state not in ("composing", "paused")
        if ceases and not self._typing:
            return  # the hot road: nobody writes
        bare = sender.partition("/")[0].lower()
        if group and sender == self._rooms.sender(profile, bare):
            return  # what we told the room comes back
        if not ceases and not group and self.is_silent(profile, bare):
            return
        conversation = sender if not group and self.is_room(profile, bare) else bare
        key = f"{conversation} {sender}"
        handle = self._typing.pop((profile, key), None)
        if handle is not None:
            handle.cancel()
        if ceases:
            self._host.journal.passing(profile, "typing", key, None)
            return
        typing = Typing(conversation=conversation, sender=sender, state=state)
        self._host.journal.passing(profile, "typing", key, typing)
        self._typing[profile, key] = asyncio.get_running_loop().call_later(
            TYPING_SECONDS, lambda: self.heard(profile, sender, "inactive", group=group)
        )

    async def flush(self, profile: str) -> None:
        """Send what is pending and did not leave in this session, in order."""
        out = self._out(profile)
        if not out.begin():
            return
        stuck = True
        try:
            while out.round():
                for message in await self._history.pending(profile):
                    if not self._waits_for_room(profile, message) and not self._put(profile, message):
                        return
                for own in await self._history.pending_acts(profile):
                    waits = own.message.state == "pending" or self._waits_for_room(profile, own.message)
                    if not waits and not self._put_act(profile, own):
                        return
            stuck = False
        finally:
            out.end(stuck=stuck)

    def begin(self, profile: str) -> None:
        """A fresh session: nothing was sent on it."""
        out = self._out(profile)
        out.left.clear()
        out.held = None

    def forget(self, profile: str) -> None:
        """The profile's session is over: nobody types, and what it did not acknowledge may leave again."""
        self._out(profile).left.clear()
        for mark in [mark for mark in self._typing if mark[0] == profile]:
            self._typing.pop(mark).cancel()
        self._host.journal.drop_passing(profile, "typing")

    def link(self, profile: str) -> Link:
        """The profile's link, or ``not-connected``."""
        return self._host.link(profile)
