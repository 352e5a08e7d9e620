# SPDX-License-Identifier: AGPL-3.0-or-later
"""One room as the daemon lives it: who is in it and where we stand. No I/O.

::

    left --begin--> joining --own presence--> joined --leave--> left
                       |                        |
                       +--error, no answer------+--put out--> failed
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from salut.plugins.rooms.api import Member, Room
from salut.plugins.rooms.events import Occupant, Trouble, put_out, refused

MAX_MEMBERS: Final = 10_000
SELF: Final = 110
CREATED: Final = 201
RENAMED: Final = 303

What = Literal["", "entered", "refused", "out", "renamed", "not-renamed", "self"]


class Step(msgspec.Struct):
    """What a presence changed. ``members``: nicks with their member, or ``None`` for those who are gone.

    ``what``: we ``entered``, were ``refused`` or put ``out`` (``trouble`` says why), have another nick, could
    not get it (``trouble``), or something of our own, e.g. the role, is different (``self``).
    """

    members: list[tuple[str, Member | None]] = []
    what: What = ""
    created: bool = False
    trouble: Trouble | None = None


class Stay:
    """The state machine of one room of one profile. ``shown`` is what windows see."""

    def __init__(self, shown: Room) -> None:
        self.shown = shown
        self.members: dict[str, Member] = {}
        self.replaying = False
        self.join_id = ""
        self.vouches: bool | None = (
            None  # whether the room announces occupant ids; None: it was not asked yet
        )
        self.wanted = ""  # the nick that we asked for, while we are in the room under another
        self._word: re.Pattern[str] | None = None

    @property
    def inside(self) -> bool:
        """We are in the room, or on our way."""
        return self.shown.state in ("joining", "joined")

    def show(self, **values: Any) -> None:
        """Change what windows see."""
        if values.get("nick", self.shown.nick) != self.shown.nick:
            self._word = None
        self.shown = msgspec.structs.replace(self.shown, **values)

    def begin(self, nick: str, join_id: str) -> None:
        """The room is being asked to let us in."""
        self._empty()
        self.join_id = join_id
        self.replaying = True
        self.show(nick=nick, state="joining", error="", members=0, role="none", affiliation="none")

    def leave(self, error: str = "") -> None:
        """We are out: by our own wish, for want of a link, or (with ``error``) against our will."""
        self._empty()
        state = "failed" if error else "left"
        self.show(state=state, error=error, members=0, role="none", affiliation="none")

    def _empty(self) -> None:
        self.members.clear()
        self.replaying = False
        self.join_id = self.wanted = ""

    def presence(self, told: Occupant) -> Step:
        """Take in what the room says. Without effect while we are out."""
        if not self.inside:
            return Step()
        if told.kind == "error":
            return self._error(told)
        if not told.nick:
            return Step()  # the room's own presence, e.g. with its picture
        own = SELF in told.codes or (self.shown.state == "joined" and told.nick == self.shown.nick)
        if told.kind == "unavailable":
            return self._gone(told, own)
        return self._here(told, own)

    def _error(self, told: Occupant) -> Step:
        if self.shown.state == "joined":
            if self.wanted and told.nick in ("", self.wanted, self.shown.nick):
                wanted, self.wanted = self.wanted, ""
                return Step(what="not-renamed", trouble=refused(told, wanted))
            return Step()
        if told.id and told.id != self.join_id:
            return Step()  # the answer to an older attempt
        trouble = refused(told, self.shown.nick)
        self.leave(trouble.words)
        return Step(what="refused", trouble=trouble)

    def _gone(self, told: Occupant, own: bool) -> Step:
        moved = RENAMED in told.codes and told.new_nick
        if own and moved and self.shown.state == "joined":
            self.wanted = ""
            self.members.pop(told.nick, None)
            self.show(nick=told.new_nick)
            return Step([(told.nick, None)], what="renamed")
        if own and not moved and self.shown.state == "joined":
            trouble = put_out(told)
            self.leave(trouble.words)
            return Step(what="out", trouble=trouble)
        if self.members.pop(told.nick, None) is None:
            return Step()
        self.show(members=len(self.members))
        return Step([(told.nick, None)])

    def _here(self, told: Occupant, own: bool) -> Step:
        known = self.members.get(told.nick)
        if known is None and len(self.members) >= MAX_MEMBERS and not own:
            return Step()
        member = Member(
            room=self.shown.address,
            nick=told.nick,
            address=told.address,
            role=told.role,
            affiliation=told.affiliation,
            show=told.show,
            status=told.status,
            me=own,
        )
        step = Step([(told.nick, member)] if member != known else [])
        self.members[told.nick] = member
        if len(self.members) != self.shown.members:
            self.show(members=len(self.members))
        if own:
            self._own(told, step)
        return step

    def _own(self, told: Occupant, step: Step) -> None:
        before = self.shown
        self.show(nick=told.nick, role=told.role, affiliation=told.affiliation, state="joined")
        if before.state == "joining":
            step.what = "entered"
            step.created = CREATED in told.codes
            step.members = list(self.members.items())
        elif before != self.shown:
            step.what = "self"

    def mentions(self, body: str) -> bool:
        """Whether our name stands in a text as a word, in whatever case."""
        if self._word is None:
            self._word = re.compile(rf"(?<!\w){re.escape(self.shown.nick)}(?!\w)", re.IGNORECASE)
        return self._word.search(body) is not None
