# SPDX-License-Identifier: AGPL-3.0-or-later
"""Storms: whatever happens to the receiving daemon, its history holds each message once, in order.

``SALUT_STORM_KILLS`` says how often the daemon is killed (default 20), ``SALUT_STORM_SEED`` repeats the random
choices of a run (each run prints its own), ``SALUT_STORM_MESSAGES`` how many come while the daemon is down.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from devkit.process import GuardedProcess
from devkit.servers import Account, XmppServer
from tests.conftest import MakeServer
from tests.engine_kit import EngineKit, running_engine
from tests.storm.cutter import Cutter

KILLS = int(os.environ.get("SALUT_STORM_KILLS", "20"))
SETTLE = 300.0  # seconds at most until all is there
BAD = ("plugin failed", "task failed", "stanza failed", "message handler raised", "message not stored")
WAYS = ("prosody", "ejabberd")


def chance(name: str) -> random.Random:
    """The run's random choices; the seed is printed, pytest shows it when a test fails."""
    seed = os.environ.get("SALUT_STORM_SEED") or secrets.token_hex(4)
    print(f"{name}: SALUT_STORM_SEED={seed}")  # noqa: T201 - for whom the run fails
    return random.Random(seed)


class Receiver:
    """A daemon process with one profile, and its history as the disk has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.starts = 0
        self._process: GuardedProcess | None = None

    async def prepare(self, account: Account, server: XmppServer, port: int = 0) -> None:
        """Make the profile, and let the archive be read for the first time."""
        self.folder.mkdir(parents=True)
        async with running_engine(self.state) as kit:
            settings = {"host": "127.0.0.1", "port": port or server.c2s_port, "ca_file": str(server.ca_file)}
            await kit.call(
                "profiles.create",
                name="bob",
                address=account.jid,
                password=account.password,
                settings=settings,
            )
            await kit.call("profiles.connect", profile="bob", wait=20)
            await kit.until(self._read_once)

    async def _read_once(self) -> bool:
        return bool(self.read("SELECT 1 FROM archive_top"))

    def start(self) -> None:
        """Run the daemon."""
        self.starts += 1
        env = {"SALUT_STATE": str(self.state), "SALUT_RUNTIME": str(self.folder / "run")}
        command = [sys.executable, "-m", "salut.daemon"]
        self._process = GuardedProcess(command, log=self.folder / "daemon.log", cwd=self.folder, env=env)

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            assert self._process.running, f"the daemon ended by itself\n{self._process.last_output()}"
            self._process.end(patience=0)
            self._process = None

    def close(self) -> None:
        """End it, in order."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def read(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the database beside the daemon."""
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/salut.db?mode=ro", uri=True)) as store:
            return store.execute(sql).fetchall()

    def bodies(self) -> list[str]:
        """What the history holds, in its order."""
        return [str(row[0]) for row in self.read("SELECT body FROM message ORDER BY place, sub, id")]

    def gaps(self) -> list[tuple[object, ...]]:
        """What may be missing."""
        return self.read("SELECT id, state, error, fetched FROM archive_gap WHERE NOT manual")


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver that ends with the test."""
    made = Receiver(tmp_path / "bob")
    yield made
    made.close()


class Sender:
    """Profile alice of an engine in this process: sends numbered messages until told to stop."""

    def __init__(self, kit: EngineKit, to: Account) -> None:
        self.kit = kit
        self.to = to
        self.sent: list[str] = []
        self.pace = 0.03
        self._stop = asyncio.Event()

    async def one(self, wait: str = "stored") -> None:
        """Send the next number."""
        body = f"{len(self.sent):06}"
        self.sent.append(body)
        await self.kit.call("chat.send", profile="alice", to=self.to.jid, body=body, wait=wait, timeout=600)

    async def run(self, rng: random.Random) -> None:
        """Send at a random pace, now and then in bursts."""
        while not self._stop.is_set():
            for _number in range(rng.choice((1, 1, 1, 5))):
                await self.one()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), rng.uniform(0, 2 * self.pace))

    def stop(self) -> None:
        """Enough."""
        self._stop.set()


@contextlib.asynccontextmanager
async def sending(kit: EngineKit, to: Account, rng: random.Random, pace: float) -> AsyncIterator[Sender]:
    """A sender at work; at the end all that it sent is with the server."""
    sender = Sender(kit, to)
    sender.pace = pace
    task = asyncio.create_task(sender.run(rng))  # noqa: TID251 - the test's own, awaited below
    try:
        yield sender
    finally:
        sender.stop()
        await task
    await sender.one("server")


async def settled(receiver: Receiver, expected: list[str]) -> None:
    """Wait until the history has as many as it should, and nothing open; then it must be exactly these."""
    end = time.monotonic() + SETTLE
    while len(receiver.bodies()) < len(expected) or receiver.gaps():
        if time.monotonic() > end:
            break
        await asyncio.sleep(0.1)
    found = receiver.bodies()
    missing, extra = set(expected) - set(found), len(found) - len(set(found))
    wrong = next((n for n, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), None)
    log = (receiver.folder / "daemon.log").read_text(errors="replace")
    assert found == expected, (
        f"{len(missing)} missing {sorted(missing)[:10]}, {extra} twice, first wrong at {wrong}: "
        f"{found[wrong - 3 : wrong + 5] if wrong else ''}; gaps {receiver.gaps()}\n{log[-3000:]}"
    )
    assert not receiver.gaps()
    for line in log.splitlines():
        assert not any(f"event={event!r}" in line for event in BAD), line


def pace_of(server: XmppServer) -> float:
    """Seconds between messages (two on average): ejabberd's archive on mnesia takes some 37 a second, and each
    message is archived for both sides, and so is its receipt."""
    return 0.1 if server.kind == "prosody" else 0.4


async def test_receiver_killed_at_random_moments(
    server: XmppServer, receiver: Receiver, tmp_path: Path
) -> None:
    rng = chance("kills")
    alice, bob = server.account("alice"), server.account("bob")
    await receiver.prepare(bob, server)
    begun = time.monotonic()
    async with running_engine(tmp_path / "alice", server, {"alice": alice}) as kit:
        async with sending(kit, bob, rng, pace_of(server)) as sender:
            for _kill in range(KILLS):
                receiver.start()
                await asyncio.sleep(rng.uniform(0.0, 2.0))  # the random moment itself
                receiver.kill()
        receiver.start()
        await settled(receiver, sender.sent)
    print(f"{KILLS} kills, {len(sender.sent)} messages, {time.monotonic() - begun:.1f} s")  # noqa: T201


async def test_server_restarted_under_the_storm(
    server: XmppServer, receiver: Receiver, tmp_path: Path
) -> None:
    rng = chance("restarts")
    alice, bob = server.account("alice"), server.account("bob")
    await receiver.prepare(bob, server)
    async with running_engine(tmp_path / "alice", server, {"alice": alice}) as kit:
        async with sending(kit, bob, rng, pace_of(server)) as sender:
            receiver.start()
            for _restart in range(3):
                await asyncio.sleep(rng.uniform(1.0, 3.0))  # the random moment itself
                server.restart()
                receiver.kill()
                receiver.start()
        await settled(receiver, sender.sent)


@pytest.mark.parametrize("kind", WAYS)
async def test_cut_longer_than_the_server_waits(
    kind: str, make_server: MakeServer, receiver: Receiver, tmp_path: Path
) -> None:
    rng = chance("cuts")
    server = make_server(kind, hibernation=1)
    alice, bob = server.account("alice"), server.account("bob")
    async with Cutter(server.c2s_port) as cutter:
        await receiver.prepare(bob, server, cutter.port)
        async with running_engine(tmp_path / "alice", server, {"alice": alice}) as kit:
            async with sending(kit, bob, rng, pace_of(server)) as sender:
                receiver.start()
                for _cut in range(3):
                    await asyncio.sleep(rng.uniform(1.0, 2.0))  # the random moment itself
                    cutter.cut()
                    await asyncio.sleep(3.0)  # until the server has given the session up
                    cutter.mend()
            await settled(receiver, sender.sent)


async def test_thousands_while_the_daemon_is_down(
    server: XmppServer, receiver: Receiver, tmp_path: Path
) -> None:
    count = int(os.environ.get("SALUT_STORM_MESSAGES", "1000" if server.kind == "prosody" else "200"))
    alice, bob = server.account("alice"), server.account("bob")
    await receiver.prepare(bob, server)
    async with running_engine(tmp_path / "alice", server, {"alice": alice}) as kit:
        sender = Sender(kit, bob)
        begun = time.monotonic()
        for _number in range(count - 1):
            await sender.one()
        await sender.one("server")
        sent = time.monotonic()
        receiver.start()
        await settled(receiver, sender.sent)
    print(f"{count} sent in {sent - begun:.1f} s, caught up in {time.monotonic() - sent:.1f} s")  # noqa: T201
