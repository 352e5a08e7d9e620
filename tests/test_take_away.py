# SPDX-License-Identifier: AGPL-3.0-or-later
"""A test takes away each plugin in turn: its feature is gone, the rest works.

Each plugin brings a check here that its feature works, whichever other plugin is missing. One without
methods of its own brings a second one, that what it did does not happen any more.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import fromstring

import msgspec
import pytest
import structlog

from devkit.servers import Account, XmppServer
from salut.api.contract import MARK
from salut.api.core import Window
from salut.engine.host import GROUP
from salut.engine.plugin import Plugin
from salut.model import moment
from salut.model.errors import SalutError
from salut.plugins.history.api import History, NewMessage
from salut.plugins.pep.api import Pep
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.archive.test_archive_server import first_catch_up
from tests.plugins.avatars.test_avatars_server import png
from tests.plugins.rooms.test_rooms_server import fresh_room, join, room_is, said
from tests.plugins.roster.test_roster_server import befriend

CLASSES: dict[str, type[Plugin]] = {point.name: point.load() for point in entry_points(group=GROUP)}


@dataclass(frozen=True)
class Scene:
    """What a check has at hand."""

    kit: EngineKit
    server: XmppServer
    alice: Account
    bob: Account
    folder: Path

    def has(self, plugin: str) -> bool:
        """Whether a plugin is loaded."""
        return plugin in self.kit.engine.plugins.plugins

    async def send(self, sender: str, body: str) -> dict[str, Any]:
        """Send a message from one to the other; the server has it when this returns."""
        to = self.bob if sender == "alice" else self.alice
        sent: dict[str, Any] = await self.kit.call(
            "chat.send", profile=sender, to=to.jid, body=body, wait="server"
        )
        return sent

    async def holds(self, profile: str, body: str, kit: EngineKit | None = None) -> None:
        """Wait until a profile's history with the other holds a text."""
        other = self.bob if profile == "alice" else self.alice

        async def there() -> bool:
            return body in [m["body"] for m in await (kit or self.kit).messages(profile, other.jid)]

        await self.kit.until(there)

    async def state(self, message: dict[str, Any]) -> str:
        """The state of a message of alice's."""
        found = await self.kit.call("history.get", profile="alice", message=message["id"])
        return str(found["state"])

    async def becomes(self, message: dict[str, Any], state: str) -> None:
        """Wait until a message of alice's is in this state."""

        async def is_so() -> bool:
            return await self.state(message) == state

        await self.kit.until(is_so)

    def answer(self, message: dict[str, Any], payload: str) -> None:
        """Say something about a message of alice's, from bob's device to hers: that arrives without presence."""
        alice, origin = self.kit.session("alice").jid, message["origin"]
        self.kit.session("bob").send(f"<message to='{alice}' type='chat'>{payload.format(origin)}</message>")


Check = Callable[[Scene], Awaitable[None]]


async def history(scene: Scene) -> None:
    port = cast("History", scene.kit.engine.plugins.plugins["history"].port())
    other = "friend@example.org"
    new = NewMessage(conversation=other, sender=f"{other}/desk", body="ein Storchennest", origin="s-1")
    assert await port.ingest("bob", new) is not None
    (message,) = await scene.kit.messages("bob", other)
    assert message["body"] == "ein Storchennest"
    found = await scene.kit.call("history.search", query="storch*", profile="bob")
    assert [item["message"]["id"] for item in found["items"]] == [message["id"]]

    async def unread() -> int:
        page = await scene.kit.call("history.conversations", profile="bob")
        return int(next(c.get("unread", 0) for c in page["items"] if c["address"] == other))

    assert await unread() == 1
    await scene.kit.call("history.mark_read", profile="bob", conversation=other)
    assert await unread() == 0


async def chat(scene: Scene) -> None:
    sent = await scene.send("alice", "hello")
    assert sent["state"] in ("sent", "delivered", "read")
    await scene.holds("alice", "hello")
    if scene.has("presence"):  # servers deliver live to those who said that they are there
        await scene.holds("bob", "hello")
    # To the device, so that it arrives without presence as well.
    device, here = scene.kit.session("bob").jid, scene.kit.session("alice").jid
    passing = scene.kit.engine.journal.passing_now()
    for state, shown in (("composing", True), ("inactive", False)):
        await scene.kit.call("chat.typing", profile="alice", conversation=device, state=state)

        async def seen(wanted: bool = shown) -> bool:
            return (("bob", "typing", f"{scene.alice.jid} {here}") in passing) == wanted

        await scene.kit.until(seen)


