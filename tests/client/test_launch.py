# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first client starts the daemon; however many come at once, one daemon runs."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from salut import client
from salut.client import wire
from salut.model.errors import SalutError

PROGRAM = """
import json, os, socket, sys, threading
folder = os.environ["SALUT_RUNTIME"]
with open(folder + "/pids", "a") as pids:
    pids.write(f"{os.getpid()}\\n")
server = socket.socket(socket.AF_UNIX)
server.bind(folder + "/bridge.sock")
server.listen(50)
hello = {
    "server": "salut", "version": "0", "protocol": [1, 0], "instance": "i", "capabilities": {}, "auth": []
}
def serve(peer):
    peer.sendall((json.dumps({"jsonrpc": "2.0", "method": "hello", "params": hello}) + "\\n").encode())
    for line in peer.makefile("rb"):
        asked = json.loads(line)
        fds = sorted(map(int, os.listdir("/proc/self/fd")))
        value = {"pid": os.getpid(), "session": os.getsid(0), "fds": fds}
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {"value": value, "seq": {}}}
        peer.sendall((json.dumps(answer) + "\\n").encode())
while True:
    peer, _ = server.accept()
    threading.Thread(target=serve, args=(peer,), daemon=True).start()
"""


@pytest.fixture
def command(runtime: Path) -> Iterator[list[str]]:
    """A program that behaves like a daemon; what it started ends with the test."""
    program = runtime / "daemon.py"
    program.write_text(PROGRAM)
    yield [sys.executable, "-S", str(program)]
    for pid in pids(runtime):
        os.kill(pid, signal.SIGKILL)


def pids(runtime: Path) -> list[int]:
    file = runtime / "pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_many_clients_at_once_start_one_daemon(runtime: Path, command: list[str]) -> None:
    path = str(runtime / "bridge.sock")
    code = (
        "import sys; from salut.client import wire\n"
        "print(wire.connect(sys.argv[1], command=sys.argv[2:]).call('daemon.info').value['pid'])"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code, path, *command], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    found: list[int] = []

    def ask() -> None:
        with wire.connect(path, command=command) as connection:
            found.append(connection.call("daemon.info").value["pid"])

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        found.append(int(other.communicate(timeout=30)[0]))
    assert len(found) == 8
    assert set(found) == set(pids(runtime)) and len(pids(runtime)) == 1


def test_the_daemon_is_apart_from_who_started_it(runtime: Path, command: list[str]) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        with wire.connect(str(runtime / "bridge.sock"), command=command) as connection:
            value = connection.call("daemon.info").value
    finally:
        os.close(read)
        os.close(write)
    assert value["session"] == value["pid"]
    assert len([fd for fd in value["fds"] if fd > 2]) <= 3  # its socket, our connection, the listing itself
    assert str(Path(f"/proc/{value['pid']}/fd/0").readlink()) == "/dev/null"
    assert Path(f"/proc/{value['pid']}/fd/2").readlink() == runtime / "launch.log"


def test_a_stale_socket_is_no_hindrance(runtime: Path, command: list[str]) -> None:
    with wire.connect(str(runtime / "bridge.sock"), command=command) as connection:
        first = connection.call("daemon.info").value["pid"]
    ended = os.pidfd_open(first)
    os.kill(first, signal.SIGKILL)
    assert select.select([ended], [], [], 10)[0]
    os.close(ended)
    (runtime / "pids").unlink()
    (runtime / "daemon.py").write_text(
        PROGRAM.replace("server.bind", "os.unlink(folder + '/bridge.sock')\nserver.bind")
    )
    with wire.connect(str(runtime / "bridge.sock"), command=command) as connection:
        assert connection.call("daemon.info").value["pid"] != first


@pytest.mark.parametrize("face", ["light", "sync"])
def test_a_daemon_that_dies_says_why(runtime: Path, face: str) -> None:
    program = runtime / "daemon.py"
    program.write_text("import sys\nprint('noise\\n' * 100)\nsys.exit('The disk is full.')")
    command = [sys.executable, str(program)]
    path = str(runtime / "bridge.sock")
    with pytest.raises(SalutError, match="exit code 1") as caught:
        if face == "light":
            wire.connect(path, command=command)
        else:
            client.sync.connect(f"unix:{path}", command=command)
    assert caught.value.code == "no-daemon"
    assert caught.value.message.endswith("The disk is full.")
    assert caught.value.message.count("noise") < 20


def test_a_command_that_is_not_there(runtime: Path) -> None:
    with pytest.raises(SalutError, match="could not be started"):
        wire.connect(str(runtime / "bridge.sock"), command=["/nowhere/salut"])


def test_no_daemon_of_ours_would_listen_elsewhere(runtime: Path) -> None:
    with pytest.raises(SalutError, match="not running"):
        wire.connect(str(runtime / "other.sock"))
