# SPDX-License-Identifier: AGPL-3.0-or-later
"""The strangers' inbox on real servers, and against one that says what it likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from devkit.ca import TestAuthority
from devkit.servers import XmppServer
from salut.model.errors import SalutError
from salut.plugins.strangers import store
from salut.plugins.strangers.api import Strangers
from salut.plugins.strangers.memory import MOST_COUNTED
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.roster.test_roster_server import befriend
from tests.plugins.roster.test_roster_transcripts import RosterServer, answered, fake, online


def is_stranger(kit: EngineKit, profile: str, address: str) -> bool:
    """What the port says."""
    return cast("Strangers", kit.engine.plugins.plugins["strangers"].port()).is_stranger(profile, address)


async def waiting(kit: EngineKit, profile: str, **params: Any) -> dict[str, dict[str, Any]]:
    """The inbox as a window reads it."""
    page = await kit.call("strangers.list", profile=profile, **params)
    return {item["address"]: item for item in page["items"]}


async def state(kit: EngineKit, profile: str, message: dict[str, Any]) -> str:
    """The state of an own message."""
    return str((await kit.call("history.get", profile=profile, message=message["id"]))["state"])


async def holds(kit: EngineKit, profile: str, other: str, body: str) -> None:
    """Wait until a text is there."""

    async def there() -> bool:
        return body in [message["body"] for message in await kit.messages(profile, other)]

    await kit.until(there)


async def test_r19_a_stranger_waits_and_learns_nothing_until_accepted(
    server: XmppServer, tmp_path: Path
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}, acquainted=False) as kit:
        first = await kit.call(
            "chat.send", profile="alice", to=bob.jid, body="\n hi, it is me", wait="server"
        )
        await holds(kit, "bob", alice.jid, "\n hi, it is me")
        entry = (await waiting(kit, "bob"))[alice.jid]
        assert (entry["preview"], entry.get("count", 1)) == ("hi, it is me", 1)
        assert is_stranger(kit, "bob", alice.jid)
        assert not is_stranger(kit, "alice", bob.jid)  # she wrote to him
        await kit.call("history.mark_read", profile="bob", conversation=alice.jid)
        await kit.call("chat.typing", profile="bob", conversation=alice.jid, state="composing")
        second = await kit.call("chat.send", profile="alice", to=bob.jid, body="there?", wait="server")
        await holds(kit, "bob", alice.jid, "there?")

        async def two() -> bool:
            return (await waiting(kit, "bob"))[alice.jid].get("count") == 2

        await kit.until(two)
        await kit.call("strangers.accept", profile="bob", address=alice.jid)
        assert await waiting(kit, "bob") == {}
        assert not is_stranger(kit, "bob", alice.jid)
        third = await kit.call("chat.send", profile="alice", to=bob.jid, body="now?", wait="delivered")
        assert third["state"] == "delivered"
        assert [await state(kit, "alice", each) for each in (first, second)] == ["sent", "sent"]
        assert not [mark for mark in kit.engine.journal.passing_now() if mark[:2] == ("alice", "typing")]
        with pytest.raises(SalutError) as caught:
            await kit.call("strangers.accept", profile="bob", address=alice.jid)
        assert caught.value.code == "not-found"


async def test_contacts_and_those_one_wrote_to_are_no_strangers(server: XmppServer, tmp_path: Path) -> None:
    accounts = {name: server.account(name) for name in ("alice", "bob", "carol", "dora")}
    async with running_engine(tmp_path, server, accounts, acquainted=False) as kit:
        jids = {name: account.jid for name, account in accounts.items()}
        await befriend(kit, "alice", "bob", jids["alice"], jids["bob"])
        await kit.call("chat.send", profile="alice", to=jids["bob"], body="a friend", wait="delivered")
        await kit.call("chat.send", profile="bob", to=jids["carol"], body="may I?", wait="server")
        await kit.call("chat.send", profile="carol", to=jids["bob"], body="you may", wait="delivered")
        await kit.call("chat.send", profile="dora", to=jids["bob"], body="and I?", wait="server")
        await holds(kit, "bob", jids["dora"], "and I?")
        assert (await waiting(kit, "bob")).keys() == {jids["dora"]}
        await kit.call("roster.add", profile="bob", address=jids["dora"], subscribe=False)

        async def settled() -> bool:
            return await waiting(kit, "bob") == {} and not is_stranger(kit, "bob", jids["dora"])

        await kit.until(settled)


async def test_refused_strangers_are_not_heard_any_more(server: XmppServer, tmp_path: Path) -> None:
    accounts = {name: server.account(name) for name in ("alice", "bob", "carol", "dora")}
    alice, bob, carol, dora = accounts.values()
    async with running_engine(tmp_path, server, accounts, acquainted=False) as kit:
        for sender in ("alice", "carol"):
            await kit.call("chat.send", profile=sender, to=bob.jid, body="buy!", wait="server")
        await holds(kit, "bob", alice.jid, "buy!")
        await holds(kit, "bob", carol.jid, "buy!")
        await kit.call("strangers.refuse", profile="bob", address=alice.jid, block=True, forget=True)
        await kit.call("strangers.refuse", profile="bob", address=carol.jid)
        assert await waiting(kit, "bob") == {}
        assert (await waiting(kit, "bob", refused=True)).keys() == {alice.jid, carol.jid}
        page = await kit.call("history.conversations", profile="bob")
        assert [item["address"] for item in page["items"]] == [carol.jid]
        pid = kit.engine.journal.journals.pids["bob"]
        sql = "SELECT count(*) FROM message WHERE pid=?"
        assert await kit.engine.readers.read(lambda read: read.one(sql, (pid,))) == (1,)
        found = await kit.call("history.search", profile="bob", query="buy")
        assert [item["message"]["conversation"] for item in found["items"]] == [carol.jid]
        assert [b["address"] for b in (await kit.call("blocking.list", profile="bob"))["items"]] == [
            alice.jid
        ]
        await kit.call("chat.send", profile="carol", to=bob.jid, body="buy more!", wait="server")
        await kit.call("chat.send", profile="dora", to=bob.jid, body="behind it", wait="server")
        await holds(kit, "bob", dora.jid, "behind it")
        assert [m["body"] for m in await kit.messages("bob", carol.jid)] == ["buy!"]
        await kit.call("strangers.accept", profile="bob", address=carol.jid)
        await kit.call("chat.send", profile="carol", to=bob.jid, body="thank you", wait="delivered")
        await holds(kit, "bob", carol.jid, "thank you")


async def test_what_a_stranger_wrote_while_one_was_away(server: XmppServer, tmp_path: Path) -> None:
    """From the archive, counted once; an answer from another device of ours makes them known."""
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(
        tmp_path / "desk", server, {"alice": alice, "bob": bob}, acquainted=False
    ) as kit:
        await kit.call("profiles.disconnect", profile="bob")
        for n in range(3):
            await kit.call("chat.send", profile="alice", to=bob.jid, body=f"n{n}", wait="server")
        await kit.call("profiles.connect", profile="bob", wait=20)
        await holds(kit, "bob", alice.jid, "n0")

        async def counted() -> bool:
            return (await waiting(kit, "bob")).get(alice.jid, {}).get("count") == 3

        await kit.until(counted)
        await kit.call("profiles.disconnect", profile="bob")
        await kit.call("profiles.connect", profile="bob", wait=20)
        await kit.settled("bob", bob.jid.partition("@")[2])
        assert await counted()
        async with running_engine(tmp_path / "phone", server, {"bob": bob}) as phone:
            await phone.call("chat.send", profile="bob", to=alice.jid, body="from my phone", wait="server")
            await holds(kit, "bob", alice.jid, "from my phone")

        async def gone() -> bool:
            return await waiting(kit, "bob") == {}

        await kit.until(gone)
        assert not is_stranger(kit, "bob", alice.jid)


def message(server: RosterServer, sender: str, number: int | str, body: str = "hi") -> None:
    """A message that asks for a receipt."""
    asks = "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
    server.send(f"<message type='chat' from='{sender}/x' id='{number}'><body>{body}</body>{asks}</message>")


async def test_floods_of_strangers_are_bounded(
    authority: TestAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_WAITING", 20)
    async with fake(authority) as server, online(tmp_path, server) as kit:
        for n in range(30):
            message(server, f"s{n}@x.example", n)
        for n in range(MOST_COUNTED + 50):
            message(server, "loud@x.example", n)

        async def there() -> bool:
            found = await waiting(kit, "me")
            return found.get("loud@x.example", {}).get("count") == MOST_COUNTED

        await kit.until(there)
        assert len(await waiting(kit, "me")) == 20
        message(server, "last@x.example", 1)
        await holds(kit, "me", "last@x.example", "hi")
        assert len(await kit.messages("me", "loud@x.example")) == MOST_COUNTED + 50  # nothing is lost
        assert is_stranger(kit, "me", "s0@x.example")  # out of the list, and yet unknown
        page = await kit.call("strangers.list", profile="me", limit=5)
        rest = await kit.call("strangers.list", profile="me", limit=100, after=page["after"])
        assert len({item["address"] for item in page["items"] + rest["items"]}) == 20
        with pytest.raises(SalutError) as caught:
            await kit.call("strangers.list", profile="me", after="x")
        assert caught.value.code == "invalid"
        assert not [each for each in server.heard if each.tag == "{jabber:client}message"]


async def test_what_strangers_do_to_their_messages_is_not_counted(
    authority: TestAuthority, tmp_path: Path
) -> None:
    async with fake(authority) as server, online(tmp_path, server) as kit:
        message(server, "x@y.example", "m1", "buy!")
        await holds(kit, "me", "x@y.example", "buy!")
        edit = "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>"
        server.send(
            f"<message type='chat' from='x@y.example/x' id='m2'><body>buy now!</body>{edit}</message>"
        )
        await holds(kit, "me", "x@y.example", "buy now!")
        entry = (await waiting(kit, "me"))["x@y.example"]
        assert (entry.get("count", 1), entry["preview"]) == (1, "buy!")
        await kit.call("strangers.refuse", profile="me", address="x@y.example", forget=True)
        assert await kit.messages("me", "x@y.example") == []
        pid = kit.engine.journal.journals.pids["me"]
        left = "SELECT (SELECT count(*) FROM act WHERE pid=?) + (SELECT count(*) FROM message WHERE pid=?)"
        assert await kit.engine.readers.read(lambda read: read.one(left, (pid, pid))) == (0,)
        message(server, "x@y.example", "m3", "buy!!")
        message(server, "z@y.example", "m4", "last")
        await holds(kit, "me", "z@y.example", "last")
        assert await kit.messages("me", "x@y.example") == []


async def test_contacts_only(authority: TestAuthority, tmp_path: Path) -> None:
    async with fake(authority) as server, online(tmp_path, server) as kit:
        await kit.call("settings.set", values={"strangers.may_write": "contacts"})
        server.push("p", "<item jid='bob@example.org' subscription='none'/>")
        await answered(kit, server, "p")

        async def known() -> bool:
            return not is_stranger(kit, "me", "bob@example.org")

        await kit.until(known)
        message(server, "stranger@x.example", 1)
        message(server, "localhost", 2, "Maintenance tonight")  # our own server is none
        message(server, "bob@example.org", 3)
        await holds(kit, "me", "bob@example.org", "hi")
        page = await kit.call("history.conversations", profile="me")
        assert {item["address"] for item in page["items"]} == {"bob@example.org", "localhost"}
        assert await waiting(kit, "me") == {}
        with pytest.raises(SalutError) as caught:
            await kit.call("settings.set", values={"strangers.may_write": "nobody"})
        assert caught.value.code == "invalid"


async def test_restart_remembers_who_is_known(authority: TestAuthority, tmp_path: Path) -> None:
    async with fake(authority) as server, online(tmp_path, server) as kit:
        for n, name in enumerate(("waits", "accepted", "refused", "written")):
            message(server, f"{name}@x.example", n)
            await holds(kit, "me", f"{name}@x.example", "hi")
        await kit.call("strangers.accept", profile="me", address="accepted@x.example")
        await kit.call("strangers.refuse", profile="me", address="refused@x.example")
        await kit.call("chat.send", profile="me", to="written@x.example", body="hello")
    async with running_engine(tmp_path) as kit:
        assert (await waiting(kit, "me")).keys() == {"waits@x.example"}
        found = {
            n: is_stranger(kit, "me", f"{n}@x.example") for n in ("waits", "accepted", "refused", "written")
        }
        assert found == {"waits": True, "accepted": False, "refused": True, "written": False}
        assert not is_stranger(kit, "me", "user@localhost")
        await kit.call("profiles.delete", profile="me")
        with pytest.raises(SalutError):
            await kit.call("strangers.list", profile="me")


async def test_conversations_of_before_count(authority: TestAuthority, tmp_path: Path) -> None:
    """When the plugin is new, whom the person has written to is known."""
    async with fake(authority) as server:
        async with running_engine(tmp_path, without=["strangers"]) as kit:
            place = {"host": "127.0.0.1", "port": 1, "direct_tls": True, "ca_file": str(server.ca_file)}
            await kit.call(
                "profiles.create", name="me", address="user@localhost", password="secret", settings=place
            )
            await kit.call("chat.send", profile="me", to="old@x.example", body="long ago")
        async with running_engine(tmp_path) as kit:
            assert not is_stranger(kit, "me", "old@x.example")
            assert is_stranger(kit, "me", "new@x.example")
