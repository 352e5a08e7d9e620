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
STYLED = {"strong": "1", "quote": "2", "emphasis": "3", "strike": "9", "pre": "33"}
"""Styles of texts (XEP-0393) as a terminal shows them; most know no other letters for ``pre``: it has a colour."""


class Printer:
    """Prints messages one after another, with a line where a new day begins."""

    def __init__(self, ids: bool = False) -> None:
        self._day = ""
        self._palette: dict[int, tuple[float, float, float]] | None = None
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
        before, after = ("* ", " ") if acts(message) else ("", ": ")
        lead = f"{key}{show.clock(at)} {before}{name}{after}"
        painted = show.paint(name, "cyan") if outgoing else self._named(name, message)
        head = f"{show.paint(key + show.clock(at), 'dim')} {before}{painted}{after}"
        subject = text(message, "subject")
        if subject:
            head += show.paint(f"[{show.one_line(subject)}] ", "bold")
        lines = told(message)
        indent = " " * min(show.cells(lead), 24)
        show.say(head + f"\n{indent}".join(lines) + state(message))

    def _named(self, name: str, message: Object) -> str:
        """Somebody's name, in a room in the colour that it has everywhere (XEP-0392)."""
        if text(message, "kind") != "groupchat" or not show.many_colours():
            return show.paint(name, "green")
        from salut.ui import colours

        if self._palette is None:
            self._palette = colours.web_safe()
        return show.tint(name, colours.terminal(sender(message), self._palette))


def acts(message: Object) -> bool:
    """Whether a message says what its sender does (XEP-0245)."""
    from salut.ui.me import action

    hidden = message.get("retraction") or text(message, "encryption")
    return not hidden and action(text(message, "body")) is not None


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
        lines += written(message)
    for one in objects(message, "attachments"):
        url = show.one_line(text(one, "url"))
        named = " ".join(word for word in (show.one_line(text(one, "name")), url) if word)
        if url not in lines:
            lines.append(show.paint(_("▸ {}").format(named), "cyan"))
    if number(message, "edited_at"):
        lines = lines or [""]
        lines[-1] += show.paint(" " + _("(edited)"), "dim")
    if flag(message, "fleeting"):
        lines.append(show.paint(_("(not kept: its sender wants no record of it)"), "dim"))
    reactions = [
        show.one_line(text(one, "emoji"))
        + (f" {number(one, 'count', 1)}" if number(one, "count", 1) > 1 else "")
        for one in objects(message, "reactions")
    ]
    if reactions:
        lines.append(show.paint("  ".join(reactions), "dim"))
    return lines or [""]


def written(message: Object) -> list[str]:
    """The text, line by line, as its sender styled it."""
    body = text(message, "body")
    if acts(message):
        from salut.ui.me import action

        body = action(body) or ""
    if not body:
        return []
    body = show.harmless(body)
    if not show.colourful():
        return body.split("\n")
    from salut.ui import styling

    blocks = styling.parse(body, unstyled=flag(message, "unstyled"))
    return ["".join(drawn(run.text, run.styles) for run in line) for line in styling.lines(blocks)]


def drawn(piece: str, styles: frozenset[str]) -> str:
    """A piece of text in these styles, on a terminal."""
    codes = ";".join(code for style, code in STYLED.items() if style in styles)
    return f"\x1b[{codes}m{piece}\x1b[0m" if codes and piece else piece


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
