# SPDX-License-Identifier: AGPL-3.0-or-later
"""Complaints and requests that need several devices, or a long history, on both servers."""

from __future__ import annotations

from pathlib import Path

from devkit.servers import XmppServer
from tests.engine_kit import EngineKit, running_engine


async def bodies(kit: EngineKit, profile: str, conversation: str) -> list[str]:
    return [message["body"] for message in await kit.messages(profile, conversation)]


async def test_c01_every_device_has_what_the_server_has(server: XmppServer, tmp_path: Path) -> None:
    """Live on one device, away on another, and never there before on a third."""
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path / "one", server, {"alice": alice, "bob": bob}) as one:
        async with running_engine(tmp_path / "two", server, {"alice": alice}) as two:
            await one.call("chat.send", profile="bob", to=alice.jid, body="both are there", wait="server")
            await one.call("chat.send", profile="alice", to=bob.jid, body="so am I", wait="server")

            async def two_has(expected: list[str]) -> bool:
                return await bodies(two, "alice", bob.jid) == expected

            await two.until(lambda: two_has(["both are there", "so am I"]))
        await one.call("chat.send", profile="bob", to=alice.jid, body="one is away", wait="server")

        async def one_has() -> bool:
            return (await bodies(one, "alice", bob.jid))[-1] == "one is away"

        await one.until(one_has)
        await one.call("chat.send", profile="alice", to=bob.jid, body="the other answers", wait="server")
        expected = ["both are there", "so am I", "one is away", "the other answers"]
        for name, new in (("two", {}), ("three", {"alice": alice})):
            async with running_engine(tmp_path / name, server, new) as kit:

                async def has(kit: EngineKit = kit) -> bool:
                    return await bodies(kit, "alice", bob.jid) == expected

                await kit.until(has)
        assert await bodies(one, "alice", bob.jid) == expected


async def test_r1_search_over_all_chats_and_jump_into_context(server: XmppServer, tmp_path: Path) -> None:
    alice, bob, carol = (server.account(name) for name in ("alice", "bob", "carol"))
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob, "carol": carol}) as kit:
        for to in (bob.jid, carol.jid):
            for n in range(5):
                await kit.call("chat.send", profile="alice", to=to, body=f"before {n}")
            await kit.call("chat.send", profile="alice", to=to, body=f"Kuchen für {to}")
            for n in range(5):
                await kit.call("chat.send", profile="alice", to=to, body=f"after {n}")
        found = (await kit.call("history.search", query="kuchen", profile="alice"))["items"]
        assert {hit["message"]["conversation"] for hit in found} == {bob.jid, carol.jid}
        for hit in found:
            message = hit["message"]
            page = await kit.call(
                "history.page",
                profile="alice",
                conversation=message["conversation"],
                since=message["at"],
                limit=3,
            )
            assert [item["body"] for item in page["items"]] == [message["body"], "after 0", "after 1"]
            back = await kit.call(
                "history.page",
                profile="alice",
                conversation=message["conversation"],
                before=page["before"],
                limit=2,
            )
            assert [item["body"] for item in back["items"]] == ["before 3", "before 4"]
