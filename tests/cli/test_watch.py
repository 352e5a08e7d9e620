# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp watch`` and ``jp log --follow``: nothing missing, nothing twice, resets told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from salut.frontends.cli.commands import watch
from salut.model.errors import SalutError
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon, Params, Talk
from tests.cli.test_commands import ALICE, AT, BOB, CAROL, message, page, plain

PATIENCE = 20.0  # seconds, a bound that only a failing test reaches


def change(seq: int, name: str = "draft", key: str = BOB, value: object = None) -> dict[str, Any]:
    given = {"seq": seq, "name": name, "key": key, "at": AT}
    return given if value is None else {**given, "value": value}


class Journals:
    """The attach of a daemon with journals: replays what lies after the position, then hangs up."""

    def __init__(self, **changes: list[dict[str, Any]]) -> None:
        self.changes = {"": [], **changes}
        self.epoch = "8c1f"
        self.goodbye = "kicked"
        self.live_from = 1 << 60

    def top(self, journal: str) -> int:
        return max((c["seq"] for c in self.changes[journal]), default=0)

    def __call__(self, params: Params, talk: Talk) -> object:
        starts = []
        for journal in self.changes:
            if params.get("profiles") is not None and journal not in ("", *params["profiles"]):
                continue
            start = self._start(journal, params["resume"].get(journal))
            starts.append(start)
            later = [c for c in self.changes[journal] if c["seq"] > start["position"][1]]
            if later:
                told = {"journal": journal, "live": later[0]["seq"] >= self.live_from, "changes": later}
                talk.after.append({"method": "changes", "params": told})
        if self.goodbye:
            talk.after.append({"method": "goodbye", "params": {"code": self.goodbye, "message": "Out."}})
            talk.hang_up = True
        return {"window": "w1", "journals": starts, "passing": []}

    def _start(self, journal: str, wanted: list[Any] | None) -> dict[str, Any]:
        if wanted is None:
            return {"journal": journal, "position": [self.epoch, self.top(journal)], "resumed": False}
        reset = "" if wanted[0] == self.epoch else "epoch"
        seq = 0 if reset else wanted[1]
        return {"journal": journal, "position": [self.epoch, seq], "resumed": not reset, "reset": reset}


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    daemon.answers["profiles.list"] = lambda _: plain([ALICE])


def test_positions_survive_being_written() -> None:
    positions = {"": ("e", 1), "alice": ("8c1f", 12), "bob": ("x", 0)}
    assert watch.write(positions) == ":e:1,alice:8c1f:12,bob:x:0"
    assert watch.read(watch.write(positions)) == positions
    assert watch.read("alice:12,bob:9") == {"alice": (None, 12), "bob": (None, 9)}


@pytest.mark.parametrize(
    "text", ["alice", "alice:", "alice:x", "a:b:c:d", "1,2", "alice:-1", "alice:²", "", "9" * 5000]
)
def test_positions_that_are_none(jp: Jp, daemon: FakeDaemon, text: str) -> None:
    daemon.attach = Journals(alice=[])
    assert jp("watch", "--from", text).code == 2


def test_a_line_for_each_change(jp: Jp, daemon: FakeDaemon) -> None:
    sent = plain(message(7, "Hi"))
    daemon.attach = Journals(
        alice=[change(1), change(2, "message", "7", sent), change(3, "thing", "x", {"at": 5})]
    )
    done = jp("watch", "--from", "0")
    assert done.code == 8
    assert done.err == "jp: Out.\n"
    gone, message_line, thing = done.lines
    assert gone == {
        "journal": "alice",
        "seq": 1,
        "name": "draft",
        "key": BOB,
        "at": "2023-11-14T22:13:20.000000Z",
        "live": False,
        "value": None,
        "position": ":8c1f:0,alice:8c1f:1",
    }
    assert message_line["value"]["at"] == "2023-11-14T22:13:20.000000Z"
    assert message_line["value"]["state"] == "received"
    assert thing["value"] == {"at": 5}
    attached = daemon.calls("attach")[-1]
    assert attached["want"] == "changes"
    assert attached["window"]["kind"] == "cli"