async def receipts(scene: Scene) -> None:
    sent = await scene.send("alice", "delivered?")
    if scene.has("presence"):
        await scene.becomes(sent, "delivered")
    else:
        assert await scene.state(sent) == "sent"
        scene.answer(sent, "<received xmlns='urn:xmpp:receipts' id='{}'/>")
        await scene.becomes(sent, "delivered")


async def no_receipts(scene: Scene) -> None:
    """What bob sends after the message arrived would come after a receipt."""
    sent = await scene.send("alice", "delivered?")
    await scene.holds("bob", "delivered?")
    await scene.send("bob", "no receipt came before this")
    await scene.holds("alice", "no receipt came before this")
    assert await scene.state(sent) == "sent"


async def markers(scene: Scene) -> None:
    sent = await scene.send("alice", "read?")
    if scene.has("presence"):
        await scene.holds("bob", "read?")
        await scene.kit.call("history.mark_read", profile="bob", conversation=scene.alice.jid)
    else:
        scene.answer(sent, "<displayed xmlns='urn:xmpp:chat-markers:0' id='{}'/>")
    await scene.becomes(sent, "read")


async def no_markers(scene: Scene) -> None:
    """As ``no_receipts``."""
    sent = await scene.send("alice", "read?")
    await scene.holds("bob", "read?")
    await scene.kit.call("history.mark_read", profile="bob", conversation=scene.alice.jid)
    await scene.send("bob", "no marker came before this")
    await scene.holds("alice", "no marker came before this")
    assert await scene.state(sent) == "delivered"


async def _other_device(scene: Scene) -> list[str]:
    """What another device of alice's holds, with as little loaded, when bob's answer has come to it."""
    lacking = ["archive", *(set(CLASSES) - scene.kit.engine.plugins.plugins.keys())]
    async with running_engine(scene.folder / "device", without=lacking) as device:
        await device.add("alice", scene.alice, scene.server)
        await scene.send("alice", "from my desk")
        if scene.has("presence"):
            await scene.send("bob", "to all devices")
            await scene.holds("alice", "to all devices", device)
            return [m["body"] for m in await device.messages("alice", scene.bob.jid)]

        async def copied() -> list[str]:  # without presence nothing tells when the server copies to it
            await scene.send("alice", "from my desk")
            return [m["body"] for m in await device.messages("alice", scene.bob.jid)]

        found: list[str] = await scene.kit.until(copied)
        return found


async def carbons(scene: Scene) -> None:
    assert "from my desk" in await _other_device(scene)


async def no_carbons(scene: Scene) -> None:
    """The server would have given the copy out before bob's answer."""
    assert await _other_device(scene) == ["to all devices"]


async def roster(scene: Scene) -> None:
    address = "someone@example.invalid"

    async def listed() -> list[str]:
        page = await scene.kit.call("roster.list", profile="alice")
        return [item.get("name", "") for item in page["items"] if item["address"] == address]

    await scene.kit.call("roster.add", profile="alice", address=address, name="Someone", subscribe=False)
    assert await listed() == ["Someone"]
    await scene.kit.call("roster.remove", profile="alice", address=address)
    assert await listed() == []


async def presence(scene: Scene) -> None:
    await scene.kit.call("presence.set", profile="bob", show="away", status="tea")
    assert await scene.kit.call("presence.status", profile="bob") == {"show": "away", "status": "tea"}
    if not scene.has("roster"):
        return  # nobody to see it
    await befriend(scene.kit, "alice", "bob", scene.alice.jid, scene.bob.jid)

    async def seen() -> bool:
        shown = await scene.kit.call("presence.list", profile="alice")
        return bool(shown == [{"address": scene.bob.jid, "show": "away", "status": "tea"}])

    await scene.kit.until(seen)


