# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which format a file or folder has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from salut.frontends.cli.portable import pidgin, profanity
from salut.frontends.cli.portable.database import MAGIC, tables
from salut.frontends.cli.portable.dino import Dino
from salut.frontends.cli.portable.found import Source
from salut.frontends.cli.portable.gajim import Gajim
from salut.frontends.cli.portable.lines import Lines
from salut.frontends.cli.portable.logs import files
from salut.frontends.cli.portable.maildir import Maildir
from salut.frontends.cli.portable.mbox import Mbox
from salut.frontends.cli.portable.pidgin import Pidgin
from salut.frontends.cli.portable.pie import Pie
from salut.frontends.cli.portable.profanity import ChatlogDatabase, Chatlogs
from salut.model.errors import invalid, not_found
from salut.model.words import _

Make = Callable[[Path, list[str]], Source]
MAKERS: Final[dict[str, Make]] = {
    "jsonl": lambda path, _me: Lines(path),
    "mbox": lambda path, _me: Mbox(path),
    "maildir": lambda path, _me: Maildir(path),
    "xep227": lambda path, _me: Pie(path),
    "gajim": Gajim,
    "dino": lambda path, _me: Dino(path),
    "profanity": lambda path, me: (
        Chatlogs(path, me) if path.is_dir() or path.suffix == ".log" else ChatlogDatabase(path)
    ),
    "pidgin": Pidgin,
}
HEAD: Final = 4096


def source(path: Path, kind: str, me: list[str]) -> Source:
    """The reader for a file or folder; ``kind`` may be ``auto``. ``not-found``, ``invalid``."""
    if not path.exists():
        raise not_found(_("There is no file {}.").format(path))
    found = guess(path) if kind == "auto" else kind
    if found is None:
        raise invalid(
            "format", _("{} is in no format that is known here; name it with --format.").format(path)
        )
    return MAKERS[found](path, me)


def guess(path: Path) -> str | None:
    """The format's name, if it is plain to see."""
    if path.is_dir():
        return _folder(path)
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if head.startswith(MAGIC):
        return _database(tables(path))
    if head.startswith(b"From "):
        return "mbox"
    if b"urn:xmpp:pie:0" in head:
        return "xep227"
    if head.startswith(b'{"salut_export"'):
        return "jsonl"
    return _log(path.name)


def _database(names: set[str]) -> str | None:
    if "ChatLogs" in names:
        return "profanity"
    if {"account", "jid", "message"} <= names:
        return "dino"
    return "gajim" if {"account", "remote", "message"} <= names or {"logs", "jids"} <= names else None


def _log(name: str) -> str | None:
    if profanity.FILE.match(name):
        return "profanity"
    return "pidgin" if pidgin.FILE.match(name) else None


def _folder(path: Path) -> str | None:
    if (path / "cur").is_dir() and (path / "new").is_dir():
        return "maildir"
    first = next(files(path, lambda name: _log(name) is not None), None)
    return _log(first.name) if first is not None else None


def _is_text(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".log"
