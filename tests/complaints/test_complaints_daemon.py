# SPDX-License-Identifier: AGPL-3.0-or-later
"""What users of other clients complain about and ask for, tried on the real daemon, ``jp`` and prosody.

``docs/complaints.md`` says which test answers what.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from devkit.servers import PrivateServer
from salut.model.errors import SalutError
from tests.complaints.conftest import JP, Desk
from tests.engine_kit import running_engine

COUNT = 2_000
AT_ONCE = 30  # requests that are unanswered; the daemon says how many it takes


def log(desk: Desk, conversation: str, number: int = 100) -> list[str]:
    """Texts of a conversation of alice's, as ``jp`` shows them."""
    shown = json.loads(desk.jp("log", "-p", "alice", conversation, "-n", str(number), "--json"))
    return [item["body"] for item in shown["items"]]


async def until_last(desk: Desk, conversation: str, body: str, seconds: float = 60) -> None:
    """Wait until the newest message of a conversation of alice's is this one."""
    end = time.monotonic() + seconds
    found: Any = None
    while time.monotonic() < end:
        found = await asyncio.to_thread(
            desk.call, "history.page", profile="alice", conversation=conversation, limit=1
        )
        if found["items"] and found["items"][-1]["body"] == body:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{body!r} did not come; last: {found}")


async def test_c05_c06_r3_without_windows_nothing_is_dropped_or_forgotten(
    desk: Desk, prosody: PrivateServer, tmp_path: Path
) -> None:
    """Nobody is attached while messages come; the daemon is ended, and started by the next command."""
    alice, bob = prosody.account("alice"), prosody.account("bob")
    desk.add("alice", alice, prosody)
    desk.jp("send", "-p", "alice", bob.jid, "Write to me", "--wait", "server")
    bodies = [f"text {n}" for n in range(150)]
    async with running_engine(tmp_path, prosody, {"bob": bob}) as kit:
        for body in bodies:
            await kit.call("chat.send", profile="bob", to=alice.jid, body=body)
        await kit.call("chat.send", profile="bob", to=alice.jid, body="the last of them", wait="server")
        await until_last(desk, bob.jid, "the last of them")
    expected = ["Write to me", *bodies, "the last of them"]
    assert log(desk, bob.jid, 500) == expected
    desk.jp("daemon", "stop")
    assert log(desk, bob.jid, 500) == expected
    found = json.loads(desk.jp("search", "-p", "alice", "last", "--json"))["items"]
    assert [item["message"]["body"] for item in found] == ["the last of them"]


async def test_c08_thousands_through_the_json_pipe_arrive_once_and_in_order(
    desk: Desk, prosody: PrivateServer
) -> None:
    """As fast as the pipe takes them, many unanswered at any time; then as many lines through ``jp``."""
    alice, bob = prosody.account("alice"), prosody.account("bob")
    desk.add("alice", alice, prosody)
    desk.add("bob", bob, prosody)
    half = COUNT // 2
    await asyncio.to_thread(pipe, desk, bob.jid, half)
    lines = "".join(f"line {n}\n" for n in range(half))
    sent = await asyncio.to_thread(desk.jp, "send", "-p", "alice", bob.jid, "--lines", "--json", stdin=lines)
    assert len(sent.splitlines()) == half
    expected = [f"piped {n}" for n in range(half)] + [f"line {n}" for n in range(half)]
    end = time.monotonic() + 60
    got: list[str] = []
    while len(got) < COUNT and time.monotonic() < end:
        shown = await asyncio.to_thread(
            desk.jp, "log", "-p", "bob", alice.jid, "-n", str(COUNT + 10), "--json"
        )
        got = [item["body"] for item in json.loads(shown)["items"]]
    assert got == expected
    assert log(desk, bob.jid, COUNT + 10) == expected


def pipe(desk: Desk, to: str, number: int) -> None:
    """Send so many messages as requests over one socket; each must be answered well."""
    answers: set[int] = set()
    with socket.socket(socket.AF_UNIX) as window:
        window.settimeout(60)
        window.connect(desk.socket)
        stream = window.makefile("rb")
        stream.readline()  # hello
        for n in range(number):
            params = {"profile": "alice", "to": to, "body": f"piped {n}", "op": f"op{n}"}
            request = {"jsonrpc": "2.0", "id": n + 1, "method": "chat.send", "params": params}
            window.sendall(json.dumps(request).encode() + b"\n")
            while n + 1 - len(answers) >= AT_ONCE:
                answered(stream.readline(), answers)
        while len(answers) < number:
            answered(stream.readline(), answers)


def answered(line: bytes, answers: set[int]) -> None:
    told = json.loads(line)
    if "id" in told and "method" not in told:
        assert "result" in told, told
        assert told["id"] not in answers
        answers.add(told["id"])


