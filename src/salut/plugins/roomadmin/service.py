# SPDX-License-Identifier: AGPL-3.0-or-later
"""Room administration decides: what windows ask of rooms, and what rooms ask of their moderators."""

from __future__ import annotations

import contextlib
import hashlib
import re
from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError, invalid, not_found
from salut.model.form import Answers, Form, filled
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.roomadmin.api import Affiliated, RoomAdminApi, RoomPicture, Voice
from salut.plugins.rooms.api import Affiliation, Role, Room, Rooms

if TYPE_CHECKING:
    from salut.plugins.roomadmin.protocol import RoomAdminProtocol

MAX_PAGE: Final = 1000
MAX_VOICES: Final = 100  # of a profile, waiting
MAX_DATA: Final = 100_000  # bytes of a picture
MAX_REASON: Final = 1000
TYPE: Final = re.compile(r"image/[a-z0-9.+-]{1,40}")
CONFIG: Final = "muc#roomconfig_"
PRIVATE: Final[Answers] = {
    f"{CONFIG}membersonly": ["1"],
    f"{CONFIG}publicroom": ["0"],
    f"{CONFIG}persistentroom": ["1"],
    f"{CONFIG}whois": ["anyone"],
}


class RoomAdminService(RoomAdminApi):
    """The contract's methods."""

    protocol: RoomAdminProtocol

    def __init__(self, host: Host, rooms: Rooms) -> None:
        self._host = host
        self._rooms = rooms
        self._voices: dict[str, dict[str, Voice]] = {}

    # Making, configuring, ending
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
        link = self._host.link(profile)
        address = self._room(room)

        async def open_it() -> None:
            if not private and answers is None:
                await self.protocol.configure(link, address, {}, "")
                return
            try:
                form = await self.protocol.form(link, address)
                preset = (
                    {name: values for name, values in PRIVATE.items() if form.field(name)} if private else {}
                )
                values = filled(form, preset | _named(form, answers or {}))
                await self.protocol.configure(link, address, values, form.type)
            except SalutError:
                with contextlib.suppress(SalutError):  # what went wrong first is what the window learns
                    await self.protocol.cancel(link, address)
                raise

        return await self._rooms.enter_new(profile, address, nick, open_it, timeout)

    async def form(self, *, profile: str, room: str) -> Form:
        return await self.protocol.form(self._host.link(profile), self._room(room))

    async def configure(self, *, profile: str, room: str, answers: Answers) -> Form:
        link, address = self._host.link(profile), self._room(room)
        form = await self.protocol.form(link, address)
        await self.protocol.configure(link, address, filled(form, _named(form, answers)), form.type)
        return await self.protocol.form(link, address)

    async def destroy(
        self, *, profile: str, room: str, alternative: str = "", password: str = "", reason: str = ""
    ) -> None:
        link, address = self._host.link(profile), self._room(room)
        if alternative:
            alternative = self._room(alternative, "alternative")
            if alternative == address:
                raise invalid("alternative", _("A room cannot move to its own address."))
        await self.protocol.destroy(link, address, alternative, password, reason[:MAX_REASON])

    # Who may what
    async def affiliations(
        self,
        *,
        profile: str,
        room: str,
        affiliation: Affiliation,
        after: str | None = None,
        limit: int = 200,
    ) -> Page[Affiliated]:
        if limit < 1:
            raise invalid("limit", _("A page holds at least one entry."))
        if affiliation == "none":
            raise invalid("affiliation", _("Nobody keeps a list of those without an affiliation."))
        link, address = self._host.link(profile), self._room(room)
        limit = min(limit, MAX_PAGE)
        found = await self.protocol.affiliations(link, address, affiliation)
        start = bisect_right(found, after, key=attrgetter("address")) if after is not None else 0
        items = found[start : start + limit]
        return Page(items=items, after=items[-1].address if start + limit < len(found) else None)

    async def affiliate(
        self, *, profile: str, room: str, who: str, affiliation: Affiliation, reason: str = ""
    ) -> None:
        link, address = self._host.link(profile), self._room(room)
        bare = self._who(profile, address, who)
        if bare == link.address.partition("/")[0] and affiliation == "outcast":
            raise invalid("who", _("This would ban yourself."))
        await self.protocol.affiliate(link, address, bare, affiliation, reason[:MAX_REASON])

    def _who(self, profile: str, room: str, who: str) -> str:
        """An occupant's nick goes before an address that looks the same."""
        member = self._rooms.members_of(profile, room).get(who)
        if member is not None:
            if not member.address:
                words = _("{} does not show the address of {}; name the address.")
                raise invalid("who", words.format(room, who[:80]))
            return addresses.bare(member.address)
        if "@" not in who and "." not in who:
            raise not_found(_("Nobody called {} is in {}; name an address.").format(who[:80], room))
        return addresses.bare(who)

    async def role(self, *, profile: str, room: str, nick: str, role: Role, reason: str = "") -> None:
        link, address = self._host.link(profile), self._room(room)
        await self.protocol.role(link, address, nick, role, reason[:MAX_REASON])

    # Voice
    async def request_voice(self, *, profile: str, room: str) -> None:
        link, address = self._host.link(profile), self._room(room)
        shown = self._rooms.find(profile, address)
        if shown is None or shown.state != "joined":
            raise not_found(
                _("You are not in the room {}. Join it: jp room join {}").format(address, address)
            )
        if shown.role != "visitor":
            raise SalutError("exists", _("You may speak in {} already.").format(address))
        self.protocol.voice(link, address, {"muc#role": ["participant"]})

    async def answer_voice(self, *, profile: str, room: str, nick: str, allow: bool) -> None:
        link, address = self._host.link(profile), self._room(room)
        voice = self._voices.get(profile, {}).get(f"{address}/{nick}")
        if voice is None:
            raise not_found(_("Nobody called {} asks for voice in {}.").format(nick[:80], address))
        answers: Answers = {"muc#role": [voice.role], "muc#roomnick": [nick]}
        if voice.address:
            answers["muc#jid"] = [voice.address]
        self.protocol.voice(link, address, {**answers, "muc#request_allow": ["true" if allow else "false"]})
        self._drop(profile, f"{address}/{nick}")

    def asked(self, profile: str, room: str, form: Form) -> None:
        """A room asks; believed only of rooms in which we are a moderator, and of their occupants."""
        shown = self._rooms.find(profile, room)
        nick, address, role = (_first(form, name) for name in ("roomnick", "jid", "role"))
        if shown is None or shown.state != "joined" or shown.role != "moderator":
            self._host.log.info("voice request refused", profile=profile, room=room[:200])
            return
        if nick not in self._rooms.members_of(profile, room):
            return
        key = f"{room}/{nick}"
        voices = self._voices.setdefault(profile, {})
        if key not in voices and len(voices) >= MAX_VOICES:
            self._drop(profile, next(iter(voices)))
        wish: Role = "moderator" if role == "moderator" else "participant"
        voices[key] = Voice(room=room, nick=nick, address=address[:2047], role=wish, at=moment.now())
        self._host.journal.passing(profile, "voice", key, voices[key])

    def _drop(self, profile: str, key: str) -> None:
        self._voices.get(profile, {}).pop(key, None)
        self._host.journal.passing(profile, "voice", key, None)

    def forget(self, profile: str) -> None:
        """Nobody waits any more: the session is over."""
        self._voices.pop(profile, None)
        self._host.journal.drop_passing(profile, "voice")

    # Registration
    async def registration(self, *, profile: str, room: str) -> Form:
        return await self.protocol.registration(self._host.link(profile), self._room(room))

    async def register(self, *, profile: str, room: str, answers: Answers) -> None:
        link, address = self._host.link(profile), self._room(room)
        form = await self.protocol.registration(link, address)
        if not form.fields:
            raise SalutError("exists", _("You are registered with {} already.").format(address))
        await self.protocol.register(link, address, filled(form, _named(form, answers)), form.type)

    async def unregister(self, *, profile: str, room: str) -> None:
        await self.protocol.register(self._host.link(profile), self._room(room), None, "")

    async def reserved_nick(self, *, profile: str, room: str) -> str:
        return await self.protocol.reserved_nick(self._host.link(profile), self._room(room))

    # Picture
    async def picture(self, *, profile: str, room: str) -> RoomPicture:
        link, address = self._host.link(profile), self._room(room)
        announced = (await self._rooms.info(profile=profile, room=address)).avatar
        if not announced:
            shown = self._rooms.find(profile, address)
            announced = shown.avatar if shown is not None else ""
        photos = await self.protocol.photos(link, address)
        if not photos:
            raise not_found(_("{} has no picture.").format(address))
        for kind, data in photos:
            sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
            if len(data) <= MAX_DATA and announced in ("", sha1):
                kind = kind if TYPE.fullmatch(kind) else "application/octet-stream"
                return RoomPicture(room=address, type=kind, sha1=sha1, data=data)
        raise invalid("room", _("The picture of {} is not the one that it announces.").format(address))

    async def set_picture(self, *, profile: str, room: str, data: bytes, type: str = "image/png") -> None:  # noqa: A002
        link, address = self._host.link(profile), self._room(room)
        if len(data) > MAX_DATA:
            words = _("A room's picture has at most {} bytes.").format(MAX_DATA)
            raise SalutError("too-large", words, {"field": "data", "limit": MAX_DATA})
        if not TYPE.fullmatch(type):
            raise invalid("type", _("“{}” is no type of picture.").format(type[:80]))
        await self.protocol.set_photo(link, address, data, type)

    def _room(self, room: str, field: str = "room") -> str:
        address = addresses.parse(room)
        if not address.local or address.resource:
            raise invalid(field, _("A room's address looks like name@server."))
        return address.bare


def _named(form: Form, answers: Answers) -> Answers:
    """Answers under whole names: ``roomname`` is ``muc#roomconfig_roomname`` where the form has no ``roomname``."""
    known = {field.name for field in form.fields}
    named: Answers = {}
    for name, values in answers.items():
        fits = [start + name for start in ("", CONFIG, "muc#register_") if start + name in known]
        named[fits[0] if fits else name] = values
    return named


def _first(form: Form, name: str) -> str:
    field = form.field(f"muc#{name}")
    return field.values[0] if field is not None and field.values else ""
