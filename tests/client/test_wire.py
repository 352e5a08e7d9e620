# SPDX-License-Identifier: AGPL-3.0-or-later
"""The light face against the transcripts of docs/reference/protocol.md, and its promises about cost."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salut.api import wire as contract
from salut.bridge import paths
from salut.client import follow, lines, wire
from salut.model.errors import CODES, SalutError
from tests.client.fake import HELLO, FakeDaemon

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('abé"\\\n', max_size=3), inner),
    max_leaves=12,
)


async def light(daemon: FakeDaemon, work: Any) -> Any:
    """Run ``work(connection)`` in a thread, since the light face blocks."""

    def run() -> Any:
        with wire.connect(str(daemon.path), start=False, timeout=5) as connection:
            return work(connection)

    return await asyncio.to_thread(run)


async def test_a_call_and_its_reply(daemon: FakeDaemon) -> None:
    daemon.methods["chat.send"] = lambda params: ({"id": 17, "body": params["body"]}, {"alice": 42})
    op = wire.new_op()
    params = {"profile": "alice", "to": "bob@localhost", "body": "Hi ☃ \U0001f600", "op": op}
    reply = await light(daemon, lambda c: c.call("chat.send", params))
    assert reply.value == {"id": 17, "body": "Hi ☃ \U0001f600"}
    assert reply.seq == {"alice": 42}
    assert daemon.received == [{"jsonrpc": "2.0", "id": 1, "method": "chat.send", "params": params}]


async def test_hello_can_be_asked_for(daemon: FakeDaemon) -> None:
    assert await light(daemon, lambda c: c.hello()) == HELLO


async def test_errors_are_typed(daemon: FakeDaemon) -> None:
    with pytest.raises(SalutError) as caught:
        await light(daemon, lambda c: c.call("chat.sing"))
    assert caught.value.code == "unknown-method" and "chat.sing" in caught.value.message


@pytest.mark.parametrize(
    ("error", "code", "data"),
    [
        ({"code": 1001, "message": "No", "data": {"code": "not-found"}}, "not-found", {}),
        ({"code": 1002, "message": "Which", "data": {"code": "ambiguous", "candidates": ["a"]}}, "ambiguous",
         {"candidates": ["a"]}),
        ({"code": 1004, "message": "No"}, "denied", {}),
        ({"code": 4711, "message": "New", "data": {"code": "of-tomorrow"}}, "internal", {}),
        ({"code": 1001, "message": "No", "data": {"code": []}}, "not-found", {}),
        ("broken", "internal", {}),
    ],
)  # fmt: skip
def test_error_objects(error: object, code: str, data: dict[str, object]) -> None:
    found = lines.error_of(error)
    assert (found.code, found.data) == (code, data)


async def test_another_major_version_is_refused(daemon: FakeDaemon) -> None:
    daemon.hello = {**HELLO, "protocol": [2, 0]}
    daemon.methods["daemon.info"] = lambda params: ({}, {})
    with pytest.raises(SalutError, match=r"2\.0") as caught:
        await light(daemon, lambda c: c.call("daemon.info"))
    assert caught.value.code == "unavailable"


async def test_a_cut_before_the_answer_is_said(daemon: FakeDaemon) -> None:
    daemon.methods["daemon.stop"] = lambda params: (None, {})
    daemon.cuts_before_answer = 1
    with pytest.raises(SalutError) as caught:
        await light(daemon, lambda c: c.call("daemon.stop"))
    assert caught.value.code == "no-daemon"


async def test_a_write_is_sent_again_after_a_cut_and_done_once(daemon: FakeDaemon) -> None:
    daemon.methods["chat.send"] = lambda params: ({"id": 17}, {"alice": 42})
    daemon.cuts_before_answer = 1
    op = wire.new_op()
    reply = await light(daemon, lambda c: c.call("chat.send", {"op": op}))
    assert reply.value == {"id": 17}
    assert (daemon.done["chat.send"], daemon.count("chat.send")) == (1, 2)


async def test_silence_is_a_timeout(daemon: FakeDaemon) -> None:
    daemon.silent = True
    with pytest.raises(SalutError, match=r"daemon\.info") as caught:
        await light(daemon, lambda c: c.call("daemon.info", timeout=0.05))
    assert caught.value.code == "timeout"


async def test_attach_pings_and_notifications(daemon: FakeDaemon) -> None:
    daemon.commit("alice", "draft", "bob@x", {"text": "a"})
    params = {
        "window": {"name": "jp watch", "kind": "cli"},
        "want": "changes",
        "resume": {"alice": ["e1", 0]},
    }

    def watch(connection: wire.Connection) -> Any:
        attached = connection.request("attach", params)
        told = connection.notifications(timeout=5)
        first = next(told)
        connection.request("focus", {"focused": True, "idle": False})
        return attached, [first, next(told), next(told)]

    async def meanwhile() -> None:
        await daemon.until(lambda: daemon.count("focus") == 1)
        daemon.peers[0].send({"id": "p1", "method": "ping"})
        daemon.commit("alice", "draft", "bob@x", None)
        daemon.tell("goodbye-of-tomorrow", {})

    attached, told = (await asyncio.gather(light(daemon, watch), meanwhile()))[0]
    assert attached["window"] == "w7"
    assert attached["journals"][1]["resumed"] is True
    assert [method for method, _ in told] == ["changes", "changes", "goodbye-of-tomorrow"]
    assert told[0][1]["changes"][0]["value"] == {"text": "a"} and not told[0][1]["live"]
    assert "value" not in told[1][1]["changes"][0]
    assert {"jsonrpc": "2.0", "id": "p1", "result": {}} in daemon.received


async def test_goodbye_is_told_with_its_reason(daemon: FakeDaemon) -> None:
    def watch(connection: wire.Connection) -> None:
        connection.request("attach", {"window": {"name": "x"}, "want": "state", "resume": {}})
        next(connection.notifications(timeout=5))

    async def meanwhile() -> None:
        await daemon.until(lambda: daemon.count("attach") == 1)
        daemon.tell("goodbye", {"code": "kicked", "message": "jp windows kick"})

    with pytest.raises(SalutError, match="jp windows kick") as caught:
        await asyncio.gather(light(daemon, watch), meanwhile())
    assert caught.value.code == "no-daemon" and caught.value.data["goodbye"] == "kicked"


async def test_following_over_cuts_gaps_and_restarts(daemon: FakeDaemon) -> None:
    daemon.commit("alice", "draft", "bob@x", {"text": "0"})
    losses: list[str] = []
    got: list[int] = []
    attached: list[dict[str, Any]] = []

    def run() -> None:
        params = {"window": {"name": "jp watch"}, "want": "changes", "resume": {"alice": ("e1", 0)}}
        news = follow.follow(
            params, path=str(daemon.path), start=False, lost=lambda error, wait: losses.append(error.code)
        )
        for method, told in news:
            if method == "attach":
                attached.append(told)
            elif method == "changes":
                got.extend(change["seq"] for change in told["changes"])
                if got[-1] == 6:
                    return

    async def meanwhile() -> None:
        await daemon.until(lambda: daemon.count("attach") == 1)
        daemon.commit("alice", "draft", "bob@x", {"text": "1"})
        daemon.cut()
        await daemon.until(lambda: daemon.count("attach") == 2)
        daemon.journals["alice"].commit("draft", "bob@x", {"text": "lost on the way"})
        daemon.commit("alice", "draft", "bob@x", {"text": "2"})
        await daemon.until(lambda: daemon.count("attach") == 3)
        await daemon.stop()
        daemon.commit("alice", "draft", "bob@x", {"text": "3"})
        await daemon.start()
        await daemon.until(lambda: daemon.count("attach") == 4)
        daemon.commit("alice", "draft", "bob@x", None)

    await asyncio.gather(asyncio.to_thread(run), meanwhile())
    assert got == [1, 2, 3, 4, 5, 6]
    assert len(attached) == 4 and set(losses) == {"no-daemon"}


async def test_following_ends_when_kicked(daemon: FakeDaemon) -> None:
    def run() -> None:
        for _ in follow.follow(
            {"window": {"name": "x"}, "want": "state", "resume": {}}, path=str(daemon.path)
        ):
            pass

    async def meanwhile() -> None:
        await daemon.until(lambda: daemon.count("attach") == 1)
        daemon.tell("goodbye", {"code": "kicked", "message": "by jp"})

    with pytest.raises(SalutError, match="by jp"):
        await asyncio.gather(asyncio.to_thread(run), meanwhile())
    assert daemon.count("attach") == 1


async def test_a_long_line_comes_in_pieces(daemon: FakeDaemon) -> None:
    body = "x" * 3_000_000
    daemon.methods["history.get"] = lambda params: ({"body": body}, {})
    reply = await light(daemon, lambda c: c.call("history.get"))
    assert reply.value["body"] == body


async def test_what_is_too_large_or_no_text_is_not_sent(daemon: FakeDaemon) -> None:
    with pytest.raises(SalutError) as large:
        await light(daemon, lambda c: c.call("chat.send", {"body": "x" * (1 << 20)}))
    with pytest.raises(SalutError) as broken:
        await light(daemon, lambda c: c.call("chat.send", {"body": "\udcff"}))
    assert (large.value.code, broken.value.code) == ("too-large", "invalid")
    assert daemon.received == []


def test_no_daemon_is_said_without_starting_one(runtime: Path) -> None:
    with pytest.raises(SalutError) as caught:
        wire.connect(str(runtime / "bridge.sock"), start=False)
    assert caught.value.code == "no-daemon"
    assert list(runtime.iterdir()) == []


def test_an_open_folder_is_refused(runtime: Path) -> None:
    runtime.chmod(0o750)
    with pytest.raises(SalutError, match="0750") as caught:
        wire.connect(str(runtime / "bridge.sock"), start=False)
    assert caught.value.code == "denied"


def test_a_linked_folder_is_refused(runtime: Path) -> None:
    (runtime / "true").mkdir(mode=0o700)
    (runtime / "link").symlink_to(runtime / "true")
    with pytest.raises(SalutError):
        paths.check_folder(str(runtime / "link"))


@pytest.mark.parametrize(
    ("own", "shared", "path"),
    [
        ("/a/b", "/run/user/7", "/a/b/bridge.sock"),
        ("", "/run/user/7", "/run/user/7/salut/bridge.sock"),
        ("", "relative", "/tmp/salut-7/bridge.sock"),
        ("", "", "/tmp/salut-7/bridge.sock"),
    ],
)
def test_the_rule_for_the_path(monkeypatch: pytest.MonkeyPatch, own: str, shared: str, path: str) -> None:
    monkeypatch.setenv("SALUT_RUNTIME", own)
    monkeypatch.setenv("XDG_RUNTIME_DIR", shared)
    monkeypatch.setattr("os.getuid", lambda: 7)
    assert paths.socket_path() == path


def test_a_path_that_no_socket_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALUT_RUNTIME", "/x" * 60)
    with pytest.raises(SalutError) as caught:
        paths.socket_path()
    assert caught.value.data["field"] == "SALUT_RUNTIME"


@given(st.dictionaries(st.text(max_size=3, alphabet='ab\n"'), JSON, max_size=5))
def test_lines_say_what_json_says(message: dict[str, Any]) -> None:
    line = lines.encode(message)
    assert line.count(b"\n") == 1 and json.loads(line) == message
    assert lines.decode(json.dumps(message).encode()) == message


@given(st.binary(max_size=40))
def test_garbage_is_refused_and_never_more(line: bytes) -> None:
    try:
        expected = json.loads(line)
    except ValueError:
        expected = None
    try:
        assert lines.decode(line) == expected
    except SalutError as error:
        assert error.code == "invalid-request"


def test_the_limits_are_those_of_the_contract() -> None:
    assert lines.MAX_LINE == contract.MAX_FRAME
    assert contract.PROTOCOL[0] == lines.PROTOCOL_MAJOR
    assert "no-daemon" in CODES


def test_the_light_face_imports_nothing_heavy() -> None:
    heavy = ["asyncio", "msgspec", "typing", "json", "socket", "re", "enum", "pathlib", "collections"]
    code = "import sys, salut.client; from salut.client import follow, wire; print(*sys.modules)"
    places = os.pathsep.join(path for path in sys.path if path)  # -S knows nothing of an editable install
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": places},
    )  # fmt: skip
    assert "salut.client.wire" in ran.stdout.split()
    assert [name for name in heavy if name in ran.stdout.split()] == []
