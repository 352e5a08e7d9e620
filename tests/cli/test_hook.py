# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp hook``: what is run on which change, with the real daemon; each change once, or reported."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.process import GuardedProcess
from salut.client import wire
from salut.frontends.cli.hooks import book, match, program
from salut.frontends.cli.hooks.ledger import Ledger, Place
from salut.model import moment
from salut.model.errors import SalutError
from tests.cli.conftest import Jp

PATIENCE = 60.0
BOB = "bob@example.org"
ROOT = Path(__file__).parents[2]


def until(what: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"did not come true within {seconds} s"
        time.sleep(0.02)
    return found


class World:
    """A daemon process with a profile that never connects: what it sends is stored, and is a change like others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemon: GuardedProcess | None = None
        self.runs: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        command = [sys.executable, "-m", "salut.daemon"]
        self.daemon = GuardedProcess(command, log=self.folder / "daemon.log", cwd=self.folder, env=os.environ)
        until(lambda: self._answers())

    def _answers(self) -> bool:
        with contextlib.suppress(SalutError), wire.connect(start=False) as connection:
            connection.hello()
            return True
        return False

    def call(self, method: str, **params: Any) -> Any:
        with wire.connect(start=False) as connection:
            return connection.call(method, params).value

    def say(self, *bodies: str) -> None:
        with wire.connect(start=False) as connection:
            for body in bodies:
                connection.call("chat.send", {"profile": "one", "to": BOB, "body": body})

    def hook(self, *words: str, stderr: Path | None = None) -> subprocess.Popen[bytes]:
        """``jp hook run`` as a process; ready when this returns."""
        log = (stderr or self.folder / "hook.err").open("ab")
        command = [sys.executable, "-m", "salut.frontends.cli", "hook", "run", *words]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        log.close()
        self.runs.append(process)
        until(lambda: any(w["name"] == "jp hook run" for w in self.call("windows.list")))
        return process

    def end_hook(self, process: subprocess.Popen[bytes], sign: int = signal.SIGTERM) -> None:
        process.send_signal(sign)
        process.wait(PATIENCE)
        until(lambda: not any(w["name"] == "jp hook run" for w in self.call("windows.list")))

    def lines(self, name: str = "out") -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def close(self) -> None:
        for process in self.runs:
            process.kill()
            process.wait()
        with contextlib.suppress(SalutError):  # a window that waited may have started the one that runs now
            pid = self.call("daemon.info")["pid"]
            self.call("daemon.stop")
            until(
                lambda: (
                    not Path(f"/proc/{pid}").exists() or (self.daemon is not None and self.daemon.pid == pid)
                )
            )
        if self.daemon is not None:
            self.daemon.end()


@pytest.fixture
def world(runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("SALUT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}")
    made = World(tmp_path)
    made.start()
    settings = {"enabled": False}
    made.call("profiles.create", name="one", address="a@example.org", password="x", settings=settings)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg-state"))


def fate(jp: Jp, name: str) -> Any:
    return next(item for item in jp("hook", "list", "--json").json["items"] if item["name"] == name)


def writes(folder: Path, name: str = "out") -> list[str]:
    """A command that appends the body of the message to a file."""
    code = "import json,sys;d=json.load(sys.stdin);open(sys.argv[1],'a').write(d['value']['body']+'\\n')"
    return [sys.executable, "-S", "-c", code, str(folder / name)]


def test_each_once_over_restarts(jp: Jp, world: World) -> None:
    world.say("before the hook")
    assert jp("hook", "add", "log", "--", *writes(world.folder)).code == 0
    run = world.hook()
    world.say("one", "two")
    until(lambda: world.lines() == ["one", "two"])
    world.end_hook(run)
    world.say("while away")
    run = world.hook()
    until(lambda: world.lines() == ["one", "two", "while away"])
    assert world.daemon is not None
    world.daemon.end(patience=0)  # kill -9: the window waits for it, and follows on
    world.start()
    world.say("daemon back")
    until(lambda: "daemon back" in world.lines() and fate(jp, "log")["ran"] == 4)
    world.end_hook(run, signal.SIGKILL)
    world.say("after the kill")
    world.hook()
    until(lambda: "after the kill" in world.lines())
    assert world.lines() == ["one", "two", "while away", "daemon back", "after the kill"]
    until(lambda: fate(jp, "log")["ran"] == 5)
    assert (fate(jp, "log")["failed"], fate(jp, "log")["exit"]) == (0, 0)


def test_failures_are_shown_and_stop_nothing(jp: Jp, world: World) -> None:
    good = writes(world.folder)
    for name, command, more in (
        ("good", good, []),
        ("fails", [sys.executable, "-S", "-c", "print('so sad'); raise SystemExit(3)"], []),
        ("hangs", ["sleep", "60"], ["--timeout", "0.5"]),
        ("missing", ["/nowhere/program"], []),
    ):
        assert jp("hook", "add", name, *more, "--", *command).code == 0
    run = world.hook()
    world.say("one", "two")
    until(lambda: all(fate(jp, name)["ran"] == 2 for name in ("good", "fails", "hangs", "missing")))
    assert world.lines() == ["one", "two"]
    assert fate(jp, "good")["failed"] == 0
    assert (fate(jp, "fails")["exit"], fate(jp, "fails")["words"]) == (3, "exit status 3: so sad")
    assert (fate(jp, "hangs")["exit"], fate(jp, "hangs")["failed"]) == (None, 2)
    assert "0.5 seconds" in fate(jp, "hangs")["words"]
    assert "/nowhere/program" in fate(jp, "missing")["words"]
    assert [f["change"]["value"]["body"] for f in fate(jp, "missing")["failures"]] == ["two", "one"]
    told = (world.folder / "hook.err").read_text()
    assert told.count("hook fails failed: exit status 3: so sad") == 2
    assert "hook missing failed" in told
    assert "so sad" in jp("hook", "list").out
    assert run.poll() is None
    world.end_hook(run)
    assert world.call("daemon.info")["trouble"] == ""


def test_a_flood_with_restarts_in_between(jp: Jp, world: World) -> None:
    """1,000 messages while the window is killed and the daemon started anew: each once, or told as interrupted."""
    assert (
        jp(
            "hook", "add", "log", "--shell", "--", f'read -r line; echo "$SALUT_BODY" >> {world.folder}/out'
        ).code
        == 0
    )
    world.hook()
    bodies = [f"{n:04}" for n in range(1000)]
    world.say(*bodies[:400])
    until(lambda: len(world.lines()) > 50)
    world.end_hook(world.runs[-1], signal.SIGKILL)
    world.say(*bodies[400:700])
    assert world.daemon is not None
    world.daemon.end(patience=0)
    world.start()
    world.hook()
    world.say(*bodies[700:])
    until(lambda: fate(jp, "log")["ran"] == 1000)
    ran = world.lines()
    told = [failure["change"]["value"]["body"] for failure in fate(jp, "log")["failures"]]
    assert len(ran) == len(set(ran))  # none twice
    assert set(bodies) == set(ran) | set(told)
    assert len(told) <= 1  # at most the one at which the kill came
    assert all("may have run" in failure["words"] for failure in fate(jp, "log")["failures"])
    assert ran == sorted(ran)


def test_what_was_interrupted_is_told_and_not_repeated(jp: Jp, world: World) -> None:
    command = f"echo begun >> {world.folder}/out; sleep 60"
    assert jp("hook", "add", "slow", "--shell", "--", command).code == 0
    run = world.hook()
    world.say("one")
    until(lambda: world.lines() == ["begun"])
    world.end_hook(run, signal.SIGKILL)
    run = world.hook()
    until(lambda: fate(jp, "slow")["failed"] == 1)
    world.say("two")
    until(lambda: world.lines() == ["begun", "begun"])
    world.end_hook(run)  # asked to end: it ends what it runs, and says so
    assert "ended with jp hook run" in fate(jp, "slow")["words"]
    assert fate(jp, "slow")["ran"] == 2
    run = world.hook()
    other = subprocess.run(
        [sys.executable, "-m", "salut.frontends.cli", "hook", "run"], capture_output=True, timeout=PATIENCE
    )
    assert (other.returncode, b"Another" in other.stderr) == (9, True)
    world.end_hook(run)
    assert len(world.lines()) == 2


def test_definitions_change_while_it_runs(jp: Jp, world: World) -> None:
    world.hook()
    world.say("nobody listens")
    assert (
        jp("hook", "add", "log", "--conversation", BOB, "--match", "TEA", "--", *writes(world.folder)).code
        == 0
    )
    world.say("some tea", "coffee", "Teatime")
    until(lambda: world.lines() == ["some tea", "Teatime"])
    assert jp("hook", "remove", "log").code == 0
    world.say("tea again")
    assert (
        jp("hook", "add", "conv", "--on", "conversation", "--shell", "--", f"cat >> {world.folder}/conv").code
        == 0
    )
    world.say("x")
    (line, *_more) = until(lambda: world.lines("conv"))
    assert (json.loads(line)["name"], json.loads(line)["value"]["address"]) == ("conversation", BOB)
    assert world.lines() == ["some tea", "Teatime"]


def test_what_passes_and_profiles_that_are_new(jp: Jp, world: World) -> None:
    """Passing things run hooks while they are watched; a profile made meanwhile is read from its beginning."""
    assert jp("hook", "add", "log", "--from", "A@Example.org", "--", *writes(world.folder)).code == 0
    assert jp("hook", "add", "win", "--on", "window", "--shell", "--", f"cat >> {world.folder}/win").code == 0
    run = world.hook()
    with wire.connect(start=False) as connection:
        params = {"window": {"name": "test", "kind": "cli", "version": "1"}, "want": "changes", "resume": {}}
        connection.request("attach", params)
        until(lambda: '"test"' in "".join(world.lines("win")))
        passed = next(
            line
            for line in map(json.loads, world.lines("win"))
            if (line["value"] or {}).get("name") == "test"
        )
        assert (passed["name"], passed["seq"], passed["live"]) == ("window", 0, True)
    until(lambda: any(json.loads(line)["value"] is None for line in world.lines("win")))  # it is gone
    world.end_hook(run)
    settings = {"enabled": False}
    world.call("profiles.create", name="two", address="a@example.org", password="x", settings=settings)
    world.call("chat.send", profile="two", to=BOB, body="from two")
    world.call("chat.send", profile="one", to=BOB, body="from one")
    world.hook()
    until(lambda: sorted(world.lines()) == ["from one", "from two"])


def test_test_and_mistakes(jp: Jp, world: World) -> None:
    world.say("evil $(touch hacked) `x` ; \x1b[31m")
    code = "import os,sys; print(os.environ['SALUT_BODY'], sys.argv[1:])"
    assert jp("hook", "add", "echo", "--", sys.executable, "-S", "-c", code, "a b").code == 0
    done = jp("hook", "test", "echo")
    assert (done.code, done.out) == (0, "This is a test. ['a b']\n")
    done = jp("hook", "test", "echo", f"last:{BOB}")
    assert done.out == "evil $(touch hacked) `x` ; <U+001B>[31m ['a b']\n"
    for words, wanted in (
        (("add", "echo", "--", "true"), 9),
        (("add", "a/b", "--", "true"), 2),
        (("add", "x", "--on", "nothing", "--", "true"), 2),
        (("add", "x", "--shell", "--", "true", "false"), 2),
        (("remove", "nobody"), 3),
        (("test", "nobody"), 3),
        (("add", "x"), 2),
    ):
        assert jp("hook", *words).code == wanted, words
    path = book.config_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o666)
    for words in (("list",), ("run",), ("test", "echo")):
        assert jp("hook", *words).code == 6
    path.chmod(0o600)
    for wrong in ("", "{}", '{"hooks": [{"name": "x"}]}', '{"hooks": [{"name": 5}]}', "[" * 100_000):
        path.write_text(wrong)
        assert jp("hook", "list").code == 2, wrong[:40]


def event(**value: Any) -> match.Event:
    given = {"id": 5, "conversation": BOB, "sender": f"{BOB}/desk", "at": 10, "body": "Some Tea", **value}
    return match.Event("one", 3, "message", "5", 10, True, given, fresh=True)


@pytest.mark.parametrize(
    ("filters", "value", "fits"),
    [
        ({}, {}, True),
        ({"on": "room"}, {}, False),
        ({"profile": "two"}, {}, False),
        ({"sender": BOB}, {}, True),
        ({"sender": f"{BOB}/desk"}, {}, True),
        ({"sender": "eve@example.org"}, {}, False),
        ({"conversation": "eve@example.org"}, {}, False),
        ({"match": "tEA"}, {}, True),
        ({"match": "coffee"}, {}, False),
        ({"incoming": True}, {}, True),
        ({"incoming": True}, {"outgoing": True}, False),
        ({"mention": True}, {}, False),
        ({"mention": True}, {"mention": True}, True),
        ({"added": 11}, {}, False),
        ({}, {"at": 1}, False),  # an old message that the archive brought: no news
        ({"every": True}, {"at": 1}, True),
    ],
)
def test_filters(filters: dict[str, Any], value: dict[str, Any], fits: bool) -> None:
    hook = book.Hook(**{"name": "h", "on": "message", "command": ["true"], "added": 5, **filters})
    assert match.concerns(hook, event(**value)) is fits


def test_environment_is_bounded() -> None:
    found = match.environment("h", match.document(event(body="ä\0" * 9000, sender="x\ud800")))
    assert len(found["SALUT_BODY"].encode()) <= match.MAX_ENV
    assert set(found["SALUT_BODY"]) == {"ä"}
    assert (found["SALUT_SENDER"], found["SALUT_GONE"], found["SALUT_LIVE"]) == ("x?", "0", "1")


def test_programs_of_all_kinds() -> None:
    """Deaf, loud, leaving children behind, killing itself: none holds us up, and output is bounded."""
    begun = time.monotonic()
    big = b"x" * 1_000_000
    assert program.run(["true"], big, {}, 10).well
    assert program.run(["/bin/sh", "-c", "exec 0<&- 1>&-; exit 0"], big, {}, 10).well
    loud = program.run(["/bin/sh", "-c", "yes | head -c 3000000; echo end"], b"", {}, 10)
    assert loud.well
    assert len(loud.output) == program.KEPT
    assert loud.output.endswith("end\n")
    assert program.run(["/bin/sh", "-c", "sleep 30 & echo gone"], b"", {}, 10).output == "gone\n"
    assert program.run(["/bin/sh", "-c", "kill -9 $$"], b"", {}, 10).exit == -9
    stubborn = program.run(["/bin/sh", "-c", "trap '' TERM; sleep 30 & wait; wait"], b"", {}, 0.2)
    assert (stubborn.exit, "0.2 seconds" in stubborn.reason) == (None, True)
    assert "cannot be run" in program.run(["/"], b"", {}, 1).reason
    assert time.monotonic() - begun < 15
    cat = program.run(["cat"], big, {}, 10)
    assert cat.output == "x" * program.KEPT


def test_the_ledger_bounds_what_it_keeps(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l")
    assert stat.S_IMODE((tmp_path / "l" / "hooks.db").stat().st_mode) == 0o600
    ledger.take({"one": Place("e", 5, 3)}, [("h", f"{n}") for n in range(150)])
    while (run := ledger.begin("h")) is not None:
        ledger.end(run, moment.now(), 1, f"words {run.change}", well=False)
    assert [words for _at, _change, words in ledger.troubles("h")] == [
        f"words {n}" for n in range(149, 49, -1)
    ]
    assert (ledger.results()["h"].ran, ledger.results()["h"].failed) == (150, 150)
    assert ledger.places() == {"one": Place("e", 5, 3)}
    ledger.close()
