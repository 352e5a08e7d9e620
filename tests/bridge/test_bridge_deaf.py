# SPDX-License-Identifier: AGPL-3.0-or-later
"""A window that asks and never reads: it is read no further, and what it asked is answered once it reads."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

from salut.api.wire import MAX_IN_FLIGHT
from salut.bridge.bounds import Bounds
from salut.bridge.unix import UnixBinding
from tests.engine_kit import running_engine

MANY = 5_000  # 20 MB: more than buffers hide
ASK = (
    b'{"jsonrpc":"2.0","id":%d,"method":"daemon.describe","params":{}' + b" " * 4_000 + b"}\n"
)  # longer than buffers hide


async def test_a_window_that_asks_and_never_reads_is_held_back(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        binding = UnixBinding(kit.engine, tmp_path / "s.sock", kit.log)
        await binding.start()
        try:
            reader, writer = await asyncio.open_unix_connection(tmp_path / "s.sock", limit=1 << 24)
            writer.transport.set_write_buffer_limits(high=0)
            asked = await asked_until_held_back(writer)
            assert asked < MANY, "all requests were read though no answer was"
            (session,) = binding._sessions
            waiting = [len(line) for line in session.feed._answers]
            assert sum(waiting) <= Bounds().answer_bytes + (MAX_IN_FLIGHT + 1) * max(waiting)

            answered = await answers(reader, asked)
            assert answered == set(range(asked)), "a request got lost"
            writer.close()
        finally:
            await binding.close()


async def asked_until_held_back(writer: asyncio.StreamWriter) -> int:
    """Ask until nobody takes more requests for a while; how many were written."""
    for number in range(MANY):
        writer.write(ASK % number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await writer.drain()
                continue
        return number + 1
    return MANY


async def answers(reader: asyncio.StreamReader, count: int) -> set[int]:
    """The ids of so many answers."""
    found: set[int] = set()
    async with asyncio.timeout(60):
        await reader.readline()  # hello
        while len(found) < count:
            found.add(json.loads(await reader.readline())["id"])
    return found
