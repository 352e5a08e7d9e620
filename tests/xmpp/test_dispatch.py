# SPDX-License-Identifier: AGPL-3.0-or-later
"""slixmpp's handlers through the index, compared with asking every one of them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from xml.etree.ElementTree import fromstring

import pytest
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatcherId, MatchMany, MatchXMLMask, MatchXPath, StanzaPath

from salut.model.owner import TaskOwner
from salut.xmpp.client import SalutClient
from salut.xmpp.tls import SharedTls

NUMBERS = "0004 0030 0045 0050 0054 0059 0060 0084 0085 0092 0115 0163 0184 0191 0199 0280 0308 0313 0333"
PLUGINS = [f"xep_{number}" for number in re.findall(r"\d+", NUMBERS)]
STANZAS = [
    "<message xmlns='jabber:client' type='chat' from='a@b/c'><body>x</body></message>",
    "<message xmlns='jabber:client' type='groupchat' from='a@b/c'><subject>x</subject></message>",
    "<message xmlns='jabber:client' type='error'><error type='cancel'/></message>",
    "<message xmlns='jabber:client'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
    "<items node='n'/></event></message>",
    "<message xmlns='jabber:client'><received xmlns='urn:xmpp:receipts' id='1'/>"
    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    "<presence xmlns='jabber:client' from='a@b/c'/>",
    "<presence xmlns='jabber:client' from='r@m/c'><x xmlns='http://jabber.org/protocol/muc#user'><item/></x></presence>",
    "<presence xmlns='jabber:client' type='unavailable'/>",
    "<iq xmlns='jabber:client' type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<iq xmlns='jabber:client' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq xmlns='jabber:client' type='set' id='1'><block xmlns='urn:xmpp:blocking'><item jid='a@b'/></block></iq>",
    "<iq xmlns='jabber:client' type='set' id='1'><command xmlns='http://jabber.org/protocol/commands' node='n'/></iq>",
    "<iq xmlns='jabber:client' type='result' id='special'/>",
]


@pytest.fixture
async def client() -> AsyncIterator[SalutClient]:
    owner = TaskOwner(lambda name, error: pytest.fail(f"{name}: {error!r}"))
    faults: list[str] = []
    made = SalutClient(
        "me@here",
        SharedTls().context(verify=False),
        owner,
        lambda _: None,
        lambda what, error: faults.append(what),
    )
    yield made
    await owner.close()
    assert not faults


async def test_the_index_finds_what_asking_everybody_finds(client: SalutClient) -> None:
    for plugin in PLUGINS:
        client.register_plugin(plugin)
    nothing = lambda _: None  # noqa: E731
    for matcher in (
        MatcherId("special"),
        MatchMany((StanzaPath("iq@type=set"), MatcherId("1"))),
        MatchXMLMask("<message xmlns='jabber:client'/>"),
        MatchXPath("{jabber:client}presence/{http://jabber.org/protocol/muc#user}x"),
        StanzaPath("presence/*"),
    ):
        client.register_handler(Callback(f"extra {matcher}", matcher, nothing))
    index = client._index
    assert len(index) > 30
    for text in STANZAS:
        stanza = client._build_stanza(fromstring(text))
        everybody = [handler.name for handler in index._order if handler.match(stanza)]
        assert [handler.name for handler in index.matching(stanza)] == everybody, text


async def test_handlers_come_and_go(client: SalutClient) -> None:
    before = len(client._index)
    client.register_handler(Callback("one", MatcherId("x"), lambda _: None))
    client.register_handler(Callback("one", StanzaPath("iq"), lambda _: None))
    assert client.remove_handler("one")
    assert client.remove_handler("one")
    assert not client.remove_handler("one")
    assert len(client._index) == before
    assert "x" not in client._index._by_id


async def test_a_handler_for_once_is_forgotten_and_an_unknown_request_is_not_handled(
    client: SalutClient,
) -> None:
    heard: list[str] = []
    client.register_handler(Callback("once", MatcherId("x"), lambda iq: heard.append(iq["id"]), once=True))
    result = "<iq xmlns='jabber:client' type='result' id='x'/>"
    assert client.dispatch(fromstring(result))
    assert not client.dispatch(fromstring(result))
    assert heard == ["x"]


async def test_strangers_grow_no_roster_and_are_not_let_in(client: SalutClient) -> None:
    said: list[str] = []
    client._emit = said.append
    events: list[str] = []
    client.add_event_handler("presence_subscribe", lambda p: events.append(p["from"].full))
    rosters = len(client.roster.keys())
    for number in range(20):
        client.dispatch(
            fromstring(f"<presence xmlns='jabber:client' from='s{number}@x/y' type='subscribe'/>")
        )
        client.dispatch(fromstring(f"<presence xmlns='jabber:client' from='s{number}@x/y'/>"))
    assert len(events) == 20
    assert len(client.roster.keys()) == rosters
    assert said == []
