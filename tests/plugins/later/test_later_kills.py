# SPDX-License-Identifier: AGPL-3.0-or-later
"""Exactly once on real servers: a daemon killed with SIGKILL at each step of sending what was scheduled."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devkit.process import GuardedProcess
from devkit.servers import Account, XmppServer
from salut.model import moment
from tests.engine_kit import BOUND, EngineKit, running_engine
from tests.plugins.later.dying_daemon import STEPS

DRIVER = Path(__file__).with_name("dying_daemon.py")
ROOT = Path(__file__).parents[3]
KILLS = [step for step in STEPS if step != "none"]


class Dying:
    """The daemon of alice, a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self._process: GuardedProcess | None = None

    def start(self, step: str) -> GuardedProcess:
        env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
        command = [sys.executable, str(DRIVER), str(self.state), step]
        self._process = GuardedProcess(command, log=self.folder / "log", cwd=self.folder, env=env)
        return self._process

    def end(self) -> None:
        if self._process is not None:
            self._process.end()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/salut.db?mode=ro", uri=True)) as found:
            return found.execute(sql).fetchall()


async def wait_for(what: Any, seconds: float = BOUND) -> None:
    """Until ``what()`` is true."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def alices(folder: Path, server: XmppServer, alice: Account, to: str) -> AsyncIterator[Dying]:
    """Alice's state, her daemon down, with three messages whose time has come meanwhile."""
    dying = Dying(folder)
    folder.mkdir()
    async with running_engine(dying.state, server, {"alice": alice}) as kit:
        at = moment.now() + 3600 * moment.SECOND
        for n in range(3):
            await kit.call("later.schedule", profile="alice", to=to, body=f"text {n}", at=at)
    with contextlib.closing(sqlite3.connect(f"{dying.state}/salut.db")) as found:
        found.execute("UPDATE scheduled SET at=?", (moment.now(),))
        found.commit()
    try:
        yield dying
    finally:
        dying.end()


async def received(kit: EngineKit, alice: Account) -> list[str]:
    return [message["body"] for message in await kit.messages("bob", alice.jid)]


@pytest.mark.parametrize("step", KILLS)
async def test_killed_at_each_step_it_arrives_once(server: XmppServer, step: str, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with (
        running_engine(tmp_path / "bob", server, {"bob": bob}) as kit,
        alices(tmp_path / "alice", server, alice, bob.jid) as dying,
    ):
        process = dying.start(step)
        await wait_for(lambda: not process.running)
        assert "Traceback" not in process.last_output()
        dying.start("none")
        await wait_for(lambda: dying.rows("SELECT count(*) FROM scheduled") == [(0,)])
        await wait_for(lambda: dying.rows("SELECT count(*) FROM message WHERE state='pending'") == [(0,)])
        last = "and that was all"
        await kit.until(lambda: _three(kit, alice))
        await kit.call("chat.send", profile="bob", to=alice.jid, body=last, wait="server")
        assert await received(kit, alice) == ["text 0", "text 1", "text 2", last]
        mine = dying.rows("SELECT body FROM message WHERE outgoing ORDER BY place, sub, id")
        assert mine == [("text 0",), ("text 1",), ("text 2",)]


async def _three(kit: EngineKit, alice: Account) -> bool:
    return len(await received(kit, alice)) >= 3


async def test_killed_ever_again(server: XmppServer, tmp_path: Path) -> None:
    """One after another dies at another step, all on the same three messages."""
    alice, bob = server.account("alice"), server.account("bob")
    async with (
        running_engine(tmp_path / "bob", server, {"bob": bob}) as kit,
        alices(tmp_path / "alice", server, alice, bob.jid) as dying,
    ):
        for step in KILLS:
            process = dying.start(step)
            with contextlib.suppress(TimeoutError):  # later steps may find nothing left to die at
                await wait_for(lambda: not process.running, 3.0)  # noqa: B023 - awaited in this turn
            process.end(patience=0)
        dying.start("none")
        await wait_for(lambda: dying.rows("SELECT count(*) FROM scheduled") == [(0,)])
        await kit.until(lambda: _three(kit, alice))
        await kit.call("chat.send", profile="bob", to=alice.jid, body="end", wait="server")
        assert await received(kit, alice) == ["text 0", "text 1", "text 2", "end"]


async def test_offline_at_its_time(server: XmppServer, tmp_path: Path) -> None:
    """Without a link it is pending at its time, and leaves with the link, once."""
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("profiles.disconnect", profile="alice")
        at = moment.now() + moment.SECOND // 5
        await kit.call("later.schedule", profile="alice", to=bob.jid, body="offline", at=at)
        held = await kit.call("later.send", profile="alice", to=bob.jid, body="held", undo=0.4)
        taken = await kit.call("later.send", profile="alice", to=bob.jid, body="taken back", undo=30)

        async def pending() -> bool:
            return [m["state"] for m in await kit.messages("alice", bob.jid)] == ["pending", "pending"]

        await kit.until(pending)
        assert (await kit.call("later.undo", profile="alice"))["id"] == taken["id"] > held["id"]
        await kit.call("profiles.connect", profile="alice", wait=20)

        async def there() -> bool:
            return len(await kit.messages("bob", alice.jid)) >= 2

        await kit.until(there)
        await kit.call("chat.send", profile="alice", to=bob.jid, body="end", wait="delivered")
        assert [m["body"] for m in await kit.messages("bob", alice.jid)] == ["offline", "held", "end"]
        (draft,) = await kit.call("drafts.list", profile="alice")
        assert draft["text"] == "taken back"


async def test_scheduled_for_a_room(server: XmppServer, tmp_path: Path) -> None:
    """It is said in the room; one for a room that was left meanwhile stays here, and is no private message."""
    from tests.plugins.rooms.test_rooms_server import fresh_room, join, said

    alice, bob = server.account("alice"), server.account("bob")
    room = fresh_room(server)
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        for profile in ("alice", "bob"):
            await join(kit, profile, room)
        at = moment.now() + moment.SECOND // 5
        await kit.call("later.schedule", profile="alice", to=room, body="hello all", at=at)
        await said(kit, "bob", room, ["hello all"])
        at = moment.now() + 3600 * moment.SECOND
        row = await kit.call("later.schedule", profile="alice", to=room, body="too late", at=at)
        await kit.call("rooms.leave", profile="alice", room=room)
        before = len(await kit.messages("alice", room))
        stopped = await kit.call("later.send_now", profile="alice", scheduled=row["id"])
        if (
            stopped["state"] != "stopped"
        ):  # the plugin of rooms remembers the room: chat refuses or room bounces
            raise AssertionError(stopped)
        assert len(await kit.messages("alice", room)) == before
        await kit.call("later.cancel", profile="alice", scheduled=row["id"])
