# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a server may send about the roster, honest or not, against a running engine (RFC 6121 section 2)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import msgspec
import pytest

from devkit.ca import TestAuthority
from devkit.fakesession import DEFAULT_FEATURES, ClientError, FakeAccount, FakeSession
from salut.plugins.roster import ledger
from salut.plugins.roster.api import Contact
from tests.engine_kit import BOUND, EngineKit, running_engine

ROSTER = "{jabber:iq:roster}query"
OWN = "user@localhost"


class _Stream(FakeSession):
    """A stream on which the test says what the roster is, and sees what the client answers."""

    def __init__(self, server: RosterServer) -> None:
        super().__init__(FakeAccount(features=server.features))
        self._server = server

    def _open(self) -> str:
        text = super()._open()
        ver = "<ver xmlns='urn:xmpp:features:rosterver'/>"
        return text.replace("</stream:features>", f"{ver}</stream:features>") if "<bind" in text else text

    def _iq(self, iq: Element) -> str:
        if iq.get("type") in ("result", "error"):
            self._server.answers[iq.get("id", "")] = iq
            return ""
        payload = iq.find(ROSTER)
        if payload is None:
            self._server.heard.append(iq)
            tag = iq[0].tag if len(iq) else ""
            if tag in self._server.payloads:
                inner = self._server.payloads[tag]
                head = self._server.before(iq)
                return f"{head}<iq type='result' id='{iq.get('id')}' to='{self.full_jid}'>{inner}</iq>"
            return super()._iq(iq)
        self._server.asked.append(payload.get("ver"))
        answer = self._server.roster
        return f"<iq type='result' id='{iq.get('id')}' to='{self.full_jid}'>{answer}</iq>{self._server.after}"

    def _element(self, element: Element) -> str:
        if element.tag in ("{jabber:client}message", "{jabber:client}presence"):
            self._server.heard.append(element)
        return super()._element(element)


class RosterServer:
    """A server with one account. ``roster`` is the payload of the answer, ``after`` what is sent with it."""

    def __init__(self, ca_file: Path) -> None:
        self.ca_file = ca_file
        self.roster = "<query xmlns='jabber:iq:roster' ver='v1'/>"
        self.after = ""
        self.asked: list[str | None] = []
        self.features = DEFAULT_FEATURES  # of the server and the account
        self.payloads: dict[str, str] = {}  # what a request with this payload is answered with
        self.before: Callable[[Element], str] = lambda _iq: ""  # what comes before such an answer
        self.heard: list[Element] = []  # what the client said, but for its roster
        self.answers: dict[str, Element] = {}
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None
        self._serving: set[asyncio.Task[object]] = set()

    async def served(self) -> None:
        """Wait until all clients are gone, and their sockets closed."""
        if self._serving:
            await asyncio.wait(self._serving, timeout=BOUND)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        stream = _Stream(self)
        self._writer = writer
        with contextlib.suppress(ConnectionError):
            try:
                while data := await reader.read(65536):
                    writer.write(stream.receive(data))
            except ClientError:
                writer.write(b"</stream:stream>")
            writer.close()
            await writer.wait_closed()

    def send(self, text: str) -> None:
        """Write to the client."""
        assert self._writer is not None
        self._writer.write(text.encode())

    def push(self, number: str, item: str, sender: str = "", ver: str = "") -> None:
        """A roster push."""
        by = f" from='{sender}'" if sender else ""
        version = f" ver='{ver}'" if ver else ""
        self.send(
            f"<iq type='set' id='{number}'{by}><query xmlns='jabber:iq:roster'{version}>{item}</query></iq>"
        )


@contextlib.asynccontextmanager
async def fake(authority: TestAuthority) -> AsyncIterator[RosterServer]:
    """A fake server on a free port."""
    server = RosterServer(authority.ca_file)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.server_pem)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        await server.served()


