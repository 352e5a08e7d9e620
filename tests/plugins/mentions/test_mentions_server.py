# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts for rooms say whom they name, on real servers: by address, by occupant id, in answers too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devkit.servers import XmppServer
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, join

OCCUPANT_ID = "urn:xmpp:occupant-id:0"


async def shown(kit: EngineKit, profile: str, room: str, body: str) -> dict[str, Any]:
    """The message with this text, once it is there."""

    async def there() -> dict[str, Any] | None:
        found = [m for m in await kit.messages(profile, room) if m["body"] == body]
        return found[0] if found else None

    message: dict[str, Any] = await kit.until(there)
    return message


async def known(kit: EngineKit, profile: str, room: str) -> list[dict[str, Any]]:
    """Both members, with their occupant ids where the room announces such."""
    vouches = OCCUPANT_ID in (await kit.session(profile).disco_info(room)).features

    async def both() -> list[dict[str, Any]] | None:
        members: list[dict[str, Any]] = (await kit.call("rooms.members", profile=profile, room=room))["items"]
        ready = len(members) == 2 and all("occupant" in one for one in members) == vouches
        return members if ready else None

    members: list[dict[str, Any]] = await kit.until(both)
    return members


async def test_a_text_names_occupants(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    room = fresh_room(server)
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await join(kit, "alice", room, nick="alice")
        await join(kit, "bob", room, nick="B. Oak")

        members = await known(kit, "alice", room)
        body = "🫖🫖 @b. oak: tea? says alice"
        await kit.call("chat.send", profile="alice", to=room, body=body, wait="server")
        got = await shown(kit, "bob", room, body)
        assert got["mention"] is True
        uris = {one["uri"] for one in got["references"]}
        assert {(one.get("begin", 0), one["end"]) for one in got["references"]} == {(3, 10)}
        assert all(one["mention"] for one in got["references"])
        assert f"xmpp:{room}/B.%20Oak" in uris or f"xmpp:{bob.jid}" in uris
        ids = {
            f"occupant:{one['occupant']}" for one in members if one["nick"] == "B. Oak" and "occupant" in one
        }
        assert ids == {uri for uri in uris if uri.startswith("occupant:")}

        await kit.call("replies.reply", profile="bob", message=got["id"], body="alice: yes")
        answer = await shown(kit, "alice", room, "alice: yes")
        assert answer["mention"] is True
        assert {(one.get("begin", 0), one["end"]) for one in answer["references"]} == {(0, 5)}
        assert answer["reply"]["excerpt"] == body

        own = await shown(kit, "bob", room, "alice: yes")
        await kit.call("edits.edit", profile="bob", message=own["id"], body="no, alice")
        corrected = await shown(kit, "alice", room, "no, alice")
        assert {(one.get("begin", 0), one["end"]) for one in corrected["references"]} == {(4, 9)}


async def test_an_own_occupant_id_means_the_person(server: XmppServer, tmp_path: Path) -> None:
    """Whatever the text says; where the room vouches for such ids (XEP-0421). Somebody else's does not."""
    alice, bob = server.account("alice"), server.account("bob")
    room = fresh_room(server)
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        members = await known(kit, "alice", room)
        ids = [one.get("occupant", "nobody") for one in members if one.get("me")]
        for number, key in enumerate([*ids, "somebody-else"]):
            kit.session("bob").send(
                f"<message to='{room}' type='groupchat' id='id{number}'><body>you {number}</body>"
                f"<mention xmlns='urn:xmpp:mentions:0' occupantid='{key}'/></message>"
            )
        mine = await shown(kit, "alice", room, "you 0")
        other = await shown(kit, "alice", room, "you 1")
        assert (mine.get("mention", False), other.get("mention", False)) == (ids != ["nobody"], False)
