# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a stranger can get through real servers: pushes to a device's address, and answers to requests nobody made."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.servers import XmppServer
from salut.xmpp.errors import StanzaError
from tests.engine_kit import EngineKit, running_engine

ITEM = "<item jid='mum@evil.example' name='Mum' subscription='both'/>"
PUSHES = {
    "roster": f"<query xmlns='jabber:iq:roster'>{ITEM}</query>",
    "block": "<block xmlns='urn:xmpp:blocking'><item jid='friend@example.org'/></block>",
    "unblock": "<unblock xmlns='urn:xmpp:blocking'/>",
}


async def stands(kit: EngineKit, friend: str) -> bool:
    """Whether alice's roster and block list are what she made of them."""
    roster = await kit.call("roster.list", profile="alice")
    blocked = await kit.call("blocking.list", profile="alice")
    return [item["address"] for item in roster["items"]] == [friend] and [
        item["address"] for item in blocked["items"]
    ] == ["evil.example"]


@pytest.mark.parametrize("push", PUSHES)
async def test_forged_pushes_over_a_server(server: XmppServer, tmp_path: Path, push: str) -> None:
    alice, mallory = server.account("alice"), server.account("mallory")
    async with running_engine(tmp_path, server, {"alice": alice, "mallory": mallory}) as kit:
        friend = f"friend@{server.domain}"
        await kit.call("roster.add", profile="alice", address=friend, subscribe=False)
        await kit.call("blocking.block", profile="alice", address="evil.example")
        for to in (kit.session("alice").jid, alice.jid):
            with pytest.raises(StanzaError):
                await kit.session("mallory").iq("set", PUSHES[push], to)
        await kit.settled("alice", server.domain)
        assert await stands(kit, friend)


@pytest.mark.parametrize("word", ["subscribed", "unsubscribed", "unsubscribe", "subscribe"])
async def test_forged_subscriptions_over_a_server(server: XmppServer, tmp_path: Path, word: str) -> None:
    """Nobody becomes a contact by saying so; a request stays a request, however often it is made."""
    alice, mallory = server.account("alice"), server.account("mallory")
    async with running_engine(tmp_path, server, {"alice": alice, "mallory": mallory}) as kit:
        friend = f"friend@{server.domain}"
        await kit.call("roster.add", profile="alice", address=friend, subscribe=False)
        await kit.call("blocking.block", profile="alice", address="evil.example")
        for _ in range(3):
            for to in (kit.session("alice").jid, alice.jid):
                kit.session("mallory").send(f"<presence to='{to}' type='{word}'/>")
        await kit.call("chat.send", profile="mallory", to=alice.jid, body="behind it", wait="server")
        await kit.until(lambda: kit.messages("alice", mallory.jid))
        await kit.settled("alice", server.domain)
        if word == "subscribe":

            async def asked() -> bool:
                page = await kit.call("roster.requests", profile="alice")
                return [item["address"] for item in page["items"]] == [mallory.jid]

            await kit.until(asked)
            await kit.call("roster.refuse", profile="alice", address=mallory.jid)
        assert await stands(kit, friend)
