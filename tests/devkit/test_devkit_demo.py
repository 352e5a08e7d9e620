# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo's pieces, and that it leaves nothing behind. `make demo-check` runs the whole."""

from __future__ import annotations

import io
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devkit.demo.__main__ import commands
from devkit.demo.stage import Stage, server_stage
from devkit.demo.tell import Tell
from devkit.servers import PrivateServer

BOUND = 60.0


@pytest.fixture
def stage(prosody: PrivateServer) -> Stage:
    """A stage on the session's server, with nothing running on it."""
    accounts = {name: prosody.account(name) for name in ("alice", "bob", "carol")}
    return Stage(prosody.folder / "demo 'n more", prosody, accounts)  # type: ignore[arg-type]  # prosody it is


def test_what_is_to_be_copied_works_in_a_shell(stage: Stage) -> None:
    script = f'{stage.export()}; printf "%s\\n" "$SALUT_STATE" "$SALUT_RUNTIME"; command -v python'
    ran = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    state, runtime, python = ran.stdout.splitlines()
    assert (state, runtime) == (str(stage.state), str(stage.runtime))
    assert Path(python).parent == Path(sys.executable).parent


def test_commands_fit_what_the_daemon_can(stage: Stage) -> None:
    few, endless = commands(stage, set(), {})
    assert not any("room" in command for command, _ in few)
    assert f"jp log -p bob {stage.accounts['alice'].jid}" in [command for command, _ in few]
    assert endless == [("jp watch", "every change as it happens; Ctrl-C ends it")]
    all_of_them, _ = commands(stage, {"names.resolve"}, {"rooms": "ok"})
    assert "jp room members -p carol tearoom" in [command for command, _ in all_of_them]
    assert "jp log -p bob alice" in [command for command, _ in all_of_them]


def test_plain_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    tell = Tell(out)
    tell.title("T")
    tell.said("a → b", "Hi", "read")
    tell.command("jp status", "how it is")
    tell.problem("bad\nvery")
    assert "\033" not in out.getvalue()
    assert "  a → b                  Hi                                       ✓ read\n" in out.getvalue()
    assert re.search(r"^  jp status +# how it is$", out.getvalue(), re.MULTILINE)


def test_stage_is_gone_at_the_end(_prosody: PrivateServer) -> None:
    with server_stage() as stage:
        assert stage.server.running
        assert stage.folder.stat().st_mode & 0o077 == 0
    assert not stage.folder.exists()
    assert not stage.server.running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_on_a_signal_without_leaving_anything(number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "devkit.demo"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        shown = _until(process, b"Ctrl-C here")
        (daemon,) = re.findall(rb"the daemon answers, process (\d+)", shown)
        exported = re.search(rb"SALUT_STATE=(\S+) SALUT_RUNTIME=(\S+)", shown)
        assert exported is not None
        environment = {
            **os.environ, "SALUT_STATE": exported[1].decode(), "SALUT_RUNTIME": exported[2].decode()
        }  # fmt: skip
        jp = [sys.executable, "-m", "salut.frontends.cli"]
        # A visitor who stops the daemon and starts another has one that is not the demo's child.
        subprocess.run([*jp, "daemon", "stop"], env=environment, check=True, timeout=BOUND)
        again = subprocess.run(
            [*jp, "daemon", "start", "--json"],
            env=environment,
            check=True,
            timeout=BOUND,
            capture_output=True,
        )
        (other,) = re.findall(rb'"pid": (\d+)', again.stdout)
        assert other != daemon
        process.send_signal(number)
        assert process.wait(BOUND) == 0
        for pid in (daemon, other):
            assert (
                not Path(f"/proc/{pid.decode()}/cmdline").exists()
                or not Path(f"/proc/{pid.decode()}/cmdline").read_bytes()
            )
        assert list(tmp_path.iterdir()) == []
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _until(process: subprocess.Popen[bytes], mark: bytes) -> bytes:
    assert process.stdout is not None
    shown = b""
    end = time.monotonic() + BOUND
    while mark not in shown:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))
        assert ready, shown.decode()
        more = os.read(process.stdout.fileno(), 65536)
        assert more, shown.decode()
        shown += more
    return shown
