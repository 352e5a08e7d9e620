# SPDX-License-Identifier: AGPL-3.0-or-later
"""A running daemon with one profile online at a hostile server, a well-behaved window, and what must hold."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from devkit.bench.daemon import BenchDaemon
from devkit.ca import write_authority
from devkit.fuzz.corpus import TAINT
from devkit.fuzz.server import PASSWORD, HostileServer
from devkit.fuzz.values import CONTACTS, OWN, ROOM
from salut.model.owner import TaskOwner

PROFILE = "u"
PING_EVERY = 0.2
SLOWEST = 1.0
"""Seconds in which the well-behaved window must be answered, whatever goes on."""
_BAD = re.compile(r"level='(error|critical)'|Traceback|never retrieved|never awaited")


class Window:
    """A connection to the bridge that calls and waits."""

    def __init__(self) -> None:
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.faults: list[str] = []
        self._owner = TaskOwner(lambda name, error: self.faults.append(f"{name}: {error!r}"))
        self.lines: list[bytes] = []
        self.wanted = b""
        self.seen = asyncio.Event()
        self.open = False

    async def connect(self, path: Path) -> None:
        """Say nothing yet."""
        self._reader, self._writer = await asyncio.open_unix_connection(str(path), limit=1 << 26)
        self.open = True
        self._owner.spawn(self._read(), "window")

    async def _read(self) -> None:
        while line := await self._reader.readline():
            if self.wanted and self.wanted in line:
                self.seen.set()
            if line.startswith(b'{"jsonrpc":"2.0","id":'):
                answer = json.loads(line)
                future = self._waiting.pop(answer["id"], None)
                if "method" in answer:
                    self._writer.write(
                        json.dumps({"jsonrpc": "2.0", "id": answer["id"], "result": {}}).encode() + b"\n"
                    )
                elif future is not None and not future.done():
                    future.set_result(answer)
        self.open = False
        for future in self._waiting.values():
            future.cancel()

    async def call(self, method: str, seconds: float = 60.0, **params: object) -> Any:
        """The reply's value. ``RuntimeError`` for an error."""
        self._number += 1
        future = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self._writer.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(seconds):
            answer = await future
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result = answer["result"]
        return result.get("value", result) if isinstance(result, dict) else result

    async def close(self) -> None:
        """End."""
        self._writer.close()
        await self._owner.close()


