# SPDX-License-Identifier: AGPL-3.0-or-later
"""Personal eventing on real servers: publish, change of access, items in pages, events, retraction."""

from __future__ import annotations

from pathlib import Path
from typing import cast
from xml.etree.ElementTree import Element

import pytest

from devkit.servers import Account, XmppServer
from salut.model.errors import SalutError
from salut.plugins.pep.api import Event, Pep
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.roster.test_roster_server import befriend

NODE = "urn:example:tune"
PROBE = "urn:example:probe"
PRIVATE = "urn:example:private"


def tune(title: str) -> str:
    """A payload."""
    return f"<tune xmlns='urn:example:tune'><title>{title}</title></tune>"


def title(payload: object) -> str:
    """What is in it."""
    return cast("Element", payload).findtext("{urn:example:tune}title") or ""


def port(kit: EngineKit) -> Pep:
    """The port under test."""
    return cast("Pep", kit.engine.plugins.plugins["pep"].port())


class Heard:
    """What the followers of the two nodes were told."""

    def __init__(self, kit: EngineKit) -> None:
        self.events: list[tuple[str, Event]] = []
        self._kit = kit
        port(kit).follow(PROBE, self._note)
        port(kit).follow(NODE, self._note)
        port(kit).follow(PRIVATE, self._note, own=True)

    async def _note(self, profile: str, event: Event) -> None:
        self.events.append((profile, event))

    async def friends(self, alice: Account, bob: Account) -> None:
        """Two that see each other, whose server knows what bob wants to hear from alice.

        ejabberd asks for a contact's capabilities only when their presence comes to a session that sees it.
        """
        kit = self._kit
        await befriend(kit, "alice", "bob", alice.jid, bob.jid)
        await kit.call("profiles.disconnect", profile="bob")
        await kit.call("profiles.connect", profile="bob", wait=20)

        async def known() -> bool:
            await port(kit).publish("alice", PROBE, tune("?"))
            return "?" in self.titles("bob", alice.jid, PROBE)

        await kit.until(known)

    def titles(self, profile: str, sender: str, node: str = NODE) -> list[str]:
        """What ``sender`` published, as ``profile`` heard it."""
        return [
            title(item.payload)
            for to, event in self.events
            if (to, event.sender, event.node) == (profile, sender, node)
            for item in event.items
        ]


async def test_what_is_published_reaches_contacts_and_our_own_devices(
    server: XmppServer, tmp_path: Path
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path) as kit:
        heard = Heard(kit)
        await kit.add("alice", alice, server)
        await kit.add("bob", bob, server)
        assert port(kit).supported("alice")
        await heard.friends(alice, bob)
        assert await port(kit).publish("alice", NODE, tune("Storch &amp; Ente")) == "current"

        async def both() -> bool:
            return all(heard.titles(who, alice.jid)[:1] == ["Storch & Ente"] for who in ("alice", "bob"))

        await kit.until(both)
        (item,) = await port(kit).items("bob", NODE, of=alice.jid)
        assert (item.id, title(item.payload)) == ("current", "Storch & Ente")
        await port(kit).retract("alice", NODE, "current")

        async def gone() -> bool:
            return all(
                any(
                    who == to and event.retracted == ("current",)
                    for to, event in heard.events
                    if event.node == NODE
                )
                for who in ("alice", "bob")
            )

        if server.kind != "ejabberd":  # 23.01 tells of retractions only those who subscribed by themselves
            await kit.until(gone)
        assert await port(kit).items("bob", NODE, of=alice.jid) == []
        await port(kit).retract("alice", NODE, "current")
        await port(kit).retract("alice", "urn:example:never", "current")


async def test_a_private_node_is_read_by_its_owner_alone(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path) as kit:
        heard = Heard(kit)
        await kit.add("alice", alice, server)
        await kit.add("bob", bob, server)
        await heard.friends(alice, bob)
        await port(kit).publish("alice", PRIVATE, tune("secret"), access="whitelist")

        async def told() -> bool:
            return "secret" in heard.titles("alice", alice.jid, PRIVATE)

        await kit.until(told)
        with pytest.raises(SalutError) as caught:
            await port(kit).items("bob", PRIVATE, of=alice.jid)
        assert caught.value.code == "refused"
        assert heard.titles("bob", alice.jid, PRIVATE) == []


async def test_a_node_that_others_may_read_is_closed_before_anything_private_is_published(
    server: XmppServer, tmp_path: Path
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path) as kit:
        heard = Heard(kit)
        await kit.add("alice", alice, server)
        await kit.add("bob", bob, server)
        await heard.friends(alice, bob)
        await port(kit).publish("alice", NODE, tune("for all"), access="open")

        async def told() -> bool:
            return "for all" in heard.titles("bob", alice.jid)

        await kit.until(told)
        await port(kit).publish("alice", NODE, tune("for me"), item="2", access="whitelist", most=0)
        with pytest.raises(SalutError) as caught:
            await port(kit).items("bob", NODE, of=alice.jid)
        assert caught.value.code == "refused"
        await kit.call("chat.send", profile="alice", to=bob.jid, body="after it", wait="server")

        async def later() -> bool:
            return [m["body"] for m in await kit.messages("bob", alice.jid)] == ["after it"]

        await kit.until(later)
        assert set(heard.titles("bob", alice.jid)) == {"for all"}
        assert [item.id for item in await port(kit).items("alice", NODE)] == ["current", "2"]


async def test_a_node_that_cannot_be_as_it_is_wanted_gets_nothing(server: XmppServer, tmp_path: Path) -> None:
    alice = server.account("alice")
    async with running_engine(tmp_path, server, {"alice": alice}) as kit:
        with pytest.raises(SalutError) as caught:
            await port(kit).publish("alice", NODE, tune("x"), options={"no_such_option": "1"})
        assert caught.value.code == "refused"
        assert await port(kit).items("alice", NODE) == []


@pytest.mark.parametrize("most", [0, 500])
async def test_many_items_come_whole_and_the_newest_are_last(
    server: XmppServer, tmp_path: Path, most: int
) -> None:
    alice = server.account("alice")
    async with running_engine(tmp_path, server, {"alice": alice}) as kit:
        await port(kit).publish("alice", NODE, tune("0"), item="0", access="whitelist", most=1)
        for number in range(1, 120):
            await port(kit).publish(
                "alice", NODE, tune(str(number)), item=str(number), access="whitelist", most=most
            )
        items = await port(kit).items("alice", NODE)
        assert [item.id for item in items] == [str(number) for number in range(120)]
        assert [item.id for item in await port(kit).items("alice", NODE, ids=["7", "nine"])] == ["7"]
        newest = await port(kit).items("alice", NODE, most=3)
        assert [item.id for item in newest] == ["117", "118", "119"]


async def test_a_payload_that_no_server_takes_is_refused_before_it_is_sent(
    server: XmppServer, tmp_path: Path
) -> None:
    alice = server.account("alice")
    async with running_engine(tmp_path, server, {"alice": alice}) as kit:
        with pytest.raises(SalutError) as caught:
            await port(kit).publish("alice", NODE, tune("é" * 200_000))
        assert caught.value.code == "too-large"
        assert await port(kit).items("alice", NODE) == []
