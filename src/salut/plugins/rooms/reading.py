# SPDX-License-Identifier: AGPL-3.0-or-later
"""A room's message as it came, and what history makes of it."""

from __future__ import annotations

import msgspec

from salut.plugins.history.api import NewMessage
from salut.plugins.rooms.machine import Stay


class RoomMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message from a room. ``stamp``: when the room says it was sent, if it says so (XEP-0203).

    ``subject`` is ``None`` where there is none, empty where the topic was cleared. ``configured``: the room's
    configuration changed (status code 104).
    """

    room: str
    nick: str = ""
    type: str = "groupchat"
    id: str = ""
    body: str = ""
    subject: str | None = None
    thread: str = ""
    origin: str = ""
    archive: str = ""
    stamp: int = 0
    configured: bool = False
    condition: str = ""
    error_text: str = ""
    stanza: str = ""  # the stanza's id, where it is not ``origin``
    occupant: str = ""  # believed only of rooms that vouch for it (XEP-0421)
    inbound: object | None = None  # the message itself, for ``Chat.filled``


def new_message(stay: Stay, told: RoomMessage, *, at: int, replayed: bool, since: int = 0) -> NewMessage:
    """``since``: when its sender took the nick, if we saw that.

    ``replayed``: told of the past, when our nick may have been another's. Then a message under it is ours only if
    history holds it as sent by us.
    """
    own = bool(told.nick) and told.nick == stay.shown.nick
    return NewMessage(
        conversation=told.room,
        conversation_kind="room",
        sender=f"{told.room}/{told.nick}" if told.nick else told.room,
        outgoing=own and not replayed,
        perhaps_own=own and replayed,
        kind="groupchat",
        body=told.body,
        subject=told.subject or "",
        thread=told.thread,
        state="sent" if own and not replayed else "received",
        origin=told.origin,
        archive=told.archive,
        at=at,
        stream=told.room,
        stanza=told.stanza,
        occupant=told.occupant if stay.vouches else "",
        since=since,
        mention=not own and stay.mentions(told.body),
        counts=not own,
    )