def test_stop_and_start_again(jp: Jp, daemon: FakeDaemon) -> None:
    journals = Journals(alice=[change(n) for n in range(1, 4)], carol=[change(1)])
    daemon.attach = journals
    first = jp("watch", "--from", "alice:0,carol:0").lines
    assert [(line["journal"], line["seq"]) for line in first] == [
        ("alice", 1),
        ("alice", 2),
        ("alice", 3),
        ("carol", 1),
    ]
    journals.changes["alice"] += [change(4)]
    journals.changes["dave"] = [change(1), change(2)]
    # From the middle: what came later comes, what came before does not; a new journal comes from its start.
    again = jp("watch", "--from", first[1]["position"]).lines
    seen = [(line["journal"], line["seq"]) for line in again]
    assert seen == [("alice", 3), ("alice", 4), ("carol", 1), ("dave", 1), ("dave", 2)]
    last = jp("watch", "--from", again[-1]["position"]).lines
    assert last == []


def test_a_number_needs_one_profile(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.attach = Journals(alice=[change(1), change(2)], carol=[])
    daemon.answers["profiles.list"] = lambda _: plain([ALICE, CAROL])
    assert jp("watch", "--from", "1").code == 4
    lines = jp("watch", "--from", "1", "--profile", "alice").lines
    assert [line["seq"] for line in lines] == [2]
    assert daemon.calls("attach")[-1]["profiles"] == ["alice"]
    assert jp("watch", "--from", "nobody:1").code == 3


def test_a_restored_database_is_told(jp: Jp, daemon: FakeDaemon) -> None:
    journals = Journals(alice=[change(1)])
    journals.epoch = "new"
    daemon.attach = journals
    done = jp("watch", "--from", "alice:8c1f:5")
    reset, line = done.lines
    assert reset == {"journal": "alice", "reset": "epoch", "position": ":new:0,alice:new:0"}
    assert (line["seq"], line["position"]) == (1, ":new:0,alice:new:1")
    assert "Changes of “alice” may be missing here: the database was restored." in done.err


def test_only_some_kinds(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.attach = Journals(alice=[change(1), change(2, "room", "r"), change(3)])
    lines = jp("watch", "room", "--from", "0").lines
    assert [(line["name"], line["position"]) for line in lines] == [("room", ":8c1f:0,alice:8c1f:2")]


def test_later_starts(jp: Jp, daemon: FakeDaemon) -> None:
    journals = Journals(alice=[])
    journals.goodbye = ""

    def attach(params: Params, talk: Talk) -> object:
        attached = journals(params, talk)
        start = {"journal": "carol", "position": ["c", 4], "resumed": False, "reset": "", "items": []}
        talk.after += [
            {"method": "start", "params": start},
            {"method": "changes", "params": {"journal": "carol", "live": True, "changes": [change(5)]}},
            {"method": "passing", "params": {"items": []}},
            {"method": "start", "params": {**start, "reset": "gone"}},
            {"method": "goodbye", "params": {"code": "kicked", "message": ""}},
        ]
        return attached

    daemon.attach = attach
    line, gone = jp("watch").lines
    assert (line["live"], line["position"]) == (True, ":8c1f:0,alice:8c1f:0,carol:c:5")
    assert gone == {"journal": "carol", "reset": "gone", "position": ":8c1f:0,alice:8c1f:0"}


def test_it_comes_back_after_a_cut(jp: Jp, daemon: FakeDaemon) -> None:
    journals = Journals(alice=[])
    journals.goodbye = ""
    cuts = [True, True, False]

    def attach(params: Params, talk: Talk) -> object:
        attached = journals(params, talk)
        journals.changes["alice"].append(change(journals.top("alice") + 1))  # while nobody is attached
        talk.hang_up = cuts.pop(0)
        if not talk.hang_up:
            talk.after.append({"method": "goodbye", "params": {"code": "kicked", "message": ""}})
        return attached

    daemon.attach = attach
    done = jp("watch")
    assert [line["seq"] for line in done.lines] == [1, 2]
    assert done.err.count("waiting for it") == 2
    assert [asked["resume"].get("alice") for asked in daemon.calls("attach")] == [
        None,
        ["8c1f", 0],
        ["8c1f", 1],
    ]


def test_without_patience_it_ends(jp: Jp, daemon: FakeDaemon) -> None:
    journals = Journals(alice=[change(1)])
    journals.goodbye = "stopping"
    daemon.attach = journals
    done = jp("watch", "--from", "0", "--no-retry")
    assert (done.code, len(done.lines)) == (8, 1)


def test_follow_shows_each_message_once(jp: Jp, daemon: FakeDaemon) -> None:
    journals = Journals(alice=[])
    daemon.attach = journals

    def look(params: Params) -> object:
        return page([message(1, "one"), message(2, "two")])

    def attach(params: Params, talk: Talk) -> object:
        # Between the attach and the look at history, “two” comes; then “three”, and “two” is marked.
        attached = journals(params, talk)
        talk.hang_up = False
        pending = talk.after
        talk.after = []
        later = [
            message(2, "two"),
            message(3, "three"),
            message(2, "two"),
            message(4, "x", conversation="eve@x"),
        ]
        changes = [change(n, "message", str(m.id), plain(m)) for n, m in enumerate(later, 1)]

        def answer(params: Params) -> object:
            told = {"journal": "alice", "live": True, "changes": changes}
            for line in [{"method": "changes", "params": told}, *pending]:
                talk.write(line)
            return look(params)

        daemon.answers["history.page"] = answer
        return attached

    daemon.attach = attach
    done = jp("log", BOB, "--follow", "--json")
    assert done.code == 8
    assert [line["body"] for line in done.lines] == ["one", "two", "three"]
    assert [method for method, _ in daemon.requests] == ["profiles.list", "attach", "history.page"]
    assert jp("log", BOB, "--follow", "--before", "x").code == 2


Run = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(runtime: Path) -> Iterator[Run]:
    """Starts ``jp`` as a process of its own; it is ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*words: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "salut.frontends.cli", *words]
        pipes = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, stdout=stdout, **pipes, env={**os.environ}))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_ctrl_c_ends_quietly(start: Run, daemon: FakeDaemon) -> None:
    journals = Journals(alice=[change(1)])
    journals.goodbye = ""
    daemon.attach = journals
    process = start("watch", "--from", "0")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["seq"] == 1
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_broken_pipe_ends_quietly(start: Run, daemon: FakeDaemon) -> None:
    daemon.answers["history.page"] = lambda _: page([message(n, "x" * 1000) for n in range(1, 501)])
    reader, writer = os.pipe()
    process = start("log", BOB, "-n", "500", stdout=writer)
    os.close(writer)
    assert os.read(reader, 100)
    os.close(reader)
    _out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (141, b"")


def test_a_full_disk_is_told(start: Run, daemon: FakeDaemon) -> None:
    daemon.answers["history.page"] = lambda _: page([message(1, "x")])
    full = os.open("/dev/full", os.O_WRONLY)
    process = start("log", BOB, stdout=full)
    os.close(full)
    _out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert err == b"jp: No space left on device\n"


def test_an_error_in_the_middle(jp: Jp, daemon: FakeDaemon) -> None:
    def refuse(params: Params, talk: Talk) -> object:
        raise SalutError("denied", "Not for you.")

    daemon.attach = refuse
    done = jp("watch")
    assert (done.code, done.out, done.err) == (6, "", "jp: Not for you.\n")
