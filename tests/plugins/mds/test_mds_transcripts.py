# SPDX-License-Identifier: AGPL-3.0-or-later
"""Displayed marks as XEP-0490 writes them, forged ones, and marks whose messages come later."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import fromstring

import pytest

from devkit.servers import XmppServer
from salut.plugins.history.api import History, NewMessage
from salut.plugins.mds import protocol
from salut.plugins.mds.plugin import MdsPlugin
from salut.plugins.pep.api import Item
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.mds.test_mds_server import unread

OWN = "juliet@capulet.lit"
CONTACT = (
    "<displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' "
    "id='0f710f2b-52ed-4d52-b928-784dad74a52b' by='juliet@capulet.lit'/></displayed>"
)
SECOND = "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='juliet@capulet.lit'/>"
ROOM = CONTACT.replace(OWN, "example@conference.shakespeare.lit")


def read(key: str, xml: str) -> tuple[str, str] | None:
    return protocol.read_item(Item(key, fromstring(xml)), OWN)


def test_the_examples() -> None:
    known = "0f710f2b-52ed-4d52-b928-784dad74a52b"
    assert read("romeo@montegue.lit", CONTACT) == ("romeo@montegue.lit", known)
    assert read("Example@Conference.shakespeare.lit", ROOM) == ("example@conference.shakespeare.lit", known)
    assert read("example@conference.shakespeare.lit/nick", CONTACT) == (
        "example@conference.shakespeare.lit/nick",
        known,
    )
    written = protocol.payload(OWN, known)
    assert read("romeo@montegue.lit", written) == ("romeo@montegue.lit", known)


@pytest.mark.parametrize(
    ("key", "xml"),
    [
        ("romeo@montegue.lit", ROOM),  # the id of an archive that is not his, nor ours
        ("not an address", CONTACT),
        ("romeo@montegue.lit", "<displayed xmlns='urn:xmpp:mds:displayed:0'/>"),
        ("romeo@montegue.lit", CONTACT.replace("mds:displayed:0", "mds:displayed:1")),
        ("romeo@montegue.lit", CONTACT.replace("0f710f2b-52ed-4d52-b928-784dad74a52b", "")),
        ("romeo@montegue.lit", CONTACT.replace("0f710f2b-52ed-4d52-b928-784dad74a52b", "x" * 5000)),
        (
            "romeo@montegue.lit",
            CONTACT.replace("<stanza-id", "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='x@y'/><stanza-id"),
        ),
    ],
)
def test_what_is_not_as_the_xep_has_it_is_none(key: str, xml: str) -> None:
    assert read(key, xml) is None
    assert protocol.read_item(Item(key), OWN) is None


def message(number: int, conversation: str = "romeo@montegue.lit", **more: Any) -> NewMessage:
    return NewMessage(
        conversation=conversation, sender=conversation, body=f"m{number}", origin=f"o{number}",
        archive=f"a{number}", **more,
    )  # fmt: skip


async def offline(kit: EngineKit) -> tuple[History, MdsPlugin]:
    """A profile that never connects."""
    await kit.call("profiles.create", name="me", address=OWN, password="x", settings={"enabled": False})
    plugins = kit.engine.plugins.plugins
    return cast("History", plugins["history"].port()), cast("MdsPlugin", plugins["mds"])


async def test_a_mark_waits_for_its_message(tmp_path: Path) -> None:
    """Also over a restart, and where the message that comes had no archive id at first."""
    romeo = "romeo@montegue.lit"
    async with running_engine(tmp_path) as kit:
        history, mds = await offline(kit)
        await history.ingest("me", message(1))
        await mds.service.heard("me", [(romeo, "a2"), ("never@example.org", "a9")])
        assert await unread(kit, romeo) == 1
        await history.ingest("me", message(3))
        assert await unread(kit, romeo) == 2
    async with running_engine(tmp_path) as kit:
        plugins = kit.engine.plugins.plugins
        history = cast("History", plugins["history"].port())
        first, third = await kit.messages("me", romeo)
        await history.ingest("me", message(2, place=(first["place"] + third["place"]) // 2))
        assert await unread(kit, romeo) == 1  # the third alone
        assert await unread(kit, "never@example.org") is None


async def test_marks_move_only_forward(tmp_path: Path) -> None:
    romeo = "romeo@montegue.lit"
    async with running_engine(tmp_path) as kit:
        history, mds = await offline(kit)
        for number in (1, 2, 3):
            await history.ingest("me", message(number))
        await mds.service.heard("me", [(romeo, "a2")])
        assert await unread(kit, romeo) == 1
        await mds.service.heard("me", [(romeo, "a1")])
        assert await unread(kit, romeo) == 1
        await mds.service.heard("me", [(romeo, "a3")])
        assert await unread(kit, romeo) == 0


async def test_other_conversations_ids_move_nothing(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        history, mds = await offline(kit)
        await history.ingest("me", message(1))
        await history.ingest("me", message(2, "mercutio@verona.lit"))
        await mds.service.heard("me", [("romeo@montegue.lit", "a2")])
        assert await unread(kit, "romeo@montegue.lit") == 1
        assert await unread(kit, "mercutio@verona.lit") == 1


async def test_forged_marks_are_refused(server: XmppServer, tmp_path: Path) -> None:
    """Only our own account tells what our devices have displayed, and only its bare address."""
    me, eve = server.account("me"), server.account("eve")
    async with running_engine(tmp_path, server, {"me": me, "eve": eve}) as kit:
        await kit.call("chat.send", profile="eve", to=me.jid, body="read this", wait="server")

        async def arrived(count: int = 1) -> bool:
            return len(await kit.messages("me", eve.jid)) == count

        await kit.until(arrived)
        (first,) = await kit.messages("me", eve.jid)
        event = (
            "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mds:displayed:0'>"
            f"<item id='{eve.jid}'>{protocol.payload(me.jid, first['archive'])}</item></items></event>"
        )
        for sender in ("eve", "me"):
            device = kit.session("me").jid
            kit.session(sender).send(f"<message to='{device}' type='headline'>{event}</message>")
        await kit.call("chat.send", profile="eve", to=me.jid, body="after the forgery", wait="server")
        await kit.until(lambda: arrived(2))
        assert await unread(kit, eve.jid) == 2
