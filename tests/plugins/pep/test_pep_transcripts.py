# SPDX-License-Identifier: AGPL-3.0-or-later
"""Personal eventing on the wire: the standards' own examples, and what strangers may send."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

import pytest
import structlog

from salut.engine.plugin import Host, Link
from salut.model.errors import SalutError
from salut.plugins.pep import protocol
from salut.plugins.pep.api import Event
from salut.plugins.pep.protocol import PepProtocol, read_event, read_page, supports
from salut.plugins.pep.service import PepService, is_so
from salut.xmpp.disco import Identity, Info
from salut.xmpp.errors import StanzaError
from salut.xmpp.router import Account, Router, Via, Wires
from salut.xmpp.session import Features
from salut.xmpp.shared import Shared

BARE = "juliet@capulet.lit"
TUNE = "http://jabber.org/protocol/tune"
BOOKMARKS = "storage:bookmarks"

# XEP-0163 example 2 (of section 4), with the payload of the introduction.
FROM_CONTACT = """<message xmlns='jabber:client' from='{sender}' to='romeo@montague.lit/orchard' type='{type}'
 id='tunefoo2'><event xmlns='http://jabber.org/protocol/pubsub#event'>
 <items node='http://jabber.org/protocol/tune'><item id='ad8fb1b2'>
 <tune xmlns='http://jabber.org/protocol/tune'><artist>Gerald Finzi</artist></tune></item></items>
 </event></message>"""

# XEP-0223 example 2.
BOOKMARK = """<message xmlns='jabber:client' from='{sender}' to='juliet@capulet.lit/balcony' type='headline'
 id='bmfoo1'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='storage:bookmarks'>
 <item id='SomeID'><conference xmlns='storage:bookmarks' autojoin='true'
 jid='theplay@conference.shakespeare.lit' name='The Play&apos;s the Thing'><nick>JC</nick></conference></item>
 </items></event></message>"""

CONFIG_FORM = """<iq xmlns='jabber:client' type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>
 <configure node='n'><x xmlns='jabber:x:data' type='form'>{}</x></configure></pubsub></iq>"""


class FakeSession:
    """The far side: takes requests, answers with what the test prepared, in order."""

    def __init__(self, *answers: str) -> None:
        self.asked: list[Element] = []
        self.answers = list(answers)
        features = frozenset({protocol.OPTIONS, protocol.NODE_MAX})
        self.features = Features(account=Info((Identity("pubsub", "pep"),), features))
        self.config = type("Config", (), {"max_stanza": 262_144})()

    async def iq(self, kind: str, payload: str, to: str = "") -> Element:
        self.asked.append(fromstring(payload))
        answer = self.answers.pop(0)
        if not answer.startswith("<"):
            raise StanzaError(answer)
        return fromstring(answer)


class Road:
    """The plugin between a router with real tables and a session that the test plays."""

    def __init__(self, *answers: str) -> None:
        self.session = FakeSession(*answers)
        self.account = Account("juliet", BARE, cast("Any", self.session))
        link = Link("juliet", 1, BARE, self.account)
        log = structlog.get_logger()
        host = type("H", (), {"log": log, "links": {"juliet": link}, "link": lambda _self, _profile: link})()
        self.wires = Wires(Shared.fresh(), Router())
        self.pep = PepService(cast("Host", host))
        self.pep.protocol = PepProtocol(self.wires, self.pep, log)
        self.told: list[Event] = []

    async def hook(self, _profile: str, event: Event) -> None:
        self.told.append(event)

    async def come(self, text: str, via: Via = "") -> None:
        """A message comes in."""
        inbound = self.wires.shared.decoders.decode(fromstring(text))
        inbound.from_ = inbound.from_ or BARE
        wait = self.wires.router.route(self.account, inbound, via)
        if wait is not None:
            await asyncio.wait_for(wait, 5)


async def test_a_contacts_event_is_told() -> None:
    road = Road()
    road.pep.follow(TUNE, road.hook)
    assert f"{TUNE}+notify" in road.wires.shared.disco.info.features
    await road.come(FROM_CONTACT.format(sender=BARE.title(), type="headline"))
    (event,) = road.told
    assert (event.sender, event.node, [item.id for item in event.items]) == (BARE, TUNE, ["ad8fb1b2"])
    assert cast("Element", event.items[0].payload).findtext(f"{{{TUNE}}}artist") == "Gerald Finzi"


@pytest.mark.parametrize("sender", [BARE, "JULIET@capulet.lit"])
async def test_our_own_bookmarks_are_told(sender: str) -> None:
    road = Road()
    road.pep.follow(BOOKMARKS, road.hook, own=True)
    await road.come(BOOKMARK.format(sender=sender))
    assert [event.sender for event in road.told] == [BARE]
    await road.come(BOOKMARK.replace("from='{sender}'", ""))  # absent is our own account (XEP-0223 section 7)
    assert [event.sender for event in road.told] == [BARE, BARE]


@pytest.mark.parametrize(
    "sender",
    [
        "mallory@capulet.lit",
        "juliet@capulet.lit.evil.example",
        "capulet.lit",
        f"{BARE}/balcony",
        "room@muc.lit/juliet",
        f"{BARE}.",  # found by `make fuzz`: prepared (RFC 7622) it is our address, but our server does not write it so
        f"{BARE.partition('@')[0]}@ｃapulet.lit",
    ],
)
async def test_bookmarks_of_a_stranger_are_not_ours(sender: str) -> None:
    road = Road()
    road.pep.follow(BOOKMARKS, road.hook, own=True)
    with structlog.testing.capture_logs() as lines:
        await road.come(BOOKMARK.format(sender=sender))
    assert road.told == []
    assert [line["log_level"] for line in lines] == ["warning"]


@pytest.mark.parametrize(
    ("sender", "kind"),
    [("room@muc.lit/romeo", "groupchat"), ("room@muc.lit", "groupchat"), ("room@muc.lit/romeo", "chat"),
     ("romeo@montague.lit/orchard", "headline"), ("@", "headline"), ("romeo@montague.lit", "error")],
)  # fmt: skip
async def test_an_event_that_somebody_wrote_is_no_nodes(sender: str, kind: str) -> None:
    """An occupant's client can put an event into a room's message: it would be the room's."""
    road = Road()
    road.pep.follow(TUNE, road.hook)
    await road.come(FROM_CONTACT.format(sender=sender, type=kind))
    assert road.told == []


