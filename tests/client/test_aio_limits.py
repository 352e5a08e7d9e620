# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a window may see is said on every connection before anything is asked on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from salut.api.core import ProfilesApi
from salut.client import aio
from salut.model.owner import TaskOwner
from tests.client.fake import HELLO


class Wire:
    """A connection that notes which methods are asked, and answers them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._say({"method": "hello", "params": HELLO})

    def _say(self, message: dict[str, Any]) -> None:
        self._lines.put_nowait(json.dumps({"jsonrpc": "2.0", **message}).encode())

    async def send(self, line: bytes) -> None:
        request = json.loads(line)
        self.asked.append(request["method"])
        attached = {"window": "w1", "journals": [], "passing": []}
        result = attached if request["method"] == "attach" else {"value": []}
        self._say({"id": request["id"], "result": result})

    async def receive(self) -> bytes | None:
        return await self._lines.get()

    def close(self) -> None:
        self._lines.put_nowait(None)


async def test_a_call_in_the_moment_of_a_new_connection_comes_after_the_attach() -> None:
    wires: list[Wire] = []
    when_opened: list[Callable[[], object]] = []

    async def opener(start: bool) -> Wire:
        wires.append(Wire())
        for act in when_opened:
            act()
        return wires[-1]

    failures: list[BaseException] = []
    owner = TaskOwner(lambda _name, error: failures.append(error))
    async with await aio.connect("inprocess:", opener, start=False) as client:
        await client.attach("narrow", profiles=["anna"])
        called: asyncio.Future[asyncio.Task[object]] = asyncio.get_running_loop().create_future()
        when_opened.append(lambda: called.set_result(owner.spawn(client.call(ProfilesApi.list), "list")))
        client.reconnect()
        async with asyncio.timeout(10):
            assert await (await called) == []
    asked = [method for method in wires[1].asked if method != "ping"]
    assert asked == ["attach", "profiles.list"]
    assert not failures
