# SPDX-License-Identifier: AGPL-3.0-or-later
"""Presence on real servers: announced on a fresh session, kept over restarts, seen by contacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devkit.servers import XmppServer
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.roster.test_roster_server import befriend
from tests.xmpp.support import Line


async def shown(kit: EngineKit, profile: str) -> list[dict[str, Any]]:
    """Who is reachable, without what differs from run to run."""
    found: list[dict[str, Any]] = await kit.call("presence.list", profile=profile)
    return found


async def test_own_status_is_kept_over_restarts(server: XmppServer, tmp_path: Path) -> None:
    alice = server.account("alice")
    async with running_engine(tmp_path, server, {"alice": alice}) as kit:
        assert await kit.call("presence.status", profile="alice") == {}
        await kit.call("presence.set", profile="alice", show="dnd", status="writing")
    async with running_engine(tmp_path) as kit:
        assert await kit.call("presence.status", profile="alice") == {"show": "dnd", "status": "writing"}


async def test_contacts_see_each_other_come_change_and_go(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await befriend(kit, "alice", "bob", alice.jid, bob.jid)
        await kit.until(lambda: shown(kit, "alice"))
        assert await shown(kit, "alice") == [{"address": bob.jid, "show": "online"}]
        await kit.call("presence.set", profile="bob", show="away", status="tea & <cake>")

        async def away() -> bool:
            return await shown(kit, "alice") == [
                {"address": bob.jid, "show": "away", "status": "tea & <cake>"}
            ]

        await kit.until(away)
        passing = kit.engine.journal.passing_now()
        assert ("alice", "presence", bob.jid) in passing

        await kit.call("presence.set", profile="bob", show="offline")

        async def gone() -> bool:
            return await shown(kit, "alice") == []

        await kit.until(gone)
        assert ("alice", "presence", bob.jid) not in passing
        await kit.call("presence.set", profile="bob")
        await kit.until(lambda: shown(kit, "alice"))
        await kit.call("profiles.disconnect", profile="bob")
        await kit.until(gone)
        assert await shown(kit, "bob") == []  # alice is reachable, but bob is not there to know


async def test_offline_drops_what_was_known_and_the_next_session_finds_it(
    server: XmppServer, tmp_path: Path
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await befriend(kit, "alice", "bob", alice.jid, bob.jid)
        await kit.call("presence.set", profile="bob", show="xa", status="kept")
        await kit.call("profiles.disconnect", profile="bob")
        await kit.call("profiles.disconnect", profile="alice")
        assert not any(journal for journal, _kind, _key in kit.engine.journal.passing_now())
        await kit.call("profiles.connect", profile="alice", wait=20)
        await kit.call("profiles.connect", profile="bob", wait=20)

        async def again() -> bool:
            return await shown(kit, "alice") == [{"address": bob.jid, "show": "xa", "status": "kept"}]

        await kit.until(again)


async def test_resumed_session_announces_only_what_changed(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with Line(server.c2s_port) as line, running_engine(tmp_path, server, {"bob": bob}) as kit:
        await kit.add("alice", alice, server, port=line.port)
        await befriend(kit, "alice", "bob", alice.jid, bob.jid)
        session = kit.session("alice")
        sent: list[str] = []
        announce = session.announce

        def counted(show: str = "", status: str = "") -> None:
            sent.append(show)
            announce(show, status)

        session.announce = counted  # type: ignore[method-assign]  # looked over its shoulder
        for expected in ([], ["dnd"]):
            arrivals = line.connections
            line.cut()

            async def cut() -> bool:
                return session.state.state != "online"

            await kit.until(cut)
            if expected:
                await kit.call("presence.set", profile="alice", show="dnd")
            await kit.call("profiles.connect", profile="alice", wait=20)
            assert session.resumed
            assert line.connections > arrivals
            reply = await kit.call("chat.send", profile="alice", to=bob.jid, body="x", wait="server")
            assert reply["state"] != "pending"
            assert sent == expected
        assert [one["address"] for one in await shown(kit, "alice")] == [bob.jid]

        async def dnd() -> bool:
            return [one["show"] for one in await shown(kit, "bob")] == ["dnd"]

        await kit.until(dnd)