@contextlib.asynccontextmanager
async def online(folder: Path, server: RosterServer) -> AsyncIterator[EngineKit]:
    """An engine whose profile ``me`` is online on the fake server."""
    async with running_engine(folder) as kit:
        if not await kit.call("profiles.list"):
            settings = {
                "host": "127.0.0.1",
                "port": server.port,
                "direct_tls": True,
                "ca_file": str(server.ca_file),
            }
            await kit.call("profiles.create", name="me", address=OWN, password="secret", settings=settings)
        else:
            await kit.call("profiles.change", profile="me", settings={"port": server.port})
        await kit.call("profiles.connect", profile="me", wait=20)
        await kit.settled("me", "localhost")
        yield kit
        await kit.call("profiles.disconnect", profile="me")


async def contacts(kit: EngineKit) -> list[Contact]:
    """The roster as a window reads it."""
    page = await kit.call("roster.list", profile="me", limit=1000)
    return msgspec.convert(page["items"], list[Contact])


async def told(kit: EngineKit) -> int:
    """How many changes of contacts the journal holds."""
    rows = await kit.engine.readers.read(lambda read: read.all("SELECT payload FROM journal"))
    return sum(b'"name":"contact"' in row[0] for row in rows if isinstance(row[0], bytes))


async def answered(kit: EngineKit, server: RosterServer, number: str) -> Element:
    """The client's answer to a push."""

    async def there() -> bool:
        return number in server.answers

    await kit.until(there)
    return server.answers[number]


@pytest.mark.parametrize(
    "sender",
    ["mallory@evil.example", "user@localhost.evil.example", "localhost", "user@localhost/other", "user@evil"],
)
async def test_forged_push_is_refused(authority: TestAuthority, tmp_path: Path, sender: str) -> None:
    async with fake(authority) as server, online(tmp_path, server) as kit:
        server.push("forged", "<item jid='bob@evil.example' name='Mum' subscription='both'/>", sender, "v9")
        answer = await answered(kit, server, "forged")
        assert answer.get("type") == "error"
        assert answer.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable") is not None
        server.push("true", "<item jid='carol@example.org' subscription='to'/>", OWN, "v2")
        assert (await answered(kit, server, "true")).get("type") == "result"
        await kit.until(lambda: contacts(kit))
        assert await contacts(kit) == [Contact(address="carol@example.org", subscription="to")]
        pid = kit.engine.journal.journals.pids["me"]
        assert await kit.engine.readers.read(lambda read: ledger.version(read, pid)) == "v2"


@pytest.mark.parametrize(
    "payload",
    ["", "<item jid='@'/>", "<item/>", "<item jid='a@x.example'/><item jid='b@x.example'/>"],
)
async def test_push_that_makes_no_sense_is_answered_as_such(
    authority: TestAuthority, tmp_path: Path, payload: str
) -> None:
    async with fake(authority) as server, online(tmp_path, server) as kit:
        server.push("bad", payload)
        answer = await answered(kit, server, "bad")
        assert answer.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}bad-request") is not None
        assert await contacts(kit) == []


async def test_push_right_behind_the_roster_counts_after_it(authority: TestAuthority, tmp_path: Path) -> None:
    """One read may bring both: the roster must not undo what was pushed since."""
    async with fake(authority) as server:
        server.roster = (
            "<query xmlns='jabber:iq:roster' ver='v1'><item jid='bob@example.org' name='Old'/>"
            "<item jid='gone@example.org'/></query>"
        )
        server.after = (
            "<iq type='set' id='p1'><query xmlns='jabber:iq:roster' ver='v2'>"
            "<item jid='bob@example.org' name='New'><group>x</group></item></query></iq>"
            "<iq type='set' id='p2'><query xmlns='jabber:iq:roster' ver='v3'>"
            "<item jid='gone@example.org' subscription='remove'/></query></iq>"
        )
        async with online(tmp_path, server) as kit:
            await answered(kit, server, "p2")

            async def settled() -> bool:
                return await contacts(kit) == [Contact(address="bob@example.org", name="New", groups=["x"])]

            await kit.until(settled)