@pytest.mark.parametrize("via", ["carbon", "archive"])
async def test_events_in_copies_and_archives_are_old(via: Via) -> None:
    road = Road()
    road.pep.follow(TUNE, road.hook)
    await road.come(FROM_CONTACT.format(sender="romeo@montague.lit", type="headline"), via)
    assert road.told == []


async def test_an_event_of_another_node_is_for_nobody() -> None:
    road = Road()
    road.pep.follow(BOOKMARKS, road.hook, own=True)
    await road.come(FROM_CONTACT.format(sender=BARE, type="headline"))
    assert road.told == []


async def test_a_follower_that_fails_keeps_the_stanza_unacknowledged() -> None:
    road = Road()

    async def broken(_profile: str, _event: Event) -> None:
        raise OSError("disk")

    road.pep.follow(TUNE, road.hook)
    road.pep.follow(TUNE, broken)
    with pytest.raises(OSError, match="disk"):
        await road.come(FROM_CONTACT.format(sender=BARE, type="headline"))
    assert len(road.told) == 1


@pytest.mark.parametrize(
    ("inner", "news"),
    [
        # XEP-0060 examples 103, 119, 141, 161: with the payload left out, retraction, deletion, purge.
        ("<items node='p'><item id='ae89'/></items>", [("p", ["ae89"], (), False)]),
        ("<items node='p'><retract id='ae89'/></items>", [("p", [], ("ae89",), False)]),
        ("<delete node='p'><redirect uri='xmpp:hamlet@denmark.lit'/></delete>", [("p", [], (), True)]),
        ("<purge node='p'/>", [("p", [], (), True)]),
        ("<configuration node='p'/>", None),
        ("<items><item id='1'/></items>", None),
        (f"<items node='{'p' * 2000}'/>", None),
        (f"<items node='p'><item id='{'1' * 4000}'/><retract id='{'1' * 4000}'/><retract/></items>",
         [("p", [], (), False)]),
        ("<items xmlns='urn:other' node='p'/>", None),
        ("<purge node='p'/>" * 50, [("p", [], (), True)] * protocol.MOST_NODES),
    ],
)  # fmt: skip
def test_events_are_read_within_bounds(inner: str, news: list[Any] | None) -> None:
    read = read_event(fromstring(f"<event xmlns='{protocol.EVENT}'>{inner}</event>"))
    shown = [(one.node, [item.id for item in one.items], one.retracted, one.gone) for one in read or ()]
    assert shown == (news or [])


