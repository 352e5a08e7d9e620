# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Unix socket as a window finds it: a real engine behind a real socket, no XMPP server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import stat
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from salut.api.ports import Tx
from salut.api.wire import MAX_FRAME, MAX_IN_FLIGHT
from salut.bridge.bounds import Bounds
from salut.bridge.unix import UnixBinding
from tests.engine_kit import BOUND, EngineKit, running_engine


class Value(msgspec.Struct, frozen=True):
    """A value of changes and passing objects."""

    text: str


class RawWindow:
    """A window that speaks the bridge's lines itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.lines: list[dict[str, Any]] = []
        self.place: dict[str, int] = {}
        self.got: dict[str, list[dict[str, Any]]] = {}
        self.passing: dict[tuple[str, str, str], Any] = {}
        self._id = 0

    async def line(self) -> dict[str, Any]:
        """The next line. ``EOFError`` at the end."""
        raw = await asyncio.wait_for(self.reader.readline(), BOUND)
        if not raw:
            raise EOFError
        found: dict[str, Any] = json.loads(raw)
        self.lines.append(found)
        self._note(found)
        return found

    def _note(self, line: dict[str, Any]) -> None:
        if line.get("method") == "changes":
            journal = line["params"]["journal"]
            for change in line["params"]["changes"]:
                assert change["seq"] == self.place[journal] + 1, "a gap, or something twice"
                self.place[journal] += 1
                self.got.setdefault(journal, []).append(change)
        elif line.get("method") == "passing":
            for item in line["params"]["items"]:
                self.passing[item["journal"], item["name"], item["key"]] = item.get("value")
        elif line.get("method") == "start":
            self._start(line["params"])

    def _start(self, start: dict[str, Any]) -> None:
        self.place[start["journal"]] = start["position"][1]

    async def find(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next line that fits."""
        while True:
            found = await self.line()
            if fits(found):
                return found

    async def until(self, true: Callable[[], object]) -> None:
        """Read until something holds."""
        while not true():
            await self.line()

    def send(self, raw: bytes) -> None:
        self.writer.write(raw)

    def request(self, method: str, **params: Any) -> int:
        self._id += 1
        self.send(
            json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}).encode()
            + b"\n"
        )
        return self._id

    async def answer(self, key: int | None) -> dict[str, Any]:
        return await self.find(lambda line: "method" not in line and line["id"] == key)

    async def call(self, method: str, **params: Any) -> Any:
        """The result; a typed error as its data with its message."""
        found = await self.answer(self.request(method, **params))
        return found["result"] if "result" in found else found["error"]["data"]

    async def attach(self, name: str = "w", **params: Any) -> dict[str, Any]:
        found = await self.answer(self.request("attach", window={"name": name}, **params))
        attached: dict[str, Any] = found["result"]
        for start in attached["journals"]:
            if start["reset"] != "gone":
                self._start(start)
        for item in attached["passing"]:
            self.passing[item["journal"], item["name"], item["key"]] = item.get("value")
        return attached

    async def goodbye(self) -> dict[str, Any]:
        """Read to the end; the good-bye must be the last line."""
        with contextlib.suppress(EOFError):
            while True:
                await self.line()
        last = self.lines[-1]
        assert last["method"] == "goodbye"
        assert last["params"]["message"]
        params: dict[str, Any] = last["params"]
        return params


class Bridge:
    """The engine, its binding and the windows of a test."""

    def __init__(self, kit: EngineKit, path: Path, bounds: Bounds | None) -> None:
        self.kit, self.path = kit, path
        self.binding = UnixBinding(kit.engine, path, kit.log, bounds)
        self.windows: list[RawWindow] = []

    async def window(self, hello: bool = True) -> RawWindow:
        reader, writer = await asyncio.open_unix_connection(self.path, limit=1 << 24)
        window = RawWindow(reader, writer)
        self.windows.append(window)
        if hello:
            assert (await window.line())["method"] == "hello"
        return window

    async def profile(self, name: str) -> None:
        """A profile that stays offline."""
        await self.kit.call(
            "profiles.create",
            name=name,
            address=f"{name}@localhost",
            password="secret",
            settings={"enabled": False},
        )

    async def change(self, journal: str, count: int = 1, pad: int = 0) -> None:
        """Changes in a journal, each committed by itself."""

        def work(tx: Tx) -> None:
            tx.change("thing", str(tx.next_seq()), Value("x" * pad))

        await asyncio.gather(*(self.kit.engine.journal.commit(journal, work) for _ in range(count)))

    def head(self, journal: str) -> int:
        return self.kit.engine.journal.heads[journal]


