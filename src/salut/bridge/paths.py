# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the daemon's socket and data are (docs/reference/protocol.md, "Connecting").

Light, since every run of ``jp`` needs it: imports next to nothing, and the words for errors when there are any.
"""
# pathlib costs a light process as much as Python's own start.
# ruff: noqa: PTH100, PTH102, PTH103, PTH111, PTH118, PTH120

from __future__ import annotations

import os
import stat

from salut.model.errors import SalutError

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


def state_folder() -> str:
    """Where database, key and log are: ``SALUT_STATE``, else ``salut`` in ``XDG_DATA_HOME`` (``~/.local/share``)."""
    own = os.environ.get("SALUT_STATE", "")
    if own:
        return os.path.abspath(own)
    shared = os.environ.get("XDG_DATA_HOME", "")
    if not shared.startswith("/"):
        shared = os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(shared, "salut")


def socket_path() -> str:
    """The path of the daemon's socket. Raises ``SalutError('invalid')`` where it is too long for one."""
    path = os.path.join(runtime_folder(), SOCKET_NAME)
    check_length(path)
    return path


def check_length(path: str) -> None:
    """Refuse a path that no Unix socket can have, with ``SalutError('invalid')``."""
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise _too_long(path)


def check_folder(folder: str) -> bool:
    """Whether the folder exists. Raises ``SalutError('denied')`` if it may be someone else's trap.

    It must be a true folder (no link), belong to this process's user, and be closed to all others.
    """
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _not_safe(folder, str(error)) from error
    if reason := unsafe(found):
        raise _not_safe(folder, reason)
    return True


def unsafe(found: os.stat_result) -> str:
    """Why a folder is not the person's own and private; empty where it is."""
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


def _too_long(path: str) -> SalutError:
    from salut.model.words import _

    text = _("The socket path {} is too long (at most {} bytes); set SALUT_RUNTIME to a shorter folder.")
    return SalutError("invalid", text.format(path, MAX_SOCKET_PATH), {"field": "SALUT_RUNTIME"})


def _not_safe(folder: str, reason: str) -> SalutError:
    from salut.model.words import _

    text = _("The folder {} is not safe ({}): it must be yours alone, with mode 0700.")
    return SalutError("denied", text.format(folder, reason), {"path": folder})
