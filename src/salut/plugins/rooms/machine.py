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
NONANONYMOUS: Final = 100
SELF: Final = 110
LOGGED: Final = 170
CREATED: Final = 201
RENAMED: Final = 303

CONFIGURATION: Final = (
    (170, "logged", True),
    (171, "logged", False),
    (172, "nonanonymous", True),
    (173, "nonanonymous", False),
    (174, "nonanonymous", False),
)

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
        self.wanted = ""  # the nick that we asked for, while we are in the room under another
        self.vouches: bool | None = None  # whether it announces occupant ids; None: it was not asked yet
        self.hats: bool | None = None  # the same for hats
        self.pictured = False  # the room tells of its picture by presences
        self._claims: dict[str, Occupant] = {}  # what it told before it was asked
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
        self.show(nick=nick, state="joining", error="", moved="", members=0, role="none", affiliation="none")

    def leave(self, error: str = "") -> None:
        """We are out: by our own wish, for want of a link, or (with ``error``) against our will."""
        self._empty()
        state = "failed" if error else "left"
        self.show(state=state, error=error, members=0, role="none", affiliation="none")

    def _empty(self) -> None:
        self.members.clear()
        self._claims.clear()
        self.vouches = self.hats = None
        self.pictured = False
        self.replaying = False
        self.join_id = self.wanted = ""

    def presence(self, told: Occupant) -> Step:
        """Take in what the room says. Without effect while we are out."""
        if not self.inside:
            return Step()
        if told.kind == "error":
            return self._error(told)
        if not told.nick:
            return self._of_the_room(told)
        if self.shown.state == "joined":  # what is said of another nick than ours does not make it ours
            own = told.nick == self.shown.nick or (SELF in told.codes and told.nick == self.wanted)
        else:
            own = SELF in told.codes
        if told.kind == "unavailable":
            return self._gone(told, own)
        return self._here(told, own)

    def _of_the_room(self, told: Occupant) -> Step:
        """The room's own presence, with its picture (XEP-0486 section 6.2)."""
        if told.kind != "available" or told.avatar is None:
            return Step()
        self.pictured = True
        if told.avatar == self.shown.avatar:
            return Step()
        self.show(avatar=told.avatar)
        return Step(what="self")

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
            self._forget(told.nick)
            self.show(nick=told.new_nick, wanted="")
            return Step([(told.nick, None)], what="renamed")
        if own and not moved and self.shown.state == "joined":
            trouble = put_out(told)
            self.leave(trouble.words)
            return Step(what="out", trouble=trouble)
        if self._forget(told.nick) is None:
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
            occupant=told.occupant if self.vouches else "",
            hats=list(told.hats) if self.hats else [],
        )
        if (self.vouches is None or self.hats is None) and (told.occupant or told.hats):
            self._claims[told.nick] = told
        step = Step([(told.nick, member)] if member != known else [])
        self.members[told.nick] = member
        if len(self.members) != self.shown.members:
            self.show(members=len(self.members))
        if own:
            self._own(told, step)
        return step

    def _forget(self, nick: str) -> Member | None:
        self._claims.pop(nick, None)
        return self.members.pop(nick, None)

    def announced(self, vouches: bool, hats: bool) -> list[tuple[str, Member | None]]:
        """The room was asked whether it vouches for occupant ids (XEP-0421) and hats (XEP-0317); what it told
        before it was first asked counts now or never. Returns the members that are different."""
        changed: list[tuple[str, Member | None]] = []
        first = self.vouches is None
        self.vouches, self.hats = vouches, hats
        for nick, member in self.members.items():
            claim = self._claims.get(nick) if first else None
            occupant = (claim.occupant if claim else member.occupant) if vouches else ""
            worn = (list(claim.hats) if claim else member.hats) if hats else []
            if (occupant, worn) != (member.occupant, member.hats):
                self.members[nick] = msgspec.structs.replace(member, occupant=occupant, hats=worn)
                changed.append((nick, self.members[nick]))
        self._claims.clear()
        return changed

    def codes(self, codes: frozenset[int]) -> bool:
        """The room itself says how it is set now (section 10.2.1). True: windows have to know."""
        before = self.shown
        for code, field, value in CONFIGURATION:
            if code in codes:
                self.show(**{field: value})
        return self.shown != before

    def _own(self, told: Occupant, step: Step) -> None:
        before = self.shown
        self.show(nick=told.nick, role=told.role, affiliation=told.affiliation, state="joined")
        if before.state == "joining":
            self.show(nonanonymous=NONANONYMOUS in told.codes, logged=LOGGED in told.codes)
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
