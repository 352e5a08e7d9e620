# SPDX-License-Identifier: AGPL-3.0-or-later
"""The floor of ingest: bare slixmpp with two plugins, whose handler reads body and sender.

``python -m devkit.bench.bare JID HOST PORT CA-FILE [--starttls] [--managed]``, the password in ``BENCH_PASSWORD``;
``--managed`` adds a third plugin, stream management (XEP-0198), which makes the server work more.
It prints ``online``, then takes commands: ``count N`` prints ``counting``, and ``counted N SECONDS`` (from
the first to the last) once N further messages have come; ``flood N TO`` sends N messages, numbered on, and
prints ``sent N``; ``join ROOM NICK`` enters a room and prints ``joined SECONDS`` once it is in (with ``--rooms``,
which adds a plugin for rooms, XEP-0045); ``newest C N`` asks the archive for the newest N of each of C contacts,
eight at a time, and prints ``newest SECONDS`` (with ``--archive``: XEP-0313). ``--roster`` asks for the roster
before ``online``. The command ``roster`` asks for the roster and prints ``roster CONTACTS SECONDS``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

from slixmpp import JID, ClientXMPP

CHUNK = 50
BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
BODY = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Bare(ClientXMPP):
    """As small as a client can be."""

    def __init__(
        self, jid: str, password: str, *, managed: bool, rooms: bool, roster: bool, archive: bool
    ) -> None:
        super().__init__(jid, password)
        self._roster = roster
        if archive:
            self.register_plugin("xep_0313")
        if rooms:
            self.register_plugin("xep_0045")
        if managed:
            self.register_plugin("xep_0198")
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0199")
        self.add_event_handler("session_start", self._start)
        self.add_event_handler("message", self._message)
        self.seen = self.size = self.goal = self.sent = 0
        self.first = 0.0

    async def _start(self, _: object) -> None:
        if self._roster:
            await self.get_roster()
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

    async def join(self, room: str, nick: str) -> None:
        """Enter a room and be in."""
        begin = time.perf_counter()
        rooms: Any = self.plugin["xep_0045"]
        await rooms.join_muc_wait(room, nick, maxstanzas=0)
        _say(f"joined {time.perf_counter() - begin:.6f}")

    async def newest(self, contacts: int, count: int) -> None:
        """Ask for the newest of each conversation."""
        begin = time.perf_counter()
        archive: Any = self.plugin["xep_0313"]
        left = list(range(contacts))

        async def work() -> None:
            while left:
                partner = JID(f"c{left.pop()}@localhost")
                pages = archive.retrieve(
                    with_jid=partner, start=BEGIN, reverse=True, iterator=True, rsm={"max": count}
                )
                answer = await anext(aiter(pages))
                for result in answer["mam"]["results"]:
                    self.size += len(result["mam_result"]["forwarded"]["stanza"]["body"])

        await asyncio.gather(*(work() for _ in range(8)))
        _say(f"newest {time.perf_counter() - begin:.6f}")

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
    for option in ("--managed", "--rooms", "--roster", "--archive"):
        parser.add_argument(option, action="store_true")
    options = parser.parse_args()
    password = os.environ["BENCH_PASSWORD"]
    client = Bare(
        options.jid,
        password,
        managed=options.managed,
        rooms=options.rooms,
        roster=options.roster,
        archive=options.archive,
    )
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
            case ["join", room, nick]:
                await client.join(room, nick)
            case ["newest", contacts, count]:
                await client.newest(int(contacts), int(count))
            case ["roster"]:
                await client.fetch()
            case ["flood", number, to]:
                await client.flood(int(number), to)


if __name__ == "__main__":
    asyncio.run(main())
