# SPDX-License-Identifier: AGPL-3.0-or-later
"""Logs in text files: which files, and messages of several lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from salut.frontends.cli.portable.found import Bad, Where
from salut.frontends.cli.portable.maildir import read_plain
from salut.model.words import _

MAX_FILE: Final = 64 << 20
MAX_DEEP: Final = 6
MOST_LINES: Final = 5_000  # of one message


class Log(NamedTuple):
    """A file of one conversation's messages (of a ``day``, written YYYY-MM-DD)."""

    path: Path
    account: str
    other: str  # the conversation's address
    kind: str
    day: str


class LogLine(NamedTuple):
    """The first line of a message: its fields, and where it stands once that is known."""

    made: dict[str, Any]
    where: Where = Where("")


SKIPPED: Final = LogLine({})
"""For a line that begins something else than a message."""


def files(path: Path, wanted: Callable[[str], bool], deep: int = MAX_DEEP) -> Iterator[Path]:
    """Files with a wanted name in a folder and those below, in order; links are not followed."""
    if path.is_symlink():
        return
    if path.is_file():
        if wanted(path.name):
            yield path.absolute()
    elif path.is_dir() and deep:
        for inner in sorted(path.absolute().iterdir()):
            yield from files(inner, wanted, deep - 1)


def lines(log: Log, read: Callable[[str], LogLine | Bad | None]) -> Iterator[LogLine | Bad]:
    """Messages of a log. ``read`` gives the message that begins with a line, or ``None`` if none does: then the
    line goes on with the message before."""
    name = str(log.path)
    raw = read_plain(log.path, MAX_FILE)
    if isinstance(raw, str):
        yield Bad(Where(name), raw)
        return
    last: LogLine | None = None
    more: list[str] = []
    for number, line in enumerate(raw.decode("utf-8", "replace").split("\n"), 1):
        found = read(line.removesuffix("\r"))
        if found is None:
            if last is None and line.strip():
                yield Bad(Where(name, number), _("there is a line before the first message"))
            elif len(more) < MOST_LINES:
                more.append(line)
            continue
        if last is not None and last.made:
            yield _whole(last, more)
        last, more = None, []
        where = Where(name, number)
        if isinstance(found, Bad):
            yield found._replace(where=where)
        else:
            last = found._replace(where=where)
    if last is not None and last.made:
        yield _whole(last, more)


def _whole(line: LogLine, more: list[str]) -> LogLine:
    """Empty lines at the end belong to the file, not to the message."""
    while more and not more[-1].strip():
        more.pop()
    if more:
        line.made["body"] = "\n".join((line.made["body"], *more))
    return line
