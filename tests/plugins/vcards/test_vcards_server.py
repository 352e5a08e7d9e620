# SPDX-License-Identifier: AGPL-3.0-or-later
"""vCards and nicknames on real servers: both forms, written and read; contacts name themselves."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.avatars.test_avatars_server import friends, png, text

FULL: dict[str, Any] = {
    "fn": "Röméo <M> & Söhne",
    "given": "Roméo",
    "family": "Montague",
    "nickname": "Romi",
    "bday": "1476-06-09",
    "org": "House Montague",
    "title": "Heir",
    "role": "Lover",
    "note": "Two lines,\nboth short.",
    "street": "Via Cappello 1",
    "locality": "Verona",
    "region": "VR",
    "code": "37121",
    "country": "Italy",
    "url": ["https://montague.example/", "https://two.example/?a=1&b=2"],
    "email": ["romeo@montague.example"],
    "tel": ["+39-045-1", "+39-045-2"],
}


async def test_both_forms_are_written_and_read(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        with pytest.raises(SalutError) as caught:
            await kit.call("vcards.get", profile="alice")
        assert caught.value.code == "not-found"
        expected = {"address": alice.jid, **FULL}
        assert await kit.call("vcards.set", profile="alice", change=FULL) == expected
        assert await kit.call("vcards.get", profile="alice") == expected
        assert await kit.call("vcards.get", profile="bob", address=alice.jid) == expected
        answer = await kit.session("bob").iq("get", "<vCard xmlns='vcard-temp'/>", alice.jid)
        assert answer.findtext("{vcard-temp}vCard/{vcard-temp}FN") == FULL["fn"]
        assert answer.findtext("{vcard-temp}vCard/{vcard-temp}EMAIL/{vcard-temp}USERID") == FULL["email"][0]
        changed = await kit.call(
            "vcards.set", profile="alice", change={"title": "", "tel": [], "role": "Fool"}
        )
        less = {name: value for name, value in expected.items() if name not in ("title", "tel")}
        assert changed == {**less, "role": "Fool"}
        assert await kit.call("vcards.get", profile="bob", address=alice.jid) == changed


async def test_a_vcard_of_an_old_client_is_read_and_kept_with_its_picture(
    server: XmppServer, tmp_path: Path
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("avatars.set", profile="alice", data=text(png(2)))
        old = await kit.session("alice").iq("get", "<vCard xmlns='vcard-temp'/>")
        photo = old.findtext("{vcard-temp}vCard/{vcard-temp}PHOTO/{vcard-temp}BINVAL") or ""
        await kit.session("alice").iq(
            "set",
            "<vCard xmlns='vcard-temp'><FN>Alice Old</FN><NICKNAME>Al</NICKNAME><PHOTO><TYPE>image/png</TYPE>"
            f"<BINVAL>{photo}</BINVAL></PHOTO></vCard>",
        )
        card = await kit.call("vcards.get", profile="bob", address=alice.jid)
        assert card == {"address": alice.jid, "fn": "Alice Old", "nickname": "Al"}
        card = await kit.call("vcards.set", profile="alice", change={"role": "Cook"})
        assert card == {"address": alice.jid, "fn": "Alice Old", "nickname": "Al", "role": "Cook"}
        picture = await kit.call("avatars.get", profile="bob", address=alice.jid)
        assert base64.b64decode(picture["data"]) == png(2)


async def test_a_contacts_nickname_names_the_conversation_where_the_roster_does_not(
    server: XmppServer, tmp_path: Path
) -> None:
    async with running_engine(tmp_path) as kit:
        alice, bob = await friends(kit, server)
        # ejabberd asks what a contact wants to hear when they come to somebody whom they see already.
        await kit.call("profiles.disconnect", profile="bob")
        await kit.call("profiles.connect", profile="bob", wait=20)
        await kit.settled("bob", server.domain)
        await kit.call("roster.change", profile="bob", address=alice.jid, name="")
        await kit.call("chat.send", profile="alice", to=bob.jid, body="hello", wait="server")

        async def title() -> str | None:
            page = await kit.call("history.conversations", profile="bob")
            return next((c.get("title", "") for c in page["items"] if c["address"] == alice.jid), None)

        async def untitled() -> bool:
            return await title() == ""

        await kit.until(untitled)

        async def named() -> bool:
            # it may learn that only now: each change is told anew
            named.count += 1  # type: ignore[attr-defined]
            nick = f"Queen {named.count % 2}"  # type: ignore[attr-defined]
            await kit.call("vcards.set", profile="alice", change={"nickname": nick})
            return (await title() or "").startswith("Queen ")

        named.count = 0  # type: ignore[attr-defined]
        await kit.until(named)
        found = await kit.call("names.resolve", profile="bob", text="queen")
        assert found["address"] == alice.jid
        nicks = await kit.call("vcards.nicknames", profile="bob")
        assert [one["address"] for one in nicks] == [alice.jid]

        await kit.call("roster.change", profile="bob", address=alice.jid, name="Alicia")
        assert await title() == "Alicia"
        await kit.call("roster.change", profile="bob", address=alice.jid, name="")
        assert (await title() or "").startswith("Queen ")
        await kit.call("roster.remove", profile="bob", address=alice.jid)
        assert await title() == ""


async def test_our_nickname_goes_with_a_request_to_see_presence(server: XmppServer, tmp_path: Path) -> None:
    """XEP-0172 section 4.1."""
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("vcards.set", profile="alice", change={"nickname": "Ishmael & Co"})
        await kit.call("roster.add", profile="alice", address=bob.jid)

        async def asked() -> Any:
            page = await kit.call("roster.list", profile="bob")
            return next((item for item in page["items"] if item["address"] == alice.jid), None)

        assert (await kit.until(asked))["name"] == "Ishmael & Co"


async def test_a_vcard_for_contacts_alone(server: XmppServer, tmp_path: Path) -> None:
    """The newer form is closed to strangers; of the older one no server lets us say so."""
    async with running_engine(tmp_path) as kit:
        alice, _bob = await friends(kit, server)
        await kit.add("carol", server.account("carol"), server)
        await kit.call("vcards.set", profile="alice", change={"fn": "Alice"}, public=False)
        assert (await kit.call("vcards.get", profile="bob", address=alice.jid))["fn"] == "Alice"
        pep = _pep(kit)
        with pytest.raises(SalutError) as caught:
            await pep.items("carol", "urn:xmpp:vcard4", of=alice.jid, most=1)
        assert caught.value.code == "refused"


def _pep(kit: EngineKit) -> Any:
    return kit.engine.plugins.plugins["pep"].port()


async def test_bounds_of_what_we_say(prosody: XmppServer, tmp_path: Path) -> None:
    alice = prosody.account("alice")
    async with running_engine(tmp_path, prosody, {"alice": alice}) as kit:
        for change, code in (
            ({"fn": "x" * 1_001}, "too-large"),
            ({"note": "x" * 10_001}, "too-large"),
            ({"url": ["x"] * 21}, "too-large"),
            ({"fn": "two\nlines"}, "invalid"),
            ({"email": ["a\x07b"]}, "invalid"),
        ):
            with pytest.raises(SalutError) as caught:
                await kit.call("vcards.set", profile="alice", change=change)
            assert caught.value.code == code
