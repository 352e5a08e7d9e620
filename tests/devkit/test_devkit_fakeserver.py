# SPDX-License-Identifier: AGPL-3.0-or-later
"""The benches' instrument: real slixmpp comes online on it and gets every message once, in order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import slixmpp

from devkit.ca import write_authority
from devkit.fakesession import ClientError, FakeAccount, FakeSession

_ROOT = Path(__file__).parents[2]
_PATIENCE = 20.0

Command = Callable[[str], Awaitable[str]]


class _Fake:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.port = 0

    async def line(self) -> str:
        assert self._process.stdout is not None
        return (await asyncio.wait_for(self._process.stdout.readline(), _PATIENCE)).decode().strip()

    async def command(self, text: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n".encode())
        return await self.line()


@asynccontextmanager
async def _fake_server(*arguments: str) -> AsyncIterator[_Fake]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "devkit.fakeserver", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=_ROOT,
    )
    try:
        fake = _Fake(process)
        word, port = (await fake.line()).split()
        assert word == "ready"
        fake.port = int(port)
        yield fake
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), _PATIENCE) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _Client(slixmpp.ClientXMPP):  # type: ignore[misc]  # slixmpp is not completely typed
    def __init__(self, password: str = "secret") -> None:
        super().__init__("user@localhost/test", password)
        self.bodies: list[str] = []
        self.first: slixmpp.Message | None = None
        self.outcome: asyncio.Queue[str] = asyncio.Queue()
        self.changed = asyncio.Event()
        self.plugin["feature_mechanisms"].unencrypted_scram = True
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0198")
        self.register_plugin("xep_0199")
        self.add_event_handler("session_start", self._start)
        self.add_event_handler("failed_auth", lambda _: self.outcome.put_nowait("refused"))
        self.add_event_handler("message", self._message)

    async def _start(self, _: object) -> None:
        await self.get_roster()
        self.send_presence()
        self.outcome.put_nowait("started")

    def _message(self, message: slixmpp.Message) -> None:
        self.first = self.first or message
        self.bodies.append(message["body"])
        self.changed.set()

    async def has(self, count: int) -> None:
        async with asyncio.timeout(_PATIENCE):
            while len(self.bodies) < count:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def _online(fake: _Fake, ca: Path | None = None, password: str = "secret") -> AsyncIterator[_Client]:
    client = _Client(password)
    client.enable_direct_tls, client.enable_starttls = ca is not None, False
    client.enable_plaintext = ca is None
    client.ca_certs = ca
    client.connect("127.0.0.1", fake.port)
    try:
        yield client
    finally:
        await asyncio.wait_for(client.disconnect(), _PATIENCE)


@pytest.mark.parametrize("kind", ["plain", "rich"])
async def test_replay_reaches_slixmpp_once_and_in_order(kind: str) -> None:
    async with _fake_server() as fake, _online(fake) as client:
        assert await asyncio.wait_for(client.outcome.get(), _PATIENCE) == "started"
        assert await fake.line() == "online user@localhost/test"
        for _ in range(2):
            word, count, seconds = (await fake.command(f"replay 1050 {kind}")).split()
            assert (word, count) == ("sent", "1050")
            assert float(seconds) > 0
        await client.has(2100)
        assert [body.split()[1] for body in client.bodies] == [str(number) for number in range(1, 2101)]
        word, acked, _ = (await fake.command("acked")).split()
        assert word == "acked"
        assert await fake.command("h") == f"h {acked} {acked}"
        assert int(acked) >= 2100
        client.send_message("sender0@localhost", "hello")
        await client.plugin["xep_0199"].ping("localhost")
        assert await fake.command("received") == "received 1"


async def test_rich_messages_carry_what_they_promise() -> None:
    async with _fake_server("--senders", "3") as fake, _online(fake) as client:
        assert (await fake.line()).startswith("online")
        await fake.command("replay 1 rich")
        await client.has(1)
        assert client.first is not None
        assert {child.tag for child in client.first.xml} == {
            "{jabber:client}body",
            "{urn:xmpp:sid:0}origin-id",
            "{urn:xmpp:sid:0}stanza-id",
            "{urn:xmpp:receipts}request",
            "{urn:xmpp:chat-markers:0}markable",
            "{http://jabber.org/protocol/chatstates}active",
        }
        assert client.first.xml.find("{urn:xmpp:sid:0}stanza-id").get("by") == "user@localhost"
        assert client.first["from"].bare == "sender1@localhost"


async def test_disco_answers_with_the_features_asked_for() -> None:
    async with _fake_server("--feature", "urn:example:more") as fake, _online(fake) as client:
        assert (await fake.line()).startswith("online")
        info = await client.plugin["xep_0030"].get_info("localhost", timeout=_PATIENCE)
        assert {"urn:xmpp:ping", "urn:example:more"} <= set(info["disco_info"]["features"])


async def test_unknown_requests_get_an_error() -> None:
    async with _fake_server() as fake, _online(fake) as client:
        assert (await fake.line()).startswith("online")
        with pytest.raises(slixmpp.exceptions.IqError) as caught:
            await client.make_iq_get("urn:example:unknown", ito="localhost").send(timeout=_PATIENCE)
        assert caught.value.condition == "service-unavailable"


async def test_serves_over_tls_and_again_after_a_client_went(tmp_path: Path) -> None:
    files = write_authority(tmp_path)
    async with _fake_server("--certificate", str(files.server_pem)) as fake:
        for _ in range(2):
            async with _online(fake, files.ca_file) as client:
                assert (await fake.line()).startswith("online")
                assert (await fake.command("replay 300 plain")).startswith("sent 300")
                await client.has(300)
            assert await fake.line() == "gone"


async def test_wrong_password_is_refused() -> None:
    async with _fake_server() as fake, _online(fake, password="guess") as client:
        assert await asyncio.wait_for(client.outcome.get(), _PATIENCE) == "refused"
        assert await fake.command("replay 1 plain") in {"error no client is online", "gone"}


async def test_ends_with_its_standard_input_though_a_client_is_there() -> None:
    async with AsyncExitStack() as later, _fake_server() as fake:
        await later.enter_async_context(_online(fake))
        assert (await fake.line()).startswith("online")


async def test_commands_that_cannot_be_done_say_so() -> None:
    async with _fake_server() as fake:
        assert await fake.command("replay 1 plain") == "error no client is online"
        async with _online(fake):
            assert (await fake.line()).startswith("online")
            assert await fake.command("replay many plain") == "error cannot do 'replay many plain'"


@pytest.mark.parametrize(
    "data",
    [
        b"<html>",
        b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><iq xmlns='jabber:client'/>",
        b"<a><b></a>",
    ],
)
def test_session_refuses_what_no_client_sends(data: bytes) -> None:
    with pytest.raises(ClientError):
        FakeSession(FakeAccount()).receive(data)


def test_session_bounds_what_it_keeps() -> None:
    session = FakeSession(FakeAccount())
    session.receive(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
    session.receive(b"<message><body>")
    with pytest.raises(ClientError, match="too large"):
        for _ in range(100):
            session.receive(b"x" * 65536)
