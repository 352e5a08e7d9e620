# SPDX-License-Identifier: AGPL-3.0-or-later
"""Blocking on real servers: addresses and domains, the list, pushes from other devices, what is sent anyway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.rooms.test_rooms_server import fresh_room, join, said


async def listed(kit: EngineKit, profile: str) -> dict[str, dict[str, Any]]:
    """The block list as a window reads it."""
    page = await kit.call("blocking.list", profile=profile)
    return {item["address"]: item for item in page["items"]}


async def bodies(kit: EngineKit, profile: str, other: str) -> list[str]:
    """What was said with ``other``."""
    return [message["body"] for message in await kit.messages(profile, other)]


async def test_r19_a_blocked_address_is_not_heard(server: XmppServer, tmp_path: Path) -> None:
    alice, bob, carol = server.account("alice"), server.account("bob"), server.account("carol")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob, "carol": carol}) as kit:
        assert (await kit.call("blocking.support", profile="bob"))["server"] is True
        blocked = await kit.call("blocking.block", profile="bob", address=alice.jid)
        assert blocked["address"] == alice.jid
        assert not blocked.get("local", False)
        with pytest.raises(SalutError) as caught:
            await kit.call("chat.send", profile="bob", to=alice.jid, body="to one I blocked")
        assert (caught.value.code, "jp unblock" in caught.value.message) == ("refused", True)

        with pytest.raises(SalutError) as caught:  # the server says so to her
            await kit.call("chat.send", profile="alice", to=bob.jid, body="?", wait="delivered", timeout=10)
        assert caught.value.code == "refused"
        await kit.call("chat.send", profile="carol", to=bob.jid, body="from another", wait="server")

        async def heard() -> bool:
            return await bodies(kit, "bob", carol.jid) == ["from another"]

        await kit.until(heard)
        assert await bodies(kit, "bob", alice.jid) == []

        await kit.call("blocking.unblock", profile="bob", address=alice.jid)
        assert await listed(kit, "bob") == {}
        await kit.call("chat.send", profile="alice", to=bob.jid, body="again", wait="server")

        async def again() -> bool:
            return await bodies(kit, "bob", alice.jid) == ["again"]

        await kit.until(again)
        with pytest.raises(SalutError) as caught:
            await kit.call("blocking.unblock", profile="bob", address=alice.jid)
        assert caught.value.code == "not-found"


async def test_the_list_is_the_servers(server: XmppServer, tmp_path: Path) -> None:
    """Blocked on one device, blocked on the other: at once by a push, and at its next login."""
    alice = server.account("alice")
    async with (
        running_engine(tmp_path / "desk", server, {"alice": alice}) as desk,
        running_engine(tmp_path / "phone", server, {"alice": alice}) as phone,
    ):
        await desk.call("blocking.block", profile="alice", address="Spam@Evil.example")
        await desk.call("blocking.block", profile="alice", address="evil.example")
        names = {"spam@evil.example", "evil.example"}

        async def pushed() -> bool:
            return (await listed(phone, "alice")).keys() == names

        await phone.until(pushed)
        await phone.call("blocking.unblock", profile="alice", address="spam@evil.example")

        async def withdrawn() -> bool:
            return (await listed(desk, "alice")).keys() == {"evil.example"}

        await desk.until(withdrawn)
        await phone.call("profiles.disconnect", profile="alice")
        await desk.call("blocking.unblock", profile="alice", address="evil.example")
        await desk.call("blocking.block", profile="alice", address="other@evil.example")
        await phone.call("profiles.connect", profile="alice", wait=20)

        async def fetched() -> bool:
            return (await listed(phone, "alice")).keys() == {"other@evil.example"}

        await phone.until(fetched)


async def test_what_is_blocked_without_a_link_is_told_with_the_next(
    server: XmppServer, tmp_path: Path
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("profiles.disconnect", profile="bob")
        blocked = await kit.call("blocking.block", profile="bob", address=alice.jid, report="spam")
        assert (blocked["local"], blocked.get("report", "")) == (True, "")
        await kit.call(
            "chat.send", profile="alice", to=bob.jid, body="before the server knows", wait="server"
        )
        await kit.call("profiles.connect", profile="bob", wait=20)

        async def told() -> bool:
            return not (await listed(kit, "bob"))[alice.jid].get("local", False)

        await kit.until(told)
        await kit.settled("bob", bob.jid.partition("@")[2])  # what the server kept for him has come
        assert await bodies(kit, "bob", alice.jid) == []


async def test_oneself_and_ones_server_cannot_be_blocked(server: XmppServer, tmp_path: Path) -> None:
    alice = server.account("alice")
    async with running_engine(tmp_path, server, {"alice": alice}) as kit:
        for address in (alice.jid, f"{alice.jid}/phone", alice.jid.partition("@")[2], "@"):
            with pytest.raises(SalutError) as caught:
                await kit.call("blocking.block", profile="alice", address=address)
            assert (caught.value.code, caught.value.data["field"]) == ("invalid", "address")
        for params, field in (
            ({"reason": "because"}, "report"),
            ({"report": "spam", "reason": "x" * 1001}, "reason"),
            ({"report": "spam", "messages": [1] * 21}, "messages"),
        ):
            with pytest.raises(SalutError) as caught:
                await kit.call("blocking.block", profile="alice", address="x@y.example", **params)
            assert caught.value.data["field"] == field
        assert await listed(kit, "alice") == {}


async def test_a_blocked_occupant_is_not_heard_in_the_room(server: XmppServer, tmp_path: Path) -> None:
    accounts = {name: server.account(name) for name in ("alice", "bob", "carol")}
    async with running_engine(tmp_path, server, accounts) as kit:
        room = fresh_room(server)
        for profile in accounts:
            await join(kit, profile, room)
        first = await kit.call("chat.send", profile="alice", to=room, body="hello", wait="server")
        await said(kit, "bob", room, ["hello"])
        await kit.call("blocking.block", profile="bob", address=first["sender"])
        await kit.call("chat.send", profile="alice", to=room, body="hello again", wait="server")
        await said(kit, "carol", room, ["hello", "hello again"])
        await kit.call("chat.send", profile="carol", to=room, body="who is there?", wait="server")
        await said(kit, "bob", room, ["hello", "who is there?"])
