# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a room says of itself, and what it answers instead of a result. A part of ``protocol.py``."""

from __future__ import annotations

from typing import Final

from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.rooms.api import RoomInfo
from salut.plugins.rooms.events import MAX_TEXT
from salut.plugins.rooms.protocol_presence import HATS, MAX_HASH, MUC, OCCUPANT_ID
from salut.xmpp.disco import Info
from salut.xmpp.errors import StanzaError

INFO: Final = f"{MUC}#roominfo"
SELF_PING: Final = f"{MUC}#self-ping-optimization"


def failed(problem: StanzaError, room: str) -> SalutError:
    """What a room answered instead of a result, for a window."""
    data: dict[str, str | int | float | bool | list[str] | None] = {
        "condition": problem.condition,
        "room": room,
    }
    if problem.condition == "not-connected":
        return SalutError("not-connected", str(problem), data)
    if problem.condition == "remote-server-timeout":
        return SalutError("timeout", _("{} did not answer in time. Try again.").format(room), data)
    words = {
        "forbidden": _("You may not do that in {}; ask one of its owners or administrators."),
        "not-allowed": _("{} does not allow that."),
        "item-not-found": _("{} was not found, or whom you mean is not in it."),
        "service-unavailable": _("{} does not offer that."),
        "feature-not-implemented": _("{} does not offer that."),
        "conflict": _("{} says that this conflicts with what is so already."),
        "not-acceptable": _("{} does not accept this."),
    }.get(problem.condition, "{}: " + problem.condition)
    said = f" ({problem.text[:MAX_TEXT]})" if problem.text else ""
    return SalutError("refused", words.format(room) + said, data)


def room_info(room: str, info: Info) -> RoomInfo:
    """A room's answer to disco#info, bounded. What it says twice counts as it said first."""
    form = info.forms.get(INFO, {})
    features = info.features
    names = [i.name for i in info.identities if i.category == "conference" and i.name]

    def one(name: str, most: int) -> str:
        values = form.get(f"muc#roominfo_{name}", ())
        return values[0][:most] if values else ""

    count = one("occupants", 9)
    return RoomInfo(
        address=room,
        name=names[0][:200] if names else "",
        description=one("description", 2000),
        language=one("lang", 35),
        subject=one("subject", 2000),
        occupants=int(count) if count.isascii() and count.isdecimal() else -1,
        contacts=[who[:2047] for who in form.get("muc#roominfo_contactjid", ())[:20]],
        avatar=one("avatarhash", MAX_HASH).lower(),
        membersonly="muc_membersonly" in features,
        moderated="muc_moderated" in features,
        nonanonymous="muc_nonanonymous" in features,
        passwordprotected="muc_passwordprotected" in features,
        persistent="muc_persistent" in features,
        hidden="muc_hidden" in features,
        occupant_ids=OCCUPANT_ID in features,
        hats=HATS in features,
        self_ping=SELF_PING in features,
    )
