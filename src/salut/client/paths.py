# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the daemon's socket is (docs/reference/protocol.md, "Connecting"). Light: imports next to nothing."""
# pathlib costs a light process as much as Python's own start.
# ruff: noqa: PTH100, PTH102, PTH103, PTH118, PTH120

from __future__ import annotations

import os
import stat

SOCKET_NAME = "bridge.sock"
MAX_SOCKET_PATH = 107  # bytes: sun_path of sockaddr_un on Linux, without its final zero


def runtime_folder() -> str:
    """The folder of the daemon's socket and locks; it may not exist yet.

    ``SALUT_RUNTIME``, else ``salut`` in ``XDG_RUNTIME_DIR``, else ``/tmp/salut-UID``. As the XDG base
    directory specification asks, a relative ``XDG_RUNTIME_DIR`` is ignored.
    """
    own = os.environ.get("SALUT_RUNTIME", "")
    if own:
        return os.path.abspath(own)
    shared = os.environ.get("XDG_RUNTIME_DIR", "")
    if shared.startswith("/"):
        return os.path.join(shared, "salut")
    return f"/tmp/salut-{os.getuid()}"  # noqa: S108 - check_folder refuses what someone else put there


def socket_path() -> str:
    """The path of the daemon's socket. Raises ``SalutError('invalid')`` where it is too long for one."""
    path = os.path.join(runtime_folder(), SOCKET_NAME)
    check_length(path)
    return path


def check_length(path: str) -> None:
    """Refuse a path that no Unix socket can have, with ``SalutError('invalid')``."""
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        from salut.client import troubles

        raise troubles.path_too_long(path, MAX_SOCKET_PATH)


def check_folder(folder: str) -> bool:
    """Whether the folder exists. Raises ``SalutError('denied')`` if it may be someone else's trap.

    It must be a true folder (no link), belong to this process's user, and be closed to all others.
    """
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return False
    except OSError as error:
        from salut.client import troubles

        raise troubles.unsafe_folder(folder, str(error)) from error
    if reason := _unsafe(found):
        from salut.client import troubles

        raise troubles.unsafe_folder(folder, reason)
    return True


def _unsafe(found: os.stat_result) -> str:
    if not stat.S_ISDIR(found.st_mode):
        return "no folder"
    if found.st_uid != os.geteuid():
        return f"uid {found.st_uid}"
    if found.st_mode & 0o077:
        return f"mode {stat.S_IMODE(found.st_mode):04o}"
    return ""


def make_folder(folder: str) -> None:
    """Make the folder (mode 0700) if it is missing, then check it."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    if not check_folder(folder):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            check_folder(folder)  # someone else made it just now
