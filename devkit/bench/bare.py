# SPDX-License-Identifier: AGPL-3.0-or-later
"""The floor of ingest: bare slixmpp with two plugins, whose handler reads body and sender.

``python -m devkit.bench.bare JID HOST PORT CA-FILE [--starttls] [--managed]``, the password in ``BENCH_PASSWORD``;
``--managed`` adds a third plugin, stream management (XEP-0198), which makes the server work more.
It prints ``online``, then takes commands: ``count N`` prints ``counting``, and ``counted N SECONDS`` (from
the first to the last) once N further messages have come; ``flood N TO`` sends N messages, numbered on, and
prints ``sent N``; ``roster`` asks for the roster and prints ``roster CONTACTS SECONDS``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from typing import Any

from slixmpp import ClientXMPP

CHUNK = 50
BODY = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Bare(ClientXMPP):
    """As small as a client can be."""

    def __init__(self, jid: str, password: str, managed: bool) -> None:
        super().__init__(jid, password)
        if managed:
            self.register_plugin("xep_0198")
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self.add_event_handler("session_start", self._start)
        self.add_event_handler("message", self._message)
        self.seen = self.size = self.goal = self.sent = 0
        self.first = 0.0

    def _start(self, _: object) -> None:
        self.send_presence()
        _say("online")

    def _message(self, message: Any) -> None:
        self.size += len(message["body"]) + len(str(message["from"]))
        if not self.seen:
            self.first = time.perf_counter()
        self.seen += 1
        if self.seen == self.goal:
            _say(f"counted {self.seen} {time.perf_counter() - self.first:.6f}")

    def count(self, number: int) -> None:
        """Tell when so many have come."""
        self.seen, self.goal = 0, number
        _say("counting")

    async def fetch(self) -> None:
        """Ask for the roster, and tell how many are in it."""
        begin = time.perf_counter()
        await self.get_roster()
        _say(f"roster {len(self.client_roster.keys())} {time.perf_counter() - begin:.6f}")

    async def flood(self, number: int, to: str) -> None:
        """Send as fast as the server takes it."""
        transport: asyncio.Transport = self.transport  # type: ignore[assignment]  # it is connected
        first, self.sent = self.sent, self.sent + number
        for begin in range(first, self.sent, CHUNK):
            self.send_raw(
                "".join(
                    f"<message to='{to}' type='chat' id='f{n}'><body>message {n} {BODY}</body></message>"
                    for n in range(begin, min(begin + CHUNK, self.sent))
                )
            )
            while transport.get_write_buffer_size() > 65_536:  # noqa: ASYNC110 - slixmpp offers no drain
                await asyncio.sleep(0.001)
        _say(f"sent {number}")


async def main() -> None:
    """Connect and obey."""
    parser = argparse.ArgumentParser()
    parser.add_argument("jid")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("ca_file")
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--managed", action="store_true")
    options = parser.parse_args()
    client = Bare(options.jid, os.environ["BENCH_PASSWORD"], options.managed)
    client.ssl_context.load_verify_locations(options.ca_file)
    client.enable_direct_tls, client.enable_starttls = not options.starttls, options.starttls
    client.connect(options.host, options.port)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while words := (await reader.readline()).decode().split():
        match words:
            case ["count", number]:
                client.count(int(number))
            case ["roster"]:
                await client.fetch()
            case ["flood", number, to]:
                await client.flood(int(number), to)


if __name__ == "__main__":
    asyncio.run(main())
