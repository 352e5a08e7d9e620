# SPDX-License-Identifier: AGPL-3.0-or-later
"""What owners, administrators and moderators say to rooms, between stanzas and structs (XEP-0045, XEP-0486)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, Literal, cast, get_args
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.model.form import Answers, Form
from salut.model.words import _
from salut.plugins.roomadmin.api import Affiliated
from salut.plugins.rooms.api import Affiliation, Role, refusal
from salut.xmpp.errors import BusyError, OfflineError, StanzaError
from salut.xmpp.forms import FORM, find_form, read_form, submit
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import attributes, escape

if TYPE_CHECKING:
    from salut.plugins.roomadmin.service import RoomAdminService
    from salut.xmpp.decode import Inbound

MUC: Final = "http://jabber.org/protocol/muc"
ADMIN: Final = f"{MUC}#admin"
OWNER: Final = f"{MUC}#owner"
REQUEST: Final = f"{MUC}#request"
REGISTER: Final = "jabber:iq:register"
INFO: Final = "http://jabber.org/protocol/disco#info"
VCARD: Final = "vcard-temp"
SECONDS: Final = 30.0
MOST_AFFILIATED: Final = 20_000
MAX_FORM: Final = 500_000  # characters: a window's frame holds no more
MAX_PICTURE: Final = 400_000  # characters of base64
MAX_TEXT: Final = 500

_AFFILIATIONS: Final = frozenset(get_args(Affiliation))


def voice_request(x: Element) -> Form | None:
    """The decoder of a moderator's approval form (section 8.6); other forms are none."""
    if x.get("type") not in (None, "form"):
        return None
    form = read_form(x)
    return form if form.type == REQUEST else None


def read_affiliated(query: Element | None, affiliation: Affiliation) -> list[Affiliated]:
    """An answer about a list; what is of another list, or without a usable address, is not in it."""
    found: dict[str, Affiliated] = {}
    items = query.findall(f"{{{ADMIN}}}item")[:MOST_AFFILIATED] if query is not None else []
    for item in items:
        if item.get("affiliation", affiliation) != affiliation:
            continue
        try:
            address = addresses.bare(item.get("jid", ""))
        except SalutError:
            continue
        found[address] = Affiliated(
            address=address,
            affiliation=affiliation,
            nick=item.get("nick", "")[:1023],
            reason=(item.findtext(f"{{{ADMIN}}}reason") or "")[:MAX_TEXT],
        )
    return [found[address] for address in sorted(found)]


def bounded(form: Form) -> Form:
    """The form, if a window can take it. ``too-large``."""
    size = len(form.title) + len(form.instructions)
    for field in form.fields:
        size += len(field.name) + len(field.label) + len(field.help) + sum(map(len, field.values)) + 40
        size += sum(len(choice.value) + len(choice.label) + 30 for choice in field.choices)
    if size > MAX_FORM:
        raise SalutError("too-large", _("The room's form is too large to be shown."), {"limit": MAX_FORM})
    return form


