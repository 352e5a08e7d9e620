# SPDX-License-Identifier: AGPL-3.0-or-later
"""JSON lines: the complete format. See docs/reference/export.md.

The first line is the header, the last one the end with its counts; each line between holds one of ``profile``,
``conversation``, ``message`` and ``thing``, and under ``of`` whose it is. Structs stand as the bridge carries
them, so that fields that come later are in it by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from salut import __version__
from salut.frontends.cli.link import Link
from salut.frontends.cli.portable import found, pages
from salut.frontends.cli.portable.found import Account, Bad, Entry, Found, Where
from salut.frontends.cli.portable.report import Counts, Progress
from salut.frontends.cli.shapes import text
from salut.model import moment
from salut.model.words import _
from salut.plugins.history.api import Conversation, Message
from salut.plugins.portability.api import Thing

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

VERSION: Final = 1
MAX_LINE: Final = 4 << 20
PRIVATE: Final = ("link",)  # of a profile: how it stands just now


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """A profile in the header."""

    name: str
    address: str = ""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. A reader refuses a greater ``version``; what it does not know otherwise, it leaves."""

    version: int
    exported: str = ""
    by: str = ""
    profiles: list[Whose] = []
    complete: bool = True


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Any line."""

    salut_export: Header | None = None
    of: str = ""
    profile: dict[str, Any] | None = None
    conversation: Conversation | None = None
    message: Message | None = None
    thing: Thing | None = None
    end: dict[str, Any] | None = None


_encode = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(Line)


def write(
    link: Link, stream: BinaryIO, profiles: list[Object], wanted: pages.Wanted, tell: Progress
) -> Counts:
    """Export profiles."""
    counts = Counts()

    def put(line: dict[str, object]) -> None:
        stream.write(_encode(line) + b"\n")

    header = {
        "version": VERSION,
        "exported": moment.iso(moment.now()),
        "by": f"salut {__version__}",
        "profiles": [{"name": text(p, "name"), "address": text(p, "address")} for p in profiles],
        "complete": wanted.everything,
    }
    put({"salut_export": header})
    kinds = pages.kinds(link) if wanted.everything else []
    for profile in profiles:
        name = text(profile, "name")
        put({"of": name, "profile": {k: v for k, v in profile.items() if k not in PRIVATE}})
        conversations = pages.conversations(link, name, wanted)
        for conversation in conversations:  # all of them first: an import makes them together
            put({"of": name, "conversation": conversation})
            counts.conversations += 1
        for conversation in conversations:
            for message in pages.messages(link, name, text(conversation, "address"), wanted):
                put({"of": name, "message": message})
                counts.messages += 1
                tell(counts)
        for kind in kinds:
            for thing in pages.things(link, name, kind):
                put({"of": name, "thing": thing})
                counts.things += 1
    put({"end": counts.plain()})
    return counts


class Lines:
    """``Source`` of such a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = str(path)

    def accounts(self) -> list[Account]:
        with self._path.open("rb") as stream:
            header = self._header(stream.readline(MAX_LINE))
        return [Account(whose.name, whose.address) for whose in header.profiles]

    def _header(self, line: bytes) -> Header:
        where = Where(self._name, 1)
        try:
            header = _decoder.decode(line).salut_export
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            header = None
        if header is None:
            found.fail(where, _("this is no export of Salut: its first line is no header"))
        if header.version > VERSION:
            found.fail(
                where,
                _("the file has version {}, this program reads up to {}; use a newer one").format(
                    header.version, VERSION
                ),
            )
        return header

    def entries(self) -> Iterator[Found]:
        now, ended, number = moment.now(), False, 0
        with self._path.open("rb") as stream:
            self._header(stream.readline(MAX_LINE))
            number = 1
            while line := stream.readline(MAX_LINE):
                number += 1
                where = Where(self._name, number)
                if not line.endswith(b"\n") and len(line) >= MAX_LINE:
                    yield Bad(where, _("the line is too long (more than {} bytes)").format(MAX_LINE))
                    while line and not line.endswith(b"\n"):
                        line = stream.readline(MAX_LINE)
                    continue
                if ended and line.strip():
                    yield Bad(where, _("there is more after the end"))
                    return
                one = self._read(where, line)
                if isinstance(one, Bad):
                    yield one
                elif one.end is not None:
                    ended = True
                else:
                    yield from self._entry(where, one, now)
        if not ended:
            yield Bad(Where(self._name, number), _("the end is missing: the file is cut"))

    def _read(self, where: Where, line: bytes) -> Line | Bad:
        try:
            return _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Bad(where, str(error))
        except RecursionError:
            return Bad(where, _("it is nested too deeply"))

    def _entry(self, where: Where, line: Line, now: int) -> Iterator[Found]:
        value = line.message or line.conversation or line.thing
        if value is not None:
            yield found.check(Entry(line.of, where, value), now)
        elif line.profile is None:
            yield Bad(where, _("it holds nothing that is known here"))
