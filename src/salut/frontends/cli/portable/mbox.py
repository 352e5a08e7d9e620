# SPDX-License-Identifier: AGPL-3.0-or-later
"""mbox (RFC 4155): one mail a message, one after another in a file."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from salut.frontends.cli.link import Link
from salut.frontends.cli.portable import mail, pages
from salut.frontends.cli.portable.found import Account, Bad, Entry, Found, Where
from salut.frontends.cli.portable.report import Counts, Progress
from salut.frontends.cli.shapes import text
from salut.model import moment
from salut.model.words import _

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

BEGIN: Final = re.compile(rb"From \S.* \d\d:\d\d(:\d\d)? .*\d{4}\s*\Z")
MAX_LINE: Final = 1 << 20


def write(
    link: Link, stream: BinaryIO, profiles: list[Object], wanted: pages.Wanted, tell: Progress
) -> Counts:
    """Export messages of profiles."""
    counts = Counts()
    for profile in profiles:
        account = text(profile, "address")
        for conversation in pages.conversations(link, text(profile, "name"), wanted):
            counts.conversations += 1
            for message in pages.messages(link, text(profile, "name"), text(conversation, "address"), wanted):
                stream.write(_separator(message) + mail.mail(account, message) + b"\n")
                counts.messages += 1
                tell(counts)
    return counts


def _separator(message: Object) -> bytes:
    at, bare = message["at"], str(message["sender"]).partition("/")[0]
    assert isinstance(at, int)
    who = bare if mail.ATOM.match(bare) else "unknown@xmpp.invalid"
    return f"From {who} {time.asctime(time.gmtime(at // moment.SECOND))}\n".encode("ascii")


class Mbox:
    """``Source`` of such a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def accounts(self) -> list[Account]:
        """All accounts that mails name; one without a name for mails that name none."""
        names: dict[str, None] = {}
        for _where, raw in self._mails():
            if isinstance(raw, bytes):
                names[account_of(raw)] = None
        return [Account(name, name) for name in names]

    def entries(self) -> Iterator[Found]:
        now = moment.now()
        for where, raw in self._mails():
            found = Bad(where, raw) if isinstance(raw, str) else mail.read(where, raw, now)
            if isinstance(found, Entry) and not found.account:
                found = found._replace(account="")
            yield found

    def _mails(self) -> Iterator[tuple[Where, bytes | str]]:
        """Each mail's bytes, or what is wrong with it; where it begins."""
        name, start, number = str(self._path), 0, 0
        kept: list[bytes] = []
        size, blank, inside = 0, True, False
        with self._path.open("rb") as stream:
            while line := stream.readline(MAX_LINE):
                number += 1
                if blank and line.startswith(b"From ") and BEGIN.match(line):
                    if inside:
                        yield Where(name, start), self._whole(kept, size)
                    kept, size, start, inside = [], 0, number, True
                elif not inside:
                    if line.strip():
                        yield Where(name, number), _("this is no mbox: a line “From …” is missing")
                        return
                else:
                    size += len(line)
                    if size <= mail.MAX_MAIL:
                        kept.append(line)
                    else:
                        kept.clear()
                blank = line in (b"\n", b"\r\n")
        if inside:
            yield Where(name, start), self._whole(kept, size)

    def _whole(self, kept: list[bytes], size: int) -> bytes | str:
        if size > mail.MAX_MAIL:
            return _("the mail is too long (more than {} bytes)").format(mail.MAX_MAIL)
        if kept and kept[-1] in (b"\n", b"\r\n"):
            kept.pop()
        return b"".join(kept)


ACCOUNT: Final = re.compile(rb"^X-XMPP-Account:(.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)


def account_of(raw: bytes) -> str:
    """The account that a mail names in its head, cheaply."""
    head = raw.split(b"\n\n", 1)[0]
    match = ACCOUNT.search(head)
    if match is None:
        return ""
    from email import message_from_bytes

    return mail.header(message_from_bytes(match.group(0).strip() + b"\n\n"), "X-XMPP-Account")
