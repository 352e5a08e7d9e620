# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a room tells about its occupants, as structs; and why it did not let us in or put us out, in words."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.rooms.api import Affiliation, Hat, Role

MAX_TEXT: Final = 500


class Occupant(msgspec.Struct, frozen=True, kw_only=True):
    """A presence from a room (XEP-0045 sections 7.2 to 7.6, 8, 9). ``codes``: its status codes.

    ``occupant`` and ``hats`` are what stands there; whether the room vouches for it is another question.
    ``avatar``: the hash that the room's own presence names (XEP-0153), ``None`` where it names none.
    """

    room: str
    nick: str
    kind: Literal["available", "unavailable", "error"] = "available"
    id: str = ""
    codes: frozenset[int] = frozenset()
    role: Role = "none"
    affiliation: Affiliation = "none"
    address: str = ""
    new_nick: str = ""
    reason: str = ""
    actor: str = ""
    destroyed: bool = False
    alternative: str = ""
    show: str = "online"
    status: str = ""
    condition: str = ""
    text: str = ""
    error_type: str = ""
    occupant: str = ""
    hats: tuple[Hat, ...] = ()
    avatar: str | None = None


class Trouble(msgspec.Struct, frozen=True):
    """Why we are not in a room. ``passes``: it may be different later without anybody doing anything.

    ``suggestion``: a nick that may be free. ``alternative``: the room that took its place, if it says so.
    """

    condition: str
    words: str
    passes: bool = False
    suggestion: str = ""
    alternative: str = ""

    @property
    def gone(self) -> bool:
        """The room is no more: to join it again would make a new one of its name."""
        return self.condition in ("destroyed", "gone")

    def error(self, room: str) -> SalutError:
        """As an answer to a window."""
        if self.condition == "timeout":
            return SalutError("timeout", self.words, {"room": room})
        if self.condition in ("not-connected", "cancelled"):
            return SalutError(self.condition, self.words, {"room": room})
        data: dict[str, str | int | float | bool | list[str] | None] = {
            "room": room,
            "condition": self.condition,
        }
        if self.suggestion:
            data["suggestion"] = self.suggestion
        if self.alternative:
            data["alternative"] = self.alternative
        return SalutError("refused", self.words, data)


# item-not-found: also a room that somebody else has just made again, after its server restarted, and not
# yet configured.
PASSING: Final = frozenset(
    {
        "item-not-found",
        "remote-server-not-found",
        "remote-server-timeout",
        "resource-constraint",
        "internal-server-error",
    }
)


def refused(told: Occupant, nick: str) -> Trouble:
    """The room answered an attempt to enter with an error (section 7.2)."""
    words = {
        "conflict": _("The name {} is taken in this room; try {}.").format(nick, nick + "_"),
        "not-authorized": _("The room asks for a password, and this is not it."),
        "forbidden": _("You are banned from this room."),
        "registration-required": _("Only members may enter this room; ask its owner to make you one."),
        "item-not-found": _("The room does not exist, or is locked until its creator has configured it."),
        "not-allowed": _("You may not create rooms there."),
        "not-acceptable": _("The room does not allow the name {}.").format(nick),
        "service-unavailable": _("The room is full, or the address is no room's."),
        "jid-malformed": _("The room does not take the name {}.").format(nick),
        "remote-server-not-found": _("The server of this room was not found."),
        "remote-server-timeout": _("The server of this room does not answer."),
        "gone": _("The room was destroyed."),
    }.get(told.condition, told.condition or "undefined-condition")
    said = f" ({told.text[:MAX_TEXT]})" if told.text else ""
    moved = _(" It moved to {}.").format(told.alternative) if told.alternative else ""
    return Trouble(
        told.condition or "undefined-condition",
        words + said + moved,
        told.condition in PASSING or (told.error_type == "wait" and told.condition != "gone"),
        nick + "_" if told.condition == "conflict" else "",
        told.alternative,
    )


def put_out(told: Occupant) -> Trouble:
    """We are no longer in the room, and did not ask for it (sections 8.2, 9.1, 9.3, 9.4, 10.9)."""
    by = _(" by {}").format(told.actor) if told.actor else ""
    why = f": {told.reason[:MAX_TEXT]}" if told.reason else ""
    if told.destroyed:
        moved = _(" It moved to {}.").format(told.alternative) if told.alternative else ""
        words = _("The room was destroyed{}.").format(why) + moved
        return Trouble("destroyed", words, alternative=told.alternative)
    if 301 in told.codes:
        return Trouble("banned", _("You were banned{}{}").format(by, why))
    if 332 in told.codes:
        return Trouble("shutdown", _("The room's server is shutting down{}").format(why), True)
    if 333 in told.codes:
        return Trouble("lost", _("The room lost the connection to you{}").format(why), True)
    if 307 in told.codes:
        return Trouble("kicked", _("You were kicked{}{}").format(by, why))
    if told.codes & {321, 322}:
        return Trouble("members-only", _("Only members may be in this room now{}").format(why))
    return Trouble("removed", _("The room says that you are no longer in it{}").format(why), True)