async def rooms(scene: Scene) -> None:
    room = fresh_room(scene.server)
    for profile in ("alice", "bob"):
        await join(scene.kit, profile, room)
    await room_is(scene.kit, "alice", room, state="joined", members=2)
    await scene.kit.call("chat.send", profile="alice", to=room, body="all here?", wait="server")
    for profile in ("alice", "bob"):
        await said(scene.kit, profile, room, ["all here?"])
    await scene.kit.call("rooms.leave", profile="bob", room=room)
    await room_is(scene.kit, "alice", room, members=1)


async def roomadmin(scene: Scene) -> None:
    room = fresh_room(scene.server)
    answers = {"roomname": ["The heath"]}
    await scene.kit.call("roomadmin.create", profile="alice", room=room, nick="alice", answers=answers)
    await room_is(scene.kit, "alice", room, name="The heath")
    page = await scene.kit.call("roomadmin.affiliations", profile="alice", room=room, affiliation="owner")
    assert [item["address"] for item in page["items"]] == [scene.alice.jid]
    await scene.kit.call("roomadmin.destroy", profile="alice", room=room)
    await room_is(scene.kit, "alice", room, state="failed")


async def roominvites(scene: Scene) -> None:
    room = fresh_room(scene.server)
    await join(scene.kit, "alice", room)
    device = scene.kit.session("bob").jid  # so that it arrives without presence as well
    await scene.kit.call("roominvites.send", profile="alice", room=room, address=device, way="direct")

    async def invited() -> bool:
        return [one["room"] for one in await scene.kit.call("roominvites.list", profile="bob")] == [room]

    await scene.kit.until(invited)
    assert (await scene.kit.call("roominvites.accept", profile="bob", room=room))["state"] == "joined"


async def roomsearch(scene: Scene) -> None:
    services = await scene.kit.call("roomsearch.services", profile="alice")
    assert scene.server.muc in [service["address"] for service in services]


async def archive(scene: Scene) -> None:
    await first_catch_up(scene.kit, "bob")
    await scene.kit.call("profiles.disconnect", profile="bob")
    await scene.send("alice", "while you were away")
    await scene.kit.call("profiles.connect", profile="bob", wait=20)
    await scene.holds("bob", "while you were away")
    await first_catch_up(scene.kit, "bob")


async def drafts(scene: Scene) -> None:
    await scene.kit.call("drafts.set", profile="alice", conversation=scene.bob.jid, text="unfinis")
    (draft,) = await scene.kit.call("drafts.list", profile="alice")
    assert (draft["conversation"], draft["text"]) == (scene.bob.jid, "unfinis")


async def later(scene: Scene) -> None:
    held = await scene.kit.call("later.send", profile="alice", to=scene.bob.jid, body="no, not so", undo=60)
    assert (await scene.kit.call("later.undo", profile="alice"))["id"] == held["id"]
    if scene.has("drafts"):
        (draft,) = await scene.kit.call("drafts.list", profile="alice")
        assert draft["text"].startswith("no, not so")
        await scene.kit.call("drafts.set", profile="alice", conversation=scene.bob.jid, text="")
    else:
        (kept,) = (await scene.kit.call("later.list", profile="alice"))["items"]
        assert (kept["body"], kept["state"]) == ("no, not so", "stopped")
    at = moment.now() + moment.SECOND // 10
    await scene.kit.call("later.schedule", profile="alice", to=scene.bob.jid, body="at its time", at=at)
    await scene.holds("alice", "at its time")


async def stars(scene: Scene) -> None:
    port = cast("History", scene.kit.engine.plugins.plugins["history"].port())
    new = NewMessage(
        conversation="star@example.org", sender="star@example.org", body="to find", origin="st-1"
    )
    message = await port.ingest("alice", new)
    assert message is not None
    await scene.kit.call("stars.set", profile="alice", message=message.id)
    page = await scene.kit.call("stars.list", profile="alice")
    assert [item["message"]["body"] for item in page["items"]] == ["to find"]


