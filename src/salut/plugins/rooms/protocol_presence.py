# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a room's presence says, as a struct (XEP-0045, XEP-0317, XEP-0421). A part of ``protocol.py``."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.rooms.api import Affiliation, Hat, Role
from salut.plugins.rooms.events import MAX_TEXT, Occupant
from salut.xmpp.decode import CLIENT, STANZAS, error
from salut.xmpp.router import Account

MUC: Final = "http://jabber.org/protocol/muc"
USER: Final = f"{MUC}#user"
OCCUPANT_ID: Final = "urn:xmpp:occupant-id:0"
OCCUPANT: Final = f"{{{OCCUPANT_ID}}}occupant-id"
HATS: Final = "urn:xmpp:hats:0"
UPDATE: Final = "{vcard-temp:x:update}x"
PHOTO: Final = "{vcard-temp:x:update}photo"
MAX_NICK: Final = 1023
MAX_OCCUPANT: Final = 128
MAX_HAT: Final = 100
MOST_HATS: Final = 20
MAX_HASH: Final = 40
MAX_CODES: Final = 20
_ROLES: Final[dict[str, Role]] = {
    "visitor": "visitor", "participant": "participant", "moderator": "moderator",
}  # fmt: skip
_AFFILIATIONS: Final[dict[str, Affiliation]] = {
    "outcast": "outcast", "member": "member", "admin": "admin", "owner": "owner",
}  # fmt: skip
SHOWS: Final = ("chat", "away", "xa", "dnd")


def room_of(account: Account, element: Element) -> str:
    """The bare address that a stanza comes from."""
    return (element.get("from") or account.bare).partition("/")[0].lower()


def occupant(element: Element) -> Occupant:
    """Read a presence that came from a room. What is not in the XEP's tables is as if it were not there."""
    room, _slash, nick = element.get("from", "").partition("/")
    kind = element.get("type", "available")
    values: dict[str, Any] = {}
    user: Element | None = None
    for child in element:
        if child.tag == f"{{{USER}}}x":
            user = (
                child  # the last one: a service that lets clients write such an element adds its own behind
            )
        elif child.tag == OCCUPANT:
            values["occupant"] = occupant_id(child) or ""
        elif child.tag == f"{{{HATS}}}hats":
            values["hats"] = _hats(child)
        elif child.tag == UPDATE and not nick:
            values["avatar"] = (child.findtext(PHOTO) or "").strip().lower()[:MAX_HASH]
        elif child.tag == f"{{{CLIENT}}}show" and (child.text or "") in SHOWS:
            values["show"] = child.text
        elif child.tag == f"{{{CLIENT}}}status":
            values["status"] = (child.text or "")[:MAX_TEXT]
        elif child.tag == f"{{{CLIENT}}}error":
            problem = error(child)
            values |= {"condition": problem.condition, "text": problem.text, "error_type": problem.type}
            if problem.condition == "gone":
                values["alternative"] = place(child.findtext(f"{{{STANZAS}}}gone") or "")
    if user is not None:
        values |= user_part(user)
    return Occupant(
        room=room.lower(),
        nick=nick[:MAX_NICK],
        kind=kind if kind in ("unavailable", "error") else "available",  # type: ignore[arg-type]  # just checked
        id=element.get("id", ""),
        **values,
    )


def occupant_id(element: Element) -> str | None:
    """An occupant id (XEP-0421); one that is longer than it may be is none."""
    found = element.get("id", "")
    return found if 0 < len(found) <= MAX_OCCUPANT else None


def _hats(element: Element) -> tuple[Hat, ...]:
    worn = (
        Hat(uri=hat.get("uri", "")[:MAX_TEXT], title=hat.get("title", "")[:MAX_HAT])
        for hat in element.findall(f"{{{HATS}}}hat")[:MOST_HATS]
    )
    return tuple(hat for hat in worn if hat.uri)


def place(text: str) -> str:
    """The address of a room that is named as an address or as an ``xmpp:`` URI; empty where it is none."""
    text = text.strip().removeprefix("xmpp:").partition("?")[0]
    try:
        found = addresses.parse(unquote(text))
    except SalutError:
        return ""
    return found.bare if found.local else ""


def user_part(x: Element) -> dict[str, Any]:
    """The fields of ``Occupant`` that stand in ``<x xmlns='…#user'/>``."""
    values: dict[str, Any] = {}
    codes = [status.get("code", "") for status in x.findall(f"{{{USER}}}status")[:MAX_CODES]]
    values["codes"] = frozenset(
        int(code) for code in codes if len(code) == 3 and code.isascii() and code.isdecimal()
    )
    item = x.find(f"{{{USER}}}item")
    if item is not None:
        values["role"] = _ROLES.get(item.get("role", ""), "none")
        values["affiliation"] = _AFFILIATIONS.get(item.get("affiliation", ""), "none")
        values["address"] = item.get("jid", "").partition("/")[0][:2047]
        values["new_nick"] = item.get("nick", "")[:MAX_NICK]
        values["reason"] = item.findtext(f"{{{USER}}}reason") or ""
        actor = item.find(f"{{{USER}}}actor")
        if actor is not None:
            values["actor"] = (actor.get("nick") or actor.get("jid") or "")[:MAX_NICK]
    destroy = x.find(f"{{{USER}}}destroy")
    if destroy is not None:
        values["destroyed"] = True
        values["alternative"] = place(destroy.get("jid", ""))
        values["reason"] = destroy.findtext(f"{{{USER}}}reason") or ""
    return values
