# SPDX-License-Identifier: AGPL-3.0-or-later
"""Chat between two profiles of one daemon over a real server."""

from __future__ import annotations

from pathlib import Path

from devkit.servers import XmppServer
from tests.engine_kit import running_engine


async def test_message_arrives_is_confirmed_and_marked_read(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("roster.add", profile="bob", address=alice.jid, subscribe=False)
        sent = await kit.call("chat.send", profile="alice", to=bob.jid, body="Hello Bob", wait="delivered")
        assert sent["state"] in ("delivered", "read")
        got = await kit.until(lambda: kit.messages("bob", alice.jid))
        assert [m["body"] for m in got] == ["Hello Bob"]
        assert got[0]["origin"] == sent["origin"]
        await kit.call("history.mark_read", profile="bob", conversation=alice.jid)

        async def read() -> bool:
            return (await kit.messages("alice", bob.jid))[0].get("state") == "read"

        await kit.until(read)
        page = await kit.call("history.conversations", profile="bob")
        assert page["items"][0].get("unread", 0) == 0


async def test_same_op_sends_once(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        first = await kit.call("chat.send", profile="alice", to=bob.jid, body="once", op="op-1")
        again = await kit.call("chat.send", profile="alice", to=bob.jid, body="once", op="op-1")
        assert again["id"] == first["id"]
        await kit.call("chat.send", profile="alice", to=bob.jid, body="end", wait="server")

        async def both() -> bool:
            return len(await kit.messages("bob", alice.jid)) >= 2

        await kit.until(both)
        assert [m["body"] for m in await kit.messages("bob", alice.jid)] == ["once", "end"]
