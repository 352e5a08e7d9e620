# SPDX-License-Identifier: AGPL-3.0-or-later
"""The writer: a unit takes back only itself, a failing disk loses nothing and keeps the order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from salut.api.ports import Tx
from salut.engine.batch import Batch, PassingBatch
from salut.model.errors import SalutError
from tests.engine_kit import BOUND, EngineKit, running_engine


class Value(msgspec.Struct, frozen=True):
    """A value of changes."""

    text: str


@contextlib.asynccontextmanager
async def engine(folder: Path) -> AsyncIterator[EngineKit]:
    """An engine with a table for tests and what it published."""
    async with running_engine(folder) as kit:
        await kit.engine.journal.commit("", lambda tx: tx.execute("CREATE TABLE t (text TEXT UNIQUE)"))
        yield kit


def published(kit: EngineKit) -> list[tuple[int, str]]:
    """Filled with ``(seq, text)`` of what the daemon's journal tells."""
    heard: list[tuple[int, str]] = []

    def listen(batch: Batch | PassingBatch) -> None:
        if isinstance(batch, Batch) and batch.journal == "":
            for change in map(json.loads, batch.changes):
                heard.append((change["seq"], change["value"]["text"]))

    kit.engine.bus.listen(listen)
    return heard


def put(text: str, fail: bool = False) -> Any:
    """Work that stores a row and a change; ``fail`` raises after both."""

    def work(tx: Tx) -> int:
        tx.execute("INSERT INTO t VALUES (?)", (text,))
        seq = tx.change("thing", text[:40], Value(text))
        if fail:
            raise SalutError("exists", "on purpose")
        return seq

    return work


async def rows(kit: EngineKit) -> list[str]:
    return await kit.engine.readers.read(
        lambda read: [str(row[0]) for row in read.all("SELECT text FROM t ORDER BY rowid")]
    )


async def journal_rows(kit: EngineKit) -> list[tuple[int, str]]:
    found = await kit.engine.readers.read(
        lambda read: read.all("SELECT seq, payload FROM journal WHERE pid=0 ORDER BY seq")
    )
    return [(int(str(seq)), json.loads(payload)["value"]["text"]) for seq, payload in found]  # type: ignore[arg-type]


