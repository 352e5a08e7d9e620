# SPDX-License-Identifier: AGPL-3.0-or-later
"""A fake XMPP server that writes pre-rendered messages at full speed: the instrument of the benches.

``python -m devkit.fakeserver`` serves one client at a time on 127.0.0.1 and prints, a line each:
``ready PORT``, ``online FULL-JID`` (the client sent its first presence), ``gone``.
It reads commands from standard input, and ends with it:

- ``replay N plain|rich``: write N messages, numbered on from the last; prints ``sent N SECONDS`` once the
  kernel has taken them all. Rendering is done before the clock starts. The kernel's own buffers hold up to
  tens of megabytes (``net.ipv4.tcp_rmem``, ``tcp_wmem``), and only past them does a slow client hold the
  writing back: so this is no measure of how fast the client reads. Time that in the client, or by ``acked``.
- ``pace N RATE plain|rich``: the same at RATE messages a second, each when its time has come.
- ``storm N ROOM``: write N presences of ROOM's members (``--members``); prints ``settled SECONDS`` once the client
  has answered a ping (XEP-0199) that comes after them. ``settled``: the same ping alone.
- ``acked``: ask for an acknowledgement (XEP-0198), wait until the client has acknowledged all;
  prints ``acked H SECONDS``.
- ``h``: prints ``h H SENT``, the last acknowledgement and the stanzas sent. ``received``: prints
  ``received N``, the message stanzas which the client sent.

A command that cannot be done prints ``error REASON``.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
import time
from collections.abc import Iterator

from devkit.fakecrowd import Crowd
from devkit.fakesession import DEFAULT_FEATURES, ClientError, FakeAccount, FakeSession

_ACK_EVERY = 100
_ACK_REQUEST = b"<r xmlns='urn:xmpp:sm:3'/>"
_RICH = (
    "<origin-id xmlns='urn:xmpp:sid:0' id='o{id}'/><stanza-id xmlns='urn:xmpp:sid:0' id='s{id}' by='{by}'/>"
    "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
    "<active xmlns='http://jabber.org/protocol/chatstates'/>"
)
_FILLER = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore "


class Replay:
    """Renders numbered messages. Message ``n`` has the id ``m<n>`` and the body ``message <n> …``."""

    def __init__(self, account: FakeAccount, *, senders: int = 1, body_size: int = 100) -> None:
        self._account = account
        self._senders = senders
        self._filler = (_FILLER * (body_size // len(_FILLER) + 1))[:body_size]
        self._next = 1

    def chunks(
        self, count: int, to: str, *, rich: bool, size: int = _ACK_EVERY
    ) -> Iterator[tuple[int, bytes]]:
        """``count`` messages in chunks of up to ``size``: how many, and their bytes."""
        extra = _RICH if rich else ""
        most = size
        for begin in range(0, count, most):
            size = min(most, count - begin)
            numbers = range(self._next, self._next + size)
            self._next += size
            yield size, "".join(self._message(number, to, extra) for number in numbers).encode()

    def _message(self, number: int, to: str, extra: str) -> str:
        sender = f"sender{number % self._senders}@{self._account.domain}/fake"
        body = f"message {number} {self._filler}"[: max(len(self._filler), len(f"message {number}"))]
        return (
            f"<message from='{sender}' to='{to}' type='chat' id='m{number}'><body>{body}</body>"
            f"{extra.format(id=number, by=self._account.jid)}</message>"
        )


class FakeServer:
    """Serves one client at a time and carries out commands on its stream."""

    def __init__(self, account: FakeAccount, replay: Replay) -> None:
        self._account = account
        self._replay = replay
        self._session: FakeSession | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._news = asyncio.Event()
        self._pings = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it goes. A second one at the same time is turned away."""
        if self._session is not None:
            writer.close()
            return
        session = self._session = FakeSession(self._account)
        self._writer = writer
        announced = False
        try:
            while data := await reader.read(65536):
                writer.write(session.receive(data))
                self._news.set()
                if session.online and not announced:
                    announced = True
                    _say(f"online {session.full_jid}")
        except ClientError as error:
            if str(error) == "end of stream":
                writer.write(b"</stream:stream>")
            else:
                _say(f"error {error}")
        except ConnectionError:
            pass  # the client is gone, as the next line says
        finally:
            self._session = self._writer = None
            self._news.set()
            writer.close()
            _say("gone")

    def close(self) -> None:
        """Let the client go."""
        if self._writer is not None:
            self._writer.close()

    async def command(self, line: str) -> str:
        """Carry out one command; the answer is the line to print."""
        words = line.split()
        session, writer = self._session, self._writer
        if session is None or writer is None or not session.online:
            return "error no client is online"
        match words:
            case ["replay", count, ("plain" | "rich") as kind] if count.isdecimal():
                return await self._replay_to(session, writer, int(count), rich=kind == "rich")
            case ["pace", count, rate, ("plain" | "rich") as kind] if count.isdecimal() and rate.isdecimal():
                chunks = list(self._replay.chunks(int(count), session.full_jid, rich=kind == "rich", size=1))
                return await self._pace(session, writer, [chunk for _, chunk in chunks], int(rate))
            case ["storm", count, room] if count.isdecimal() and self._account.crowd.members:
                stanzas = "".join(self._account.crowd.storm(room, int(count), session.full_jid)).encode()
                return await self._stanzas(session, writer, stanzas, int(count))
            case ["settled"]:
                return await self._stanzas(session, writer, b"", 0)
            case ["acked"] if session.managed:
                return await self._wait_for_ack(session, writer)
            case ["h"]:
                return f"h {session.acked} {session.sent}"
            case ["received"]:
                return f"received {session.messages}"
        return f"error cannot do {line.strip()!r}"

    async def _replay_to(
        self, session: FakeSession, writer: asyncio.StreamWriter, count: int, *, rich: bool
    ) -> str:
        chunks = list(self._replay.chunks(count, session.full_jid, rich=rich))
        begin = time.perf_counter()
        try:
            for size, chunk in chunks:
                session.sent += size if session.managed else 0
                writer.write(chunk + _ACK_REQUEST if session.managed else chunk)
                await writer.drain()
            await self._flush(writer)
        except ConnectionError:
            return "error the client is gone"
        return f"sent {count} {time.perf_counter() - begin:.6f}"

    async def _pace(
        self, session: FakeSession, writer: asyncio.StreamWriter, stanzas: list[bytes], rate: int
    ) -> str:
        begin = time.perf_counter()
        try:
            for number, stanza in enumerate(stanzas):
                early = begin + number / rate - time.perf_counter()
                if early > 0:
                    await asyncio.sleep(early)
                session.sent += session.managed
                ask = session.managed and number % _ACK_EVERY == 0
                writer.write(stanza + _ACK_REQUEST if ask else stanza)
                await writer.drain()
        except ConnectionError:
            return "error the client is gone"
        return f"sent {len(stanzas)} {time.perf_counter() - begin:.6f}"

    async def _stanzas(
        self, session: FakeSession, writer: asyncio.StreamWriter, stanzas: bytes, count: int
    ) -> str:
        begin = time.perf_counter()
        self._pings += 1
        key = f"settle{self._pings}"
        session.sent += (count + 1) * session.managed
        ping = f"<iq type='get' id='{key}' from='{self._account.domain}' to='{session.full_jid}'>"
        writer.write(stanzas + f"{ping}<ping xmlns='urn:xmpp:ping'/></iq>".encode())
        while session.answered != key:
            self._news.clear()
            await self._news.wait()
            if self._session is not session:
                return "error the client is gone"
        return f"settled {time.perf_counter() - begin:.6f}"

    @staticmethod
    async def _flush(writer: asyncio.StreamWriter) -> None:
        """Wait until the kernel has taken everything that was written."""
        transport = writer.transport
        low, high = transport.get_write_buffer_limits()
        transport.set_write_buffer_limits(high=1, low=0)  # with 0, asyncio's TLS pauses even when all is out
        try:
            await writer.drain()
        finally:
            transport.set_write_buffer_limits(high=high, low=low)

    async def _wait_for_ack(self, session: FakeSession, writer: asyncio.StreamWriter) -> str:
        begin = time.perf_counter()
        writer.write(_ACK_REQUEST)
        while session.acked < session.sent:
            self._news.clear()
            await self._news.wait()
            if self._session is not session:
                return "error the client is gone"
        return f"acked {session.acked} {time.perf_counter() - begin:.6f}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def run(options: argparse.Namespace) -> None:
    """Serve until standard input ends."""
    senders = tuple(f"sender{n}@{options.domain}" for n in range(options.senders))  # contacts: no strangers
    crowd = Crowd(options.members, options.contacts)
    account = FakeAccount(
        options.user, options.domain, options.password, tuple(options.feature), senders, crowd
    )
    fake = FakeServer(account, Replay(account, senders=options.senders, body_size=options.body_size))
    tls: ssl.SSLContext | None = None
    if options.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.certificate)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", options.port, ssl=tls)
    async with server:
        _say(f"ready {server.sockets[0].getsockname()[1]}")
        commands = await _commands()
        while line := await commands.readline():
            _say(await fake.command(line.decode()))
        fake.close()


def arguments() -> argparse.ArgumentParser:
    """The options of the program."""
    parser = argparse.ArgumentParser(prog="devkit.fakeserver", description="a fake XMPP server for benches")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--user", default="user")
    parser.add_argument("--domain", default="localhost")
    parser.add_argument("--password", default="secret", help="of a throw-away account")
    parser.add_argument("--certificate", help="direct TLS: one PEM file with certificate and key")
    parser.add_argument("--feature", action="append", default=list(DEFAULT_FEATURES), help="add to disco")
    parser.add_argument("--members", type=int, default=0, help="in each room that is entered")
    parser.add_argument("--contacts", type=int, default=0, help="in the roster, all of them online")
    parser.add_argument("--senders", type=int, default=1, help="how many addresses the messages come from")
    parser.add_argument("--body-size", type=int, default=100, help="characters")
    return parser


if __name__ == "__main__":
    asyncio.run(run(arguments().parse_args()))
