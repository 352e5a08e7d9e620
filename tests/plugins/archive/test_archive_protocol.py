# SPDX-License-Identifier: AGPL-3.0-or-later
"""Archive queries on the wire: XEP-0313's examples, and what strangers and broken servers may send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast
from xml.etree.ElementTree import Element, fromstring

import pytest
from structlog.testing import CapturingLogger

from salut.engine.plugin import Link
from salut.model import moment
from salut.plugins.archive.protocol import EXCESS, ArchiveProtocol, query_xml, read_result
from salut.plugins.archive.query import ArchiveError, Ask, Results
from salut.plugins.chat.protocol import new_message
from salut.xmpp.errors import StanzaError
from salut.xmpp.messages import DELAY, delay
from salut.xmpp.router import Account, Router, Wires
from salut.xmpp.session import Session
from salut.xmpp.shared import Shared

BARE = "juliet@capulet.lit"

RESULT = """<message xmlns='jabber:client' id='aeb213' from='{sender}' to='juliet@capulet.lit/chamber'>
  <result xmlns='urn:xmpp:mam:2' queryid='{query}' id='{id}'>
    <forwarded xmlns='urn:xmpp:forward:0'>
      <delay xmlns='urn:xmpp:delay' stamp='{stamp}'/>
      <message xmlns='jabber:client' from='witch@shakespeare.lit/cave' to='juliet@capulet.lit' type='chat' id='w1'>
        <body>Hail to thee</body>
      </message>
    </forwarded>
  </result>
</message>"""

FIN = """<iq xmlns='jabber:client' type='result' id='juliet1'>
  <fin xmlns='urn:xmpp:mam:2' {complete}>
    <set xmlns='http://jabber.org/protocol/rsm'>
      <first index='0'>28482-98726-73623</first>
      <last>09af3-cc343-b409f</last>
    </set>
  </fin>
</iq>"""


class Server:
    """The far side of a session: takes the query, sends what the test wants, answers."""

    def __init__(self, act: Callable[[str], None], answer: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self._act = act
        self._answer = answer

    async def iq(self, _kind: str, payload: str, to: str, _timeout: float) -> Element:
        self.asked.append((payload, to))
        self._act(fromstring(payload).get("queryid", ""))
        if not self._answer:
            raise StanzaError("item-not-found")
        return fromstring(self._answer)


class Setup:
    """A protocol with real tables and decoders, and a server that the test plays."""

    def __init__(self) -> None:
        self.wires = Wires(Shared.fresh(), Router())
        self.wires.shared.decoders.add(f"{{{DELAY}}}delay", "delay", delay, many=True)
        self.wires.router.reader(
            "chat", lambda account, inbound: new_message(account, inbound, lambda _bare: False)
        )
        self.log = CapturingLogger()
        self.protocol = ArchiveProtocol(self.wires, self.log)  # type: ignore[arg-type]  # takes the same calls
        self.account = Account("juliet", BARE, cast("Session", None))

    def receive(self, text: str) -> Awaitable[object] | None:
        """A message as the session hands it over."""
        inbound = self.wires.shared.decoders.decode(fromstring(text))
        inbound.from_ = inbound.from_ or BARE
        return self.wires.router.route(self.account, inbound)

    async def page(self, server: Server, ask: Ask | None = None) -> Results:
        """Ask for a page."""
        self.account.session = cast("Session", server)
        return await self.protocol.page(Link("juliet", 1, BARE, self.account), ask or Ask(limit=10))


def result(
    query: str, key: str = "28482-98726-73623", sender: str = BARE, stamp: str = "2010-07-10T23:08:25Z"
) -> str:
    """Section 4's example of a result."""
    return RESULT.format(query=query, id=key, sender=sender, stamp=stamp)


async def test_results_of_our_query_are_read_in_order() -> None:
    setup = Setup()

    def act(query: str) -> None:
        setup.receive(result(query))
        setup.receive(result(query, "09af3-cc343-b409f", stamp="2010-07-10T23:09:32.5Z"))

    page = await setup.page(Server(act, FIN.format(complete="complete='true'")))
    assert page.complete
    assert [item.id for item in page.items] == ["28482-98726-73623", "09af3-cc343-b409f"]
    first = page.items[0].message
    assert first is not None
    assert (first.body, first.conversation, first.archive) == (
        "Hail to thee",
        "witch@shakespeare.lit",
        page.items[0].id,
    )
    assert moment.iso(first.at) == "2010-07-10T23:08:25.000000Z"
    assert moment.iso(page.items[1].at) == "2010-07-10T23:09:32.500000Z"


