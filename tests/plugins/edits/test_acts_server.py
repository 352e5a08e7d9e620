# SPDX-License-Identifier: AGPL-3.0-or-later
"""Corrections, retractions, reactions and replies over real servers: between people and in rooms, live and from the
archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, join

SHOWN = ("body", "edited_at", "retraction", "reactions", "reply")


async def becomes(
    kit: EngineKit, profile: str, conversation: str, wanted: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Wait until the conversation is shown so; of what is wanted ``...`` is anything."""
    seen: list[Any] = []

    async def so() -> bool:
        seen[:] = await kit.messages(profile, conversation)
        shown = [{name: m[name] for name in SHOWN if name in m} for m in seen]
        return len(shown) == len(wanted) and all(
            fits(one, want) for one, want in zip(shown, wanted, strict=True)
        )

    try:
        await kit.until(so)
    except AssertionError:
        raise AssertionError(f"wanted {wanted}, shown {seen}") from None
    return seen


def fits(value: Any, wanted: Any) -> bool:
    """Equal, but for ``...``."""
    if wanted is ...:
        return True
    if isinstance(wanted, dict) and isinstance(value, dict):
        return value.keys() == wanted.keys() and all(fits(value[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(value, list):
        return len(value) == len(wanted) and all(map(fits, value, wanted))
    return bool(value == wanted)


async def do_all(kit: EngineKit, to: str) -> list[dict[str, Any]]:
    """Alice and bob act on each other's messages, in the conversation ``to`` of alice's. What bob is to see."""

    async def send(body: str) -> dict[str, Any]:
        sent: dict[str, Any] = await kit.call("chat.send", profile="alice", to=to, body=body, wait="server")
        return sent

    first, second, third = await send("Whne is tea?"), await send("wrong window"), await send("third")
    await kit.call("edits.edit", profile="alice", message=first["id"], body="When is tea?")
    await kit.call("edits.retract", profile="alice", message=second["id"])
    await kit.call("reactions.react", profile="alice", message=third["id"], add=["🫖", "👍"])
    await kit.call("reactions.react", profile="alice", message=third["id"], remove=["👍"])
    return [
        {"body": "When is tea?", "edited_at": ...},
        {"body": "", "retraction": {"at": ..., "by": ...}},
        {"body": "third", "reactions": [{"emoji": "🫖", "senders": ...}]},
    ]


async def test_r20_people_correct_retract_react_and_reply(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path / "one", server, {"alice": alice, "bob": bob}) as kit:
        wanted = await do_all(kit, bob.jid)
        seen = await becomes(kit, "bob", alice.jid, wanted)
        answer = await kit.call("replies.reply", profile="bob", message=seen[0]["id"], body="At four.")
        assert answer["reply"]["message"] == seen[0]["id"]
        mine = await kit.messages("alice", bob.jid)
        reply = {"ref": mine[0]["origin"], "to": ..., "message": mine[0]["id"], "excerpt": "When is tea?"}
        wanted[2] = {"body": "third", "reactions": [{"emoji": "🫖", "senders": ..., "mine": True}]}
        await becomes(kit, "alice", bob.jid, [*wanted, {"body": "At four.", "reply": reply}])
    async with running_engine(
        tmp_path / "two", server, {"bob": bob}
    ) as kit:  # a new device: from the archive
        wanted[2] = {"body": "third", "reactions": [{"emoji": "🫖", "senders": ...}]}
        reply = {"ref": ..., "to": ..., "message": ..., "excerpt": "When is tea?"}
        await becomes(kit, "bob", alice.jid, [*wanted, {"body": "At four.", "reply": reply}])


async def test_what_is_done_without_a_link_leaves_with_the_next(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        sent = await kit.call("chat.send", profile="alice", to=bob.jid, body="one", wait="delivered")
        await kit.call("profiles.disconnect", profile="alice")
        await kit.call("edits.edit", profile="alice", message=sent["id"], body="two")
        await kit.call("profiles.connect", profile="alice", wait=20)
        await becomes(kit, "bob", alice.jid, [{"body": "two", "edited_at": ...}])


async def test_in_rooms(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    room = fresh_room(server)
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        wanted = await do_all(kit, room)
        seen = await becomes(kit, "bob", room, wanted)
        await kit.call("replies.reply", profile="bob", message=seen[0]["id"], body="At four.")
        wanted[2]["reactions"] = [{"emoji": "🫖", "senders": ..., "mine": True}]
        seen = await becomes(kit, "alice", room, [*wanted, {"body": "At four.", "reply": ...}])
        assert seen[3]["reply"]["message"] == seen[0]["id"]
        with pytest.raises(SalutError) as refused:
            await kit.call("edits.edit", profile="alice", message=seen[3]["id"], body="At five.")
        assert refused.value.code == "refused"


async def test_forged_corrections_retractions_and_moderation_have_no_effect(
    server: XmppServer, tmp_path: Path
) -> None:
    """An occupant says so, whom it does not concern."""
    alice, bob = server.account("alice"), server.account("bob")
    room = fresh_room(server)
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        sent = await kit.call("chat.send", profile="alice", to=room, body="true", wait="server")
        (got,) = await becomes(kit, "bob", room, [{"body": "true"}])
        retract = f"<retract id='{got['archive']}' xmlns='urn:xmpp:message-retract:1'>{{}}</retract>"
        moderated = "<moderated by='x' xmlns='urn:xmpp:message-moderate:1'/>"
        forged = (
            f"<body>forged</body><replace id='{sent['origin']}' xmlns='urn:xmpp:message-correct:0'/>",
            retract.format(""),
            retract.format(moderated),
            "<retracted stamp='2019-09-20T23:09:32Z' xmlns='urn:xmpp:message-retract:1' id='x'/><body>tomb</body>",
        )
        for number, payload in enumerate(forged):
            stanza = f"<message to='{room}' type='groupchat' id='forged{number}'>{payload}</message>"
            kit.session("bob").send(stanza)
        await kit.call("chat.send", profile="bob", to=room, body="end", wait="server")
        shown = await becomes(kit, "alice", room, [{"body": b} for b in ("true", "forged", "tomb", "end")])
        shown += await kit.messages("bob", room)
        assert not any(m.get("edited_at") or m.get("retraction") for m in shown)
