# SPDX-License-Identifier: AGPL-3.0-or-later
"""Avatars on real servers: shown, seen by contacts, fetched, seen by old clients, taken away."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from devkit.servers import Account, XmppServer
from salut.model.errors import SalutError
from salut.plugins.avatars.service import sha1
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.roster.test_roster_server import befriend


def png(seed: int = 0, side: int = 8) -> bytes:
    """A small picture, a whole one."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    rows = b"".join(b"\0" + bytes([seed, 0, 200]) * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def text(content: bytes) -> str:
    """As a window sends bytes."""
    return base64.b64encode(content).decode()


async def shown(kit: EngineKit, profile: str, address: str) -> dict[str, Any] | None:
    """What ``profile`` knows of the picture of ``address``."""
    page = await kit.call("avatars.list", profile=profile)
    return next((item for item in page["items"] if item["address"] == address), None)


async def get(kit: EngineKit, profile: str, address: str = "") -> bytes:
    """The bytes."""
    picture = await kit.call("avatars.get", profile=profile, address=address)
    content = base64.b64decode(picture["data"])
    assert picture["hash"] == sha1(content)
    return content


async def friends(kit: EngineKit, server: XmppServer) -> tuple[Account, Account]:
    """Alice and Bob, who see each other."""
    alice, bob = server.account("alice"), server.account("bob")
    await kit.add("alice", alice, server)
    await kit.add("bob", bob, server)
    await befriend(kit, "alice", "bob", alice.jid, bob.jid)
    return alice, bob


async def test_a_contacts_picture_is_announced_and_fetched_when_it_is_asked_for(
    server: XmppServer, tmp_path: Path
) -> None:
    async with running_engine(tmp_path) as kit:
        alice, _bob = await friends(kit, server)
        content = png()
        avatar = await kit.call("avatars.set", profile="alice", data=text(content))
        expected = {
            "address": alice.jid,
            "hash": sha1(content),
            "type": "image/png",
            "size": len(content),
            "width": 8,
            "height": 8,
        }
        assert avatar == expected
        assert await get(kit, "alice") == content

        async def seen() -> bool:
            found = await shown(kit, "bob", alice.jid)
            return found is not None and found["hash"] == sha1(content)

        await kit.until(seen)
        assert await get(kit, "bob", alice.jid) == content
        assert await shown(kit, "bob", alice.jid) == expected
        await kit.call("profiles.disconnect", profile="bob")
        assert await get(kit, "bob", alice.jid) == content  # from our own store
        await kit.call("profiles.connect", profile="bob", wait=20)

        await kit.call("avatars.clear", profile="alice")
        assert await shown(kit, "alice", alice.jid) is None

        async def gone() -> bool:
            return await shown(kit, "bob", alice.jid) is None

        await kit.until(gone)
        with pytest.raises(SalutError) as caught:
            await get(kit, "bob", alice.jid)
        assert caught.value.code == "not-found"


async def test_a_stranger_who_shows_a_picture_to_all_is_seen_and_not_remembered(
    server: XmppServer, tmp_path: Path
) -> None:
    alice, carol = server.account("alice"), server.account("carol")
    async with running_engine(tmp_path, server, {"alice": alice, "carol": carol}) as kit:
        await kit.call("avatars.set", profile="alice", data=text(png(5)))
        assert await get(kit, "carol", alice.jid) == png(5)
        assert await shown(kit, "carol", alice.jid) is None
        await kit.call("avatars.set", profile="alice", data=text(png(6)), public=False)
        with pytest.raises(SalutError) as caught:
            await kit.call(
                "avatars.get", profile="carol", address="nobody-there@" + alice.jid.partition("@")[2]
            )
        assert caught.value.code == "not-found"


async def test_old_clients_find_the_picture_in_the_vcard_and_its_hash_in_presence(
    server: XmppServer, tmp_path: Path
) -> None:
    """XEP-0398 on prosody; on ejabberd as it is set up here we do it ourselves."""
    async with running_engine(tmp_path) as kit:
        alice, _bob = await friends(kit, server)
        told: list[str] = []

        def came(stanza: Any) -> None:
            photo = stanza.xml.find("{vcard-temp:x:update}x/{vcard-temp:x:update}photo")
            if photo is not None and stanza["from"].bare == alice.jid:
                told.append(photo.text or "")

        kit.session("bob").client.add_event_handler("presence", came)
        content = png(9)
        vcard = "<vCard xmlns='vcard-temp'><FN>Alice</FN></vCard>"
        await kit.session("alice").iq("set", vcard)
        await kit.call("avatars.set", profile="alice", data=text(content))
        answer = await kit.session("bob").iq("get", "<vCard xmlns='vcard-temp'/>", alice.jid)
        found = answer.findtext("{vcard-temp}vCard/{vcard-temp}PHOTO/{vcard-temp}BINVAL") or ""
        assert base64.b64decode(found) == content
        assert answer.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Alice"
        await kit.call("presence.set", profile="alice", status="with picture")

        async def heard() -> bool:
            return sha1(content) in told

        await kit.until(heard)
        await kit.call("profiles.disconnect", profile="alice")
        told.clear()
        await kit.call("profiles.connect", profile="alice", wait=20)
        await kit.until(heard)


async def test_an_old_clients_picture_is_seen(server: XmppServer, tmp_path: Path) -> None:
    """XEP-0153: alice's client knows vCards alone."""
    async with (
        running_engine(tmp_path / "bob") as kit,
        running_engine(tmp_path / "alice", without=["avatars", "pep"]) as old,
    ):
        alice, bob = server.account("alice"), server.account("bob")
        await kit.add("bob", bob, server)
        await old.add("alice", alice, server)
        await old.call("roster.add", profile="alice", address=bob.jid)

        async def asked() -> bool:
            page = await kit.call("roster.list", profile="bob")
            return any(item["address"] == alice.jid for item in page["items"])

        await kit.until(asked)
        await kit.call("roster.accept", profile="bob", address=alice.jid)

        async def asked_back() -> bool:
            page = await old.call("roster.list", profile="alice")
            return any(item.get("asks") for item in page["items"])

        await old.until(asked_back)
        await old.call("roster.accept", profile="alice", address=bob.jid)
        content = png(3)
        session = old.session("alice")
        photo = f"<PHOTO><TYPE>image/png</TYPE><BINVAL>{text(content)}</BINVAL></PHOTO>"
        await session.iq("set", f"<vCard xmlns='vcard-temp'>{photo}</vCard>")
        update = f"<x xmlns='vcard-temp:x:update'><photo>{sha1(content)}</photo></x>"
        session.send(f"<presence>{update}</presence>")

        async def seen() -> bool:
            found = await shown(kit, "bob", alice.jid)
            return found is not None and found["hash"] == sha1(content)

        await kit.until(seen)
        assert await get(kit, "bob", alice.jid) == content


async def test_what_is_no_picture_is_refused(prosody: XmppServer, tmp_path: Path) -> None:
    alice = prosody.account("alice")
    async with running_engine(tmp_path, prosody, {"alice": alice}) as kit:
        for content, code in (
            (b"<svg onload='alert(1)'/>", "invalid"),
            (png() + b"\0" * 300_000, "too-large"),  # more than the server's stanzas
            (png() + b"\0" * 1_100_000, "too-large"),
        ):
            with pytest.raises(SalutError) as caught:
                await kit.call("avatars.set", profile="alice", data=text(content))
            assert caught.value.code == code
        assert await shown(kit, "alice", alice.jid) is None
