# SPDX-License-Identifier: AGPL-3.0-or-later
"""XEP-0227: accounts with their contacts, from a server or for one; reading it, and the XML that is refused.

An archive (section "Message Archive") is read too, as servers write it. Other things of a server's export
(private storage, vCards, personal eventing, privacy lists) are left and named.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from salut.frontends.cli import secret
from salut.frontends.cli.portable import found
from salut.frontends.cli.portable.found import Account, Bad, Entry, Found, Where
from salut.frontends.cli.shapes import text
from salut.frontends.cli.spec import Given
from salut.model import moment
from salut.model.errors import invalid
from salut.model.words import _
from salut.plugins.portability.api import Thing

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

PIE: Final = "{urn:xmpp:pie:0}"
ROSTER: Final = "{jabber:iq:roster}"
CLIENT: Final = "{jabber:client}"
ARCHIVE: Final = "{urn:xmpp:pie:0#mam}archive"
RESULT: Final = "{urn:xmpp:mam:2}result"
XINCLUDE: Final = "{http://www.w3.org/2001/XInclude}include"
CHUNK: Final = 1 << 16
MAX_DEEP: Final = 100
MAX_INCLUDES: Final = 10_000
MAX_DEPTH: Final = 3  # a server's file includes its hosts', these their users'
FORBIDDEN: Final = (b"<!DOCTYPE", b"<!ENTITY")
MAX_ITEM: Final = 8 << 20  # bytes of XML between two things that can be handed over


class Piece(NamedTuple):
    """A user (without ``element``), or something of theirs."""

    user: str
    element: Element | None = None


Event = Piece | Bad


def password(given: Given, kind: str, profiles: list[Object]) -> str | None:
    """The password for the file, where the person wants it there: asked for, never taken from the daemon."""
    if not given.flag("with_password"):
        if given.maybe("password_file") is not None or given.maybe("password_command") is not None:
            raise invalid("with-password", _("A password goes into a file only with --with-password."))
        return None
    if kind != "xep227" or len(profiles) != 1:
        raise invalid("with-password", _("--with-password needs --format xep227 and one --profile."))
    return secret.asked(given, _("Password of {}: ").format(text(profiles[0], "address")))


class Pie:
    """``Source`` of such a file, and of those that it includes from its own folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._root = path.resolve().parent
        self._included = 0
        self.left: set[str] = set()  # names of what was there and is not taken

    def accounts(self) -> list[Account]:
        names: dict[str, None] = {}
        for event in self._walk(self._path, ""):
            if isinstance(event, Piece):
                names[event.user] = None
            elif not names:
                found.fail(event.where, event.words)
        return [Account(name, name) for name in names]

    def entries(self) -> Iterator[Found]:
        now, number = moment.now(), 0
        for event in self._walk(self._path, ""):
            if isinstance(event, Bad):
                yield event
                continue
            account, element = event
            number += 1
            where = Where(str(self._path), number, "row")
            if element is None:
                continue
            if element.tag == f"{ROSTER}item":
                yield found.check(Entry(account, where, _contact(element)), now)
            elif element.tag == RESULT:
                made = _archived(account, element)
                if made is not None:
                    yield found.checked(where, account, made, now)

    def _walk(self, path: Path, host: str, depth: int = 0) -> Iterator[Event]:
        """Each user (with ``None``), and each roster item and archived message of theirs."""
        where, part = Where(str(path)), _Part(host)
        parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        tail = b""
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    if any(word in tail + chunk for word in FORBIDDEN):
                        yield Bad(where, _("it has a document type, which no such file needs"))
                        return
                    tail = chunk[-16:]
                    part.size += len(chunk)
                    parser.feed(chunk)
                    for kind, element in parser.read_events():  # type: ignore[misc]  # pairs, for these events
                        assert isinstance(element, Element)
                        event = part.start(element) if kind == "start" else part.end(element)
                        if event is not None:
                            yield event
                        elif kind == "end" and element.tag == XINCLUDE and len(part.stack) <= 2:
                            yield from self._include(where, element, part.host, depth)
                    if part.wrong:
                        yield Bad(where, part.wrong)
                        return
            self.left |= part.left
            parser.close()
        except (ParseError, ValueError) as error:
            yield Bad(where, _("it is no whole XML document: {}").format(error))
        except OSError as error:
            yield Bad(where, _("it cannot be read: {}").format(error.strerror))

    def _include(self, where: Where, element: Element, host: str, depth: int) -> Iterator[Event]:
        """A part of the document (section "Use of XInclude"), from this file's folder or one below it."""
        href = element.get("href", "")
        target = (Path(where.file).resolve().parent / href).resolve()
        self._included += 1
        if "parse" in element.attrib or "xpointer" in element.attrib or "://" in href or not href:
            yield Bad(where, _("it includes “{}” in a way that is not supported").format(href[:200]))
        elif not target.is_relative_to(self._root) or target == Path(where.file).resolve():
            yield Bad(where, _("it includes “{}”, which is not in its folder").format(href[:200]))
        elif self._included > MAX_INCLUDES or depth >= MAX_DEPTH:
            yield Bad(where, _("it includes too many files, or a file that includes it"))
        else:
            yield from self._walk(target, host, depth + 1)


