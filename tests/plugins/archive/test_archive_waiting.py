# SPDX-License-Identifier: AGPL-3.0-or-later
"""A long absence: what waits in a real archive, the newest of each conversation first."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from devkit.archives import Said, put
from devkit.prosody import Prosody
from devkit.servers import Account
from tests.conftest import MakeServer
from tests.engine_kit import EngineKit, running_engine

CONVERSATIONS = 50
SHOWN = 50  # newest messages of each that come first
WAITING = 8_000
NOISY = 4_000  # of these, all newer than anything else
USABLE = 0.5  # seconds that a window waits for a page at most, whatever is being fetched; usually some ms


def address(number: int) -> str:
    return f"c{number}@localhost"


def absence(shape: str) -> list[Said]:
    """What was said meanwhile: evenly mixed, or one conversation buries all others."""
    rng = random.Random(5)
    now = int(time.time())
    said = []
    for number in range(WAITING):
        noisy = shape == "buried" and number >= WAITING - NOISY
        other = 0 if noisy else rng.randrange(shape == "buried", CONVERSATIONS)
        said.append(Said(address(other), f"message {number}", now - 3600 - WAITING + number))
    return said


async def known_before(kit: EngineKit, me: Account, server: Prosody) -> None:
    """Each conversation has one message that the daemon knows."""
    past = int(time.time()) - 3 * 24 * 3600
    put(server, me, [Said(address(number), "before", past + number) for number in range(CONVERSATIONS)])
    await kit.add("me", me, server)

    async def read() -> bool:
        page = await kit.call("history.conversations", profile="me", limit=200)
        return len(page["items"]) == CONVERSATIONS and not await kit.call("archive.gaps", profile="me")

    await kit.until(read)
    await kit.call("profiles.disconnect", profile="me")


async def shown(kit: EngineKit, expected: dict[str, list[str]]) -> None:
    """Until a window sees the newest of each conversation."""
    for other, bodies in expected.items():

        async def there(other: str = other, bodies: list[str] = bodies) -> bool:
            found = await kit.messages("me", other, SHOWN)
            return [message["body"] for message in found] == bodies[-SHOWN:]

        await kit.until(there)


class Window:
    """Reads a conversation again and again, as somebody who scrolls; remembers the longest wait."""

    def __init__(self, kit: EngineKit) -> None:
        self.longest = 0.0
        self._kit = kit

    async def look(self) -> None:
        while True:
            begin = time.perf_counter()
            await self._kit.messages("me", address(7), SHOWN)
            self.longest = max(self.longest, time.perf_counter() - begin)
            await asyncio.sleep(0.02)


async def all_of(kit: EngineKit, other: str) -> list[str]:
    found: list[str] = []
    mark: dict[str, Any] = {}
    while True:
        page = await kit.call("history.page", profile="me", conversation=other, limit=500, **mark)
        found = [message["body"] for message in page["items"]] + found
        if page.get("before") is None:
            return found
        mark = {"before": page["before"]}


@pytest.mark.parametrize("shape", ["mixed", "buried"])
async def test_c02_sync_is_newest_first_and_windows_stay_usable(
    shape: str, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server("prosody", sql_archive=True)
    assert isinstance(server, Prosody)
    me = server.account("me")
    async with running_engine(tmp_path / "e") as kit:
        await known_before(kit, me, server)
        said = absence(shape)
        put(server, me, said)
        expected: dict[str, list[str]] = defaultdict(list)
        for one in said:
            expected[one.sender].append(one.body)
        window = Window(kit)
        looking = kit.engine.owner.spawn(window.look(), "a window")
        await kit.call("profiles.connect", profile="me")
        await shown(kit, expected)
        gaps = await kit.call("archive.gaps", profile="me")
        assert [gap["state"] for gap in gaps] == ["filling"]  # the rest is yet to come, and that is visible
        assert gaps[0]["fetched"] < WAITING / 2
        heads = {head.conversation: head for head in await read_heads(kit)}
        assert set(heads) == set(expected)
        assert all(head.place > gaps[0]["low"] for head in heads.values())
        # Somebody scrolls up in one conversation: it is fetched at once, before its turn
        before = len(await all_of(kit, address(3)))
        page = await kit.call("archive.older", profile="me", conversation=address(3), limit=20)
        assert len(await all_of(kit, address(3))) == before + len(page["items"])
        await kit.call("archive.fill", profile="me")
        await kit.until(lambda: no_gap(kit), 120)
        looking.cancel()
        assert window.longest < USABLE
        for other, bodies in expected.items():
            assert await all_of(kit, other) == ["before", *bodies]
        listed = await kit.call("history.conversations", profile="me", limit=200)
        unread = {one["address"]: one["unread"] for one in listed["items"]}
        assert {other: unread[other] - len(bodies) for other, bodies in expected.items()} == dict.fromkeys(
            expected, unread[address(0)] - len(expected[address(0)])
        )
        assert await read_heads(kit) == []


async def no_gap(kit: EngineKit) -> bool:
    return not await kit.call("archive.gaps", profile="me")


async def read_heads(kit: EngineKit) -> list[Any]:
    from salut.plugins.archive import heads

    pid = kit.engine.journal.journals.pids["me"]
    return await kit.engine.readers.read(lambda read: heads.load(read, pid))


async def test_an_end_in_the_middle_of_the_newest_first_leaves_no_hole(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """As ``kill -9`` would: the second daemon begins with what the first had committed."""
    server = make_server("prosody", sql_archive=True)
    assert isinstance(server, Prosody)
    me = server.account("me")
    said = absence("buried")
    expected: dict[str, list[str]] = defaultdict(list)
    for one in said:
        expected[one.sender].append(one.body)
    async with running_engine(tmp_path / "e") as kit:
        await known_before(kit, me, server)
        put(server, me, said)
        await kit.call("profiles.connect", profile="me")
        await kit.until(lambda: some_heads(kit))
    more = [Said(address(3), "while nobody was there", int(time.time()))]
    put(server, me, more)
    expected[address(3)].append(more[0].body)
    async with running_engine(tmp_path / "e") as kit:
        await kit.until(lambda: has_newest(kit, more[0].body))
        await kit.call("archive.fill", profile="me")
        await kit.until(lambda: no_gap(kit), 120)
        for other, bodies in expected.items():
            assert await all_of(kit, other) == ["before", *bodies]


async def some_heads(kit: EngineKit) -> bool:
    return len(await read_heads(kit)) > 5


async def has_newest(kit: EngineKit, body: str) -> bool:
    return [message["body"] for message in await kit.messages("me", address(3), 1)] == [body]


async def test_a_new_device_sees_the_newest_of_each_contact(make_server: MakeServer, tmp_path: Path) -> None:
    """Its history is empty; the roster says whom to ask for. The rest waits to be asked for."""
    server = make_server("prosody", sql_archive=True)
    assert isinstance(server, Prosody)
    me = server.account("me")
    said = absence("buried")
    put(server, me, said)
    expected: dict[str, list[str]] = defaultdict(list)
    for one in said:
        expected[one.sender].append(one.body)
    async with running_engine(tmp_path / "first", server, {"me": me}, without={"archive"}) as kit:
        for number in range(1, 4):
            await kit.call("roster.add", profile="me", address=address(number))
    async with running_engine(tmp_path / "e", server, {"me": me}) as kit:
        await shown(kit, {address(number): expected[address(number)] for number in range(4)})
        gaps = await kit.call("archive.gaps", profile="me")
        assert [gap.get("manual") for gap in gaps] == [True]
        listed = await kit.call("history.conversations", profile="me", limit=200)
        assert {one["address"] for one in listed["items"]} == {address(number) for number in range(4)}
        assert all(
            one.get("unread", 0) == 0 for one in listed["items"]
        )  # what was there before us is no news
        assert await kit.call("archive.fill", profile="me") == []
        for other, bodies in expected.items():
            assert await all_of(kit, other) == bodies