class PutMany:
    """Batch work; items that begin with ``bad`` are refused."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, tx: Tx, items: list[object]) -> list[object]:
        self.sizes.append(len(items))
        return [put(str(item), str(item).startswith("bad"))(tx) for item in items]


async def test_a_failing_unit_takes_back_only_itself(tmp_path: Path) -> None:
    async with engine(tmp_path) as kit:
        heard = published(kit)
        commit = kit.engine.journal.commit
        ends = await asyncio.gather(
            commit("", put("a")),
            commit("", put("b", fail=True)),
            commit("", put("c")),
            commit("", put("a")),  # the table's own word: UNIQUE
            commit("", put("d")),
            return_exceptions=True,
        )
        assert [ends[0], ends[2], ends[4]] == [1, 2, 3]
        assert isinstance(ends[1], SalutError) and ends[1].code == "exists"
        assert isinstance(ends[3], sqlite3.IntegrityError)
        assert await rows(kit) == ["a", "c", "d"]
        assert heard == [(1, "a"), (2, "c"), (3, "d")]
        assert await journal_rows(kit) == heard
        assert kit.engine.journal.position("").seq == 3


async def test_a_unit_of_a_journal_that_is_not_there_fails_alone(tmp_path: Path) -> None:
    async with engine(tmp_path) as kit:
        commit = kit.engine.journal.commit
        ends: list[object] = await asyncio.gather(
            commit("nobody", put("x")), commit("", put("y")), return_exceptions=True
        )
        assert isinstance(ends[0], SalutError) and ends[0].code == "not-found"
        assert ends[1] == 1
        assert await rows(kit) == ["y"]


@contextlib.asynccontextmanager
async def writer_held(kit: EngineKit) -> AsyncIterator[None]:
    """The writer is busy meanwhile, so that what is submitted waits together."""
    loop = asyncio.get_running_loop()
    holds, go = asyncio.Event(), threading.Event()

    def hold(_tx: Tx) -> None:
        loop.call_soon_threadsafe(holds.set)
        assert go.wait(BOUND)

    held = asyncio.gather(kit.engine.journal.commit("", hold))
    await asyncio.wait_for(holds.wait(), BOUND)
    try:
        yield
    finally:
        go.set()
        await held


async def test_a_bad_item_does_not_take_its_neighbours(tmp_path: Path) -> None:
    async with engine(tmp_path) as kit:
        heard = published(kit)
        batch = PutMany()
        async with writer_held(kit):
            items = ["1", "2", "bad", "3", "2", "4"]
            waiting = [kit.engine.journal.submit("", batch, item) for item in items]
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert batch.sizes == [6, 1, 1, 1, 1, 1, 1]  # together first, then each for itself
        assert isinstance(ends[2], SalutError) and isinstance(ends[4], sqlite3.IntegrityError)
        assert [ends[at] for at in (0, 1, 3, 5)] == [1, 2, 3, 4]
        assert heard == [(1, "1"), (2, "2"), (3, "3"), (4, "4")]
        assert await journal_rows(kit) == heard
        assert await rows(kit) == ["1", "2", "3", "4"]


async def test_many_that_wait_reach_their_batch_together(tmp_path: Path) -> None:
    async with engine(tmp_path) as kit:
        batch = PutMany()
        async with writer_held(kit):
            waiting = [kit.engine.journal.submit("", batch, str(number)) for number in range(100)]
        assert await asyncio.gather(*waiting) == list(range(1, 101))
        assert batch.sizes == [100]


# Disks that fail
async def trouble(kit: EngineKit, there: bool) -> None:
    """Wait until the trouble object has come or gone; ``daemon.info`` says the same."""

    async def told() -> bool:
        shown = ("", "trouble", "storage") in kit.engine.journal.passing_now()
        return shown is there and bool((await kit.call("daemon.info"))["trouble"]) is there

    await kit.until(told)


@contextlib.asynccontextmanager
async def full(kit: EngineKit) -> AsyncIterator[None]:
    """The database may not grow: SQLite says that the disk is full."""

    def page_count(limit: int) -> None:
        # A pragma of the connection itself: no transaction may be open, so the writer's thread is idle now.
        kit.engine.writer._connection.execute(f"PRAGMA max_page_count={limit}").fetchall()

    page_count(1)  # SQLite takes the present size where that is larger
    yield
    page_count(1_000_000)


@contextlib.asynccontextmanager
async def locked(kit: EngineKit) -> AsyncIterator[None]:
    """Another program holds the database."""
    kit.engine.writer._connection.execute("PRAGMA busy_timeout=50").fetchall()
    other = sqlite3.connect(kit.folder / "salut.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


BIG = "x" * 100_000  # does not fit into what free pages there are


@pytest.mark.parametrize("failing", [full, locked])
async def test_a_failing_disk_loses_nothing(tmp_path: Path, failing: Any) -> None:
    async with engine(tmp_path) as kit:
        heard = published(kit)
        journal = kit.engine.journal
        await journal.commit("", put("before"))
        batch = PutMany()
        async with failing(kit):
            with pytest.raises(SalutError) as caught:
                await journal.commit("", put("impatient" + BIG))
            assert caught.value.code == "storage"
            assert caught.value.data["reason"]
            await trouble(kit, there=True)
            patient = [
                journal.submit("", batch, "1" + BIG),
                journal.submit("", batch, "2" + BIG),
                journal.submit("", batch, "bad" + BIG),
                journal.submit("", batch, "3" + BIG),
            ]
            with pytest.raises(SalutError) as again:
                await journal.commit("", put("impatient again" + BIG))
            assert again.value.code == "storage"
            assert not any(each.settled for each in patient)
            assert await rows(kit) == ["before"]  # reading goes on
            with pytest.raises(SalutError) as call:
                await kit.call("settings.set", values=some_setting(await kit.call("settings.list")))
            assert call.value.code == "storage"
        ends = await asyncio.wait_for(asyncio.gather(*patient, return_exceptions=True), BOUND)
        assert [ends[0], ends[1], ends[3]] == [2, 3, 4]
        assert isinstance(ends[2], SalutError) and ends[2].code == "exists"
        await trouble(kit, there=False)
        assert await journal.commit("", put("after")) == 5
        expected = ["before", "1" + BIG, "2" + BIG, "3" + BIG, "after"]
        assert [text for _seq, text in heard] == expected
        assert await journal_rows(kit) == heard == list(enumerate(expected, 1))
        assert await rows(kit) == expected


def some_setting(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Any settings, with the values that they have: many of them, so that they do not fit on a full disk."""
    return {setting["name"]: setting["value"] for setting in found}


async def test_a_patient_commit_waits_and_later_ones_stay_behind_it(tmp_path: Path) -> None:
    async with engine(tmp_path) as kit:
        heard = published(kit)
        journal = kit.engine.journal
        async with locked(kit):
            early = [asyncio.gather(journal.commit("", put(f"p{n}"), patient=True)) for n in range(3)]
            await trouble(kit, there=True)
            late = [asyncio.gather(journal.commit("", put(f"p{n}"), patient=True)) for n in range(3, 6)]
            with pytest.raises(SalutError):
                await journal.commit("", put("impatient"))
        ends = await asyncio.wait_for(asyncio.gather(*early, *late), BOUND)
        assert [end for (end,) in ends] == [1, 2, 3, 4, 5, 6]
        assert heard == [(n + 1, f"p{n}") for n in range(6)]


async def test_what_cannot_be_stored_before_the_end_is_told_so(tmp_path: Path) -> None:
    async with engine(tmp_path) as kit:
        async with locked(kit):
            waiting = asyncio.gather(
                kit.engine.journal.commit("", put("p"), patient=True), return_exceptions=True
            )
            await trouble(kit, there=True)
            await asyncio.to_thread(kit.engine.writer.close)
        (end,) = await asyncio.wait_for(waiting, BOUND)
        assert isinstance(end, SalutError) and end.code == "unavailable"
        with pytest.raises(SalutError) as late:
            await kit.engine.journal.commit("", put("late"))
        assert late.value.code == "unavailable"
