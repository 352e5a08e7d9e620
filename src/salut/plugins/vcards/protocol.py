# SPDX-License-Identifier: AGPL-3.0-or-later
"""vCards between XML and structs: vcard-temp (XEP-0054), vCard4 (XEP-0292, RFC 6351), nicknames (XEP-0172).

What of a vCard we have no field for is left alone: each form is changed part by part, and a part whose fields
keep their values stays as its author wrote it, types and all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast
from xml.etree.ElementTree import Element

import msgspec

from salut.engine.plugin import Link
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.vcards.api import VCard
from salut.xmpp.ask import ask
from salut.xmpp.router import Account
from salut.xmpp.xmltext import escape, serialise

TEMP: Final = "vcard-temp"
V4: Final = "urn:ietf:params:xml:ns:vcard-4.0"
NODE: Final = "urn:xmpp:vcard4"
NICK: Final = "http://jabber.org/protocol/nick"
MAX_TEXT: Final = 1_000
MAX_NOTE: Final = 10_000
MOST: Final = 20
LISTS: Final = frozenset({"url", "email", "tel"})


class Part(msgspec.Struct, frozen=True):
    """A child of a vCard, and where our fields stand in it: path -> field, the first path is the one written."""

    tag: str
    paths: dict[str, str]


TEMP_PARTS: Final = (
    Part("FN", {"": "fn"}),
    Part("N", {"FAMILY": "family", "GIVEN": "given"}),
    Part("NICKNAME", {"": "nickname"}),
    Part("BDAY", {"": "bday"}),
    Part("ADR", {
        "STREET": "street", "LOCALITY": "locality", "REGION": "region", "PCODE": "code", "CTRY": "country"
    }),
    Part("TEL", {"NUMBER": "tel"}),
    Part("EMAIL", {"USERID": "email"}),
    Part("TITLE", {"": "title"}),
    Part("ROLE", {"": "role"}),
    Part("ORG", {"ORGNAME": "org"}),
    Part("URL", {"": "url"}),
    Part("DESC", {"": "note"}),
)  # fmt: skip
V4_PARTS: Final = (
    Part("fn", {"text": "fn"}),
    Part("n", {"surname": "family", "given": "given"}),
    Part("nickname", {"text": "nickname"}),
    Part("bday", {"date": "bday", "text": "bday", "date-time": "bday"}),
    Part("adr", {
        "street": "street", "locality": "locality", "region": "region", "code": "code", "country": "country"
    }),
    Part("tel", {"uri": "tel", "text": "tel"}),
    Part("email", {"text": "email"}),
    Part("title", {"text": "title"}),
    Part("role", {"text": "role"}),
    Part("org", {"text": "org"}),
    Part("url", {"uri": "url"}),
    Part("note", {"text": "note"}),
)  # fmt: skip


def read(element: Element, address: str = "") -> VCard:
    """A vCard of either form, bounded. Of what comes several times and is one field of ours, the first counts."""
    space = V4 if element.tag == f"{{{V4}}}vcard" else TEMP
    values: dict[str, Any] = {}
    for part in V4_PARTS if space == V4 else TEMP_PARTS:
        values.update(_part(element, space, part))
    return VCard(address=address, **values)


def _part(element: Element, space: str, part: Part) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element.findall(f"{{{space}}}{part.tag}")[: MOST if LISTS & set(part.paths.values()) else 1]:
        for path, field in part.paths.items():
            text = child.text if not path else child.findtext(f"{{{space}}}{path}")
            value = (text or "").strip()[: MAX_NOTE if field == "note" else MAX_TEXT]
            if field == "tel":
                value = value.removeprefix("tel:")
            if not value:
                continue
            if field in LISTS:
                found.setdefault(field, []).append(value)
            else:
                found.setdefault(field, value)
    return found


def changed(old: Element | None, new: VCard, space: str) -> str:
    """The vCard in the form ``space`` that says what ``new`` says, and all else that ``old`` said."""
    parts = V4_PARTS if space == V4 else TEMP_PARTS
    written: list[str] = []
    for part in parts:
        fields = dict.fromkeys(part.paths.values())
        before = _part(old, space, part) if old is not None else {}
        same = all(before.get(field, _empty(field)) == getattr(new, field) for field in fields)
        if same and old is not None:
            written += [serialise(child, space) for child in old.findall(f"{{{space}}}{part.tag}")]
        else:
            written += _written(part, new)
            if (
                old is not None and part.tag.lower() == "adr"
            ):  # the second one is another place, not another word
                written += [serialise(child, space) for child in old.findall(f"{{{space}}}{part.tag}")[1:]]
    ours = {f"{{{space}}}{part.tag}" for part in parts}
    rest = [serialise(child, space) for child in (old if old is not None else ()) if child.tag not in ours]
    name = "vcard" if space == V4 else "vCard"
    return f"<{name} xmlns='{space}'>{''.join(written)}{''.join(rest)}</{name}>"


def _empty(field: str) -> object:
    return [] if field in LISTS else ""


def _written(part: Part, new: VCard) -> list[str]:
    paths: dict[str, str] = {}
    for path, field in part.paths.items():
        if field not in paths.values():
            paths[path] = field
    first = next(iter(paths.values()))
    if first in LISTS:
        path = next(iter(paths))
        start = "tel:" if first == "tel" and path == "uri" else ""
        values = [start + value for value in cast("list[str]", getattr(new, first))]
        return [f"<{part.tag}>{_inner(path, value)}</{part.tag}>" for value in values]
    inner = "".join(_inner(path, getattr(new, field)) for path, field in paths.items() if getattr(new, field))
    return [f"<{part.tag}>{inner}</{part.tag}>"] if inner else []


def _inner(path: str, value: str) -> str:
    return f"<{path}>{escape(value)}</{path}>" if path else escape(value)


def element(payload: object) -> Element | None:
    """The vCard in an item of the node."""
    return payload if isinstance(payload, Element) and payload.tag == f"{{{V4}}}vcard" else None


def read_nick(payload: object) -> str:
    """A nickname on one line (XEP-0172 section 3); empty for none, and for what cannot be seen."""
    if not isinstance(payload, Element) or payload.tag != f"{{{NICK}}}nick":
        return ""
    text = "".join(letter for letter in (payload.text or "")[:MAX_TEXT] if letter.isprintable())
    return " ".join(text.split())


def nick(text: str) -> str:
    """The payload that tells it."""
    return f"<nick xmlns='{NICK}'>{escape(text)}</nick>"


class VCardsProtocol:
    """Asks for vCards in the old form, and sets it."""

    read = staticmethod(read)
    changed: Callable[[Element | None, VCard, str], str] = staticmethod(changed)
    element = staticmethod(element)
    read_nick = staticmethod(read_nick)
    nick = staticmethod(nick)

    async def fetch(self, link: Link, address: str) -> Element | None:
        """The vCard of ``address``, empty: our own (XEP-0054 section 3); ``None`` where there is none."""
        try:
            answer = await ask(cast("Account", link.session), "get", f"<vCard xmlns='{TEMP}'/>", address)
        except SalutError as error:
            if error.data.get("condition") in ("item-not-found", "service-unavailable"):
                return None
            raise
        return answer.find(f"{{{TEMP}}}vCard")

    async def store(self, link: Link, text: str) -> None:
        """Set our own."""
        account = cast("Account", link.session)
        limit = account.session.config.max_stanza - 1_000
        if len(text) > limit:
            words = _("Your vCard would be larger than the server takes: {} of at most {} characters.")
            raise SalutError("too-large", words.format(len(text), limit), {"limit": limit})
        await ask(account, "set", text)