class RoomAdminProtocol:
    """Registers with the wires, and asks rooms."""

    def __init__(self, wires: Wires, service: RoomAdminService) -> None:
        self._service = service
        wires.shared.decoders.also(FORM, "voice-request", voice_request)
        wires.router.observe("voice-request", self._asked)

    # In
    def _asked(self, account: Account, inbound: Inbound, via: Via) -> None:
        """Only a room itself asks its moderators; whether it is one of ours the service knows."""
        if not via and inbound.type != "error" and "/" not in inbound.from_:
            form = cast("Form", inbound.parts["voice-request"])
            self._service.asked(account.profile, inbound.from_.lower(), form)

    # Out
    async def _iq(self, link: Link, kind: Literal["get", "set"], payload: str, room: str) -> Element:
        try:
            return await cast("Account", link.session).session.iq(kind, payload, room, SECONDS)
        except StanzaError as problem:
            raise refusal(room, problem.condition, problem.text) from None

    async def form(self, link: Link, room: str) -> Form:
        """The configuration form. ``unavailable`` where the room gives none."""
        answer = await self._iq(link, "get", f"<query xmlns='{OWNER}'/>", room)
        form = find_form(answer.find(f"{{{OWNER}}}query"))
        if form is None:
            raise SalutError("unavailable", _("{} has nothing to configure.").format(room))
        return bounded(form)

    async def configure(self, link: Link, room: str, answers: Answers, form_type: str) -> None:
        """Submit the form; without answers the room is as it is made."""
        await self._iq(link, "set", f"<query xmlns='{OWNER}'>{submit(answers, form_type)}</query>", room)

    async def cancel(self, link: Link, room: str) -> None:
        """Give a new room up (section 10.1.3)."""
        form = submit({}, kind="cancel")
        await self._iq(link, "set", f"<query xmlns='{OWNER}'>{form}</query>", room)

    async def destroy(self, link: Link, room: str, alternative: str, password: str, reason: str) -> None:
        """End a room."""
        inner = f"<password>{escape(password)}</password>" if password else ""
        inner += f"<reason>{escape(reason)}</reason>" if reason else ""
        destroy = f"<destroy{attributes(jid=alternative)}>{inner}</destroy>"
        await self._iq(link, "set", f"<query xmlns='{OWNER}'>{destroy}</query>", room)

    async def affiliations(self, link: Link, room: str, affiliation: Affiliation) -> list[Affiliated]:
        """One of the room's lists, by address."""
        query = f"<query xmlns='{ADMIN}'><item affiliation='{affiliation}'/></query>"
        answer = await self._iq(link, "get", query, room)
        return read_affiliated(answer.find(f"{{{ADMIN}}}query"), affiliation)

    async def affiliate(self, link: Link, room: str, who: str, affiliation: Affiliation, reason: str) -> None:
        """Set somebody's affiliation."""
        await self._item(link, room, attributes(affiliation=affiliation, jid=who), reason)

    async def role(self, link: Link, room: str, nick: str, role: Role, reason: str) -> None:
        """Set an occupant's role."""
        await self._item(link, room, attributes(nick=nick, role=role), reason)

    async def _item(self, link: Link, room: str, what: str, reason: str) -> None:
        inner = f"<reason>{escape(reason)}</reason>" if reason else ""
        await self._iq(link, "set", f"<query xmlns='{ADMIN}'><item{what}>{inner}</item></query>", room)

    def voice(self, link: Link, room: str, answers: Answers) -> None:
        """Ask for voice, or answer who asks. ``not-connected``."""
        text = f"<message to='{escape(room)}'>{submit(answers, REQUEST)}</message>"
        try:
            cast("Account", link.session).session.send(text)
        except (OfflineError, BusyError) as problem:
            raise SalutError("not-connected", str(problem)) from None

    async def registration(self, link: Link, room: str) -> Form:
        """The registration form; one without fields where we are registered."""
        answer = await self._iq(link, "get", f"<query xmlns='{REGISTER}'/>", room)
        query = answer.find(f"{{{REGISTER}}}query")
        if query is None or query.find(f"{{{REGISTER}}}registered") is not None:
            return Form()
        form = find_form(query)
        if form is None:
            raise SalutError("unavailable", _("{} asks for nothing that can be filled in.").format(room))
        return bounded(form)

    async def register(self, link: Link, room: str, answers: Answers | None, form_type: str) -> None:
        """Submit it; ``None``: end the registration."""
        inner = "<remove/>" if answers is None else submit(answers, form_type)
        await self._iq(link, "set", f"<query xmlns='{REGISTER}'>{inner}</query>", room)

    async def reserved_nick(self, link: Link, room: str) -> str:
        """The nick that is kept for us."""
        answer = await self._iq(link, "get", f"<query xmlns='{INFO}' node='x-roomuser-item'/>", room)
        for identity in answer.iter(f"{{{INFO}}}identity"):
            if identity.get("category") == "conference":
                return identity.get("name", "")[:1023]
        return ""

    async def photos(self, link: Link, room: str) -> list[tuple[str, bytes]]:
        """The pictures in the room's vCard, each with its type; what is no base64 or too large is left out."""
        answer = await self._iq(link, "get", f"<vCard xmlns='{VCARD}'/>", room)
        found = []
        for photo in list(answer.iter(f"{{{VCARD}}}PHOTO"))[:5]:
            text = photo.findtext(f"{{{VCARD}}}BINVAL") or ""
            if 0 < len(text) <= MAX_PICTURE:
                try:
                    data = base64.b64decode("".join(text.split()), validate=True)
                except (binascii.Error, ValueError):
                    continue
                found.append(((photo.findtext(f"{{{VCARD}}}TYPE") or "")[:100], data))
        return found

    async def set_photo(self, link: Link, room: str, data: bytes, kind: str) -> None:
        """Publish a picture; no ``data``: none."""
        text = base64.b64encode(data).decode()
        photo = f"<PHOTO><TYPE>{escape(kind)}</TYPE><BINVAL>{text}</BINVAL></PHOTO>" if data else ""
        await self._iq(link, "set", f"<vCard xmlns='{VCARD}'>{photo}</vCard>", room)
