# SPDX-License-Identifier: AGPL-3.0-or-later
"""The story: what alice, bob and carol do through the server, and what has to come of it.

Each scene names the plugins that it needs and is left out, in words, where one is missing. What does not come
true within ``PATIENCE`` seconds raises ``SceneError``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from devkit.demo.stage import NAMES, Stage
from devkit.demo.tell import Tell
from salut import client as sdk
from salut.api.core import ProfileChange, ProfilesApi
from salut.model.errors import SalutError
from salut.plugins.chat.api import ChatApi
from salut.plugins.history.api import Conversation, HistoryApi, Message
from salut.plugins.rooms.api import Room, RoomsApi
from salut.plugins.roster.api import Contact, RosterApi

T = TypeVar("T")

PATIENCE = 20.0
TOPIC = "Tea at four"
INVITATION = "Shall we have tea at four?"
ANSWER = "Gladly! I bring the poppy seed cake."
IN_THE_ROOM = "Is there a third cup for me?"
LIVE = "I have seen it in both windows."
SHARED = ("profile", "conversation", "room")  # kinds that every window holds from the start


class SceneError(Exception):
    """Something that the story needs did not come true."""


class Window:
    """An attached window that can wait until its replica shows something."""

    def __init__(self, client: sdk.Client) -> None:
        self.client = client
        self.call = client.call
        self._moved = asyncio.Event()
        client.replica.subscribe(lambda _event: self._moved.set())

    async def until(self, what: str, question: Callable[[sdk.Replica], T | None]) -> T:
        """The first true answer to ``question``; ``what`` names it for people."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := question(self.client.replica)):
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise SceneError(f"This did not come true within {PATIENCE:g} seconds: {what}") from None
        return found

    async def message(self, profile: str, conversation: str, body: str, *states: str) -> Message:
        """Wait for a message, in one of ``states`` where they are given."""

        def found(replica: sdk.Replica) -> Message | None:
            for message in replica.all(profile, Message).values():
                if (message.conversation, message.body) == (conversation, body):
                    return message if not states or message.state in states else None
            return None

        return await self.until(f"{profile} has “{body}” in the conversation with {conversation}", found)

    async def contact(self, profile: str, address: str, fits: Callable[[Contact], bool]) -> Contact:
        """Wait for a contact as it should be."""

        def found(replica: sdk.Replica) -> Contact | None:
            contact = replica.one(profile, Contact, address)
            return contact if contact is not None and fits(contact) else None

        return await self.until(f"{profile} and {address} see each other's presence", found)


@dataclass(frozen=True)
class Scene:
    """One part of the story."""

    name: str
    needs: tuple[str, ...]
    play: Callable[[Stage, Window, Tell], Awaitable[None]]


async def accounts(stage: Stage, window: Window, tell: Tell) -> None:
    """Three profiles, online."""
    settings = ProfileChange(
        host="127.0.0.1", port=stage.server.c2s_port, ca_file=str(stage.server.ca_file), resource="salut"
    )
    for name in NAMES:
        account = stage.accounts[name]
        await window.call(
            ProfilesApi.create,
            name=name, address=account.jid, password=account.password, settings=settings,
        )  # fmt: skip
    for name in NAMES:
        await window.call(ProfilesApi.connect, profile=name, wait=PATIENCE)
    tell.done(f"{', '.join(NAMES[:-1])} and {NAMES[-1]} are online: three accounts in one daemon")


async def contacts(stage: Stage, window: Window, tell: Tell) -> None:
    """alice and bob see each other's presence from now on."""
    alice, bob = stage.accounts["alice"].jid, stage.accounts["bob"].jid
    await window.call(RosterApi.add, profile="alice", address=bob, name="Bob")
    await window.contact("bob", alice, lambda contact: contact.asks)
    await window.call(RosterApi.accept, profile="bob", address=alice)
    there = await window.contact("alice", bob, lambda c: c.asks or c.subscription == "both")
    if there.subscription != "both":
        await window.call(RosterApi.accept, profile="alice", address=bob)
    await window.contact("alice", bob, lambda contact: contact.subscription == "both")
    tell.said("alice, bob", "are in each other's contacts now")