async def names(scene: Scene) -> None:
    named = await scene.kit.call("names.resolve", profile="alice", text="new@example.org")
    assert (named["address"], named["kind"]) == ("new@example.org", "address")
    if scene.has("roster"):
        address = "rob@example.invalid"
        await scene.kit.call("roster.add", profile="alice", address=address, name="Zoë", subscribe=False)
        assert (await scene.kit.call("names.resolve", profile="alice", text="zoe"))["address"] == address
    if scene.has("chat"):
        await scene.kit.call("chat.send", profile="alice", to=scene.bob.jid, body="so that you are known")
        named = await scene.kit.call("names.resolve", profile="alice", text=scene.bob.jid.partition("@")[0])
        assert named["address"] == scene.bob.jid


async def pep(scene: Scene) -> None:
    port = cast("Pep", scene.kit.engine.plugins.plugins["pep"].port())
    await port.publish("alice", "urn:example:kept", "<kept xmlns='urn:example:kept'/>", access="whitelist")
    assert [item.id for item in await port.items("alice", "urn:example:kept")] == ["current"]


async def no_pep(scene: Scene) -> None:
    """Nobody reads events: they pass by like any element that is not known."""
    event = "<event xmlns='http://jabber.org/protocol/pubsub#event'><purge node='n'/></event>"
    scene.answer({"origin": ""}, event)
    assert (
        "pubsub-event"
        not in scene.kit.wires.shared.decoders.decode(fromstring(f"<message>{event}</message>")).parts
    )


async def avatars(scene: Scene) -> None:
    picture = base64.b64encode(png()).decode()
    shown = await scene.kit.call("avatars.set", profile="alice", data=picture)
    assert (shown["address"], shown["width"]) == (scene.alice.jid, 8)
    found = await scene.kit.call("avatars.get", profile="bob", address=scene.alice.jid)
    assert found["data"] == picture


async def vcards(scene: Scene) -> None:
    said = await scene.kit.call("vcards.set", profile="alice", change={"fn": "Alice", "nickname": "Al"})
    assert said == {"address": scene.alice.jid, "fn": "Alice", "nickname": "Al"}
    assert await scene.kit.call("vcards.get", profile="bob", address=scene.alice.jid) == said


async def preferences(scene: Scene) -> None:
    await scene.kit.call("preferences.pin", profile="alice", conversation=scene.bob.jid)
    (setting,) = await scene.kit.call("preferences.list", profile="alice")
    assert (setting["address"], setting["pinned"]) == (scene.bob.jid, True)
    await scene.kit.call("preferences.pin", profile="alice", conversation=scene.bob.jid, on=False)
    assert await scene.kit.call("preferences.list", profile="alice") == []


async def bookmarks(scene: Scene) -> None:
    room = fresh_room(scene.server)
    pep = cast("Pep", scene.kit.engine.plugins.plugins["pep"].port())

    async def there(wanted: bool) -> bool:
        return (room in [item.id for item in await pep.items("alice", "urn:xmpp:bookmarks:1")]) is wanted

    await scene.kit.call("bookmarks.set", profile="alice", room=room, autojoin=True)
    await room_is(scene.kit, "alice", room, state="joined")
    await scene.kit.until(lambda: there(True))
    await scene.kit.call("bookmarks.remove", profile="alice", room=room)
    await scene.kit.until(lambda: there(False))
    await room_is(scene.kit, "alice", room, state="left", autojoin=False)


async def _displayed(scene: Scene, other: str) -> None:
    """Alice reads a message that has an archive id."""
    history = cast("History", scene.kit.engine.plugins.plugins["history"].port())
    new = NewMessage(conversation=other, sender=other, body="read me", origin="m-1", archive="a-1")
    assert await history.ingest("alice", new) is not None
    await scene.kit.call("history.mark_read", profile="alice", conversation=other)


async def mds(scene: Scene) -> None:
    other = "displayed@example.org"

    async def told() -> bool:
        return other in await _again(scene)

    await _displayed(scene, other)
    await scene.kit.until(told)


async def _again(scene: Scene) -> list[str]:
    pep = cast("Pep", scene.kit.engine.plugins.plugins["pep"].port())
    return [item.id for item in await pep.items("alice", "urn:xmpp:mds:displayed:0")]


async def no_mds(scene: Scene) -> None:
    """Neither is the node told, nor does the server tell us of it."""
    assert "urn:xmpp:mds:displayed:0+notify" not in scene.kit.wires.shared.disco.info.features
    if scene.has("pep"):
        await _displayed(scene, "displayed@example.org")
        assert await _again(scene) == []


