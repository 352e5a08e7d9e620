# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pidgin's logs (``logs/jabber/ACCOUNT/CONTACT/YYYY-MM-DD.HHMMSS+ZZZZ….html`` or ``.txt``).

HTML says by colour what the person sent. Text does not: names under which they write are their address, the part
before its @, and what ``--me`` says. Lines of the program itself (who came, who went) are left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from salut.frontends.cli.portable import found
from salut.frontends.cli.portable.found import Account, Bad, Found, Where
from salut.frontends.cli.portable.logs import SKIPPED, Log, LogLine, files, lines
from salut.model import moment
from salut.model.words import _

FILE: Final = re.compile(r"(\d{4}-\d\d-\d\d\.\d{6})([+-]\d{4})?[^/]*\.(html|txt)\Z")
HEAD: Final = re.compile(r"Conversation with .{1,500} at .{1,200} on .{1,500}\(\w+\)")
STAMP: Final = r"\((?P<stamp>[^()<>]{5,40})\)"
HTML: Final = re.compile(
    r'<font color="(?P<colour>#[0-9A-Fa-f]{6})">(?:<font size="2">)?' + STAMP + r"(?:</font>)? ?"
    r"<b> ?(?P<act>\*\*\*)?(?P<name>.{1,500}?)(?:\s*&lt;AUTO-REPLY&gt;)?:?</b></font>(?P<body>.*)"
)
HTML_OTHER: Final = re.compile(r"(?:<font[^>]{0,100}>){0,2}" + STAMP)
TEXT: Final = re.compile(
    STAMP + r" (?:(?P<act>\*\*\*)(?P<actor>.+)|(?P<name>.{1,500}?)(?: <AUTO-REPLY>)?: (?P<body>.*))"
)
TEXT_OTHER: Final = re.compile(STAMP + r" ")
SENT: Final = "#16569e"
ERROR: Final = "#ff0000"
CLOCK: Final = re.compile(
    r"(?:(?P<day>[\d./-]{6,10}),? )?(?P<time>\d{1,2}:\d\d:\d\d)(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?\Z"
)
DAYS: Final = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%Y/%m/%d")
HALF_A_DAY: Final = timedelta(hours=12)


class Pidgin:
    """``Source`` of a folder of logs: all, one account's, one contact's; or of one file in its place."""

    def __init__(self, path: Path, me: list[str]) -> None:
        self._path = path
        self._me = frozenset(me)

    def accounts(self) -> list[Account]:
        names = dict.fromkeys(log.account for log in self._logs())
        return [Account(name, name) for name in names]

    def entries(self) -> Iterator[Found]:
        now = moment.now()
        for log in self._logs():
            reader = _File(log, self._me)
            for line in lines(log, reader.read):
                if isinstance(line, Bad):
                    yield line
                    continue
                if log.path.suffix == ".html":
                    line.made["body"] = plain(line.made["body"])
                yield found.checked(line.where, log.account, line.made, now)

    def _logs(self) -> Iterator[Log]:
        for path in files(self._path, lambda name: FILE.match(name) is not None):
            other = unquote(path.parent.name)
            account = unquote(path.parent.parent.name).partition("/")[0]
            if "@" not in account:  # system logs, and other programs' folders
                continue
            room = other.endswith(".chat")
            bare = other.removesuffix(".chat") if room else other
            private = "/" in bare and not room
            kind = "groupchat" if room else "private" if private else "chat"
            yield Log(path, account, bare, kind, path.name)