class World:
    """All that runs. ``failures``: what did not hold, each with what to type to see it again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = HostileServer()
        self.daemon = BenchDaemon(folder / "d")
        self.window = Window()
        self.failures: list[str] = []
        self.slowest = 0.0
        self.reconnects = 0
        self._read_to = 0
        self._owner = TaskOwner(lambda name, error: self.failures.append(f"{name}: {error!r}"))

    async def start(self) -> None:
        """Until the profile is online and in its room, one message known, and the window attached."""
        self.daemon.folder.mkdir(parents=True)
        authority = write_authority(self.folder / "ca")
        await self.server.start(authority.server_pem)
        self.daemon.start()  # blocks: nothing else goes on yet, and a guarded process belongs to the main thread
        await self.window.connect(self.daemon.socket)
        settings = {
            "host": "127.0.0.1",
            "port": self.server.port,
            "direct_tls": True,
            "ca_file": str(authority.ca_file),
        }
        await self.window.call(
            "profiles.create", name=PROFILE, address=OWN, password=PASSWORD, settings=settings
        )
        await self.window.call("profiles.connect", profile=PROFILE, wait=30.0)
        assert await self.server.until("online"), "the profile does not come online"
        await self.window.call("rooms.join", profile=PROFILE, room=ROOM, nick="Salut")
        await self.window.call("attach", window={"name": "well-behaved"})
        await self.arrives("the known message", "known")
        self._owner.spawn(self._ping(), "pings")
        self._owner.spawn(self._lag(), "lag")

    async def close(self) -> None:
        """End all of it."""
        await self._owner.close()
        if self.window.open:
            await self.window.close()
        await self.server.close()
        self.daemon.close()

    async def _ping(self) -> None:
        """The time that this program's own loop lost is not the daemon's."""
        while True:
            due = time.monotonic() + PING_EVERY
            await asyncio.sleep(PING_EVERY)
            late = time.monotonic() - due
            begin = time.monotonic()
            self._lost = 0.0
            await self.window.call("ping", 60.0)
            took = time.monotonic() - begin
            lost = late + self._lost
            self.slowest = max(self.slowest, took - lost)

    _lost = 0.0

    async def _lag(self) -> None:
        while True:
            begin = time.monotonic()
            await asyncio.sleep(0.01)
            self._lost += max(0.0, time.monotonic() - begin - 0.02)

    async def online(self) -> bool:
        """Bring the profile online again, without the wait between attempts."""
        for _ in range(20):
            if await self.server.until("online", 0.5):
                return True
            try:
                await self.window.call("profiles.connect", 15.0, profile=PROFILE, wait=10.0)
            except (RuntimeError, TimeoutError):
                continue
        return False

    async def arrives(self, body: str, key: str) -> None:
        """A message from a contact is seen in the window within 5 seconds."""
        self.window.seen.clear()
        self.window.wanted = body.encode()
        text = f"<message from='{CONTACTS[0]}/phone' to='{OWN}/x' type='chat' id='{key}'><body>{body}</body></message>"
        session = self.server.session
        if session is None:
            self.failures.append(f"offline before “{body}”")
            return
        session.sent += 1
        self.server.write(text.encode())
        try:
            await asyncio.wait_for(self.window.seen.wait(), 5.0)
        except TimeoutError:
            self.failures.append(f"“{body}” did not arrive in the well-behaved window")

    def log_errors(self) -> list[str]:
        """New lines of the daemon's log which say that something of ours is broken."""
        with (self.daemon.folder / "daemon.log").open("rb") as log:
            log.seek(self._read_to)
            text = log.read()
            self._read_to += len(text)
        return [line[:600] for line in text.decode(errors="replace").splitlines() if _BAD.search(line)]

    def forged(self) -> list[str]:
        """Places in the store that hold what nobody had a right to say, and what became of the known message."""
        found: list[str] = []
        with sqlite3.connect(f"file:{self.daemon.database}?mode=ro", uri=True) as store:
            tables = [
                row[0]
                for row in store.execute(
                    "SELECT name FROM sqlite_master WHERE type='table' AND sql NOT LIKE '%VIRTUAL%'"
                )
            ]
            for table in tables:
                columns = [row[1] for row in store.execute(f'PRAGMA table_info("{table}")')]
                where = " OR ".join(f"CAST(\"{column}\" AS TEXT) LIKE '%{TAINT}%'" for column in columns)
                rows = store.execute(f'SELECT * FROM "{table}" WHERE {where} LIMIT 3').fetchall()
                found += [f"{table}: {str(row)[:400]}" for row in rows]
        return found

    async def held(self) -> None:
        """What must hold when the storm is over; what does not is added to ``failures``."""
        if not self.window.open:
            self.failures.append("the well-behaved window was cut off")
            return
        if not await self.online():
            self.failures.append("the profile is not online at the end")
            return
        await self.arrives("the message after the storm", "after")
        if self.slowest > SLOWEST:
            self.failures.append(
                f"a ping of the well-behaved window took {self.slowest:.2f} s (bound {SLOWEST} s)"
            )
        self.failures += [f"forged and kept: {place}" for place in self.forged()]
        self.failures += await self._known()

    async def _known(self) -> list[str]:
        page = await self.window.call("history.page", profile=PROFILE, conversation=CONTACTS[0], limit=500)
        conversation = CONTACTS[0]
        found = await self.window.call("history.search", profile=PROFILE, query="known message")
        items = [item for item in found["items"] if item.get("conversation") == conversation] or page["items"]
        items = [item.get("message", item) for item in items]
        known = [item for item in items if item.get("body") == "the known message"]
        if not known:
            return [f"the known message is gone or changed: {str(items)[:300]}"]
        acted = ("retraction", "edited_at")
        odd: dict[str, object] = {name: known[0].get(name) for name in acted if known[0].get(name)}
        if forgers := {who for one in known[0].get("reactions", ()) for who in one["senders"]} - {
            OWN,
            conversation,
        }:
            odd["reactions"] = forgers
        return [f"the known message was acted on by others: {odd}"] if odd else []


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """A started world, ended at the end."""
    here = World(folder)
    try:
        await here.start()
        yield here
    finally:
        await here.close()
