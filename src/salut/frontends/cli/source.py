# SPDX-License-Identifier: AGPL-3.0-or-later
"""Texts from arguments and standard input: bounded, valid UTF-8, and such as XML can carry."""

from __future__ import annotations

import sys

from salut.model.errors import SalutError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

MAX_BYTES = 65_536  # of one message, in UTF-8


def check(text: str, where: str = "") -> str:
    """``text`` if it can be sent. Raises ``invalid`` or ``too-large``; ``where`` says which line it was."""
    if len(text) * 4 > MAX_BYTES and (size := len(text.encode("utf-8", "surrogatepass"))) > MAX_BYTES:
        raise _too_large(size, where)
    if not text.isprintable():
        for position, character in enumerate(text):
            if not _carried(ord(character)):
                raise _not_carried(ord(character), position, where)
    return text


def _carried(c: int) -> bool:
    """Whether XML 1.0 (section 2.2) has the character."""
    return c in (9, 10, 13) or 0x20 <= c <= 0xD7FF or 0xE000 <= c <= 0xFFFD or 0x10000 <= c <= 0x10FFFF


def whole() -> str:
    """All of standard input as one text, without its last line end."""
    return check(_text(_chomp(_input().read(MAX_BYTES + 3)), ""))


def _input() -> BinaryIO:
    """Standard input as bytes; a person at a terminal is told how to end it."""
    if sys.stdin is None:
        from salut.model.words import _

        raise invalid("text", _("Standard input is closed."))
    if sys.stdin.isatty() and sys.stderr.isatty():
        from salut.frontends.cli import show
        from salut.model.words import _

        show.note(_("Type the text; Ctrl-D on an empty line ends it."))
    return sys.stdin.buffer


def lines() -> Iterator[str]:
    """Standard input line by line, as the lines come; empty ones are left out."""
    number = 0
    stream = _input()
    while raw := stream.readline(MAX_BYTES + 3):
        number += 1
        where = str(number)
        line = _chomp(raw)
        if line:
            yield check(_text(line, where), where)


def _chomp(raw: bytes) -> bytes:
    return raw.removesuffix(b"\n").removesuffix(b"\r")


def _text(raw: bytes, where: str) -> str:
    if len(raw) > MAX_BYTES:
        raise _too_large(len(raw), where)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error.start, where) from None


def _named(text: str, where: str) -> str:
    from salut.model.words import _

    return _("Line {}: {}").format(where, text) if where else text


def _too_large(size: int, where: str) -> SalutError:
    from salut.model.words import _

    text = _("the text is longer than {} bytes, the most that one message may have.").format(MAX_BYTES)
    return SalutError("too-large", _named(text, where), {"field": "text", "limit": MAX_BYTES})


def _not_utf8(position: int, where: str) -> SalutError:
    from salut.model.words import _

    return invalid("text", _named(_("the text is not valid UTF-8 (byte {}).").format(position), where))


def _not_carried(code: int, position: int, where: str) -> SalutError:
    from salut.model.words import _

    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps bytes of the command line that are no UTF-8
        return _not_utf8(position, where)
    text = _("XMPP cannot carry the character U+{:04X} (at position {}).").format(code, position)
    return invalid("text", _named(text, where))
