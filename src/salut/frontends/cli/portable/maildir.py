# SPDX-License-Identifier: AGPL-3.0-or-later
"""Maildir: one file a message, in ``cur`` (read) and ``new`` (unread)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from salut.frontends.cli.link import Link
from salut.frontends.cli.portable import mail, mbox, pages
from salut.frontends.cli.portable.found import Account, Bad, Found, Where
from salut.frontends.cli.portable.report import Counts, Progress
from salut.frontends.cli.shapes import number, text
from salut.model import moment
from salut.model.words import _

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

FOLDERS: Final = ("cur", "new", "tmp")


def write(link: Link, folder: Path, profiles: list[Object], wanted: pages.Wanted, tell: Progress) -> Counts:
    """Export messages of profiles into an empty folder."""
    for name in FOLDERS:
        (folder / name).mkdir(mode=0o700)
    counts = Counts()
    for profile in profiles:
        account = text(profile, "address")
        for conversation in pages.conversations(link, text(profile, "name"), wanted):
            counts.conversations += 1
            mark = (number(conversation, "read_place"), number(conversation, "read_sub"))
            for message in pages.messages(link, text(profile, "name"), text(conversation, "address"), wanted):
                _one(folder, account, message, mark)
                counts.messages += 1
                tell(counts)
    return counts


def _one(folder: Path, account: str, message: Object, mark: tuple[int, int]) -> None:
    """A message has been seen when it is our own or stands under the read mark."""
    seen = message.get("outgoing") is True or (number(message, "place"), number(message, "sub")) <= mark
    unique = f"{number(message, 'at') // moment.SECOND}.{mail.message_id(account, message)[1:41]}"
    name = f"{unique}_{number(message, 'id')}.salut"
    target = folder / ("cur" if seen else "new") / (f"{name}:2,S" if seen else name)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(mail.mail(account, message))


class Maildir:
    """``Source`` of such a folder. Links are not followed; only plain files in ``cur`` and ``new`` are read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def accounts(self) -> list[Account]:
        names: dict[str, None] = {}
        for _where, raw in self._mails():
            if isinstance(raw, bytes):
                names[mbox.account_of(raw)] = None
        return [Account(name, name) for name in names]

    def entries(self) -> Iterator[Found]:
        now = moment.now()
        for where, raw in self._mails():
            yield Bad(where, raw) if isinstance(raw, str) else mail.read(where, raw, now)

    def _mails(self) -> Iterator[tuple[Where, bytes | str]]:
        for part in ("cur", "new"):
            folder = self._path / part
            if folder.is_symlink() or not folder.is_dir():
                yield Where(str(folder)), _("this is no folder")
                continue
            for path in sorted(folder.iterdir()):
                if not path.name.startswith("."):
                    yield Where(str(path)), read_plain(path, mail.MAX_MAIL)


def read_plain(path: Path, most: int) -> bytes | str:
    """The bytes of a plain file of at most ``most``, or in words why not. Never waits, never follows a link."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return _("it cannot be read: {}").format(error.strerror)
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        return _("it is no plain file")
    with os.fdopen(handle, "rb") as stream:
        if about.st_size > most:
            return _("it is too long (more than {} bytes)").format(most)
        return stream.read(most + 1)
