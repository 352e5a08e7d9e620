# SPDX-License-Identifier: AGPL-3.0-or-later
"""What messages hold beside their text, and what they do to others: features register here what they can read and
write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from salut.plugins.chat import acting
from salut.plugins.history.api import Act, ActKind, Message, NewMessage, OwnAct

if TYPE_CHECKING:
    from salut.xmpp.decode import Inbound

Fill = Callable[[str, NewMessage, "Inbound"], None]
ReadAct = Callable[["Inbound", bool], Act | None]


class Contents:
    """The part of the port ``Chat`` that is about content."""

    def __init__(self) -> None:
        super().__init__()
        self._asks: list[Callable[[Message], str]] = []
        self._prefaces: list[Callable[[Message], str]] = []
        self._fills: dict[str, Fill] = {}
        self._last_fills: dict[str, Fill] = {}
        self._composers: list[Callable[[str, NewMessage], None]] = []
        self._acts: dict[str, ReadAct] = {}
        self._writers: dict[ActKind, Callable[[OwnAct], str]] = {}
        self._parts: set[str] = set()

    # Registered once, by other plugins (the port)
    def ask(self, extra: Callable[[Message], str]) -> None:
        """See ``Chat``."""
        self._asks.append(extra)

    def preface(self, write: Callable[[Message], str]) -> None:
        """See ``Chat``."""
        self._prefaces.append(write)

    def prefaced_by(self, message: Message) -> int:
        """See ``Chat``."""
        return sum(len(preface(message)) for preface in self._prefaces)

    def composing(self, fill: Callable[[str, NewMessage], None]) -> None:
        """See ``Chat``."""
        self._composers.append(fill)

    def content(self, part: str, fill: Fill, *, last: bool = False) -> None:
        """See ``Chat``."""
        (self._last_fills if last else self._fills)[part] = fill
        self._parts.add(part)

    def reads(self, part: str, read: ReadAct) -> None:
        """See ``Chat``."""
        self._acts[part] = read
        self._parts.add(part)

    def writes(self, kind: ActKind, write: Callable[[OwnAct], str]) -> None:
        """See ``Chat``."""
        self._writers[kind] = write

    # On the way in
    def holds(self, inbound: Inbound) -> bool:
        """Whether a message without a text may hold something that is kept."""
        return not self._parts.isdisjoint(inbound.parts)

    def filled(self, profile: str, new: NewMessage, inbound: Inbound, archived: bool) -> NewMessage | None:
        """The message with all that it holds; ``None`` where there is nothing to keep."""
        parts = inbound.parts
        if not self._parts.isdisjoint(parts):
            for part in parts:
                if part in self._fills:
                    self._fills[part](profile, new, inbound)
            for part in parts:
                if part in self._last_fills:
                    self._last_fills[part](profile, new, inbound)
            for part in parts:
                if part in self._acts and new.act is None:
                    new.act = self._acts[part](inbound, archived)
        new.fleeting = "fleeting" in parts
        act = new.act
        if act is not None and act.kind != "edit":
            new.body = new.subject = ""  # an excuse for those who do not know better
            new.counts = new.counts and not act.applied
            return new
        return new if new.body or new.subject or new.attachments else None

    # On the way out
    def composed(self, profile: str, new: NewMessage) -> None:
        """A new text of the person's gets what features add to it."""
        for fill in self._composers:
            fill(profile, new)

    def reference(self, message: Message) -> str:
        """See ``Chat``."""
        return acting.target_of(message, Act(kind="react"))

    def beside(self, message: Message) -> str:
        """The XML that goes with a message beside its text."""
        return "".join(ask(message) for ask in self._asks)

    def prefaced(self, message: Message) -> str:
        """The text as it is sent: what old clients need to see stands before it."""
        return "".join(preface(message) for preface in self._prefaces) + message.body

    def written(self, own: OwnAct) -> str:
        """The XML of an act."""
        return self._writers[own.act.kind](own)
