# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names in a running engine: what the plugins that are there know, and only for who may know it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from devkit.servers import XmppServer
from salut.engine.dispatcher import Caller
from salut.model.errors import SalutError
from tests.engine_kit import running_engine


async def test_names_of_contacts_and_conversations(prosody: XmppServer, tmp_path: Path) -> None:
    alice, bob = prosody.account("alice"), prosody.account("bob")
    async with running_engine(tmp_path, prosody, {"alice": alice, "bob": bob}) as kit:
        await kit.call("roster.add", profile="alice", address=bob.jid, name="Robert", subscribe=False)
        named = await kit.call("names.resolve", profile=None, text="rob")
        assert named == {"profile": "alice", "address": bob.jid, "kind": "contact", "title": "Robert"}
        await kit.call("chat.send", profile="bob", to=alice.jid, body="hi", wait="server")
        named = await kit.call("names.resolve", profile="bob", text=alice.jid[:4])
        assert (named["profile"], named["address"]) == ("bob", alice.jid)
        assert await kit.call("names.complete", text="Rob", limit=5) == ["Robert"]

        stranger = Caller("w", "w", profiles=frozenset({"bob"}))
        for params in ({"text": "rob"}, {"text": "rob", "profile": "alice"}):
            with pytest.raises(SalutError) as caught:
                await kit.engine.dispatcher.call(stranger, "names.resolve", msgspec.json.encode(params))
            assert caught.value.code == "not-found"
            assert bob.jid not in caught.value.message


async def test_names_without_the_other_plugins(tmp_path: Path) -> None:
    async with running_engine(tmp_path, without=["roster", "rooms"]) as kit:
        settings = {"enabled": False}
        await kit.call(
            "profiles.create",
            name="one",
            address="a@example.org",
            password="x",
            settings=settings,
        )
        named = await kit.call("names.resolve", text="b@example.org")
        assert named == {"profile": "one", "address": "b@example.org", "kind": "address", "title": ""}
        assert await kit.call("names.complete", text="b") == []
