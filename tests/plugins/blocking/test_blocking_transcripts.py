# SPDX-License-Identifier: AGPL-3.0-or-later
"""What servers say about blocking, honest or not (XEP-0191), and what they are told (XEP-0377), as in the examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from devkit.ca import TestAuthority
from devkit.fakesession import DEFAULT_FEATURES
from salut.model.errors import SalutError
from salut.plugins.blocking import store
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.roster.test_roster_transcripts import OWN, RosterServer, answered, contacts, fake, online

BLOCKING = "urn:xmpp:blocking"
LIST = f"{{{BLOCKING}}}blocklist"
ROMEO = "romeo@montague.net"
IAGO = "iago@shakespeare.lit"
BOTH = f"<blocklist xmlns='{BLOCKING}'><item jid='{ROMEO}'/><item jid='{IAGO}'/></blocklist>"


def supporting(server: RosterServer, listed: str = BOTH, *more: str) -> None:
    """The server keeps a list."""
    server.features = (*DEFAULT_FEATURES, BLOCKING, *more)
    server.payloads[LIST] = listed


async def blocked(kit: EngineKit) -> list[str]:
    """The list as a window reads it."""
    return [item["address"] for item in (await kit.call("blocking.list", profile="me"))["items"]]


async def becomes(kit: EngineKit, expected: list[str]) -> None:
    """Wait until the list is this."""

    async def there() -> bool:
        return await blocked(kit) == expected

    await kit.until(there)


def push(server: RosterServer, number: str, inner: str, sender: str = "") -> None:
    """A push."""
    by = f" from='{sender}'" if sender else ""
    server.send(f"<iq type='set' id='{number}'{by}>{inner}</iq>")


async def talk(kit: EngineKit) -> list[str]:
    """The conversations that there are, when a message that is surely taken has come."""

    async def conversations() -> list[str]:
        page = await kit.call("history.conversations", profile="me")
        found = [item["address"] for item in page["items"]]
        return found if "last@example.org" in found else []

    shown: list[str] = await kit.until(conversations)
    return shown


async def test_list_and_pushes_of_the_standard(authority: TestAuthority, tmp_path: Path) -> None:
    async with fake(authority) as server:
        supporting(server)
        async with online(tmp_path, server) as kit:
            await becomes(kit, [IAGO, ROMEO])
            push(server, "push3", f"<unblock xmlns='{BLOCKING}'><item jid='{ROMEO}'/></unblock>")
            assert (await answered(kit, server, "push3")).get("type") == "result"
            await becomes(kit, [IAGO])
            push(server, "push1", f"<block xmlns='{BLOCKING}'><item jid='Tybalt@Capulet.lit'/></block>", OWN)
            assert (await answered(kit, server, "push1")).get("type") == "result"
            await becomes(kit, [IAGO, "tybalt@capulet.lit"])
            push(server, "push5", f"<unblock xmlns='{BLOCKING}'/>")
            await becomes(kit, [])


@pytest.mark.parametrize(
    "sender",
    ["mallory@evil.example", "user@localhost.evil.example", "localhost", "user@localhost/other", "user@evil"],
)
@pytest.mark.parametrize(
    "payload",
    [
        f"<block xmlns='{BLOCKING}'><item jid='friend@example.org'/></block>",
        f"<unblock xmlns='{BLOCKING}'><item jid='{ROMEO}'/></unblock>",
        f"<unblock xmlns='{BLOCKING}'/>",
    ],
)
async def test_forged_blocking_push_is_refused(
    authority: TestAuthority, tmp_path: Path, sender: str, payload: str
) -> None:
    async with fake(authority) as server:
        supporting(server)
        async with online(tmp_path, server) as kit:
            await becomes(kit, [IAGO, ROMEO])
            push(server, "forged", payload, sender)
            answer = await answered(kit, server, "forged")
            assert answer.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable") is not None
            push(server, "true", f"<block xmlns='{BLOCKING}'><item jid='x.example'/></block>")
            await becomes(kit, [IAGO, ROMEO, "x.example"])


@pytest.mark.parametrize(
    "payload",
    [
        f"<block xmlns='{BLOCKING}'/>",
        f"<block xmlns='{BLOCKING}'><item/><item jid='@'/><item jid='{'x' * 3000}'/></block>",
        f"<unblock xmlns='{BLOCKING}'><item jid='@'/></unblock>",
    ],
)
async def test_blocking_push_without_sense(authority: TestAuthority, tmp_path: Path, payload: str) -> None:
    async with fake(authority) as server:
        supporting(server)
        async with online(tmp_path, server) as kit:
            push(server, "bad", payload)
            answer = await answered(kit, server, "bad")
            assert answer.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}bad-request") is not None
            await becomes(kit, [IAGO, ROMEO])


async def test_list_is_bounded(
    authority: TestAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST", 5)
    items = "".join(f"<item jid='s{n}@x.example'/>" for n in range(9))
    async with fake(authority) as server:
        supporting(server, f"<blocklist xmlns='{BLOCKING}'>{items}</blocklist>")
        async with online(tmp_path, server) as kit:
            await becomes(kit, [f"s{n}@x.example" for n in range(5)])
            push(server, "more", f"<block xmlns='{BLOCKING}'>{items}<item jid='z.example'/></block>")
            await answered(kit, server, "more")
            with pytest.raises(SalutError) as caught:
                await kit.call("blocking.block", profile="me", address="y.example")
            assert caught.value.code == "too-large"
            await becomes(kit, [f"s{n}@x.example" for n in range(5)])


CHAT = "<message type='chat' from='{0}/x' to='user@localhost' id='{1}'><body>{2}</body>{3}</message>"
CARBON = (
    "<message from='user@localhost' to='user@localhost/y'><received xmlns='urn:xmpp:carbons:2'>"
    "<forwarded xmlns='urn:xmpp:forward:0'>{0}</forwarded></received></message>"
)
ASKS = "<request xmlns='urn:xmpp:receipts'/>"


def chat(sender: str, number: str, body: str = "buy!") -> str:
    """A message that asks for a receipt."""
    return CHAT.format(sender, number, body, ASKS)


def receipts(server: RosterServer) -> list[str | None]:
    """To whom the client said that something arrived."""
    tag = "{urn:xmpp:receipts}received"
    return [each.get("to") for each in server.heard if each.find(tag) is not None]


async def test_what_the_server_lets_through_is_not_taken(authority: TestAuthority, tmp_path: Path) -> None:
    """Live, as a carbon copy; a receipt, typing or a request to see us neither."""
    async with fake(authority) as server:
        supporting(
            server,
            f"<blocklist xmlns='{BLOCKING}'><item jid='{ROMEO}'/><item jid='evil.example'/></blocklist>",
        )
        async with online(tmp_path, server) as kit:
            await becomes(kit, ["evil.example", ROMEO])
            server.push("p", "<item jid='last@example.org' subscription='both'/>")
            server.push(
                "q", f"<item jid='{ROMEO}' subscription='both'/>"
            )  # no stranger, and blocked all the same
            await answered(kit, server, "q")

            async def known() -> bool:
                return len(await contacts(kit)) == 2

            await kit.until(known)
            server.send(chat(ROMEO, "1"))
            server.send(chat("Spam@EVIL.example", "2"))
            server.send(CARBON.format(chat(ROMEO, "3").replace("<message", "<message xmlns='jabber:client'")))
            composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
            server.send(f"<message type='chat' from='{ROMEO}/x'>{composing}</message>")
            server.send("<presence type='subscribe' from='x@evil.example'/>")
            server.send("<presence type='subscribe' from='z@good.example'/>")
            server.send(chat("last@example.org", "5"))
            assert await talk(kit) == ["last@example.org"]

            async def asked() -> bool:
                return [c.address for c in await contacts(kit)] == [
                    "last@example.org",
                    ROMEO,
                    "z@good.example",
                ]

            await kit.until(asked)

            async def receipt() -> bool:
                return receipts(server) == ["last@example.org/x"]

            await kit.until(receipt)
            assert not [mark for mark in kit.engine.journal.passing_now() if mark[1] == "typing"]


async def test_blocked_stay_blocked_in_the_archive(authority: TestAuthority, tmp_path: Path) -> None:
    """Messages of before they were blocked, or that the archive holds all the same, do not come back."""
    mam = "urn:xmpp:mam:2"

    def result(query: str, number: str, sender: str) -> str:
        inner = chat(sender, number).replace("<message", "<message xmlns='jabber:client'")
        return (
            f"<message from='{OWN}'><result xmlns='{mam}' queryid='{query}' id='{number}'>"
            "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2025-01-01T00:00:00Z'/>"
            f"{inner}</forwarded></result></message>"
        )

    async with fake(authority) as server:
        supporting(server, f"<blocklist xmlns='{BLOCKING}'><item jid='{ROMEO}'/></blocklist>", mam)
        done = "<set xmlns='http://jabber.org/protocol/rsm'/>"
        server.payloads[f"{{{mam}}}query"] = f"<fin xmlns='{mam}' complete='true'>{done}</fin>"
        server.before = lambda iq: (
            result(iq[0].get("queryid", ""), "a1", ROMEO) + result(iq[0].get("queryid", ""), "a2", "last@example.org")
            if iq[0].tag == f"{{{mam}}}query"
            else ""
        )  # fmt: skip
        async with online(tmp_path, server) as kit:
            assert await talk(kit) == ["last@example.org"]


async def test_server_without_blocking_leaves_it_to_us(authority: TestAuthority, tmp_path: Path) -> None:
    async with fake(authority) as server, online(tmp_path, server) as kit:
        assert await kit.call("blocking.support", profile="me") == {"server": False, "reports": False}
        found = await kit.call("blocking.block", profile="me", address=ROMEO, report="spam", reason="x")
        assert (found["local"], found.get("report", "")) == (True, "")
        assert not [iq for iq in server.heard if iq.find(f"{{{BLOCKING}}}block") is not None]
        server.send(chat(ROMEO, "1"))
        server.send(chat("last@example.org", "2"))
        assert await talk(kit) == ["last@example.org"]
        await kit.call("blocking.unblock", profile="me", address=ROMEO)
        server.send(chat(ROMEO, "3"))

        async def heard() -> bool:
            return len(await kit.messages("me", ROMEO)) == 1

        await kit.until(heard)


async def test_restart_and_another_server_keep_the_list(authority: TestAuthority, tmp_path: Path) -> None:
    """What is blocked stays so before a session stands; a server that knows nothing of it is told."""
    async with fake(authority) as server:
        supporting(server)
        async with online(tmp_path, server) as kit:
            await becomes(kit, [IAGO, ROMEO])
    async with fake(authority) as server, online(tmp_path, server) as kit:
        items = (await kit.call("blocking.list", profile="me"))["items"]
        assert [item["local"] for item in items] == [True, True]
        server.send(chat(ROMEO, "1"))
        server.send(chat("last@example.org", "2"))
        assert await talk(kit) == ["last@example.org"]
    async with fake(authority) as server:
        supporting(server, f"<blocklist xmlns='{BLOCKING}'/>")
        async with online(tmp_path, server) as kit:

            async def told() -> Any:
                return [iq for iq in server.heard if iq.find(f"{{{BLOCKING}}}block") is not None]

            (iq,) = await kit.until(told)
            items = iq.findall(f"{{{BLOCKING}}}block/{{{BLOCKING}}}item")
            assert [item.get("jid") for item in items] == [IAGO, ROMEO]


def report_of(iq: Element) -> Element:
    """The report in a request to block."""
    found = iq.find(f"{{{BLOCKING}}}block/{{{BLOCKING}}}item/{{urn:xmpp:reporting:1}}report")
    assert found is not None
    return found


async def test_report_as_in_the_standard(authority: TestAuthority, tmp_path: Path) -> None:
    async with fake(authority) as server:
        supporting(server, f"<blocklist xmlns='{BLOCKING}'/>", "urn:xmpp:reporting:1", "urn:xmpp:sid:0")
        async with online(tmp_path, server) as kit:
            for number in ("28482-98726-73623", "38383-38018-18385"):
                by = f"<stanza-id xmlns='urn:xmpp:sid:0' by='{OWN}' id='{number}'/>"
                server.send(CHAT.format("romeo@example.net", number, f"spam {number}", by))

            async def both() -> Any:
                found = await kit.messages("me", "romeo@example.net")
                return found if len(found) == 2 else None

            first, _second = await kit.until(both)
            words = "Never came trouble to my house like this."
            found = await kit.call(
                "blocking.block", profile="me", address="romeo@example.net", report="spam", reason=words
            )
            assert found["report"] == "spam"
            iq = next(iq for iq in server.heard if iq.find(f"{{{BLOCKING}}}block") is not None)
            report = report_of(iq)
            assert report.get("reason") == "urn:xmpp:reporting:spam"
            assert [
                (each.get("by"), each.get("id")) for each in report.findall("{urn:xmpp:sid:0}stanza-id")
            ] == [
                (OWN, "28482-98726-73623"),
                (OWN, "38383-38018-18385"),
            ]
            assert report.findtext("{urn:xmpp:reporting:1}text") == words
            with pytest.raises(SalutError) as caught:  # a message of somebody else
                await kit.call(
                    "blocking.block",
                    profile="me",
                    address="x@y.example",
                    report="abuse",
                    messages=[first["id"]],
                )
            assert caught.value.data["field"] == "messages"
            server.heard.clear()
            await kit.call(
                "blocking.block", profile="me", address="example.net", report="abuse", messages=[first["id"]]
            )
            iq = next(iq for iq in server.heard if iq.find(f"{{{BLOCKING}}}block") is not None)
            assert report_of(iq).get("reason") == "urn:xmpp:reporting:abuse"
            assert [each.get("id") for each in report_of(iq)] == ["28482-98726-73623"]


async def test_blocked_list_of_a_deleted_profile_is_gone(authority: TestAuthority, tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        for _round in range(2):
            await kit.call(
                "profiles.create", name="me", address=OWN, password="x", settings={"enabled": False}
            )
            assert await blocked(kit) == []
            await kit.call("blocking.block", profile="me", address=ROMEO)
            assert await blocked(kit) == [ROMEO]
            await kit.call("profiles.delete", profile="me")