async def setup(scene: Scene) -> None:
    probe = await scene.kit.call(
        "setup.probe",
        address=scene.alice.jid,
        host="127.0.0.1",
        port=scene.server.c2s_port,
        direct_tls=False,
        ca_file=str(scene.server.ca_file),
    )
    assert [place.get("code", "") for place in probe["places"]] == [""]


async def blocking(scene: Scene) -> None:
    kit = scene.kit
    await kit.call("blocking.block", profile="alice", address="spam.example")
    page = await kit.call("blocking.list", profile="alice")
    assert [item["address"] for item in page["items"]] == ["spam.example"]
    with pytest.raises(SalutError) as caught:
        await kit.call("chat.send", profile="alice", to="x@spam.example", body="no")
    assert caught.value.code == "refused"
    await kit.call("blocking.unblock", profile="alice", address="spam.example")


async def strangers(scene: Scene) -> None:
    """Carol, whom bob does not know, writes from a device of alice's server to his device."""
    carol = scene.server.account("carol")
    scene.kit.acquainted = False
    await scene.kit.add("carol", carol, scene.server)
    await scene.kit.call(
        "chat.send", profile="carol", to=scene.kit.session("bob").jid, body="psst", wait="server"
    )

    async def waits() -> bool:
        page = await scene.kit.call("strangers.list", profile="bob")
        return [item["address"] for item in page["items"]] == [carol.jid]

    if scene.has("presence"):
        await scene.kit.until(waits)
        await scene.kit.call("strangers.accept", profile="bob", address=carol.jid)
        assert not await waits()
    await scene.kit.call("profiles.delete", profile="carol")


async def portability(scene: Scene) -> None:
    message = {
        "id": 0, "place": 0, "at": 1_700_000_000_000_000, "conversation": "old@example.org",
        "sender": "old@example.org", "body": "from long ago",
    }  # fmt: skip
    mark = await scene.kit.call("portability.begin", profile="bob")
    for stored in (1, 0):
        brought = await scene.kit.call(
            "portability.import_messages", profile="bob", batch=[message], mark=mark
        )
        assert brought == {"stored": stored, "known": 1 - stored}
        mark = await scene.kit.call("portability.begin", profile="bob")
    (found,) = await scene.kit.messages("bob", "old@example.org")
    assert found["body"] == "from long ago"
    if scene.has("drafts"):
        await scene.kit.call("drafts.set", profile="bob", conversation="old@example.org", text="unsaid")
        page = await scene.kit.call("portability.things", profile="bob", kind="draft")
        assert [thing["value"]["text"] for thing in page["items"]] == ["unsaid"]


async def _becomes(scene: Scene, key: int, **wanted: object) -> None:
    """Wait until a message of alice's is shown so."""

    async def so() -> bool:
        message = await scene.kit.call("history.get", profile="alice", message=key)
        return all(message.get(name) == value for name, value in wanted.items())

    await scene.kit.until(so)


async def edits(scene: Scene) -> None:
    sent = await scene.send("alice", "mistkae")
    edited = await scene.kit.call("edits.edit", profile="alice", message=sent["id"], body="mistake")
    assert edited["body"] == "mistake"
    await scene.kit.call("edits.retract", profile="alice", message=sent["id"])
    await _becomes(scene, sent["id"], body="")


async def reactions(scene: Scene) -> None:
    sent = await scene.send("alice", "react to this")
    scene.answer(sent, "<reactions id='{}' xmlns='urn:xmpp:reactions:0'><reaction>x</reaction></reactions>")
    await _becomes(scene, sent["id"], reactions=[{"emoji": "x", "senders": [scene.bob.jid]}])
    mine = await scene.kit.call("reactions.react", profile="alice", message=sent["id"], add=["y"])
    assert [reaction["emoji"] for reaction in mine["reactions"]] == ["x", "y"]


async def replies(scene: Scene) -> None:
    sent = await scene.send("alice", "a question")
    answer = await scene.kit.call("replies.reply", profile="alice", message=sent["id"], body="an answer")
    assert answer["reply"]["message"] == sent["id"]


