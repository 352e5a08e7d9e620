# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a room says of itself (XEP-0045 section 6.4, XEP-0128). A part of ``protocol.py``."""

from __future__ import annotations

from typing import Final

from salut.plugins.rooms.api import RoomInfo
from salut.plugins.rooms.protocol_presence import HATS, MAX_HASH, MUC, OCCUPANT_ID
from salut.xmpp.disco import Info

INFO: Final = f"{MUC}#roominfo"
SELF_PING: Final = f"{MUC}#self-ping-optimization"


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