async def chat(stage: Stage, window: Window, tell: Tell) -> None:
    """A question is delivered and read, and answered."""
    alice, bob = stage.accounts["alice"].jid, stage.accounts["bob"].jid
    sent = await window.call(
        ChatApi.send, profile="alice", to=bob, body=INVITATION, wait="delivered", timeout=PATIENCE
    )
    got = await window.message("bob", alice, INVITATION)
    if got.origin != sent.origin:
        raise SceneError("bob got another message than the one that alice sent")
    await window.call(HistoryApi.mark_read, profile="bob", conversation=alice)
    await window.message("alice", bob, INVITATION, "read")
    tell.said("alice → bob", INVITATION, "delivered and read")
    await window.call(ChatApi.send, profile="bob", to=alice, body=ANSWER, wait="delivered", timeout=PATIENCE)
    await window.message("alice", bob, ANSWER)
    tell.said("bob → alice", ANSWER, "delivered")


async def room(stage: Stage, window: Window, tell: Tell) -> None:
    """A room with a topic; what one says there the others see."""
    for name in NAMES:
        await window.call(RoomsApi.join, profile=name, room=stage.room, nick=name, timeout=PATIENCE)
    await window.call(RoomsApi.topic, profile="alice", room=stage.room, text=TOPIC)

    def topic_seen(replica: sdk.Replica) -> bool:
        rooms = (replica.one(name, Room, stage.room) for name in NAMES)
        return all(room is not None and room.topic == TOPIC for room in rooms)

    await window.until("all three see the room's topic", topic_seen)
    tell.said("alice in the tearoom", f"sets the topic: {TOPIC}", "bob and carol see it")
    await window.call(ChatApi.send, profile="carol", to=stage.room, body=IN_THE_ROOM)
    for name in NAMES:
        await window.message(name, stage.room, IN_THE_ROOM)
    tell.said("carol in the tearoom", IN_THE_ROOM, "alice and bob see it")


async def search(stage: Stage, window: Window, tell: Tell) -> None:
    """Two words find the message in both accounts that have it."""
    page = await window.call(HistoryApi.search, query="poppy cake")
    found = {(hit.profile, hit.message.body) for hit in page.items}
    if found != {("alice", ANSWER), ("bob", ANSWER)}:
        raise SceneError(f"the search for “poppy cake” found {sorted(found)}")
    tell.said("search: poppy cake", f"“{ANSWER}”", "found in both accounts")


async def windows(stage: Stage, window: Window, tell: Tell) -> None:
    """A second window, opened late, shows the same, and both see what comes then."""
    bob, carol = stage.accounts["bob"].jid, stage.accounts["carol"].jid
    await window.call(
        RosterApi.add, profile="carol", address=bob, subscribe=False
    )  # else he waits as a stranger
    async with await sdk.connect(f"unix:{stage.socket}", start=False) as client:
        second = Window(client)
        await client.attach("demo, second window", kind="demo")
        answer = await window.client.ask(
            ChatApi.send, profile="bob", to=carol, body=LIVE, wait="delivered", timeout=PATIENCE
        )
        for each in (window, second):
            await each.client.reached(answer.seq)
            await each.message("carol", bob, LIVE)

        def same(_replica: sdk.Replica) -> bool:
            return shared(window.client.replica) == shared(client.replica)

        await second.until("both windows hold the same state", same)
        count = sum(len(client.replica.all(name, Conversation)) for name in NAMES)
    tell.said("bob → carol", LIVE, "delivered")
    tell.said("two windows", f"hold the same state: {len(NAMES)} profiles, {count} conversations")


def shared(replica: sdk.Replica) -> dict[str, dict[str, object]]:
    """What two windows of any age must agree on, field by field and revision by revision."""
    return {
        journal: {name: objects for name, objects in names.items() if name in SHARED}
        for journal, names in replica.state.items()
        if journal
    }


SCENES = (
    Scene("contacts", ("roster", "presence"), contacts),
    Scene("chat", ("chat", "presence", "receipts", "markers"), chat),
    Scene("a room", ("rooms", "chat"), room),
    Scene("search", ("history", "chat", "presence", "receipts"), search),
    Scene("two windows", ("chat", "presence", "receipts"), windows),
)


async def play(stage: Stage, window: Window, tell: Tell, plugins: dict[str, str]) -> list[str]:
    """Play all scenes. Returns what was left out for lack of a plugin. Raises ``SceneError``."""
    left_out = []
    for scene in SCENES:
        missing = [name for name in scene.needs if plugins.get(name) != "ok"]
        if missing:
            left_out.append(f"{scene.name}: not shown, for lack of {' and '.join(missing)}")
            tell.left_out(left_out[-1])
            continue
        try:
            await scene.play(stage, window, tell)
        except SalutError as error:
            raise SceneError(f"{scene.name}: {error.message}") from error
    return left_out
