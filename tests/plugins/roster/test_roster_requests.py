# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests, what became of ours, approval in advance: on real servers, and forged."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devkit.ca import TestAuthority
from devkit.servers import XmppServer
from salut.model.errors import SalutError
from salut.plugins.roster import ledger, service
from salut.plugins.roster.api import Contact
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.roster.test_roster_server import befriend, contact
from tests.plugins.roster.test_roster_transcripts import OWN, answered, contacts, fake, online, told


async def shown(kit: EngineKit, profile: str, kind: str) -> dict[str, dict[str, Any]]:
    """What a window that attaches now is given of a kind."""
    pid = kit.engine.journal.journals.pids[profile]
    items = await kit.engine.readers.read(lambda read: kit.engine.snapshot(read, profile, pid, 50))
    return {item.key: msgspec.to_builtins(item.value) for item in items if item.name == kind}


async def test_requests_come_with_the_attach_and_are_answered(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("roster.add", profile="alice", address=bob.jid)

        async def asked() -> Any:
            return await shown(kit, "bob", "request")

        before = time.time()
        found = await kit.until(asked)
        assert abs(found[alice.jid]["at"] / 1e6 - before) < 60
        page = await kit.call("roster.requests", profile="bob")
        assert [item["address"] for item in page["items"]] == [alice.jid]
        await kit.call("roster.accept", profile="bob", address=alice.jid)
        assert await shown(kit, "bob", "request") == {}

        async def accepted() -> bool:
            news = await shown(kit, "alice", "subscription")
            return (
                bob.jid in news and news[bob.jid]["what"] == "accepted" and bob.jid in news[bob.jid]["text"]
            )

        await kit.until(accepted)
        await kit.call("roster.dismiss", profile="alice", address=bob.jid)
        assert await shown(kit, "alice", "subscription") == {}
        await kit.call("roster.refuse", profile="bob", address=alice.jid)

        async def refused() -> bool:
            news = await shown(kit, "alice", "subscription")
            return news.get(bob.jid, {}).get("what") == "refused"

        await kit.until(refused)


async def test_who_leaves_is_named(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await befriend(kit, "alice", "bob", alice.jid, bob.jid)
        await kit.call("roster.remove", profile="alice", address=bob.jid)

        async def left() -> bool:
            news = await shown(kit, "bob", "subscription")
            return news.get(alice.jid, {}).get("what") in ("left", "refused")

        await kit.until(left)
        assert await contact(kit, "bob", alice.jid) == Contact(address=alice.jid)


async def test_approval_in_advance(prosody: XmppServer, tmp_path: Path) -> None:
    alice, bob = prosody.account("alice"), prosody.account("bob")
    async with running_engine(tmp_path, prosody, {"alice": alice, "bob": bob}) as kit:
        before = time.monotonic()
        approved = await kit.call("roster.approve", profile="bob", address=alice.jid)
        assert approved.get("subscription", "none") == "none"
        assert time.monotonic() - before < 4  # the server's push was seen
        await kit.call("roster.add", profile="alice", address=bob.jid)

        async def sees() -> bool:
            one, other = await contact(kit, "alice", bob.jid), await contact(kit, "bob", alice.jid)
            return bool(one and other and (one.subscription, other.subscription) == ("to", "from"))

        await kit.until(sees)
        assert await shown(kit, "bob", "request") == {}


async def test_server_without_approval_in_advance(ejabberd: XmppServer, tmp_path: Path) -> None:
    alice, bob = ejabberd.account("alice"), ejabberd.account("bob")
    async with running_engine(tmp_path, ejabberd, {"alice": alice, "bob": bob}) as kit:
        with pytest.raises(SalutError) as caught:
            await kit.call("roster.approve", profile="bob", address=alice.jid)
        assert caught.value.code == "unavailable"
        await kit.call("roster.add", profile="alice", address=bob.jid)

        async def asks() -> bool:
            found = await contact(kit, "bob", alice.jid)
            return found is not None and found.asks

        await kit.until(asks)
        assert (await kit.call("roster.approve", profile="bob", address=alice.jid))["subscription"] == "from"


@pytest.mark.parametrize("word", ["subscribed", "unsubscribed", "unsubscribe"])
async def test_forged_answers_to_requests_nobody_made(
    authority: TestAuthority, tmp_path: Path, word: str
) -> None:
    async with fake(authority) as server, online(tmp_path, server) as kit:
        server.push("p", "<item jid='bob@example.org' subscription='none'/>")
        server.push("q", "<item jid='carol@example.org' ask='subscribe'/>")
        server.push("r", "<item jid='dora@example.org' subscription='both'/>")
        await answered(kit, server, "r")
        if word == "unsubscribed":  # one who asks us is no contact yet
            server.send("<presence type='subscribe' from='mallory@evil.example'/>")
        senders = ["mallory@evil.example", OWN, "@", "bob@example.org"]
        for sender in senders if word == "subscribed" else senders[:3]:
            server.send(f"<presence type='{word}' from='{sender}'/>")
        server.send("<presence type='subscribed' from='carol@example.org/x'/>")

        async def news() -> Any:
            return await shown(kit, "me", "subscription")

        assert (await kit.until(news)).keys() == {"carol@example.org"}
        assert [each for each in await contacts(kit) if each.in_roster] == [
            Contact(address="bob@example.org"),
            Contact(address="carol@example.org", pending=True),  # the server alone says what is in force
            Contact(address="dora@example.org", subscription="both"),
        ]


async def test_floods_about_subscriptions_are_bounded(
    authority: TestAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_WRITING", 50)
    monkeypatch.setattr(ledger, "MOST_STRANGERS", 40)
    async with fake(authority) as server, online(tmp_path, server) as kit:
        flood = "".join(f"<presence type='subscribe' from='s{n}@x.example'/>" for n in range(2000))
        server.send(flood)

        async def late() -> bool:
            server.send("<presence type='subscribe' from='late@y.example'/>")
            page = await kit.call("roster.requests", profile="me", limit=1000)
            return "late@y.example" in [item["address"] for item in page["items"]]

        await kit.until(late)
        found = await contacts(kit)
        assert len(found) <= 40
        assert await told(kit) < 2000  # not even one change for each: most were not looked at
        assert len(await shown(kit, "me", "request")) == len(found)


async def test_oversized_roster_items_are_cut(authority: TestAuthority, tmp_path: Path) -> None:
    groups = "".join(f"<group>{'g' * 2000}{n}</group><group/>" for n in range(3)) + "".join(
        f"<group>{n:03}</group>" for n in range(300)
    )
    async with fake(authority) as server, online(tmp_path, server) as kit:
        server.push("p", f"<item jid='bob@example.org' name='{'n' * 5000}'>{groups}</item>", ver="v" * 2000)
        assert (await answered(kit, server, "p")).get("type") == "result"
        (bob,) = await kit.until(lambda: contacts(kit))
        assert (len(bob.name), len(bob.groups)) == (1000, 100)
        assert max(map(len, bob.groups)) <= 1000
        server.push("q", f"<item jid='{'x' * 1024}@example.org'/>")
        assert (await answered(kit, server, "q")).get("type") == "error"


LARGE = 5000


def item(n: int, name: str) -> str:
    """A contact of a large roster."""
    return (
        f"<item jid='contact{n}@example.org' name='{name} {n}' subscription='both'>"
        f"<group>Group {n % 20}</group><group>All</group></item>"
    )


async def named(kit: EngineKit, name: str) -> int:
    """How many contacts begin with this name, as a window reads them, page by page."""
    found, after = 0, None
    while True:
        page = await kit.call("roster.list", profile="me", limit=1000, after=after)
        found += sum(each["name"].startswith(name) for each in page["items"])
        after = page.get("after")
        if after is None:
            return found


async def test_a_roster_of_5000_and_a_storm_of_pushes_leave_the_attach_small(
    authority: TestAuthority, tmp_path: Path
) -> None:
    async with fake(authority) as server:
        items = "".join(item(n, "Contact") for n in range(LARGE))
        server.roster = f"<query xmlns='jabber:iq:roster' ver='v1'>{items}</query>"
        async with online(tmp_path, server) as kit:

            async def loaded() -> bool:
                return await named(kit, "Contact") == LARGE

            await kit.until(loaded)
            for n in range(LARGE):
                server.push(f"p{n}", item(n, "Renamed"))

            async def renamed() -> bool:
                return await named(kit, "Renamed") == LARGE

            await kit.until(renamed)
            pid = kit.engine.journal.journals.pids["me"]
            items_shown = await kit.engine.readers.read(lambda read: kit.engine.snapshot(read, "me", pid, 50))
            assert len(msgspec.json.encode(items_shown)) < 4096
            groups = await kit.call("roster.groups", profile="me")
            assert groups["items"][0] == {"name": "All", "path": ["All"], "contacts": LARGE}
