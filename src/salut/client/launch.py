# SPDX-License-Identifier: AGPL-3.0-or-later
"""Starting the daemon when nothing answers on its socket: at most one, however many clients want it."""

from __future__ import annotations

import _socket
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from salut.bridge import paths
from salut.client import troubles
from salut.client.wire import open_socket

STEP = 0.01  # seconds between two looks at the socket
LAST_LINES = 20  # of the daemon's output in an error
LOCK_NAME = "launch.lock"
OUTPUT_NAME = "launch.log"
UNITS = ("salut.socket", "salut.service")


def start(path: str, seconds: float, command: Sequence[str] | None = None) -> _socket.socket:
    """Start the daemon of the socket ``path`` and connect to it, within ``seconds``.

    Clients that come at once take turns by a lock file beside the socket; the second finds the first
    one's daemon. Raises ``SalutError('no-daemon')`` with the reason, the daemon's last lines included.
    """
    folder = Path(path).parent
    if Path(path).name != paths.SOCKET_NAME and command is None:
        raise troubles.not_running(path)  # no daemon of ours would listen there
    paths.make_folder(str(folder))
    end = monotonic() + seconds
    with _turn(folder / LOCK_NAME, end, seconds):
        sock = _try(path)
        if sock is not None:
            return sock
        if _listens(path):
            return _wait(path, end, seconds, "")
        if command is None and path == _default_path() and (unit := _systemd_unit()):
            return _by_systemd(unit, path, end, seconds)
        return _by_hand(path, end, seconds, command)


def await_end(path: str, pid: int, seconds: float) -> None:
    """Wait until the daemon ``pid`` that was told to stop is gone, or its socket. ``SalutError('timeout')``.

    Asking the socket would not do: where it is systemd's it stays, and whoever connects to it starts another.
    """
    end = monotonic() + seconds
    while os.path.lexists(path) and _lives(pid):
        if monotonic() > end:
            raise troubles.still_there()
        sleep(STEP)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # gone; its number may be another user's process by now
        return False
    return True


def _default_path() -> str:
    """The path that a systemd unit listens on; units know nothing of ``SALUT_RUNTIME``."""
    return "" if os.environ.get("SALUT_RUNTIME") else paths.socket_path()


@contextmanager
def _turn(lock: Path, end: float, seconds: float) -> Iterator[None]:
    fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() > end:
                    raise troubles.silent_at_start(seconds, "") from None
                sleep(STEP)
        yield
    finally:
        os.close(fd)  # ends the lock


def _listens(path: str) -> bool:
    """Whether someone is there whose queue is only full."""
    try:
        open_socket(path, 0.0).close()
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def _wait(path: str, end: float, seconds: float, advice: str) -> _socket.socket:
    while monotonic() < end:
        if (sock := _try(path)) is not None:
            return sock
        sleep(STEP)
    raise troubles.silent_at_start(seconds, advice)


def _try(path: str) -> _socket.socket | None:
    try:
        return open_socket(path, 5.0)
    except OSError:
        return None


def _systemd_unit() -> str:
    """Our unit that the person enabled in their systemd, if there is one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not runtime or not Path(runtime, "systemd").is_dir():
        return ""
    for unit in UNITS:
        try:
            asked = _systemctl("is-enabled", unit)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if asked.stdout.strip() in ("enabled", "enabled-runtime", "linked"):
            return unit
    return ""


def _systemctl(verb: str, unit: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - fixed words
        ["systemctl", "--user", verb, unit],  # noqa: S607 - where the system has it
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5, check=False,
    )  # fmt: skip


def _by_systemd(unit: str, path: str, end: float, seconds: float) -> _socket.socket:
    try:
        asked = _systemctl("start", unit)
    except subprocess.TimeoutExpired as error:
        raise troubles.silent_at_start(seconds, "") from error
    if asked.returncode != 0:
        raise troubles.cannot_start(unit, asked.stderr.strip())
    return _wait(path, end, seconds, f"systemctl --user status {unit}")


def _by_hand(path: str, end: float, seconds: float, command: Sequence[str] | None) -> _socket.socket:
    output = Path(path).parent / OUTPUT_NAME
    process = _spawn(path, output, command or (sys.executable, "-m", "salut.daemon"))
    # Whoever lives longer than the daemon must not keep its corpse.
    threading.Thread(target=process.wait, name="salut-daemon-reaper", daemon=True).start()
    while monotonic() < end:
        ended = process.returncode
        if (sock := _try(path)) is not None:
            return sock
        if ended is not None:
            raise troubles.ended_at_start(ended, _tail(output))
        sleep(STEP)
    raise troubles.silent_at_start(seconds, _tail(output))


def _spawn(path: str, output: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the daemon apart from us: own session, own output, no file descriptor of ours."""
    environment = {**os.environ, "SALUT_RUNTIME": str(Path(path).parent)}
    if places := environment.get("PYTHONPATH"):  # it starts in another folder
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(p).absolute()) for p in places.split(os.pathsep))
    fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - our own command
            list(command), stdin=subprocess.DEVNULL, stdout=fd, stderr=fd,
            close_fds=True, start_new_session=True, cwd="/", env=environment,
        )  # fmt: skip
    except OSError as error:
        raise troubles.cannot_start(str(error)) from error
    finally:
        os.close(fd)


def _tail(output: Path) -> str:
    with output.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8192))
        text = file.read().decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-LAST_LINES:])
