# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gaps in the store: random sessions that end anywhere leave the archive's order, each message once."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from salut.api.ports import Tx
from salut.plugins.archive import gaps
from salut.plugins.archive.gaps import Keeper, Row
from salut.plugins.archive.query import Result, Results
from salut.plugins.history.api import History, NewMessage
from tests.engine_kit import EngineKit, running_engine

T = TypeVar("T")
OTHER = "bob@localhost"
SECOND = 1_000_000


class World:
    """A server's archive, and a daemon that hears of it now and then."""

    def __init__(self, kit: EngineKit, rng: random.Random, ids: bool) -> None:
        self.kit = kit
        self.rng = rng
        self.ids = ids  # whether the server knows after-id
        self.archive: list[Result] = []
        self.now = 1_700_000_000 * SECOND
        history = kit.engine.plugins.plugins["history"].port()
        assert history is not None
        self.history: History = history  # type: ignore[assignment]  # the port's Protocol
        self.keeper = Keeper(self.history)

    def message(self, number: int) -> NewMessage:
        """The message as it is read from a stanza, live or archived."""
        return NewMessage(conversation=OTHER, sender=f"{OTHER}/x", body=f"{number:04}", origin=f"o{number}")

    def say(self) -> NewMessage:
        """Somebody writes: archived by the server, with a stamp in whole seconds."""
        self.now += self.rng.choice((0, 1, 1000, 100_000, 3 * SECOND))
        number = len(self.archive)
        self.archive.append(Result(f"a{number}", self.now // SECOND * SECOND))
        new = self.message(number)
        new.archive, new.at = f"a{number}", self.now + self.rng.choice((-5, 0, 2)) * SECOND
        return new

    async def hear(self) -> None:
        """The same, delivered live: it takes its place by our clock."""
        await self.history.ingest("alice", self.say())

    async def commit(self, work: Callable[[Tx], T]) -> T:
        """A unit of work."""
        return await self.kit.engine.journal.commit("alice", work)

    def page(self, row: Row) -> Results:
        """What the server answers."""
        ids = [item.id for item in self.archive]
        end = ids.index(row.before_id) if row.before_id else len(ids)
        begin = ids.index(row.after_id) + 1 if row.after_id and self.ids else 0
        first = max(begin, end - self.rng.randint(1, 6))
        items = [Result(item.id, item.at) for item in self.archive[first:end]]
        for item in items:
            item.message = self.message(int(item.id[1:]))
            item.message.archive, item.message.at = item.id, item.at
        return Results(items, first <= begin)

    async def rows(self) -> list[Row]:
        """Open gaps, newest first."""
        pid = self.kit.engine.journal.journals.pids["alice"]
        return await self.kit.engine.readers.read(lambda read: gaps.load(read, pid))

    async def session(self) -> None:
        """Some time online, which ends anywhere."""
        await self.commit(lambda tx: self.keeper.open(tx, "", self.now))
        for _step in range(self.rng.randint(0, 12)):
            if self.rng.random() < 0.4:
                await self.hear()
            elif rows := await self.rows():
                await self.fetch(rows[0])

    async def fetch(self, row: Row) -> None:
        """A page; meanwhile something may come live."""
        page = self.page(row)
        while self.rng.random() < 0.3:
            await self.hear()
        await self.commit(lambda tx: self.keeper.keep(tx, row.id, page))

    async def away(self) -> None:
        """Some time offline."""
        for _message in range(self.rng.choice((0, 0, 1, 3, 9))):
            self.say()


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("seed", range(20))
async def test_sessions_that_end_anywhere(seed: int, ids: bool, tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        settings = {"enabled": False}
        await kit.call(
            "profiles.create", name="alice", address="alice@localhost", password="x", settings=settings
        )
        world = World(kit, random.Random(seed), ids)
        for _session in range(12):
            await world.session()
            await world.away()
        await world.commit(lambda tx: world.keeper.open(tx, "", world.now))
        while rows := await world.rows():
            await world.fetch(rows[0])
        found = [message["body"] for message in await kit.messages("alice", OTHER)]
        assert found == [f"{number:04}" for number in range(len(world.archive))]


async def test_what_the_archive_took_in_late_is_found(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        settings = {"enabled": False}
        await kit.call(
            "profiles.create", name="alice", address="alice@localhost", password="x", settings=settings
        )
        world = World(kit, random.Random(1), True)
        for number in range(12):
            if number in (4, 5, 9):
                world.say()
            else:
                await world.hear()
        items = world.page(Row(0, "")).items
        while len(items) < 10:
            items = world.page(Row(0, "", before_id=items[0].id)).items + items
        assert await world.commit(lambda tx: world.keeper.heal(tx, "", items)) == 3
        assert await world.commit(lambda tx: world.keeper.heal(tx, "", items)) == 0
        found = [message["body"] for message in await kit.messages("alice", OTHER)]
        assert found == [f"{number:04}" for number in range(12)]
