# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finding rooms: on real servers, and a search service as XEP-0433 shows it, played by another account."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from salut.plugins.roomsearch.protocol import SEARCH, read_found, read_items
from salut.xmpp.errors import StanzaError
from salut.xmpp.forms import find_form
from salut.xmpp.iqs import Request
from tests.engine_kit import running_engine

RESULT = """
<result xmlns='urn:xmpp:channel-search:0:search'>
  <item address='commteam@muc.xmpp.org'><name>commteam</name><nusers>10</nusers><is-open/></item>
  <item address='operators@muc.xmpp.org'><name>XMPP Service Operators</name>
    <description>Discussion venue for operators of federated XMPP services</description>
    <nusers>43</nusers><is-open/></item>
  <set xmlns='http://jabber.org/protocol/rsm'><first>opaque-string-1</first><last>opaque-string-2</last>
    <max>5</max></set>
</result>"""  # XEP-0433 example 5


async def test_our_servers_rooms_are_listed_and_looked_through(server: XmppServer, tmp_path: Path) -> None:
    word = secrets.token_hex(4)
    rooms = sorted(f"{word}-{n}@{server.muc}" for n in range(5))
    async with running_engine(tmp_path, server, {"alice": server.account("alice")}) as kit:
        services = await kit.call("roomsearch.services", profile="alice")
        assert (server.muc, "rooms") in [(s["address"], s["kind"]) for s in services]
        for room in rooms:
            answers = {"muc#roomconfig_roomname": [f"Coven {room[:10]}"], "muc#roomconfig_publicroom": ["1"]}
            await kit.call("roomadmin.create", profile="alice", room=room, answers=answers)
        found, after = [], None
        while True:
            page = await kit.call("roomsearch.list", profile="alice", after=after, limit=2)
            assert len(page["items"]) <= 2
            found += [room["address"] for room in page["items"]]
            after = page["after"]
            if after is None:
                break
        assert set(rooms) <= set(found) and len(found) == len(set(found))
        page = await kit.call("roomsearch.search", profile="alice", text=f"COVEN {word}", limit=3)
        assert [room["address"] for room in page["items"]] == rooms[:3]
        assert page["items"][0]["name"].startswith("Coven")
        page = await kit.call("roomsearch.search", profile="alice", text=word, after=page["after"])
        assert [room["address"] for room in page["items"]] == rooms[3:]


async def test_a_search_service(prosody: XmppServer, tmp_path: Path) -> None:
    asked: list[dict[str, list[str]]] = []
    pages: list[str] = []
    answer: list[Any] = []

    def search(request: Request) -> str:
        form = find_form(request.payload)
        assert form is not None and form.type == "urn:xmpp:channel-search:0:search-params"
        asked.append({field.name: field.values for field in form.fields})
        pages.append(request.payload.findtext(".//{http://jabber.org/protocol/rsm}after") or "")
        found = answer.pop(0)
        if isinstance(found, Exception):
            raise found
        return str(found)

    accounts = {"alice": prosody.account("alice"), "search": prosody.account("search")}
    async with running_engine(tmp_path, prosody, accounts) as kit:
        kit.wires.shared.iqs.add("get", f"{{{SEARCH}}}search", search)
        service = kit.session("search").jid
        await kit.call("settings.set", values={"roomsearch.service": service})
        answer += [
            RESULT,
            StanzaError("feature-not-implemented", "", "modify"),
            RESULT,
        ]
        page = await kit.call("roomsearch.search", profile="alice", text="xmpp.org", limit=5)
        assert [(r["address"], r["occupants"], r["open"]) for r in page["items"]] == [
            ("commteam@muc.xmpp.org", 10, True),
            ("operators@muc.xmpp.org", 43, True),
        ]
        assert page["after"] == "opaque-string-2"
        assert asked[0]["q"] == ["xmpp.org"] and asked[0]["key"] == [
            "{urn:xmpp:channel-search:0:order}nusers"
        ]
        # It cannot order by occupants: asked without that, from where the first page ended.
        await kit.call("roomsearch.search", profile="alice", text="xmpp.org", after=page["after"])
        assert "key" not in asked[2] and pages == ["", "opaque-string-2", "opaque-string-2"]
        answer += [StanzaError("bad-request", "Search terms must have at least three characters.", "modify")]
        with pytest.raises(SalutError) as short:
            await kit.call("roomsearch.search", profile="alice", text="x")
        assert "three characters" in short.value.message
        answer += [StanzaError("resource-constraint", "", "wait")]
        for _ in range(2):  # the second time it is not even asked
            with pytest.raises(SalutError) as limited:
                await kit.call("roomsearch.search", profile="alice", text="xmpp")
            assert limited.value.code == "busy"
        assert len(asked) == 5


def test_hostile_answers_are_read_within_bounds() -> None:
    many = "".join(f"<item jid='r{n}@s.lit' name='{'x' * 300}'/>" for n in range(6000))
    answer = read_items(
        ET.fromstring(f"<query xmlns='http://jabber.org/protocol/disco#items'>{many}</query>")
    )
    assert len(answer.rooms) == 5000 and len(answer.rooms[0].name) == 200 and answer.after is None
    odd = (
        f"<result xmlns='{SEARCH}'><item address='no address'/><item/><item address='s.lit'/>"
        "<item address='m@s.lit'><service-type>xep-0369</service-type></item>"
        "<item address='a@s.lit/nick'/><item address='b@s.lit'><nusers>٣</nusers><is-open>false</is-open></item>"
        f"<item address='b@s.lit'><nusers>-5</nusers><description>{'d' * 9000}</description></item></result>"
    )
    (room,) = read_found(ET.fromstring(odd)).rooms
    assert (room.address, room.occupants, room.open, len(room.description)) == ("b@s.lit", -1, False, 2000)