def test_an_event_of_many_items_is_cut() -> None:
    inner = "".join(f"<item id='{n}'/>" for n in range(protocol.MOST_ITEMS + 7))
    (news,) = (
        read_event(fromstring(f"<event xmlns='{protocol.EVENT}'><items node='p'>{inner}</items></event>"))
        or ()
    )
    assert len(news.items) == protocol.MOST_ITEMS


async def test_publishing_is_as_the_example_has_it() -> None:
    """XEP-0223 example 1, and the answer of XEP-0060 example 100."""
    road = Road(
        f"<iq xmlns='jabber:client' type='result'><pubsub xmlns='{protocol.PUBSUB}'><publish node='{BOOKMARKS}'>"
        "<item id='SomeID'/></publish></pubsub></iq>"
    )
    payload = "<conference xmlns='storage:bookmarks' jid='theplay@conference.shakespeare.lit'/>"
    assert await road.pep.publish("juliet", BOOKMARKS, payload, access="whitelist") == "SomeID"
    (asked,) = road.session.asked
    publish = asked.find(f"{{{protocol.PUBSUB}}}publish")
    assert publish is not None and publish.get("node") == BOOKMARKS
    assert publish[0][0].tag == "{storage:bookmarks}conference"
    assert form_of(asked) == {
        "FORM_TYPE": f"{protocol.PUBSUB}#publish-options",
        "pubsub#persist_items": "true",
        "pubsub#access_model": "whitelist",
        "pubsub#max_items": "1",
    }


def form_of(asked: Element) -> dict[str, str | None]:
    """The fields that a request submits."""
    return {
        str(field.get("var")): field.findtext("{jabber:x:data}value")
        for field in asked.iter("{jabber:x:data}field")
    }


def config(**values: str) -> str:
    """A server's configuration form."""
    fields = (f"<field var='pubsub#{n}'><value>{value}</value></field>" for n, value in values.items())
    return CONFIG_FORM.format("".join(fields))


DONE = "<iq xmlns='jabber:client' type='result'/>"


async def test_a_node_that_is_otherwise_is_made_so_first() -> None:
    """XEP-0060 section 7.1.5: precondition-not-met. The second time only what is so is published."""
    road = Road("conflict", DONE, config(persist_items="1", access_model="whitelist", max_items="1"), DONE)
    await road.pep.publish("juliet", "n", "<a xmlns='b'/>", access="whitelist")
    kinds = [next(iter(asked)).tag.rpartition("}")[2] for asked in road.session.asked]
    assert kinds == ["publish", "configure", "configure", "publish"]


