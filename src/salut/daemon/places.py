# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the daemon keeps its things (XDG base directories), and the lock that makes it the only one."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import IO

from salut.bridge import paths
from salut.model.errors import SalutError
from salut.model.words import _


def state_folder() -> Path:
    """Database, key, log (``paths.state_folder``)."""
    return Path(paths.state_folder())


def private_folder(folder: Path) -> Path:
    """The folder, made if missing, for this user alone. ``SalutError('denied')`` if it is not ours."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SalutError(
            "denied", _("The folder {} belongs to somebody else; Salut will not use it.").format(folder)
        )
    if found.st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def lock(folder: Path) -> IO[str]:
    """Be the only daemon on this folder until the file is closed. ``SalutError('exists')`` if there is one."""
    file = (folder / "salut.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise SalutError("exists", _("A daemon already runs on {}.").format(folder)) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