async def test_versions_and_silence_where_nothing_changes(authority: TestAuthority, tmp_path: Path) -> None:
    item = (
        "<item jid='bob@example.org' name='Bob' subscription='both'><group>b</group><group>a</group></item>"
    )
    bob = Contact(address="bob@example.org", name="Bob", groups=["a", "b"], subscription="both")
    async with fake(authority) as server:
        server.roster = f"<query xmlns='jabber:iq:roster' ver='v1'>{item}</query>"
        async with online(tmp_path, server) as kit:
            assert await contacts(kit) == [bob]
            server.push("p", "<item jid='carol@example.org' ask='subscribe'/>", ver="v2")
            await answered(kit, server, "p")

            async def two() -> bool:
                return len(await contacts(kit)) == 2

            await kit.until(two)
            assert await told(kit) == 2
    async with fake(authority) as server:
        server.roster = ""  # RFC 6121 section 2.6.3: nothing new since this version
        async with online(tmp_path, server) as kit:
            assert server.asked == ["v2"]
            carol = Contact(address="carol@example.org", pending=True)
            assert await contacts(kit) == [bob, carol]
            assert await told(kit) == 2
    async with fake(authority) as server:
        server.roster = f"<query xmlns='jabber:iq:roster' ver='v5'>{item}</query>"
        async with online(tmp_path, server) as kit:
            assert await contacts(kit) == [bob]
            assert await told(kit) == 3  # carol is gone, bob is as he was


async def test_requests_of_strangers_are_bounded_and_said_once(
    authority: TestAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_STRANGERS", 5)
    async with fake(authority) as server, online(tmp_path, server) as kit:
        nick = "<nick xmlns='http://jabber.org/protocol/nick'> Doc </nick>"
        for _ in range(3):  # as at each login
            server.send(
                "<presence type='subscribe' from='DOC@example.org/tardis'>"
                f"<status>It is {'x' * 5000}</status>{nick}</presence>"
            )
        server.send(f"<presence type='subscribe' from='{OWN}/other'/>")
        server.send("<presence type='subscribe' from='@'/><presence type='subscribe'/>")
        await kit.until(lambda: contacts(kit))
        (doc,) = await contacts(kit)
        assert doc == Contact(
            address="doc@example.org",
            name="Doc",
            asks=True,
            in_roster=False,
            note=("It is " + "x" * 5000)[:1000],
        )
        for n in range(8):
            server.send(f"<presence type='subscribe' from='s{n}@example.org'/>")

        async def newest() -> bool:
            return [c.address for c in await contacts(kit)] == [f"s{n}@example.org" for n in range(3, 8)]

        await kit.until(newest)
        assert await told(kit) == 1 + 8 + 4  # each once, and the four oldest went
        server.send("<presence type='unsubscribe' from='s7@example.org'/>")

        async def withdrawn() -> bool:
            return len(await contacts(kit)) == 4

        await kit.until(withdrawn)


async def test_stranger_cannot_name_a_conversation(authority: TestAuthority, tmp_path: Path) -> None:
    async with fake(authority) as server, online(tmp_path, server) as kit:
        server.send(
            "<presence type='subscribe' from='mallory@evil.example'>"
            "<nick xmlns='http://jabber.org/protocol/nick'>Mum</nick></presence>"
        )
        await kit.until(lambda: contacts(kit))
        server.send("<message type='chat' from='mallory@evil.example/x'><body>hi</body></message>")
        server.send("<message type='chat' from='bob@example.org/x'><body>hi</body></message>")

        async def conversations() -> list[dict[str, str]]:
            page = await kit.call("history.conversations", profile="me")
            found: list[dict[str, str]] = page["items"]
            return found if len(found) == 2 else []

        shown = await kit.until(conversations)
        assert {c["address"]: c.get("title", "") for c in shown} == {
            "mallory@evil.example": "",
            "bob@example.org": "",
        }
        server.push("p", "<item jid='bob@example.org' name='Bob'/>")
        server.push("q", "<item jid='carol@example.org' name='Carol'/>")
        await answered(kit, server, "q")

        async def named() -> bool:
            return {c["address"]: c.get("title", "") for c in await conversations()} == {
                "mallory@evil.example": "",
                "bob@example.org": "Bob",
            }

        await kit.until(named)
        server.send("<message type='chat' from='carol@example.org/x'><body>hi</body></message>")

        async def third() -> bool:
            page = await kit.call("history.conversations", profile="me")
            return page["items"][0].get("title") == "Carol"

        await kit.until(third)