@contextlib.asynccontextmanager
async def bridge(folder: Path, bounds: Bounds | None = None) -> AsyncIterator[Bridge]:
    async with running_engine(folder / "state") as kit:
        made = Bridge(kit, folder / "b.sock", bounds)
        await made.binding.start()
        try:
            yield made
        finally:
            for window in made.windows:
                window.writer.close()
            await made.binding.close()


# Requests
async def test_hello_comes_first(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        assert stat.S_IMODE(b.path.stat().st_mode) == 0o600
        window = await b.window(hello=False)
        hello = await window.line()
        assert hello["method"] == "hello" and "id" not in hello
        assert hello["params"]["server"] == "salut"
        assert hello["params"]["instance"] == b.kit.engine.instance
        assert hello["params"]["capabilities"]["frame"] == {"max": MAX_FRAME}
        assert hello["params"]["capabilities"]["requests"] == {"in_flight": MAX_IN_FLIGHT}


async def test_hostile_requests_are_refused_and_the_window_goes_on(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        await b.profile("home")
        window = await b.window()
        assert (await window.call("no.such"))["code"] == "unknown-method"
        assert (await window.call("x" * 10_000))["code"] == "unknown-method"
        for params, field in (
            ({"profile": "home", "conversation": 7, "text": ""}, "conversation"),
            ({"profile": "home", "conversation": "a@b"}, "text"),
            ({"profile": [], "conversation": "a@b", "text": ""}, "profile"),
        ):
            found = await window.call("drafts.set", **params)
            assert (found["code"], found["field"]) == ("invalid", field)
        assert (await window.call("profiles.create", name="No!", address="a@b", password=""))[
            "field"
        ] == "name"
        window.send(b'{"jsonrpc":"2.0","id":"l","method":"drafts.list","params":[1]}\n')
        listed = await window.find(lambda line: line.get("id") == "l")
        assert listed["error"]["data"]["code"] == "invalid"
        deep = b"[" * 50_000 + b"]" * 50_000
        for raw, code in (
            (b'{"jsonrpc":"2.0","method":"ping"}\n', "invalid-request"),
            (b"no json\n", "parse"),
            (b"\xff\xfe\n", "parse"),
            (b"[" * 100_000 + b"\n", "invalid-request"),
            (b'{"jsonrpc":"2.0","id":1,"method":"daemon.info","params":' + deep + b"}\n", "parse"),
        ):
            window.send(raw)
            refused = await window.answer(None)
            assert refused["error"]["data"]["code"] == code
        window.send(b"\n \n")
        assert await window.call("ping") == {}


def overlong(path: Path) -> bytes:
    """What a window gets that sends one endless line, until the daemon has closed."""
    with socket.socket(socket.AF_UNIX) as window:
        window.settimeout(BOUND)
        window.connect(str(path))
        with contextlib.suppress(ConnectionError):
            window.sendall(b'{"jsonrpc":"2.0","id":1,"method":"')
            for _ in range(64):
                window.sendall(b"x" * MAX_FRAME)
            raise AssertionError("64 MiB were taken")
        data = b""
        with contextlib.suppress(ConnectionResetError):  # it did not read all that we sent
            while more := window.recv(1 << 16):
                data += more
        return data


async def test_a_line_over_the_limit_ends_the_connection(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        other = await b.window()
        lines = [json.loads(line) for line in (await asyncio.to_thread(overlong, b.path)).splitlines()]
        assert [line["method"] for line in lines] == ["hello", "goodbye"]
        assert lines[1]["params"]["code"] == "protocol"
        assert str(MAX_FRAME) in lines[1]["params"]["message"]
        assert await other.call("ping") == {}


async def test_more_requests_than_allowed_are_refused_as_busy(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        await b.profile("home")
        window, other = await b.window(), await b.window()
        hang = [window.request("profiles.connect", profile="home", wait=100.0) for _ in range(MAX_IN_FLIGHT)]
        more = window.request("ping")
        refused = await window.answer(more)
        assert refused["error"]["data"] == {"code": "busy", "limit": MAX_IN_FLIGHT}
        assert await other.call("ping") == {}
        assert await other.call("windows.list")  # and the engine itself is free
        assert len(hang) == MAX_IN_FLIGHT


# Attach
async def test_attach_twice_is_a_conflict(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        window = await b.window()
        assert (await window.call("attach"))["field"] == "window"  # refused; it may try again
        assert (await window.attach())["window"].startswith("w")
        assert (await window.call("attach", window={"name": "again"}))["code"] == "conflict"
        assert len((await window.call("windows.list"))["value"]) == 1


def all_read(window: RawWindow, b: Bridge) -> bool:
    return all(window.place[journal] == b.head(journal) for journal in ("", "home"))


async def test_no_gap_between_attach_and_changes(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        await b.profile("home")
        writing = asyncio.gather(b.change("home", 300), b.change("", 300))
        windows = []
        for number in range(8):
            window = await b.window()
            await window.attach(f"w{number}", want="state" if number % 2 else "changes")
            windows.append(window)
        await writing
        for window in windows:  # RawWindow asserts that each follows the one before
            await window.until(partial(all_read, window, b))
        assert b.head("home") >= 301


async def test_resume_gets_the_difference_and_a_wrong_epoch_is_reset(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        await b.profile("home")
        first = await b.window()
        starts = {start["journal"]: start for start in (await first.attach())["journals"]}
        epoch, seq = starts["home"]["position"]
        await b.change("home", 5)
        again = await b.window()
        attached = await again.attach(resume={"home": [epoch, seq], "gone": ["x", 1]})
        home = next(start for start in attached["journals"] if start["journal"] == "home")
        assert home["resumed"] and not home["items"] and home["position"] == [epoch, seq]
        assert {s["journal"]: s["reset"] for s in attached["journals"]} == {
            "": "",
            "home": "",
            "gone": "gone",
        }
        await again.until(lambda: len(again.got.get("home", ())) == 5)
        told = [line for line in again.lines if line.get("method") == "changes"]
        assert told and not any(line["params"]["live"] for line in told)
        for position, why in (
            (["wrong", 1], "epoch"),
            (["wrong." + epoch.partition(".")[2], 1], "epoch"),
            ([epoch, seq + 100], "ahead"),
        ):
            other = await b.window()
            journals = (await other.attach(resume={"home": position}))["journals"]
            home = next(start for start in journals if start["journal"] == "home")
            assert (home["resumed"], home["reset"], home["position"]) == (False, why, [epoch, b.head("home")])
            assert [item["name"] for item in home["items"]].count("profile") == 1


async def test_a_profile_made_and_deleted_later_is_told(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        window = await b.window()
        await window.attach()
        await b.profile("late")
        await window.until(lambda: window.place.get("late") == 1)
        await b.kit.call("profiles.delete", profile="late")
        gone = await window.find(
            lambda line: line.get("method") == "start" and line["params"]["journal"] == "late"
        )
        assert gone["params"]["reset"] == "gone"


async def test_a_filter_hides_other_profiles(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        await b.profile("mine")
        await b.profile("other")
        window = await b.window()
        attached = await window.attach(profiles=["mine", "nobody"], resume={"other": ["x", 1]})
        assert {s["journal"]: s["reset"] for s in attached["journals"]} == {
            "": "",
            "mine": "",
            "other": "gone",
        }
        assert [p["name"] for p in (await window.call("profiles.list"))["value"]] == ["mine"]
        hidden = await window.call("drafts.list", profile="other")
        absent = await window.call("drafts.list", profile="xxxxx")
        assert hidden["code"] == absent["code"] == "not-found"
        journal = b.kit.engine.journal
        journal.passing("other", "thing", "k", Value("hidden"))
        await b.change("other", 3)
        await b.profile("third")
        journal.passing("mine", "thing", "k", Value("shown"))
        await b.change("mine", 3)
        await window.until(
            lambda: window.place["mine"] == b.head("mine") and ("mine", "thing", "k") in window.passing
        )
        assert await window.call("ping") == {}
        assert set(window.place) == {"", "mine"}
        assert set(window.got) == {"mine"}
        assert {journal for journal, _name, _key in window.passing} <= {"", "mine"}
        told = json.dumps(window.lines[:1] + window.lines[2:])  # all but what it resumed itself
        assert "third" not in told


async def test_topics(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        await b.profile("home")
        journal = b.kit.engine.journal
        journal.passing("home", "member", "room@x/ann", Value("before"))
        window = await b.window()
        await window.attach()
        assert ("home", "member", "room@x/ann") not in window.passing
        assert await window.call("topics", topics=["member:home:room@x/"]) == {}
        await window.until(lambda: window.passing.get(("home", "member", "room@x/ann")) == {"text": "before"})
        journal.passing("home", "member", "other@x/ann", Value("not asked for"))
        journal.passing("home", "member", "room@x/bob", Value("now"))
        await window.until(lambda: ("home", "member", "room@x/bob") in window.passing)
        assert ("home", "member", "other@x/ann") not in window.passing
        assert await window.call("topics", topics=[]) == {}
        journal.passing("home", "member", "room@x/cid", Value("no more"))
        journal.passing("home", "thing", "k", Value("a kind without topic"))
        await window.until(lambda: ("home", "thing", "k") in window.passing)
        assert ("home", "member", "room@x/cid") not in window.passing
        assert (await window.call("topics", topics=7))["field"] == "topics"
        second = await b.window()
        await second.attach(topics=["member:home:other@x/"])
        assert [key for key in second.passing if key[1] == "member"] == [("home", "member", "other@x/ann")]


# Ends
async def test_a_kicked_window_hears_why_and_is_closed(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        window, other = await b.window(), await b.window()
        key = (await window.attach("victim"))["window"]
        await other.attach("other")
        assert "code" not in await other.call("windows.kick", window=key)
        assert (await window.goodbye())["code"] == "kicked"
        await other.until(lambda: other.passing.get(("", "window", key), 0) is None)
        assert [w["name"] for w in (await other.call("windows.list"))["value"]] == ["other"]
        assert (await other.call("windows.kick", window=key))["code"] == "not-found"


async def test_the_daemons_end_is_told_to_all(tmp_path: Path) -> None:
    async with bridge(tmp_path) as b:
        windows = [await b.window() for _ in range(3)]
        await windows[0].attach()
        closing = asyncio.gather(b.binding.close())
        for window in windows:
            assert (await window.goodbye())["code"] == "stopping"
        await closing
        assert not b.path.exists()
        with pytest.raises(OSError):
            await b.window()


async def test_too_many_windows_are_refused(tmp_path: Path) -> None:
    async with bridge(tmp_path, Bounds(connections=2)) as b:
        first, _second = await b.window(), await b.window()
        third = await b.window(hello=False)
        assert (await third.line())["error"]["data"]["code"] == "busy"
        assert await first.call("ping") == {}


async def test_a_silent_window_is_pinged_and_then_closed(tmp_path: Path) -> None:
    async with bridge(tmp_path, Bounds(ping_seconds=0.05, silent_seconds=0.4)) as b:
        window = await b.window()
        ping = await window.line()
        assert ping["method"] == "ping"
        window.send(json.dumps({"jsonrpc": "2.0", "id": ping["id"], "result": {}}).encode() + b"\n")
        assert (await window.line())["method"] == "ping"
        with pytest.raises(EOFError):
            while True:
                await window.line()


async def test_a_window_that_never_reads_harms_nobody(tmp_path: Path) -> None:
    bounds = Bounds(queue_bytes=32 * 1024, write_buffer=8 * 1024, send_buffer=8 * 1024)
    async with bridge(tmp_path, bounds) as b:
        await b.profile("home")
        stuck = socket.socket(socket.AF_UNIX)
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(str(b.path))
        try:
            stuck.sendall(
                b'{"jsonrpc":"2.0","id":1,"method":"attach","params":{"window":{"name":"stuck"}}}\n'
            )
            reader = await b.window()
            await reader.attach("reader")

            async def attached() -> bool:
                return len(await b.kit.call("windows.list")) == 2

            await b.kit.until(attached)
            session = next(s for s in b.binding._sessions if s._caller.name == "stuck")
            for _round in range(20):
                await b.change("home", 50, pad=1_000)
                await reader.until(lambda: reader.place["home"] == b.head("home"))
                assert session.feed._queued_bytes <= bounds.queue_bytes
                assert session.feed._answer_bytes <= bounds.answer_bytes + bounds.feed_bytes
            behind = {w["name"]: w["behind"] for w in (await reader.call("windows.list"))["value"]}
            assert behind["reader"] == 0
            assert behind["stuck"] > 500
            assert session.feed.dropped

            # When it reads at last it gets all, in order, from the journal.
            stuck.setblocking(False)
            late = RawWindow(*await asyncio.open_connection(sock=stuck, limit=1 << 24))
            first = await late.answer(1)
            for start in first["result"]["journals"]:
                late._start(start)
            await late.until(lambda: late.place["home"] == b.head("home"))
            late.writer.close()
        finally:
            stuck.close()


async def test_a_window_that_takes_nothing_for_long_is_cut_off(tmp_path: Path) -> None:
    bounds = Bounds(slow_seconds=0.2, write_buffer=4096, send_buffer=4096, goodbye_seconds=0.1)
    async with bridge(tmp_path, bounds) as b:
        await b.profile("home")
        with socket.socket(socket.AF_UNIX) as stuck:
            stuck.connect(str(b.path))
            stuck.sendall(
                b'{"jsonrpc":"2.0","id":1,"method":"attach","params":{"window":{"name":"stuck"}}}\n'
            )

            async def count(wanted: int) -> bool:
                return len(await b.kit.call("windows.list")) == wanted

            await b.kit.until(lambda: count(1))
            await b.change("home", 100, pad=10_000)
            await b.kit.until(lambda: count(0))
            assert not b.binding._sessions
