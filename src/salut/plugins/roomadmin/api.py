# SPDX-License-Identifier: AGPL-3.0-or-later
"""Making, configuring, guarding and ending rooms (XEP-0045 sections 7.10, 7.13, 8 to 10). Contract of ``roomadmin``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.form import Answers, Form
from salut.model.page import Page
from salut.plugins.rooms.api import Affiliation, Role, Room


class Affiliated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody whom a room knows, be they in it or not. ``nick``: the one reserved for them, if the room says it."""

    address: str
    affiliation: Affiliation
    nick: str = ""
    reason: str = ""


class Voice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A visitor of a moderated room asks us, a moderator, for ``role`` (section 8.6)."""

    room: str
    nick: str
    address: str = ""
    role: Role = "participant"
    at: int


class RoomPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A room's picture (XEP-0486). ``sha1``: of ``data``, in hex. ``type``: its media type."""

    room: str
    type: str
    sha1: str
    data: bytes


class RoomAdminApi(Service):
    """What owners, administrators and moderators do. The room decides who may: ``refused`` with its condition."""

    service = "roomadmin"

    @method(scope="send", write=True)
    @abstractmethod
    async def create(
        self,
        *,
        profile: str,
        room: str,
        nick: str = "",
        private: bool = False,
        answers: Answers | None = None,
        timeout: float = 30.0,
    ) -> Room:
        """Make a room and be in it. ``exists`` where there is one of this address.

        Without ``answers`` it is as the server makes rooms (section 10.1.2). With them its form is filled in before
        anybody else may enter (section 10.1.3); where an answer does not fit there is no room. ``muc#roomconfig_``
        and ``muc#register_`` may be left out of field names, here and below. ``private``: for
        members alone, hidden, lasting, and each sees who the others are, as far as the server's form has that.
        """

    @method()
    @abstractmethod
    async def form(self, *, profile: str, room: str) -> Form:
        """The room's configuration (section 10.2); for its owners."""

    @method(scope="send", write=True)
    @abstractmethod
    async def configure(self, *, profile: str, room: str, answers: Answers) -> Form:
        """Change the configuration; fields without an answer stay as they are. Returns what is in force then.
        ``invalid`` with the field's name."""

    @method(scope="send", write=True)
    @abstractmethod
    async def destroy(
        self, *, profile: str, room: str, alternative: str = "", password: str = "", reason: str = ""
    ) -> None:
        """End a room for all (section 10.9). ``alternative``: the room to go to, ``password`` opens that one."""

    @method()
    @abstractmethod
    async def affiliations(
        self,
        *,
        profile: str,
        room: str,
        affiliation: Affiliation,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[Affiliated]:
        """Owners, administrators, members or outcasts (those banned), by address. ``limit`` at most 1,000."""

    @method(scope="send", write=True)
    @abstractmethod
    async def affiliate(
        self, *, profile: str, room: str, who: str, affiliation: Affiliation, reason: str = ""
    ) -> None:
        """Make somebody an owner, administrator, member, outcast (ban) or none of these. ``who``: an address, or
        the nick of an occupant whose address the room shows us."""

    @method(scope="send", write=True)
    @abstractmethod
    async def role(self, *, profile: str, room: str, nick: str, role: Role, reason: str = "") -> None:
        """Give an occupant a role for this stay: ``participant`` gives voice, ``visitor`` takes it, ``moderator``;
        ``none`` kicks."""

    @method(scope="send", write=True)
    @abstractmethod
    async def request_voice(self, *, profile: str, room: str) -> None:
        """Ask the moderators to be let speak (section 7.13). Their answer shows as our role."""

    @method(scope="send", write=True)
    @abstractmethod
    async def answer_voice(self, *, profile: str, room: str, nick: str, allow: bool) -> None:
        """Answer a visitor who asks for voice (kind ``voice``). ``not-found``."""

    @method()
    @abstractmethod
    async def registration(self, *, profile: str, room: str) -> Form:
        """What the room asks of those who register with it (section 7.10); empty where we are registered."""

    @method(scope="send", write=True)
    @abstractmethod
    async def register(self, *, profile: str, room: str, answers: Answers) -> None:
        """Register with a room: become a member, reserve a nick."""

    @method(scope="send", write=True)
    @abstractmethod
    async def unregister(self, *, profile: str, room: str) -> None:
        """End a registration."""

    @method()
    @abstractmethod
    async def reserved_nick(self, *, profile: str, room: str) -> str:
        """The nick that the room keeps for us (section 7.12); may be empty."""

    @method()
    @abstractmethod
    async def picture(self, *, profile: str, room: str) -> RoomPicture:
        """The room's picture, checked against the hash that the room announces. ``not-found``, ``invalid``."""

    @method(scope="send", write=True)
    @abstractmethod
    async def set_picture(self, *, profile: str, room: str, data: bytes, type: str = "image/png") -> None:  # noqa: A002
        """Give the room a picture of at most 100,000 bytes; no ``data``: take it away."""


CONTRACT: Final = Contract(
    plugin="roomadmin",
    services=(RoomAdminApi,),
    kinds=(Kind("voice", Voice, "room and nick, a slash between", passing=True),),
)
