# SPDX-License-Identifier: AGPL-3.0-or-later
"""Presence on real servers: announced on a fresh session, kept, seen by contacts."""

from __future__ import annotations

from pathlib import Path

from devkit.servers import XmppServer
from tests.engine_kit import running_engine


async def test_own_status_is_kept_over_restarts(server: XmppServer, tmp_path: Path) -> None:
    alice = server.account("alice")
    async with running_engine(tmp_path, server, {"alice": alice}) as kit:
        assert await kit.call("presence.status", profile="alice") == {}
        await kit.call("presence.set", profile="alice", show="dnd", status="writing")
    async with running_engine(tmp_path) as kit:
        assert await kit.call("presence.status", profile="alice") == {"show": "dnd", "status": "writing"}
