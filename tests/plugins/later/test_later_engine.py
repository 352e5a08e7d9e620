# SPDX-License-Identifier: AGPL-3.0-or-later
"""Scheduled sending and undo without a server: profiles that are offline have what leaves as pending."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from salut.model import moment
from salut.model.errors import SalutError
from salut.plugins.chat.service import ChatService
from salut.plugins.drafts import service as drafts
from salut.plugins.later import agenda, store
from tests.engine_kit import EngineKit, running_engine

BOB = "bob@example.org"
HOUR = 3600 * moment.SECOND


async def profile(kit: EngineKit, name: str = "one") -> None:
    await kit.call(
        "profiles.create", name=name, address="a@example.org", password="x", settings={"enabled": False}
    )


async def waiting(kit: EngineKit, name: str = "one") -> list[dict[str, Any]]:
    page = await kit.call("later.list", profile=name)
    items: list[dict[str, Any]] = page["items"]
    return items


async def said(kit: EngineKit, name: str = "one", to: str = BOB) -> list[str]:
    return [m["body"] for m in await kit.messages(name, to)]


async def schedule(kit: EngineKit, body: str, seconds: float, **more: Any) -> dict[str, Any]:
    at = moment.now() + int(seconds * moment.SECOND)
    found: dict[str, Any] = await kit.call(
        "later.schedule", **{"profile": "one", "to": BOB, "body": body, "at": at, **more}
    )
    return found


async def comes(kit: EngineKit, *bodies: str) -> None:
    async def there() -> bool:
        return await said(kit) == list(bodies) and not [
            row for row in await waiting(kit) if row.get("state") != "sent"
        ]

    await kit.until(there)


async def test_it_leaves_at_its_time(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        second = await schedule(kit, "second", 0.6, subject="S")
        await schedule(kit, "first", 0.3, to="Bob@Example.org/desk")
        await schedule(kit, "much later", 3600)
        assert [row["body"] for row in await waiting(kit)] == ["first", "second", "much later"]
        assert second.get("state", "waiting") == "waiting"
        assert await said(kit) == []
        begun = time.monotonic()

        async def both() -> bool:
            return len(await said(kit)) == 2

        await kit.until(both)
        assert time.monotonic() - begun < 3.0
        one, two = await kit.messages("one", BOB)
        assert (one["body"], two["body"], two["subject"], two["kind"]) == ("first", "second", "S", "normal")
        assert one["state"] == two["state"] == "pending"
        await kit.until(lambda: _count(kit, 1))


async def _count(kit: EngineKit, count: int) -> bool:
    return len(await waiting(kit)) == count


async def test_late_at_start_once_and_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        await schedule(kit, "on time", 0.2)
        await schedule(kit, "while down", 3600)
        await schedule(kit, "still waits", 7200)
        await comes_first(kit)
    now = moment.now
    monkeypatch.setattr(moment, "now", lambda: now() + HOUR + 90 * moment.SECOND)
    for _start in range(2):
        async with running_engine(tmp_path) as kit:

            async def both() -> bool:
                return len(await said(kit)) == 2

            await kit.until(both)
            await kit.until(lambda: _count(kit, 2))
            late, rest = await waiting(kit)
            assert (late["state"], late["late"], rest["body"]) == ("sent", True, "still waits")
            assert (await kit.call("history.get", profile="one", message=late["message"]))[
                "body"
            ] == "while down"
            for method, more in (("change", {"body": "x"}), ("undo", {}), ("send_now", {})):
                with pytest.raises(SalutError) as caught:
                    await kit.call(f"later.{method}", profile="one", scheduled=late["id"], **more)
                assert caught.value.code == "conflict"
    monkeypatch.setattr(moment, "now", lambda: now() + HOUR + store.KEPT + 99 * moment.SECOND)
    async with running_engine(tmp_path) as kit:
        await kit.until(lambda: _three(kit))
        assert [row["body"] for row in await waiting(kit)] == [
            "still waits"
        ]  # the other was shown for a week


async def _three(kit: EngineKit) -> bool:
    return len(await said(kit)) == 3 and len(await waiting(kit)) == 1


async def comes_first(kit: EngineKit) -> None:
    async def there() -> bool:
        return await said(kit) == ["on time"] and await _count(kit, 2)

    await kit.until(there)


async def test_the_clock_is_set_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agenda, "STEP", 0.1)
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        await schedule(kit, "in an hour", 3600)
        held = await kit.call("later.send", profile="one", to=BOB, body="held", undo=600)
        now = moment.now
        monkeypatch.setattr(moment, "now", lambda: now() + HOUR + moment.SECOND)
        await kit.until(lambda: _is(kit, ["in an hour"]))
        assert [row["id"] for row in await waiting(kit)] == [held["id"]]  # that is by the other clock


async def _is(kit: EngineKit, bodies: list[str]) -> bool:
    return await said(kit) == bodies and not [r for r in await waiting(kit) if r.get("state") == "sending"]


async def test_change_cancel_and_send_now(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        one = await schedule(kit, "one", 3600)
        two = await schedule(kit, "two", 3600)
        changed = await kit.call("later.change", profile="one", scheduled=one["id"], body="uno")
        assert (changed["body"], changed["at"]) == ("uno", one["at"])
        await kit.call("later.change", profile="one", scheduled=one["id"], at=moment.now())
        await kit.until(lambda: _is(kit, ["uno"]))
        sent = await kit.call("later.send_now", profile="one", scheduled=two["id"])
        assert sent["state"] == "sent"
        assert (await kit.call("history.get", profile="one", message=sent["message"]))["body"] == "two"
        three = await schedule(kit, "three", 3600)
        await kit.call("later.cancel", profile="one", scheduled=three["id"])
        assert await waiting(kit) == []
        for method, more in (
            ("cancel", {}), ("send_now", {}), ("undo", {}), ("change", {"body": "x"}),
        ):  # fmt: skip
            with pytest.raises(SalutError) as caught:
                await kit.call(f"later.{method}", profile="one", scheduled=three["id"], **more)
            assert caught.value.code == "not-found"
        four = await schedule(kit, "four", 3600)
        assert four["id"] > three["id"]  # a number names one message for ever
        for wrong in ({"body": ""}, {"body": "x" * 65_537}, {"at": 5}, {"at": moment.now() + 99_999 * HOUR}):
            with pytest.raises(SalutError):
                await kit.call("later.change", profile="one", scheduled=four["id"], **wrong)
        assert await said(kit) == ["uno", "two"]


async def test_undo_gives_the_text_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        with pytest.raises(SalutError) as caught:
            await kit.call("later.undo", profile="one")
        assert caught.value.code == "not-found"
        await schedule(kit, "has a time", 3600)  # not what “undo” alone is about
        await kit.call("later.send", profile="one", to=BOB, body="first", undo=60)
        held = await kit.call("later.send", profile="one", to=BOB, body="second", undo=60)
        await kit.call("drafts.set", profile="one", conversation=BOB, text="begun")
        assert (await kit.call("later.undo", profile="one"))["id"] == held["id"]
        (draft,) = await kit.call("drafts.list", profile="one")
        assert draft["text"] == "second\nbegun"
        monkeypatch.setattr(drafts, "MAX_TEXT", 12)
        kept = await kit.call("later.undo", profile="one")
        assert (kept["body"], kept["state"]) == ("first", "stopped")  # no room for it: it is not lost
        assert (await kit.call("drafts.list", profile="one"))[0]["text"] == "second\nbegun"
        with pytest.raises(SalutError):
            await kit.call("later.undo", profile="one")
        assert {row["body"] for row in await waiting(kit)} == {"first", "has a time"}
        assert await said(kit) == []


async def test_held_for_the_seconds_of_the_setting(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        at_once = await kit.call("later.send", profile="one", to=BOB, body="at once")
        assert (at_once["id"], at_once["state"]) == (0, "sent")
        await kit.call("settings.set", values={"later.undo_seconds": 0.5})
        begun = time.monotonic()
        held = await kit.call("later.send", profile="one", to=BOB, body="held")
        quick = await kit.call("later.send", profile="one", to=BOB, body="not before it", undo=0.1)
        assert held["id"] < quick["id"]
        assert await said(kit) == ["at once"]
        await comes(kit, "at once", "held", "not before it")
        assert time.monotonic() - begun >= 0.5
        for wrong in (-1, 601):
            with pytest.raises(SalutError) as caught:
                await kit.call("later.send", profile="one", to=BOB, body="x", undo=wrong)
            assert caught.value.data["field"] == "undo"
        with pytest.raises(SalutError):
            await kit.call("settings.set", values={"later.undo_seconds": 601})


async def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST", 2)
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        for at in (moment.now() - HOUR, 0, -5, moment.now() + 11 * 366 * 24 * HOUR):
            with pytest.raises(SalutError) as caught:
                await kit.call("later.schedule", profile="one", to=BOB, body="x", at=at)
            assert (caught.value.code, caught.value.data["field"]) == ("invalid", "at")
        for wrong in ({"to": "not an address"}, {"body": ""}, {"body": "x" * 65_537}):
            with pytest.raises(SalutError):
                await schedule(kit, wrong.pop("body", "x"), 60, **wrong)
        await schedule(kit, "x" * 65_536, 3600)
        await schedule(kit, "y", 7200)
        with pytest.raises(SalutError) as caught:
            await schedule(kit, "z", 3600)
        assert caught.value.code == "too-large"
        pid = kit.engine.journal.journals.pids["one"]
        items = await kit.engine.readers.read(lambda read: kit.engine.snapshot(read, "one", pid, 1))
        assert [len(item.value.body) for item in items if item.name == "scheduled"] == [65_536]
        page = await kit.call("later.list", profile="one", limit=1)
        rest = await kit.call("later.list", profile="one", limit=1, after=page["after"])
        assert ([row["body"] for row in rest["items"]], rest.get("after")) == (["y"], None)
        with pytest.raises(SalutError):
            await kit.call("later.list", profile="one", after="x")
        await kit.call("profiles.delete", profile="one")
        await profile(kit)
        assert await waiting(kit) == []


async def test_the_same_op_keeps_once(tmp_path: Path) -> None:
    """Also where the daemon died after the row and before it remembered its answer: the row knows its op."""
    at = moment.now() + HOUR
    params = {"profile": "one", "to": BOB, "body": "once", "at": at, "op": "op-1"}
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        first = await kit.call("later.schedule", **params)
        await kit.engine.journal.commit("one", lambda tx: tx.execute("DELETE FROM op"))
        assert (await kit.call("later.schedule", **params))["id"] == first["id"]
        await kit.engine.journal.commit("one", lambda tx: tx.execute("DELETE FROM op"))
        with pytest.raises(SalutError) as caught:
            await kit.call("later.schedule", **{**params, "body": "twice"})
        assert caught.value.code == "conflict"
        await kit.call("later.send_now", profile="one", scheduled=first["id"])
        await kit.engine.journal.commit("one", lambda tx: tx.execute("DELETE FROM op"))
        again = await kit.call("later.schedule", **params)  # the row has left: what it became is known by it
        await kit.call("later.send_now", profile="one", scheduled=again["id"])
        assert await said(kit) == ["once"]


async def test_a_disk_that_fails_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agenda, "FIRST_RETRY", 0.05)
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        send, failures = ChatService.send, iter(["before", "after", "before"])

        async def fails(self: ChatService, **params: Any) -> Any:
            which = next(failures, None)
            result = await send(self, **params) if which != "before" else None
            if which is not None:
                raise SalutError("storage", "the disk is full")
            return result

        monkeypatch.setattr(ChatService, "send", fails)
        await schedule(kit, "in the end", 0.1)
        await comes(kit, "in the end")
        assert next(failures, None) is None


async def test_what_is_refused_stays_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        send = ChatService.send

        async def refuse(self: ChatService, **params: Any) -> Any:
            if params["body"] == "after":
                await send(self, **params)
            raise SalutError("refused", "not in that room")

        monkeypatch.setattr(ChatService, "send", refuse)
        await schedule(kit, "no", 0.1)
        await schedule(kit, "after", 0.2)

        async def stopped() -> bool:
            rows = await waiting(kit)
            return [row.get("state") for row in rows] == ["stopped"] and await said(kit) == ["after"]

        await kit.until(stopped)  # what is in history has left, whatever came after it
        (row,) = await waiting(kit)
        assert row["error"] == "not in that room"
        monkeypatch.setattr(ChatService, "send", send)
        await kit.call(
            "later.change", profile="one", scheduled=row["id"], at=moment.now(), body="now it goes"
        )
        await comes(kit, "after", "now it goes")


class Rows(RuleBasedStateMachine):
    """The table's steps in any order, a crash being the absence of what comes next: what left is never taken back,
    what was taken back never leaves, and nothing vanishes."""

    def __init__(self) -> None:
        super().__init__()
        self.tx = _tx()
        self.made: set[int] = set()
        self.claimed: set[int] = set()
        self.sent: set[int] = set()  # finished
        self.back: set[int] = set()  # cancelled
        self.clock = 0

    keys = st.integers(1, 6)

    @rule(late=st.booleans())
    def add(self, late: bool) -> None:
        self.clock += 1
        shown = store.Scheduled(
            id=0, conversation=BOB, body=f"{self.clock}", at=self.clock, made_at=self.clock
        )
        self.made.add(store.add(self.tx, store.New(shown, f"op{self.clock}", False, 5 if late else 0)).id)

    @rule(key=keys, late=st.booleans())
    def claim(self, key: int, late: bool) -> None:
        row = store.claim(self.tx, key, late)
        if row is not None:
            assert key not in self.back | self.sent
            assert row.op.startswith("op")
            self.claimed.add(key)

    @rule(key=keys)
    def claim_now(self, key: int) -> None:
        try:
            store.claim_now(self.tx, key)
        except SalutError:
            return
        assert key not in self.back | self.sent | self.claimed
        self.claimed.add(key)

    @rule(key=keys)
    def finish(self, key: int) -> None:
        if key in self.claimed:  # only who claimed finishes; a second time after a crash
            store.finish(self.tx, key, 77)
            self.sent.add(key)
            self.claimed.discard(key)

    @rule(key=keys)
    def stop(self, key: int) -> None:
        if key in self.claimed:  # refused: with the person again
            store.stop(self.tx, key, "no")
            self.claimed.discard(key)

    @rule(key=keys, act=st.sampled_from(["cancel", "change", "take_back"]))
    def person(self, key: int, act: str) -> None:
        try:
            if act == "cancel":
                store.cancel(self.tx, key)
                self.back.add(key)
            elif act == "change":
                store.change(self.tx, key, "other", None, None)
            else:
                store.take_back(self.tx, key)
                store.drop(self.tx, key)
                self.back.add(key)
        except SalutError as error:
            assert error.code in ("conflict", "not-found")
            assert error.code != "conflict" or key in self.claimed | self.sent
            return
        assert key not in self.claimed
        assert key not in self.sent or act == "cancel"  # only to forget that it was late

    @invariant()
    def nothing_vanishes(self) -> None:
        there = {row[0] for row in self.tx.all("SELECT id FROM scheduled")}
        assert self.made - self.back - self.sent <= there
        sending = {row[0] for row in self.tx.all("SELECT id FROM scheduled WHERE state='sending'")}
        assert sending == self.claimed


def _tx() -> Any:
    import sqlite3

    class Plain:
        """A unit of work on a database in memory; changes are only counted."""

        profile, pid = "one", 1

        def __init__(self) -> None:
            self.store = sqlite3.connect(":memory:")
            self.store.execute(
                "CREATE TABLE scheduled (id INTEGER PRIMARY KEY AUTOINCREMENT, pid, op, conversation, room, body, "
                "subject, at, made_at, undo, state, late DEFAULT 0, error DEFAULT '', message DEFAULT 0, "
                "sent_at DEFAULT 0, rev DEFAULT 0, UNIQUE (pid, op))"
            )
            self.seq = 0

        def execute(self, sql: str, params: Any = ()) -> int:
            return self.store.execute(sql, params).lastrowid or 0

        def one(self, sql: str, params: Any = ()) -> Any:
            return self.store.execute(sql, params).fetchone()

        def all(self, sql: str, params: Any = ()) -> Any:
            return self.store.execute(sql, params).fetchall()

        def change(self, name: str, key: str, value: msgspec.Struct | None) -> int:
            self.seq += 1
            return self.seq

    return Plain()


Rows.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestRows = Rows.TestCase
