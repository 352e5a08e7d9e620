# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a file of an import holds, entry by entry, each with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn, Protocol

import msgspec

from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.history.api import Conversation, Message
from salut.plugins.portability.api import Thing

MAX_ENTRY: Final = 700_000  # bytes of one encoded entry: a request of a window has at most 1 MiB
SLACK: Final = 24 * 3600 * moment.SECOND


class Where(NamedTuple):
    """A place in a file: ``line`` counts what ``unit`` says (line, row, message) from 1; 0: the file itself."""

    file: str
    line: int = 0
    unit: str = "line"

    def __str__(self) -> str:
        if not self.line:
            return self.file
        unit = {"line": _("line"), "row": _("row"), "message": _("message")}[self.unit]
        return f"{self.file}, {unit} {self.line}"


class Account(NamedTuple):
    """Whose things a file holds: as it is called there, and its address where that is known."""

    name: str
    address: str = ""


class Entry(NamedTuple):
    """One thing found. ``account`` is the ``name`` of one of the source's accounts."""

    account: str
    where: Where
    value: Conversation | Message | Thing


class Bad(NamedTuple):
    """Something that cannot be read; what follows it may be fine."""

    where: Where
    words: str


Found = Entry | Bad


class Source(Protocol):
    """One format's reader of one file or folder."""

    def accounts(self) -> list[Account]:
        """Whose things these are; raises ``SalutError`` where the file is not readable at all."""

    def entries(self) -> Iterator[Found]:
        """All that it holds, conversations before their messages, in a flat amount of memory."""


def unreadable(where: Where, words: str) -> SalutError:
    """The error for a file that cannot be read on from here."""
    return SalutError(
        "invalid", f"{where}: {words}", {"field": "file", "file": where.file, "line": where.line}
    )


def fail(where: Where, words: str) -> NoReturn:
    """Raise it."""
    raise unreadable(where, words)


def checked(where: Where, account: str, made: dict[str, Any], now: int) -> Found:
    """A message from its fields, as an entry; what is wrong with it as words."""
    try:
        message = msgspec.convert({"id": 0, "place": 0, **made}, Message)
        return check(Entry(account, where, message), now)
    except msgspec.ValidationError as error:
        return Bad(where, str(error))


def check(entry: Entry, now: int) -> Found:
    """An entry if the daemon can take it, else what is wrong with it."""
    value = entry.value
    try:
        if isinstance(value, Message):
            if not 0 < value.at <= now + SLACK:
                return Bad(entry.where, _("its time is impossible: {}").format(value.at))
            addresses.normal(value.conversation)
            addresses.normal(value.sender)
        elif isinstance(value, Conversation):
            addresses.normal(value.address)
    except SalutError as error:
        return Bad(entry.where, error.message)
    if isinstance(value, Message) and len(value.body) < 100_000:
        return entry
    size = len(msgspec.json.encode(value))
    if size > MAX_ENTRY:
        return Bad(entry.where, _("it is too large ({} bytes; at most {})").format(size, MAX_ENTRY))
    return entry


def text(value: object) -> str:
    """A column's or field's text; anything else counts as absent."""
    return value if isinstance(value, str) else ""


def seconds(value: object) -> int | None:
    """Seconds since 1970 as a moment; ``None`` if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        return None
    return round(value * moment.SECOND)