@pytest.mark.parametrize(
    "words",
    [
        ("profile", "create", "carol", "carol@localhost"),
        ("profile", "change", "alice", "--password"),
        ("account", "password", "-p", "alice"),
        ("account", "delete", "-p", "alice"),
        ("account", "register", "new", "new@localhost"),
        ("send", "nobody-of-this-name", "text"),
        ("log", "nobody-of-this-name"),
        ("import", "/nonexistent"),
        ("room", "destroy", "nowhere@muc.localhost"),
    ],
    ids=" ".join,
)
def test_c24_jp_without_a_terminal_never_asks(desk: Desk, words: tuple[str, ...]) -> None:
    """Its input is a pipe that nobody writes to or closes: whoever asks waits for ever."""
    silent, held_open = os.pipe()
    try:
        ran = subprocess.run(
            [*JP, *words], stdin=silent, capture_output=True, text=True, env=desk.environment, timeout=30
        )
    finally:
        os.close(silent)
        os.close(held_open)
    assert ran.returncode not in (0, 130)
    assert ran.stderr.startswith(("jp: ", "usage: "))
    assert "Traceback" not in ran.stderr


def test_c23_a_refused_login_says_why_and_what_to_do(desk: Desk, prosody: PrivateServer) -> None:
    """Signing in is SCRAM with the strongest hash that the server has; errors name cause and next step."""
    alice = prosody.account("alice")
    desk.add("alice", alice, prosody)
    (profile,) = json.loads(desk.jp("profile", "list", "--json"))["items"]
    assert profile["link"]["state"] == "online"
    settings = {"host": "127.0.0.1", "port": prosody.c2s_port, "ca_file": str(prosody.ca_file)}
    bad = prosody.account("bad")
    desk.call("profiles.create", name="bad", address=bad.jid, password="wrong", settings=settings)
    said = desk.jp("profile", "connect", "bad", code=6)
    assert "password" in said.lower()
    assert said.startswith("jp: ")
    said = desk.jp("send", "-p", "nobody", bad.jid, "text", code=3)
    assert "nobody" in said


async def test_r4_r5_r6_windows_share_two_accounts_and_a_script_counts_what_is_unread(
    desk: Desk, prosody: PrivateServer
) -> None:
    """Two windows follow both accounts live; ``jp`` beside them reads the same count, and marks it read for all."""
    alice, bob = prosody.account("alice"), prosody.account("bob")
    desk.add("alice", alice, prosody)
    desk.add("bob", bob, prosody)
    desk.jp("send", "-p", "alice", bob.jid, "known", "--wait", "server")
    watchers = [
        await asyncio.create_subprocess_exec(
            *JP,
            "watch",
            env=desk.environment,
            stdout=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    try:
        await asyncio.to_thread(attached, desk, 2)
        await asyncio.to_thread(desk.jp, "send", "-p", "bob", alice.jid, "look here", "--wait", "server")
        for watcher in watchers:
            assert watcher.stdout is not None
            seen: set[str] = set()
            async with asyncio.timeout(30):
                while seen != {"alice", "bob"}:
                    line = await watcher.stdout.readline()
                    assert line, "jp watch ended"
                    if b"look here" in line:
                        seen |= {name for name in ("alice", "bob") if f'"{name}"'.encode() in line}
        status = json.loads(await asyncio.to_thread(desk.jp, "status", "--json"))
        assert sum(unread(one) for one in status["profiles"] if one["name"] == "alice") == 1
        await asyncio.to_thread(desk.jp, "read", "-p", "alice", bob.jid)
        status = json.loads(await asyncio.to_thread(desk.jp, "status", "--json"))
        assert sum(unread(one) for one in status["profiles"] if one["name"] == "alice") == 0
    finally:
        for watcher in watchers:
            watcher.terminate()
            await watcher.wait()


def attached(desk: Desk, number: int) -> list[dict[str, Any]]:
    """The windows of ``jp watch``, once so many are attached."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        shown = json.loads(desk.jp("windows", "--json"))["items"]
        watching = [one for one in shown if "watch" in one["name"]]
        if len(watching) >= number:
            return watching
    raise AssertionError(f"not {number} windows: {shown}")


def unread(profile: dict[str, Any]) -> int:
    """What ``jp status --json`` says is unread in a profile."""
    return sum(int(one.get("unread", 0)) for one in profile.get("unread", []))


def test_r24_the_json_interface_describes_itself_and_has_history(desk: Desk) -> None:
    told = desk.call("daemon.describe")
    assert isinstance(told, dict)
    methods = {method["name"]: method for method in told["methods"]}
    assert {"chat.send", "history.page", "history.search", "history.mark_read"} <= methods.keys()
    with pytest.raises(SalutError) as missing:
        desk.call("history.page", profile="nobody", conversation="a@b.example")
    assert missing.value.code == "not-found"


def test_r25_attached_windows_are_seen_and_ended(desk: Desk) -> None:
    watcher = subprocess.Popen(
        [*JP, "watch"], env=desk.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        (other,) = attached(desk, 1)
        desk.jp("windows", "kick", other["id"])
        assert watcher.wait(30) != 0
    finally:
        watcher.kill()
        watcher.communicate()
