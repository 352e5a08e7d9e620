# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages as people read them in a terminal."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.shapes import flag, inner, number, objects, text
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
        lines = told(message)
        indent = " " * min(show.cells(lead), 24)
        show.say(head + f"\n{indent}".join(lines) + state(message))


def told(message: Object) -> list[str]:
    """What a message says, line by line: what it answers, its text, what it holds, and what others put under it."""
    retraction = inner(message, "retraction")
    if retraction:
        return [show.paint(taken_back(retraction), "dim")]
    lines = []
    reply = inner(message, "reply")
    if reply:
        quoted = show.one_line(text(reply, "excerpt").partition("\n")[0])
        lines.append(show.paint(_("↪ {}").format(quoted or _("an earlier message")), "dim"))
    secret = text(message, "encryption")
    if secret:
        words = _("encrypted with {}; this message cannot be read here").format(show.one_line(secret))
        lines.append(show.paint(f"({words})", "yellow"))
    else:
        body = show.harmless(text(message, "body"))
        lines += body.split("\n") if body else []
    for one in objects(message, "attachments"):
        url = show.one_line(text(one, "url"))
        named = " ".join(word for word in (show.one_line(text(one, "name")), url) if word)
        if url not in lines:
            lines.append(show.paint(_("▸ {}").format(named), "cyan"))
    if number(message, "edited_at"):
        lines = lines or [""]
        lines[-1] += show.paint(" " + _("(edited)"), "dim")
    reactions = [
        show.one_line(text(one, "emoji"))
        + (f" {number(one, 'count', 1)}" if number(one, "count", 1) > 1 else "")
        for one in objects(message, "reactions")
    ]
    if reactions:
        lines.append(show.paint("  ".join(reactions), "dim"))
    return lines or [""]


def taken_back(retraction: Object) -> str:
    """That a message is no longer there, and why."""
    if not flag(retraction, "moderated"):
        return _("(taken back)")
    who = show.one_line(text(retraction, "by").partition("/")[2] or text(retraction, "by"))
    reason = show.one_line(text(retraction, "reason"))
    words = _("taken away by {}").format(who) if who else _("taken away by a moderator")
    return f"({words}: {reason})" if reason else f"({words})"


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
    """What became of an own message, where that is worth a mark; and what was refused that was done to one."""
    word = text(message, "state", "received")
    if word != "failed" and text(message, "error"):
        return "  " + show.paint(_("(refused: {})").format(show.one_line(text(message, "error"))), "red")
    if word == "failed":
        reason = show.one_line(text(message, "error"))
        return "  " + show.paint(_("not sent: {}").format(reason) if reason else _("not sent"), "red")
    if word == "pending":
        return "  " + show.paint(_("(waits for a link)"), "yellow")
    return show.paint(MARKS[word], "dim") if word in MARKS else ""