async def _told(scene: Scene, body: str, payload: str) -> dict[str, Any]:
    """What alice holds of a message from bob's device."""
    alice = scene.kit.session("alice").jid
    scene.kit.session("bob").send(
        f"<message to='{alice}' type='chat' id='{body}'><body>{body}</body>{payload}</message>"
    )
    await scene.holds("alice", body)
    found: dict[str, Any] = next(
        m for m in await scene.kit.messages("alice", scene.bob.jid) if m["body"] == body
    )
    return found


async def notify(scene: Scene) -> None:
    port = cast("History", scene.kit.engine.plugins.plugins["history"].port())
    new = NewMessage(conversation=scene.bob.jid, sender=scene.bob.jid, body="ring", origin="ring")
    assert await port.ingest("alice", new) is not None

    async def rings() -> bool:
        found = await scene.kit.call("notify.list", profile="alice")
        return scene.bob.jid in [each["conversation"] for each in found]

    await scene.kit.until(rings)
    await scene.kit.call("notify.dismiss", profile="alice")
    assert await scene.kit.call("notify.list", profile="alice") == []


async def _states(scene: Scene) -> list[str]:
    """What alice's server is told when somebody looks at a window and away."""
    sent: list[str] = []
    session = scene.kit.session("alice")
    send = session.send_nonza
    session.send_nonza = lambda xml: (sent.append(xml), send(xml))[1]  # type: ignore[method-assign,func-returns-value]
    window = Window(id="w", name="w", kind="test", version="", since=0, binding="unix", focused=True)
    scene.kit.watch(False)
    scene.kit.engine.windows.add(window, lambda: None, lambda: 0)
    scene.kit.engine.windows.update(msgspec.structs.replace(window, focused=False))
    scene.kit.watch()
    scene.kit.engine.windows.remove("w")
    session.send_nonza = send  # type: ignore[method-assign]
    return sent


async def csi(scene: Scene) -> None:
    assert "<inactive xmlns='urn:xmpp:csi:0'/>" in await _states(scene)


async def no_csi(scene: Scene) -> None:
    assert await _states(scene) == []


LINK = "<x xmlns='jabber:x:oob'><url>https://example.org/x</url></x>"
NAMED = "<reference xmlns='urn:xmpp:reference:0' type='mention' uri='xmpp:{}' begin='0' end='2'/>"


async def attachments(scene: Scene) -> None:
    assert (await _told(scene, "a link", LINK))["attachments"] == [{"url": "https://example.org/x"}]


async def no_attachments(scene: Scene) -> None:
    assert "attachments" not in await _told(scene, "a link", LINK)


async def mentions(scene: Scene) -> None:
    assert (await _told(scene, "you there", NAMED.format(scene.alice.jid)))["mention"] is True


async def no_mentions(scene: Scene) -> None:
    assert "mention" not in await _told(scene, "you there", NAMED.format(scene.alice.jid))


async def account(scene: Scene) -> None:
    form = await scene.kit.call(
        "account.registration_form",
        server=scene.server.domain,
        host="127.0.0.1",
        port=scene.server.c2s_port,
        ca_file=str(scene.server.ca_file),
    )
    answers = {"username": [f"new-{secrets.token_hex(4)}"], "password": ["secret"]}
    await scene.kit.call("account.register", registration=form["id"], name="new", answers=answers)
    made = await scene.kit.call("profiles.connect", profile="new", wait=20)
    await scene.kit.call("account.unregister", profile="new", confirm=made["address"], forget=True)


async def invites(scene: Scene) -> None:
    made = await scene.kit.call("invites.create", profile="alice", by="daemon")
    said = await scene.kit.call("invites.read", link=made["link"])
    assert (said["kind"], said["address"]) == ("contact", scene.alice.jid)
    if scene.has("presence"):  # servers pass requests on to those who said that they are there
        carol = scene.server.account("carol")
        await scene.kit.add("carol", carol, scene.server)
        await scene.kit.call("invites.use", profile="carol", link=made["link"])

        async def used() -> bool:
            (invite,) = await scene.kit.call("invites.list", profile="alice")
            return bool(invite.get("used_by") == carol.jid)

        await scene.kit.until(used)
        await scene.kit.call("profiles.delete", profile="carol")