@pytest.mark.parametrize(
    "answers",
    [
        ("conflict", "forbidden"),
        ("conflict", DONE, config(persist_items="1", access_model="open", max_items="1")),
        ("conflict", DONE, config()),
        ("conflict", DONE, DONE),
        ("not-acceptable", "item-not-found", "not-acceptable"),
        ("conflict", DONE, config(persist_items="1", access_model="whitelist", max_items="1"), "conflict"),
    ],
)
async def test_nothing_private_leaves_where_the_node_cannot_be_closed(answers: tuple[str, ...]) -> None:
    road = Road(*answers)
    with pytest.raises(SalutError) as caught:
        await road.pep.publish("juliet", "n", "<a xmlns='b'/>", access="whitelist")
    assert caught.value.code == "refused"
    assert road.session.answers == []
    for asked in road.session.asked:
        if asked.find(f"{{{protocol.PUBSUB}}}publish") is not None:
            assert (
                form_of(asked)["pubsub#access_model"] == "whitelist"
            )  # the server checks it (section 7.1.5)


async def test_a_server_without_publish_options_gets_nothing() -> None:
    """XEP-0223 section 7: private data MUST NOT be stored there."""
    road = Road()
    road.session.features = Features(account=Info((Identity("pubsub", "pep"),), frozenset()))
    assert not road.pep.supported("juliet")
    with pytest.raises(SalutError) as caught:
        await road.pep.publish("juliet", "n", "<a xmlns='b'/>", access="whitelist")
    assert caught.value.code == "unavailable"
    assert road.session.asked == []


def test_support_is_the_accounts_or_on_old_servers_the_servers() -> None:
    identity, options = (Identity("pubsub", "pep"),), frozenset({protocol.OPTIONS})
    assert supports(Info(identity, options), Info())
    assert supports(Info(), Info(identity, options))
    assert not supports(Info((), options), Info((Identity("pubsub", "service"),), options))


def page(ids: range, last: str, count: int) -> str:
    """A page of items (XEP-0060 example 82 and XEP-0059)."""
    items = "".join(f"<item id='{n}'/>" for n in ids)
    rsm = f"<set xmlns='{protocol.RSM}'><last>{last}</last><count>{count}</count></set>"
    return (
        f"<iq xmlns='jabber:client' type='result'><pubsub xmlns='{protocol.PUBSUB}'><items node='n'>{items}</items>"
        f"{rsm}</pubsub></iq>"
    )


async def test_pages_are_asked_for_until_all_is_there() -> None:
    road = Road(page(range(3), "2", 5), page(range(3, 5), "4", 5))
    assert [item.id for item in await road.pep.items("juliet", "n")] == ["0", "1", "2", "3", "4"]
    assert road.session.asked[1].findtext(f"{{{protocol.RSM}}}set/{{{protocol.RSM}}}after") == "2"


async def test_a_server_that_pages_for_ever_is_left() -> None:
    road = Road(page(range(3), "2", 99), page(range(3), "9", 99))
    assert len(await road.pep.items("juliet", "n")) == 3


async def test_an_absent_node_is_empty_and_a_closed_one_refused() -> None:
    assert await Road("item-not-found").pep.items("juliet", "n", of="romeo@montague.lit") == []
    with pytest.raises(SalutError) as caught:
        await Road("forbidden").pep.items("juliet", "n", of="romeo@montague.lit")
    assert (caught.value.code, caught.value.data["condition"]) == ("refused", "forbidden")


@pytest.mark.parametrize("count", ["x", "-1", "9" * 40, "٣"])
def test_a_count_without_sense_is_none(count: str) -> None:
    assert read_page(fromstring(page(range(1), "0", 0).replace("<count>0", f"<count>{count}"))).count == -1


@pytest.mark.parametrize(
    ("wanted", "values", "so"),
    [("true", ["1"], True), ("true", ["0"], False), ("0", ["false"], True), ("true", [], False),
     ("open", ["open"], True), ("open", ["presence"], False), ("max", ["10000"], True), ("max", [], False)],
)  # fmt: skip
def test_an_option_is_what_was_asked(wanted: str, values: list[str], so: bool) -> None:
    assert is_so(wanted, values) is so
