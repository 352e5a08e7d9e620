# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which format a file or folder has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from salut.frontends.cli.portable.found import Source
from salut.frontends.cli.portable.lines import Lines
from salut.frontends.cli.portable.maildir import Maildir
from salut.frontends.cli.portable.mbox import Mbox
from salut.frontends.cli.portable.pie import Pie
from salut.model.errors import invalid, not_found
from salut.model.words import _

Make = Callable[[Path, list[str]], Source]
MAKERS: Final[dict[str, Make]] = {
    "jsonl": lambda path, _me: Lines(path),
    "mbox": lambda path, _me: Mbox(path),
    "maildir": lambda path, _me: Maildir(path),
    "xep227": lambda path, _me: Pie(path),
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
    if head.startswith(b"From "):
        return "mbox"
    if b"urn:xmpp:pie:0" in head:
        return "xep227"
    if head.startswith(b'{"salut_export"'):
        return "jsonl"
    return None


def _folder(path: Path) -> str | None:
    if (path / "cur").is_dir() and (path / "new").is_dir():
        return "maildir"
    return None
