# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the demo plays: a private folder with a server and a daemon in it. All of it ends with the demo."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devkit.process import GuardedProcess, ProgramFailedError
from devkit.prosody import Prosody
from devkit.servers import Account
from salut.client import wire
from salut.model.errors import SalutError

NAMES = ("alice", "bob", "carol")
START_SECONDS = 20.0
END_SECONDS = 15.0
_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs. ``room`` is the address of the room that the story uses."""

    folder: Path
    server: Prosody
    accounts: dict[str, Account]

    @property
    def state(self) -> Path:
        """The daemon's data."""
        return self.folder / "state"

    @property
    def runtime(self) -> Path:
        """The folder of the daemon's socket."""
        return self.folder / "run"

    @property
    def socket(self) -> Path:
        """The daemon's socket."""
        return self.runtime / "bridge.sock"

    @property
    def room(self) -> str:
        """The tea room."""
        return f"tearoom@{self.server.muc}"

    def environment(self) -> dict[str, str]:
        """What a program needs to find this daemon and no other, and ``jp`` itself."""
        programs = str(Path(sys.executable).parent)
        return {
            "SALUT_STATE": str(self.state),
            "SALUT_RUNTIME": str(self.runtime),
            "PATH": programs + os.pathsep + os.environ.get("PATH", os.defpath),
        }

    def export(self) -> str:
        """The same as a line for a shell."""
        programs = shlex.quote(str(Path(sys.executable).parent))
        state, runtime = shlex.quote(str(self.state)), shlex.quote(str(self.runtime))
        return f'export SALUT_STATE={state} SALUT_RUNTIME={runtime} PATH={programs}:"$PATH"'


@contextlib.contextmanager
def server_stage() -> Iterator[Stage]:
    """A private folder with a running server that knows the accounts; both gone at the end."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="salut-demo-")))
        server = stack.enter_context(Prosody(folder / "server"))
        accounts = {}
        for name in NAMES:
            password = secrets.token_urlsafe(12)
            accounts[name] = Account(server.register(name, password), password)
        yield Stage(folder, server, accounts)


@contextlib.contextmanager
def daemon(stage: Stage) -> Iterator[int]:
    """The daemon of the stage, answering; its process id. It has ended when this ends."""
    stage.state.mkdir(mode=0o700)
    stage.runtime.mkdir(mode=0o700)
    process = GuardedProcess(
        [sys.executable, "-m", "salut.daemon"],
        log=stage.folder / "daemon.log",
        cwd=stage.folder,
        env=stage.environment(),
    )
    try:
        _wait_until_it_answers(stage, process)
        yield process.pid
    finally:
        process.end(END_SECONDS)
        _end_successor(stage)


def _wait_until_it_answers(stage: Stage, process: GuardedProcess) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with wire.connect(str(stage.socket), start=False) as connection:
                connection.hello(START_SECONDS)
            return
        except SalutError as error:
            if not process.running:
                raise ProgramFailedError(f"the daemon ended at once\n{process.last_output()}") from error
            if time.monotonic() > end:
                raise ProgramFailedError(
                    f"the daemon does not answer: {error.message}\n{process.last_output()}"
                ) from error
        time.sleep(_STEP)


def _end_successor(stage: Stage) -> None:
    """Who tried ``jp daemon stop`` and another ``jp`` after it, has started a daemon that is not our child."""
    try:
        with wire.connect(str(stage.socket), start=False) as connection:
            connection.call("daemon.stop")
    except SalutError:
        pass  # nobody answers; one that is ending may still hold the lock
    end = time.monotonic() + END_SECONDS
    with (stage.state / "salut.lock").open("a") as lock:
        while time.monotonic() < end:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_STEP)
            else:
                return
