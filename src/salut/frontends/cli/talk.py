# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages as people read them in a terminal."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.shapes import flag, number, text
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from salut.frontends.cli.shapes import Object

MARKS = {"delivered": " ✓", "read": " ✓✓"}


class Printer:
    """Prints messages one after another, with a line where a new day begins."""

    def __init__(self, ids: bool = False) -> None:
        self._day = ""
        self._ids = ids  # show the id of each message, as commands that take a MESSAGE want it

    def messages(self, messages: Iterable[Object]) -> None:
        """Print some more."""
        for message in messages:
            at = number(message, "at")
            day = show.day(at)
            if day != self._day:
                self._day = day
                show.say(show.paint(f"── {day} ──", "dim"))
            self._one(message, at)

    def _one(self, message: Object, at: int) -> None:
        outgoing = flag(message, "outgoing")
        name = show.one_line(sender(message))
        key = f"{number(message, 'id')} " if self._ids else ""
        lead = f"{key}{show.clock(at)} {name}: "
        head = (
            f"{show.paint(key + show.clock(at), 'dim')} {show.paint(name, 'cyan' if outgoing else 'green')}: "
        )
        subject = text(message, "subject")
        if subject:
            head += show.paint(f"[{show.one_line(subject)}] ", "bold")
        body = show.harmless(text(message, "body")).split("\n")
        indent = " " * min(show.cells(lead), 24)
        show.say(head + f"\n{indent}".join(body) + state(message))


def sender(message: Object) -> str:
    """A short name: the nick in rooms, else the part before the @; ``me`` for one's own."""
    if flag(message, "outgoing"):
        return _("me")
    address = text(message, "sender")
    bare, slash, nick = address.partition("/")
    if slash and text(message, "kind") in ("groupchat", "private"):
        return nick
    return bare.partition("@")[0]


def state(message: Object) -> str:
    """What became of an own message, where that is worth a mark."""
    word = text(message, "state", "received")
    if word == "failed":
        reason = show.one_line(text(message, "error"))
        return "  " + show.paint(_("not sent: {}").format(reason) if reason else _("not sent"), "red")
    if word == "pending":
        return "  " + show.paint(_("(waits for a link)"), "yellow")
    return show.paint(MARKS[word], "dim") if word in MARKS else ""
