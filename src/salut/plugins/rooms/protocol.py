# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms between stanzas and structs (XEP-0045)."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final, cast

from salut.engine.plugin import Link
from salut.model import moment
from salut.model.errors import SalutError
from salut.plugins.history.api import Message
from salut.plugins.rooms.api import RoomInfo, refusal
from salut.plugins.rooms.protocol_info import room_info
from salut.plugins.rooms.protocol_presence import (
    MAX_NICK,
    MUC,
    OCCUPANT,
    SHOWS,
    USER,
    occupant,
    occupant_id,
    room_of,
    user_part,
)  # fmt: skip
from salut.plugins.rooms.reading import RoomMessage
from salut.xmpp.decode import Inbound
from salut.xmpp.disco import PING
from salut.xmpp.errors import BusyError, OfflineError, StanzaError
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import attributes, escape

if TYPE_CHECKING:
    from slixmpp.stanza import Presence

    from salut.plugins.rooms.hearing import Hearing

OWNER: Final = f"{MUC}#owner"
CONFIGURED: Final = 104
CONFIGURE_SECONDS: Final = 20.0


def message(inbound: Inbound) -> RoomMessage:
    """Read a message that came from a room. Ids and times are believed only where the room itself says so."""
    parts = inbound.parts
    room, _, nick = inbound.from_.partition("/")
    ids = cast("list[tuple[str, str]]", parts.get("stanza-id", ()))
    stamps = cast("list[tuple[str, int]]", parts.get("delay", ()))
    origin = parts.get("origin-id")
    subject = parts.get("subject")
    problem = parts.get("error")
    failed = problem if isinstance(problem, StanzaError) else None
    key = (origin if isinstance(origin, str) and origin else inbound.id)[:512]
    occupant = parts.get("occupant-id")
    return RoomMessage(
        room=room.lower(),
        nick=nick[:MAX_NICK],
        type=inbound.type,
        id=inbound.id,
        body=str(parts.get("body", "")),
        subject=str(subject) if subject is not None else None,
        thread=str(parts.get("thread", ""))[:512],
        origin=key,
        stanza=inbound.id[:512] if inbound.id != key else "",
        occupant=occupant if isinstance(occupant, str) else "",
        inbound=inbound,
        archive=next((key for who, key in ids if who == room), ""),
        stamp=next((when for who, when in stamps if who == room), 0),
        configured=CONFIGURED in cast("frozenset[int]", parts.get("muc-codes", ())),
        condition=failed.condition if failed else "",
        error_text=failed.text[:500] if failed else "",
    )


def shown(show: str, status: str) -> str:
    """The part of a presence that says how we are."""
    text = f"<show>{escape(show)}</show>" if show in SHOWS else ""
    return text + (f"<status>{escape(status)}</status>" if status else "")


class RoomsProtocol:
    """Registers with the wires, and writes stanzas."""

    def __init__(self, wires: Wires, hearing: Hearing) -> None:
        self._wires = wires
        self._hearing = hearing
        wires.shared.disco.add_feature(MUC)
        wires.shared.decoders.add(f"{{{USER}}}x", "muc-codes", lambda x: user_part(x)["codes"])
        wires.shared.decoders.add(OCCUPANT, "occupant-id", occupant_id)

    # In
    def watch(self, link: Link) -> None:
        """Hear the presences of a session."""
        account = cast("Account", link.session)

        def told(presence: Presence) -> None:
            if self._hearing.is_room(account.profile, room_of(account, presence.xml)):
                self._hearing.told(account.profile, occupant(presence.xml))

        account.session.client.add_event_handler("presence", told)

    def own(self, profile: str, room: str, mine: bool) -> None:
        """Take (or leave) the messages that come from a room."""
        self._wires.router.own(profile, room, self._message if mine else None)

    def _message(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        codes = inbound.parts.get("muc-codes")
        if codes and not via and "/" not in inbound.from_ and inbound.type != "error":
            self._hearing.configured(
                account.profile, room_of(account, inbound.xml), cast("frozenset[int]", codes)
            )
        if inbound.type == "groupchat":
            return self._hearing.heard(account.profile, message(inbound)) if not via else None
        if inbound.type == "error" and self._hearing.answered(account.profile, message(inbound)):
            return None
        return self._wires.router.by_type(account, inbound, via)

    def read(self, inbound: object) -> RoomMessage:
        """For plugins that hold an ``Inbound`` without looking into it."""
        return message(cast("Inbound", inbound))

    # Out
    def send(self, link: Link, text: str) -> None:
        """Send a stanza. ``not-connected``."""
        try:
            cast("Account", link.session).session.send(text)
        except (OfflineError, BusyError) as problem:
            raise SalutError("not-connected", str(problem)) from None

    def enter(self, link: Link, to: str, key: str, password: str, since: int, most: int, status: str) -> None:
        """Ask to be let in (section 7.2), or for another nick (section 7.6), with at most ``most`` old messages,
        none older than ``since`` (0: as old as the room has)."""
        caps = self._wires.shared.disco.caps()
        stamp = moment.iso(since - since % moment.SECOND)[:19] + "Z" if since else ""
        inner = f"<password>{escape(password)}</password>" if password else ""
        inner += f"<history maxstanzas='{most}'{attributes(since=stamp)}/>"
        self.send(
            link,
            f"<presence to='{escape(to)}' id='{key}'><x xmlns='{MUC}'>{inner}</x>{status}{caps}</presence>",
        )

    def tell(self, link: Link, to: str, status: str, key: str = "") -> None:
        """Change nick or availability in a room that we are in."""
        caps = self._wires.shared.disco.caps()
        self.send(link, f"<presence to='{escape(to)}'{attributes(id=key)}>{status}{caps}</presence>")

    def exit(self, link: Link, to: str) -> None:
        """Leave (section 7.14)."""
        self.send(link, f"<presence to='{escape(to)}' type='unavailable'/>")

    def topic(self, link: Link, room: str, key: str, text: str) -> None:
        """Ask for another topic (section 8.1)."""
        self.send(
            link,
            f"<message to='{escape(room)}' type='groupchat' id='{key}'><subject>{escape(text)}</subject></message>",
        )

    async def configure(self, link: Link, room: str) -> None:
        """Open a room that we have created, as it is (section 10.1.2). ``refused``."""
        form = f"<query xmlns='{OWNER}'><x xmlns='jabber:x:data' type='submit'/></query>"
        try:
            await cast("Account", link.session).session.iq("set", form, room, CONFIGURE_SECONDS)
        except StanzaError as problem:
            raise SalutError("refused", str(problem), {"condition": problem.condition}) from None

    async def info(self, link: Link, room: str, timeout: float) -> RoomInfo:
        """What the room says of itself (section 6.4). ``refused``, ``timeout``, ``not-connected``."""
        try:
            info = await cast("Account", link.session).session.disco_info(room, timeout=timeout)
        except StanzaError as problem:
            raise refusal(room, problem.condition, problem.text) from None
        return room_info(room, info)

    async def ping(self, link: Link, to: str, timeout: float) -> str:
        """Ask a room whether we are in it (XEP-0410): the condition of its error, empty where it says yes."""
        try:
            await cast("Account", link.session).session.iq("get", f"<ping xmlns='{PING}'/>", to, timeout)
        except StanzaError as problem:
            return problem.condition
        return ""


def ask(outgoing: Message) -> str:
    """What marks a private message as one (section 7.5)."""
    return f"<x xmlns='{USER}'/>" if outgoing.kind == "private" else ""
