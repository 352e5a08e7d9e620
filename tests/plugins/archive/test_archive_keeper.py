# SPDX-License-Identifier: AGPL-3.0-or-later
"""Gaps in the store: random sessions that end anywhere leave the archive's order, each message once."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from salut.api.ports import Tx
from salut.plugins.archive import gaps, heads
from salut.plugins.archive.gaps import Row
from salut.plugins.archive.heads import HeadRow
from salut.plugins.archive.keeper import Keeper
from salut.plugins.archive.query import Result, Results
from salut.plugins.history.api import History, MessageState, NewMessage
from tests.engine_kit import EngineKit, running_engine

T = TypeVar("T")
OTHER = "bob@localhost"
SECOND = 1_000_000


class World:
    """A server's archive, and a daemon that hears of it now and then."""

    def __init__(
        self, kit: EngineKit, rng: random.Random, ids: bool, others: tuple[str, ...] = (OTHER,)
    ) -> None:
        self.kit = kit
        self.others = others
        self.whose: list[str] = []  # with whom each archived message was said
        self.own: list[bool] = []
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
        other, own = self.whose[number], self.own[number]
        sender = "alice@localhost" if own else f"{other}/x"
        state: MessageState = "sent" if own else "received"
        return NewMessage(
            conversation=other,
            sender=sender,
            body=f"{number:04}",
            origin=f"o{number}",
            outgoing=own,
            state=state,
        )

    def say(self, own: float = 0.0) -> NewMessage:
        """Somebody writes (with the chance ``own``, we from another device): archived by the server, with a stamp in
        whole seconds."""
        self.now += self.rng.choice((0, 1, 1000, 100_000, 3 * SECOND))
        number = len(self.archive)
        self.whose.append(self.rng.choice(self.others))
        self.own.append(self.rng.random() < own)
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
        return Results(self.read(self.archive[first:end]), first <= begin)

    def read(self, archived: list[Result]) -> list[Result]:
        """Results with what they hold."""
        items = [Result(item.id, item.at) for item in archived]
        for item in items:
            item.message = self.message(int(item.id[1:]))
            item.message.archive, item.message.at = item.id, item.at
        return items

    def head_page(self, row: Row, head: HeadRow | None, other: str, alone: bool) -> Results:
        """The same, asked about one conversation."""
        ids = [item.id for item in self.archive]
        end = ids.index(head.before_id if head is not None else row.before_id)
        begin = ids.index(row.after_id) + 1 if row.after_id else 0
        if head is None and alone:  # asked by time alone, which says little here
            begin, end = 0, len(ids)
        found = [item for item in self.archive[begin:end] if self.whose[int(item.id[1:])] == other]
        items = found[-self.rng.randint(1, 4) :]
        return Results(self.read(items), len(items) == len(found) and (begin > 0 or not row.after_id))

    async def fetch_head(self, row: Row) -> None:
        """A page of one conversation, if the gap's own newest is there."""
        if not row.before_id:
            return
        other = self.rng.choice(self.others)
        pid = self.kit.engine.journal.journals.pids["alice"]
        head = await self.kit.engine.readers.read(lambda read: heads.find(read, pid, row.id, other))
        page = self.head_page(row, head, other, len(await self.rows()) == 1)
        while self.rng.random() < 0.2:
            await self.hear()
        now, _ids = await self.commit(lambda tx: self.keeper.keep_head(tx, row.id, other, page))
        if now is not None:
            await self.check_head(row, now)

    async def check_head(self, row: Row, head: HeadRow) -> None:
        """Of this conversation nothing is missing between the head's place and the gap's end."""
        ids = [item.id for item in self.archive]
        end, number = ids.index(row.before_id), ids.index(head.before_id)
        found = {
            message["body"]: message["place"]
            for message in await self.kit.messages("alice", head.conversation)
        }
        begin = (ids.index(row.after_id) + 1 if row.after_id else 0) if head.whole else number
        for one in range(begin, end):
            if self.whose[one] == head.conversation:
                assert f"{one:04}" in found
        if not head.whole and self.whose[number] == head.conversation:
            assert found[f"{number:04}"] >= head.place

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
                if len(self.others) > 1 and self.rng.random() < 0.6:
                    await self.fetch_head(self.rng.choice(rows))
                else:
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


@pytest.mark.parametrize("seed", range(40))
async def test_the_newest_of_each_conversation_fetched_first_leaves_no_hole(
    seed: int, tmp_path: Path
) -> None:
    """Heads of conversations, pages of gaps and live messages in any order, in sessions that end anywhere."""
    others = tuple(f"c{number}@localhost" for number in range(4))
    async with running_engine(tmp_path) as kit:
        await kit.call(
            "profiles.create",
            name="alice",
            address="alice@localhost",
            password="x",
            settings={"enabled": False},
        )
        world = World(kit, random.Random(1000 + seed), True, others)
        for _session in range(12):
            await world.session()
            for _message in range(world.rng.choice((0, 3, 9, 25))):
                world.say(own=0.3)
        await world.commit(lambda tx: world.keeper.open(tx, "", world.now))
        while rows := await world.rows():
            await world.fetch(rows[0])
        for other in others:
            found = [message["body"] for message in await kit.messages("alice", other)]
            assert found == [f"{n:04}" for n, whose in enumerate(world.whose) if whose == other]
        pid = kit.engine.journal.journals.pids["alice"]
        assert await kit.engine.readers.read(lambda read: heads.load(read, pid)) == []


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