async def server(scene: Scene) -> None:
    info = await scene.kit.call("server.info", profile="alice")
    assert info["software"]["name"].lower() == scene.server.kind
    said = await scene.kit.call("server.software", profile="alice", address=scene.kit.session("bob").jid)
    assert said["name"] == "Salut"


async def moved(scene: Scene) -> None:
    task = await scene.kit.call("moved.move", profile="alice", to="bob")

    async def done() -> bool:
        return any(t["id"] == task and t["state"] == "done" for t in await scene.kit.call("tasks.list"))

    await scene.kit.until(done)
    await scene.kit.call("moved.stay", profile="alice")
    assert await scene.kit.call("moved.list", profile="bob") == []


WORKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        history, chat, receipts, markers, carbons, roster, presence, rooms, archive, drafts, names, setup, pep,
        preferences, bookmarks, mds,
        history, chat, receipts, markers, carbons, roster, presence, rooms, archive, drafts, names, setup,
        blocking, strangers,
        pep, avatars, vcards,
        portability,
        history, chat, receipts, markers, carbons, roster, presence, rooms, roomadmin,
        roominvites, roomsearch, archive, drafts, names, setup,
        edits, reactions, replies, attachments, mentions, notify, csi,
        later, stars,
        history, chat, receipts, markers, carbons, roster, presence, rooms, archive, drafts, names, setup, account,
        invites, server, pep, moved
    )
}  # fmt: skip
GONE: dict[str, Check] = {
    "receipts": no_receipts,
    "markers": no_markers,
    "carbons": no_carbons,
    "mds": no_mds,
    "pep": no_pep,
    "attachments": no_attachments,
    "mentions": no_mentions,
    "csi": no_csi,
}


def falls_with(name: str) -> set[str]:
    """The plugins that need this one, or one that needs it."""
    fallen = {name}
    while True:
        more = {other for other, cls in CLASSES.items() if fallen & set(cls.needs)} - fallen
        if not more:
            return fallen - {name}
        fallen |= more


async def assert_not_there(kit: EngineKit, plugin: str) -> None:
    """Neither its methods nor its kinds are in the contract."""
    contract = CLASSES[plugin].contract
    described = await kit.call("daemon.describe")
    offered = {method["name"] for method in described["methods"]}
    for service in contract.services:
        for name in [n for n, function in vars(service).items() if hasattr(function, MARK)]:
            assert f"{service.service}.{name}" not in offered
            with pytest.raises(SalutError) as caught:
                await kit.call(f"{service.service}.{name}", profile="alice")
            assert caught.value.code == "unknown-method"
    assert not {kind.name for kind in contract.kinds} & {kind["name"] for kind in described["kinds"]}


def test_each_plugin_brings_its_checks() -> None:
    assert WORKS.keys() == CLASSES.keys()
    assert GONE.keys() == {name for name, cls in CLASSES.items() if not cls.contract.services}


@pytest.mark.parametrize("name", sorted(CLASSES))
async def test_without_it_its_feature_is_gone_and_the_rest_works(
    name: str, prosody: XmppServer, tmp_path: Path
) -> None:
    fallen = falls_with(name)
    expected = dict.fromkeys(CLASSES.keys() - fallen - {name}, "ok") | {name: "taken away"}
    folder = tmp_path / "engine"
    async with running_engine(folder):
        pass  # it was there once: its tables are
    alice, bob = prosody.account("alice"), prosody.account("bob")
    with structlog.testing.capture_logs() as lines:
        async with running_engine(folder, prosody, {"alice": alice, "bob": bob}, without=[name]) as kit:
            scene = Scene(kit, prosody, alice, bob, tmp_path)
            for plugin in (name, *fallen):
                await assert_not_there(kit, plugin)
            if name in GONE:
                await GONE[name](scene)
            for plugin, check in WORKS.items():
                if scene.has(plugin):
                    await check(scene)
            info = await kit.call("daemon.info")
            assert all(info["plugins"][plugin].startswith("needs ") for plugin in fallen), info["plugins"]
            assert {p: s for p, s in info["plugins"].items() if p not in fallen} == expected
    assert [line for line in lines if line["log_level"] in ("error", "critical")] == []
