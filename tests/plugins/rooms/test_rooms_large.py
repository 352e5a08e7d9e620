# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms full of people, over a real stream: they come in, they are restless, they are left again."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.bench.servers import PASSWORD, USER, FakeServer
from devkit.ca import TestAuthority
from tests.engine_kit import EngineKit, running_engine

CROWD = 2000
STORM = 6000  # presences
ROOM = "large@muc.localhost"
USABLE = 1.0  # seconds that a window waits for an answer in the middle of it; usually some ms

MakeCrowd = Callable[[int], FakeServer]


@pytest.fixture
def make_crowd(authority: TestAuthority) -> Iterator[MakeCrowd]:
    """``make_crowd(N)``: a server whose rooms have N members."""
    servers: list[FakeServer] = []

    def make(members: int) -> FakeServer:
        servers.append(FakeServer(authority, 1, members=members))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


async def connect(kit: EngineKit, server: FakeServer) -> None:
    await kit.call("profiles.create", name="me", address=USER, password=PASSWORD, settings=server.settings())
    await kit.call("profiles.connect", profile="me", wait=20)
    await asyncio.get_running_loop().run_in_executor(None, server.hear, "online", 30.0)


async def members(kit: EngineKit) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = await kit.call("rooms.members", profile="me", room=ROOM, after=after, limit=700)
        found += page["items"]
        after = page["after"]
        if after is None:
            return found


async def test_c14_a_room_of_2000_members(make_crowd: MakeCrowd, tmp_path: Path) -> None:
    server = make_crowd(CROWD)
    async with running_engine(tmp_path) as kit:
        await connect(kit, server)
        begin = time.monotonic()
        joined = await kit.call("rooms.join", profile="me", room=ROOM, nick="nick")
        assert time.monotonic() - begin < 10  # 0.6 s were measured
        assert joined["members"] == CROWD + 1
        found = await members(kit)
        assert len({member["nick"] for member in found}) == CROWD + 1
        head = kit.engine.journal.heads["me"]
        begin = time.monotonic()
        storm = asyncio.get_running_loop().run_in_executor(
            None, server.ask, f"storm {STORM} {ROOM}", "settled"
        )
        longest = 0.0
        while not storm.done():
            asked = time.monotonic()
            await kit.call("rooms.members", profile="me", room=ROOM, after=None, limit=50)
            longest = max(longest, time.monotonic() - asked)
            await asyncio.sleep(0.01)
        await storm
        assert longest < USABLE
        assert (
            kit.engine.journal.heads["me"] - head <= time.monotonic() - begin + 3
        )  # presence leaves no trace
        shows = {member["nick"]: member.get("show") for member in await members(kit)}
        assert shows["member 7"] == "dnd"  # the last that was said
        assert joined["members"] == len(shows)


async def test_c15_joining_and_leaving_100_times_leaves_nothing_behind(
    make_crowd: MakeCrowd, tmp_path: Path
) -> None:
    server = make_crowd(50)

    async def rounds(kit: EngineKit, count: int) -> int:
        for _number in range(count):
            await kit.call("rooms.join", profile="me", room=ROOM, nick="nick")
            await kit.call("rooms.leave", profile="me", room=ROOM)
        await asyncio.get_running_loop().run_in_executor(None, server.ask, "settled", "settled")

        async def calm() -> bool:
            return not any(
                task.get_name().startswith(("settle in", "show room")) for task in asyncio.all_tasks()
            )

        await kit.until(calm)
        gc.collect()
        return len(gc.get_objects())

    async with running_engine(tmp_path) as kit:
        await connect(kit, server)
        before = await rounds(kit, 20)
        after = await rounds(kit, 100)
        assert after - before < 500, "each round leaves objects behind"
        assert not [key for (_, name, key) in kit.engine.journal.passing_now() if name == "member"]