class _Part:
    """One file as it is read: where we are in it, and what was found."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.stack: list[Element] = []
        self.size = 0  # bytes since something was handed over
        self.left: set[str] = set()
        self._user = ""

    @property
    def wrong(self) -> str:
        """What makes it useless to read on; empty: nothing."""
        if self.size > MAX_ITEM:
            return _("an element in it is too large")
        return _("it is nested too deeply") if len(self.stack) > MAX_DEEP else ""

    def start(self, element: Element) -> Event | None:
        """An element begins."""
        self.stack.append(element)
        if element.tag == f"{PIE}host":
            self.host = element.get("jid", "")
        elif element.tag == f"{PIE}user":
            self._user = f"{element.get('name', '')}@{self.host}"
            return Piece(self._user)
        return None

    def end(self, element: Element) -> Event | None:
        """It is whole. What was handed over is forgotten, so that memory stays flat."""
        self.stack.pop()
        if not self.stack:
            return None
        outer = self.stack[-1]
        if (element.tag, outer.tag) in ((f"{ROSTER}item", f"{ROSTER}query"), (RESULT, ARCHIVE)):
            outer.remove(element)
            self.size = 0
            return Piece(self._user, element)
        if outer.tag in (f"{PIE}user", f"{PIE}host", f"{PIE}server-data"):
            outer.remove(element)
            self.size = 0
            if outer.tag == f"{PIE}user" and element.tag not in (f"{ROSTER}query", ARCHIVE, XINCLUDE):
                self.left.add(element.tag.rpartition("}")[2])
        return None


def _contact(item: Element) -> Thing:
    groups = [group.text for group in item.findall(f"{ROSTER}group") if group.text]
    address = item.get("jid", "")
    subscription = item.get("subscription", "none")
    value: dict[str, Any] = {
        "address": address,
        "name": item.get("name", ""),
        "groups": groups,
        "subscription": subscription if subscription in ("none", "to", "from", "both") else "none",
    }
    return Thing(kind="contact", key=address, value=value)


def _archived(account: str, result: Element) -> dict[str, Any] | None:
    """A message of an archive (XEP-0313); ``None`` for what has no text."""
    forwarded = result.find("{urn:xmpp:forward:0}forwarded")
    message = forwarded.find(f"{CLIENT}message") if forwarded is not None else None
    delay = forwarded.find("{urn:xmpp:delay}delay") if forwarded is not None else None
    if message is None or delay is None:
        return None
    body = message.findtext(f"{CLIENT}body")
    if not body:
        return None
    try:
        at = moment.parse(delay.get("stamp", ""))
    except ValueError:
        at = 0  # the check says so
    sender = message.get("from", account)
    outgoing = sender.partition("/")[0] == account
    other = message.get("to", account) if outgoing else sender
    kind = message.get("type", "normal")
    origin = message.find("{urn:xmpp:sid:0}origin-id")
    return {
        "conversation": other.partition("/")[0],
        "sender": sender,
        "outgoing": outgoing,
        "state": "sent" if outgoing else "received",
        "kind": kind if kind in ("chat", "groupchat") else "normal",
        "at": at,
        "body": body,
        "subject": message.findtext(f"{CLIENT}subject") or "",
        "thread": message.findtext(f"{CLIENT}thread") or "",
        "origin": (origin.get("id", "") if origin is not None else "") or message.get("id", ""),
        "archive": result.get("id", ""),
    }
