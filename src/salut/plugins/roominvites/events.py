# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations and their refusals as they come, bounded, with addresses as they claim to be."""

from __future__ import annotations

import msgspec


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """``room`` is empty in a mediated one: the room is its sender. ``inviter`` is empty in a direct one, for the
    same reason."""

    room: str = ""
    inviter: str = ""
    reason: str = ""
    password: str = ""
    thread: str = ""

    @property
    def mediated(self) -> bool:
        """It says to come through the room."""
        return not self.room


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody declines an invitation of ours."""

    address: str
    reason: str = ""