async def test_results_that_nobody_asked_for_are_ignored() -> None:
    setup = Setup()

    def act(query: str) -> None:
        setup.receive(result(query, "forged-1", sender="mallory@shakespeare.lit"))
        setup.receive(result(query, "forged-2", sender=f"{BARE}/chamber"))
        setup.receive(result("f27", "forged-3"))
        setup.receive(result(query, "true"))

    page = await setup.page(Server(act, FIN.format(complete="")))
    assert [item.id for item in page.items] == ["true"]
    assert not page.complete
    setup.receive(result("f27", "late"))  # no query is open
    assert len([call for call in setup.log.calls if call.method_name == "warning"]) == 4


async def test_a_server_that_floods_is_not_believed() -> None:
    setup = Setup()

    def act(query: str) -> None:
        for number in range(10 * EXCESS + 1):
            setup.receive(result(query, f"id-{number}"))

    with pytest.raises(ArchiveError, match="more than were asked for"):
        await setup.page(Server(act, FIN.format(complete="")))


@pytest.mark.parametrize(
    ("inner", "kept"),
    [
        ("<result xmlns='urn:xmpp:mam:2' queryid='{query}' id='a'/>", 1),  # retracted: only the id is left
        ("<result xmlns='urn:xmpp:mam:2' queryid='{query}'/>", 0),
        ("<result xmlns='urn:xmpp:mam:2' queryid='{query}' id='" + "x" * 600 + "'/>", 0),
        ("<result xmlns='urn:xmpp:mam:2' queryid='{query}' id='a'><forwarded xmlns='urn:xmpp:forward:0'>"
         "<delay xmlns='urn:xmpp:delay' stamp='yesterday'/></forwarded></result>", 1),
        ("<result xmlns='urn:xmpp:mam:2' queryid='{query}' id='a'><forwarded xmlns='urn:xmpp:forward:0'>"
         "<message xmlns='jabber:client' type='groupchat' from='r@m/n'><body>x</body></message>"
         "</forwarded></result>", 1),
        ("<result xmlns='urn:xmpp:mam:2' queryid='{query}' id='a'><forwarded xmlns='urn:xmpp:forward:0'>"
         "<message xmlns='jabber:client' type='error' from='a@b'><body>x</body></message>"
         "</forwarded></result>", 1),
    ],
)  # fmt: skip
async def test_results_without_a_message_keep_only_their_id(inner: str, kept: int) -> None:
    setup = Setup()

    def act(query: str) -> None:
        setup.receive(
            f"<message xmlns='jabber:client' from='{BARE}'>{inner.replace('{query}', query)}</message>"
        )

    page = await setup.page(Server(act, FIN.format(complete="")))
    assert len(page.items) == kept
    assert all(item.message is None for item in page.items)


async def test_errors_and_answers_without_sense_are_told() -> None:
    setup = Setup()
    with pytest.raises(ArchiveError) as caught:
        await setup.page(Server(lambda _query: None, ""))
    assert caught.value.condition == "item-not-found"
    with pytest.raises(ArchiveError):
        await setup.page(Server(lambda _query: None, "<iq xmlns='jabber:client' type='result'/>"))


def test_the_question_is_as_the_examples_have_it() -> None:
    ask = Ask(
        limit=10, before="28482-98726-73623", after="09af3", start=1_280_966_401_000_000, partner="r&j@b.lit"
    )
    query = fromstring(query_xml(ask, "f27"))
    assert query.tag == "{urn:xmpp:mam:2}query"
    fields = {
        field.get("var"): field.findtext("{jabber:x:data}value")
        for field in query.iter("{jabber:x:data}field")
    }
    assert fields == {
        "FORM_TYPE": "urn:xmpp:mam:2",
        "with": "r&j@b.lit",
        "start": "2010-08-05T00:00:01.000000Z",
        "after-id": "09af3",
    }
    rsm = "{http://jabber.org/protocol/rsm}"
    assert query.findtext(f"{rsm}set/{rsm}max") == "10"
    assert query.findtext(f"{rsm}set/{rsm}before") == "28482-98726-73623"
    newest = fromstring(query_xml(Ask(limit=10), "f27")).find(f"{rsm}set/{rsm}before")
    assert newest is not None and not newest.text  # XEP-0059: an empty one asks for the last page


def test_a_stamp_before_time_is_none() -> None:
    element = fromstring(result("q", stamp="0001-01-01T00:00:00Z"))
    archived = read_result(element[0])
    assert archived is not None
    assert archived.at == 0
