# SPDX-License-Identifier: AGPL-3.0-or-later
"""The roster on real servers: subscriptions both ways, groups, removal, what is kept while we are away."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from salut.plugins.roster.api import Contact
from tests.engine_kit import EngineKit, running_engine


async def contact(kit: EngineKit, profile: str, address: str) -> Contact | None:
    """A contact as a window reads it."""
    page = await kit.call("roster.list", profile=profile)
    return next((found(item) for item in page["items"] if item["address"] == address), None)


def found(value: object) -> Contact:
    """What a window makes of a contact."""
    return msgspec.convert(value, Contact)


async def befriend(kit: EngineKit, asker: str, other: str, asker_jid: str, other_jid: str) -> None:
    """Two profiles that see each other."""
    await kit.call("roster.add", profile=asker, address=other_jid)

    async def asks() -> bool:
        shown = await contact(kit, other, asker_jid)
        return shown is not None and shown.asks

    await kit.until(asks)
    await kit.call("roster.accept", profile=other, address=asker_jid)

    async def asked_back() -> bool:
        shown = await contact(kit, asker, other_jid)
        return shown is not None and shown.asks

    await kit.until(asked_back)
    await kit.call("roster.accept", profile=asker, address=other_jid)

    async def both() -> bool:
        shown = [await contact(kit, asker, other_jid), await contact(kit, other, asker_jid)]
        return [one and one.subscription for one in shown] == ["both", "both"]

    await kit.until(both)


async def test_subscription_both_ways(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        added = await kit.call("roster.add", profile="alice", address=bob.jid, name="Bob", groups=["b", "a"])
        assert found(added) == Contact(address=bob.jid, name="Bob", groups=["a", "b"], pending=True)
        asked = await kit.until(lambda: contact(kit, "bob", alice.jid))
        assert asked == Contact(address=alice.jid, asks=True, in_roster=False)
        accepted = found(await kit.call("roster.accept", profile="bob", address=alice.jid))
        assert accepted == Contact(address=alice.jid, subscription="from", pending=True)

        async def asked_back() -> bool:
            return await contact(kit, "alice", bob.jid) == Contact(
                address=bob.jid, name="Bob", groups=["a", "b"], subscription="to", asks=True
            )

        await kit.until(asked_back)
        accepted = found(await kit.call("roster.accept", profile="alice", address=bob.jid))
        assert accepted == Contact(address=bob.jid, name="Bob", groups=["a", "b"], subscription="both")

        async def both() -> bool:
            return await contact(kit, "bob", alice.jid) == Contact(address=alice.jid, subscription="both")

        await kit.until(both)


async def test_deny_and_withdraw(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("roster.add", profile="alice", address=bob.jid)
        await kit.until(lambda: contact(kit, "bob", alice.jid))
        await kit.call("roster.refuse", profile="bob", address=alice.jid)
        assert await contact(kit, "bob", alice.jid) is None

        async def refused() -> bool:
            return await contact(kit, "alice", bob.jid) == Contact(address=bob.jid)

        await kit.until(refused)
        with pytest.raises(SalutError) as caught:
            await kit.call("roster.accept", profile="bob", address=alice.jid)
        assert caught.value.code == "not-found"

        await befriend(kit, "alice", "bob", alice.jid, bob.jid)
        await kit.call("roster.refuse", profile="bob", address=alice.jid)
        assert await contact(kit, "bob", alice.jid) == Contact(address=alice.jid, subscription="to")

        async def hidden() -> bool:
            return await contact(kit, "alice", bob.jid) == Contact(address=bob.jid, subscription="from")

        await kit.until(hidden)


async def test_groups_names_and_removal(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await befriend(kit, "alice", "bob", alice.jid, bob.jid)
        await kit.call("chat.send", profile="alice", to=bob.jid, body="before the name", wait="server")
        changed = await kit.call(
            "roster.change", profile="alice", address=bob.jid, name="Bób <&>", groups=["work", "work", "é"]
        )
        assert (changed["name"], changed["groups"]) == ("Bób <&>", ["work", "é"])
        kept = await kit.call("roster.change", profile="alice", address=bob.jid, groups=["work"])
        assert (kept["name"], kept["groups"], kept["subscription"]) == ("Bób <&>", ["work"], "both")
        page = await kit.call("history.conversations", profile="alice")
        assert page["items"][0]["title"] == "Bób <&>"
        listed = await kit.call("roster.list", profile="alice", group="work")
        assert [item["address"] for item in listed["items"]] == [bob.jid]
        assert (await kit.call("roster.list", profile="alice", group="wor"))["items"] == []

        await kit.call("roster.remove", profile="alice", address=bob.jid)
        assert await contact(kit, "alice", bob.jid) is None

        async def ended() -> bool:
            return await contact(kit, "bob", alice.jid) == Contact(address=alice.jid)

        await kit.until(ended)
        assert len(await kit.messages("alice", bob.jid)) == 1
        assert (await kit.call("history.conversations", profile="alice"))["items"][0].get("title", "") == ""


async def test_what_happens_while_away_is_there_once(server: XmppServer, tmp_path: Path) -> None:
    """A request made meanwhile, and one that the server repeats at each login, is one change."""
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("roster.add", profile="bob", address="someone@example.invalid", name="Someone")
        await kit.call("profiles.disconnect", profile="bob")
        await kit.call("roster.add", profile="alice", address=bob.jid)
        for _ in range(2):
            await kit.call("profiles.connect", profile="bob", wait=20)
            await kit.settled("bob", bob.jid.partition("@")[2])
            await kit.until(lambda: contact(kit, "bob", alice.jid))
            await kit.call("profiles.disconnect", profile="bob")
        pid = kit.engine.journal.journals.pids["bob"]
        changes = await kit.engine.readers.read(
            lambda read: read.all("SELECT payload FROM journal WHERE pid=?", (pid,))
        )
        told = [row[0] for row in changes if isinstance(row[0], bytes) and b'"contact"' in row[0]]
        assert len([one for one in told if alice.jid.encode() in one]) == 1
        someone = await contact(kit, "bob", "someone@example.invalid")
        assert someone is not None
        assert someone.name == "Someone"


async def test_hostile_names_are_refused(server: XmppServer, tmp_path: Path) -> None:
    alice = server.account("alice")
    async with running_engine(tmp_path, server, {"alice": alice}) as kit:
        for params, field in (
            ({"name": "x" * 1001}, "name"),
            ({"groups": ["a\nb"]}, "groups"),
            ({"groups": [" "]}, "groups"),
            ({"groups": ["x" * 1001]}, "groups"),
            ({"groups": [str(n) for n in range(101)]}, "groups"),
        ):
            with pytest.raises(SalutError) as caught:
                await kit.call("roster.add", profile="alice", address="x@example.invalid", **params)
            assert caught.value.data["field"] == field
        with pytest.raises(SalutError) as caught:
            await kit.call("roster.add", profile="alice", address=alice.jid)
        assert caught.value.code == "invalid"
        assert (await kit.call("roster.list", profile="alice"))["items"] == []
