# SPDX-License-Identifier: AGPL-3.0-or-later
"""Moderation (XEP-0425) on a prosody that has it (in the form before the present one)."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.conftest import MakeServer
from tests.engine_kit import running_engine
from tests.plugins.edits.test_acts_server import becomes
from tests.plugins.rooms.test_rooms_server import fresh_room, join

GONE = {"at": ..., "by": ..., "moderated": True, "reason": "no advertising"}


async def test_a_moderator_takes_a_message_away(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server("prosody", muc_modules=("muc_moderation",), sql_archive=True)
    alice, bob, carol = (server.account(name) for name in ("alice", "bob", "carol"))
    room = fresh_room(server)
    async with running_engine(tmp_path / "one", server, {"alice": alice, "bob": bob}) as kit:
        await join(kit, "alice", room)
        await join(kit, "bob", room)
        await kit.call("chat.send", profile="bob", to=room, body="buy this", wait="server")
        await kit.call("chat.send", profile="bob", to=room, body="hello", wait="server")
        spam, _hello = await becomes(kit, "alice", room, [{"body": "buy this"}, {"body": "hello"}])
        await kit.call("edits.moderate", profile="alice", message=spam["id"], reason="no advertising")
        wanted = [{"body": "", "retraction": GONE}, {"body": "hello"}]
        for profile in ("alice", "bob"):
            (gone, _hello) = await becomes(kit, profile, room, wanted)
            assert gone["retraction"]["by"] == f"{room}/alice"
        (_gone, own) = await kit.messages("bob", room)
        with pytest.raises(SalutError) as refused:
            await kit.call("edits.moderate", profile="bob", message=own["id"])
        assert refused.value.data["condition"] == "forbidden"
        async with running_engine(tmp_path / "two", server, {"carol": carol}) as newcomer:
            await join(newcomer, "carol", room)  # finds what is left of it in the archive
            await becomes(newcomer, "carol", room, wanted)


async def test_a_server_without_it_says_so(prosody: XmppServer, tmp_path: Path) -> None:
    alice = prosody.account("alice")
    room = fresh_room(prosody)
    async with running_engine(tmp_path, prosody, {"alice": alice}) as kit:
        await join(kit, "alice", room)
        await kit.call("chat.send", profile="alice", to=room, body="one", wait="server")
        (one,) = await becomes(kit, "alice", room, [{"body": "one"}])
        with pytest.raises(SalutError) as refused:
            await kit.call("edits.moderate", profile="alice", message=one["id"])
        assert "does not offer moderation" in refused.value.message
