# SPDX-License-Identifier: AGPL-3.0-or-later
"""The doctor's look at this machine: Python, folders, files, disk, database. Needs no daemon, changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import salut
from salut.client import places
from salut.frontends.setup import service
from salut.frontends.setup.findings import Finding
from salut.model.errors import SalutError
from salut.model.words import _

MEGABYTE = 2**20
LITTLE, TOO_LITTLE = 1024 * MEGABYTE, 100 * MEGABYTE
DATABASE, KEY = "salut.db", "salut.key"
KEY_BYTES = 32
OPEN_TO_OTHERS = 0o077


def look() -> Iterator[Finding]:
    """All findings about this machine."""
    state = Path(places.state_folder())
    yield _python()
    yield _sqlite()
    yield _folder("data folder", state)
    yield _runtime()
    yield from _file("key file", state / KEY, KEY_BYTES)
    yield from _file("database file", state / DATABASE)
    yield _disk(state)
    if (state / DATABASE).is_file():
        yield _database(state / DATABASE)
    yield from _units()


def _python() -> Finding:
    return Finding("ok", "python", f"Salut {salut.__version__}, Python {platform.python_version()}")


def _sqlite() -> Finding:
    text = f"SQLite {sqlite3.sqlite_version}"
    with sqlite3.connect(":memory:") as connection:
        options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    connection.close()
    if "ENABLE_FTS5" not in options:
        step = _("Use a Python whose SQLite has FTS5, such as your distribution's.")
        return Finding("problem", "sqlite", _("{} lacks FTS5, which search needs").format(text), step)
    return Finding("ok", "sqlite", text)


def _folder(check: str, folder: Path) -> Finding:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return Finding("ok", check, _("{} is not there yet; the daemon makes it").format(folder))
    except OSError as error:
        step = _("See who owns the folders above it, and whether you may enter them.")
        return Finding("problem", check, f"{folder}: {error.strerror}", step)
    if reason := places.unsafe(found):
        step = (
            f"chmod 700 '{folder}'"
            if found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode)
            else _("Remove it, or have it given to you: it must be a folder of your own.")
        )
        return Finding("problem", check, _("{} is not yours alone ({})").format(folder, reason), step)
    return Finding("ok", check, _("{} is yours alone").format(folder))


def _runtime() -> Finding:
    try:
        places.socket_path()
    except SalutError as error:
        return Finding(
            "problem", "runtime folder", error.message, _("Set SALUT_RUNTIME to a shorter folder.")
        )
    return _folder("runtime folder", Path(places.runtime_folder()))


def _file(check: str, path: Path, size: int | None = None) -> Iterator[Finding]:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return  # made when it is first needed
    except OSError as error:
        yield Finding("problem", check, f"{path}: {error.strerror}", _("See who owns it."))
        return
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        yield Finding("problem", check, _("{} is no file of yours").format(path), _("See who owns it."))
    elif mode & OPEN_TO_OTHERS:
        text = _("{} is open to others (mode {:04o})").format(path, mode)
        yield Finding("problem", check, text, f"chmod 600 '{path}'")
    elif size is not None and found.st_size != size:
        text = _("{} is damaged: stored passwords cannot be opened").format(path)
        step = _("Restore it from a backup, or remove it and give each password again: jp profile change")
        yield Finding("problem", check, text, step)
    else:
        yield Finding("ok", check, _("{} is readable by you alone").format(path))


def _disk(folder: Path) -> Finding:
    while not folder.exists():
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(
            "problem", "disk", f"{folder}: {error.strerror}", _("See whether the disk is mounted.")
        )
    text = _("{:,} MB free for {}").format(free // MEGABYTE, folder)
    step = _("Make room: what cannot be stored is not taken from the server.")
    if free < TOO_LITTLE:
        return Finding("problem", "disk", text, step)
    return Finding("warning", "disk", text, step) if free < LITTLE else Finding("ok", "disk", text)


def _database(path: Path) -> Finding:
    """SQLite's own check, on a connection that cannot write; the daemon may go on meanwhile."""
    step = _("Stop the daemon (jp daemon stop) and restore {} from a backup.").format(path)
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            return Finding("warning", "database", str(error), _("End what locks it, then look again."))
        return Finding("problem", "database", _("{} is damaged: {}").format(path, error), step)
    if found != ["ok"]:
        return Finding("problem", "database", _("{} is damaged: {}").format(path, "; ".join(found)), step)
    size = path.stat().st_size // MEGABYTE
    return Finding("ok", "database", _("{} is whole ({:,} MB)").format(path, size))


def _units() -> Iterator[Finding]:
    unit = service.folder() / "salut.service"
    try:
        text = unit.read_text(encoding="utf-8")
    except OSError:
        return  # nobody has to use systemd
    if text != service.texts()["salut.service"]:
        words = _("{} starts another installation of Salut, or is of another version").format(unit)
        yield Finding("warning", "service", words, "salut service install")
    else:
        yield Finding("ok", "service", _("{} starts this installation").format(unit))