class _File:
    """Reads one file's lines: times roll on over midnight, and names that sent something are the person's."""

    def __init__(self, log: Log, me: frozenset[str]) -> None:
        self._log = log
        self._html = log.path.suffix == ".html"
        self._mine = {log.account, log.account.partition("@")[0], *me}
        match = FILE.match(log.day)
        assert match is not None
        self._begin = _begin(match.group(1), match.group(2))
        self._last = self._begin - timedelta(hours=1)  # what was said before the log began may come first

    def read(self, line: str) -> LogLine | Bad | None:
        """See ``logs.lines``."""
        if HEAD.search(line[:2000]) or line.startswith(("</body>", "</html>")):
            return SKIPPED
        match = (HTML if self._html else TEXT).match(line)
        if match is None:
            other = (HTML_OTHER if self._html else TEXT_OTHER).match(line)
            return SKIPPED if other is not None and CLOCK.match(other.group("stamp")) else None
        if CLOCK.match(match.group("stamp")) is None:
            return None
        at = self._moment(match.group("stamp"))
        if at is None:
            return Bad(Where(""), _("its time cannot be read: {}").format(match.group("stamp")))
        if self._html:
            return self._of_html(match, at)
        if match.group("act"):
            name = self._actor(match.group("actor"))
            return self._made(name, "/me" + match.group("actor")[len(name) :], at, name in self._mine)
        return self._made(match.group("name"), match.group("body"), at, match.group("name") in self._mine)

    def _of_html(self, match: re.Match[str], at: int) -> LogLine:
        colour, name = match.group("colour").lower(), html.unescape(match.group("name"))
        if colour == ERROR:
            return SKIPPED
        if colour == SENT:
            self._mine.add(name)
        body = match.group("body").strip().removesuffix("<br/>")
        if match.group("act"):
            body = f"/me {body}"
        return self._made(name, body, at, colour == SENT or (bool(match.group("act")) and name in self._mine))

    def _actor(self, text: str) -> str:
        """The name at the beginning of an action: a known one, else the first word."""
        known = [name for name in self._mine if text.startswith(f"{name} ")]
        return max(known, key=len) if known else text.partition(" ")[0]

    def _made(self, name: str, body: str, at: int, outgoing: bool) -> LogLine:
        log = self._log
        sender = log.account if outgoing else log.other
        if log.kind == "groupchat":
            sender = f"{log.other}/{name}"
        return LogLine(
            {
                "conversation": log.other,
                "sender": sender,
                "outgoing": outgoing,
                "kind": log.kind,
                "at": at,
                "body": body,
                "state": "sent" if outgoing else "received",
            }
        )

    def _moment(self, stamp: str) -> int | None:
        match = CLOCK.match(stamp)
        assert match is not None
        hour, minute, second = (int(part) for part in match.group("time").split(":"))
        if match.group("half"):
            hour = hour % 12 + (12 if match.group("half") in "Pp" else 0)
        day = _day(match.group("day"), self._begin) if match.group("day") else self._last
        if day is None or hour > 23 or minute > 59 or second > 60:
            return None
        when = day.replace(hour=hour, minute=minute, second=min(second, 59), microsecond=0)
        if not match.group("day"):
            if when < self._last - HALF_A_DAY:
                when += timedelta(days=1)
            self._last = when
        return int(when.timestamp()) * moment.SECOND


def _begin(text: str, zone: str | None) -> datetime:
    """When a log begins; without a zone in the local one. A name that is no time counts as 1970."""
    try:
        if zone:
            return datetime.strptime(text + zone, "%Y-%m-%d.%H%M%S%z")
        return datetime.strptime(text, "%Y-%m-%d.%H%M%S").astimezone()
    except ValueError:
        return datetime.fromtimestamp(86_400, UTC)


def _day(text: str, near: datetime) -> datetime | None:
    """A day in whatever order the person's language had it: the reading that is nearest to the log's own day."""
    readings = []
    for order in DAYS:
        try:
            readings.append(datetime.strptime(text, order).replace(tzinfo=near.tzinfo))
        except ValueError:
            continue
    return min(readings, key=lambda day: abs(day - near)) if readings else None


def plain(marked: str) -> str:
    """A message's text without its marks."""
    text = re.sub(r"<br\s*/?>", "\n", marked, flags=re.IGNORECASE)
    return html.unescape(re.sub(r"<[^<>]*>", "", text)).strip("\n")
