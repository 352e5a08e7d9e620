# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations between stanzas and structs (XEP-0045 section 7.8, XEP-0249)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final, cast
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model.errors import SalutError
from salut.plugins.roominvites.events import Invited, Refused
from salut.plugins.rooms.api import refusal
from salut.xmpp.disco import info_request
from salut.xmpp.errors import BusyError, OfflineError, StanzaError
from salut.xmpp.messages import server_time
from salut.xmpp.router import Account, Via, Wires
from salut.xmpp.xmltext import attributes, escape

if TYPE_CHECKING:
    from salut.plugins.roominvites.service import RoomInvitesService
    from salut.xmpp.decode import Inbound

USER: Final = "http://jabber.org/protocol/muc#user"
DIRECT: Final = "jabber:x:conference"
PART: Final = "invitation"
MAX_REASON: Final = 1000
MAX_ADDRESS: Final = 3071
MAX_PASSWORD: Final = 1000
SECONDS: Final = 20.0


def read_user(x: Element) -> Invited | Refused | None:
    """What ``<x xmlns='…muc#user'/>`` says of invitations; mostly nothing."""
    invite = x.find(f"{{{USER}}}invite")
    if invite is not None:
        going_on = invite.find(f"{{{USER}}}continue")
        return Invited(
            inviter=invite.get("from", "")[:MAX_ADDRESS],
            reason=(invite.findtext(f"{{{USER}}}reason") or "")[:MAX_REASON],
            password=(x.findtext(f"{{{USER}}}password") or "")[:MAX_PASSWORD],
            thread=(going_on.get("thread", "") if going_on is not None else "")[:512],
        )
    decline = x.find(f"{{{USER}}}decline")
    if decline is not None:
        reason = (decline.findtext(f"{{{USER}}}reason") or "")[:MAX_REASON]
        return Refused(address=decline.get("from", "")[:MAX_ADDRESS], reason=reason)
    return None


def read_direct(x: Element) -> Invited | None:
    """``<x xmlns='jabber:x:conference'/>``; without a room it is none."""
    room = x.get("jid", "")[:MAX_ADDRESS]
    if not room:
        return None
    going_on = x.get("continue", "") in ("1", "true")
    return Invited(
        room=room,
        reason=x.get("reason", "")[:MAX_REASON],
        password=x.get("password", "")[:MAX_PASSWORD],
        thread=x.get("thread", "")[:512] if going_on else "",
    )


class RoomInvitesProtocol:
    """Registers with the wires, and writes stanzas."""

    def __init__(self, wires: Wires, service: RoomInvitesService) -> None:
        self._service = service
        self._wires = wires
        self._sent: dict[str, tuple[str, StanzaError | None]] = {}
        # Rooms send both forms of one invitation in one message: who reads the mediated one knows more.
        wires.shared.decoders.also(f"{{{USER}}}x", PART, read_user)
        wires.shared.decoders.also(f"{{{DIRECT}}}x", "direct-" + PART, read_direct)
        wires.shared.disco.add_feature(DIRECT)
        for part in (PART, "direct-" + PART):
            wires.router.wrap(part, self._came)
            wires.router.observe(part, self._copied)
        wires.router.observe("error", self._failed)

    # In
    def _came(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        """An invitation is no message: whatever text stands in it for clients that know none is not shown."""
        direct = inbound.parts.pop("direct-" + PART, None)
        told = inbound.parts.pop(PART, direct)
        if inbound.type in (
            "groupchat",
            "error",
        ):  # to all in a room, or our own come back: no invitation of us
            return self._wires.router.route(account, inbound, via)
        return self._tell(account, inbound, told)

    def _copied(self, account: Account, inbound: Inbound, via: Via) -> Awaitable[object] | None:
        """From another of our devices. Of the archive we take none: what was answered would come again."""
        if via != "carbon" or inbound.type in ("groupchat", "error"):
            return None
        parts = inbound.parts
        return self._tell(account, inbound, parts.get(PART) or parts.get("direct-" + PART))

    def _tell(self, account: Account, inbound: Inbound, told: object) -> Awaitable[object] | None:
        sender = inbound.from_
        if sender.partition("/")[0].lower() == account.bare.lower():
            return None
        if isinstance(told, Refused):
            self._service.refused(account.profile, sender, told)
            return None
        assert isinstance(told, Invited)
        at = server_time(inbound, (account.bare, account.bare.partition("@")[2]))
        return self._service.invited(account.profile, sender, told, at)

    def _failed(self, account: Account, inbound: Inbound, via: Via) -> None:
        sent = self._sent.get(inbound.id)
        problem = inbound.parts.get("error")
        if via or sent is None or inbound.type != "error" or inbound.from_.lower() != sent[0]:
            return
        if isinstance(problem, StanzaError):
            self._sent[inbound.id] = (sent[0], problem)

    # Out
    async def mediated(self, link: Link, room: str, address: str, reason: str, thread: str) -> None:
        """Have the room invite somebody. It answers only where it refuses; so it is asked something else after it,
        and what it did not refuse by then it has done."""
        inner = f"<reason>{escape(reason)}</reason>" if reason else ""
        inner += f"<continue thread='{escape(thread)}'/>" if thread else ""
        x = f"<x xmlns='{USER}'><invite to='{escape(address)}'>{inner}</invite></x>"
        key = secrets.token_hex(8)
        self._sent[key] = (room, None)
        try:
            self._send(link, f"<message to='{escape(room)}' id='{key}'>{x}</message>")
            await cast("Account", link.session).session.iq("get", info_request(), room, SECONDS)
            problem = self._sent[key][1]
        except StanzaError as error:
            problem = self._sent[key][1] or error
        finally:
            del self._sent[key]
        if problem is not None:
            raise refusal(room, problem.condition, problem.text)

    def direct(self, link: Link, room: str, address: str, reason: str, thread: str, password: str) -> None:
        """Invite somebody ourselves."""
        going_on = "true" if thread else ""
        more = attributes(continue_=going_on, jid=room, password=password, reason=reason, thread=thread)
        self._send(link, f"<message to='{escape(address)}'><x xmlns='{DIRECT}'{more}/></message>")

    def decline(self, link: Link, room: str, inviter: str, reason: str) -> None:
        """Tell the inviter, through the room, that we do not come."""
        inner = f"<reason>{escape(reason)}</reason>" if reason else ""
        x = f"<x xmlns='{USER}'><decline to='{escape(inviter)}'>{inner}</decline></x>"
        self._send(link, f"<message to='{escape(room)}'>{x}</message>")

    def _send(self, link: Link, text: str) -> None:
        try:
            cast("Account", link.session).session.send(text)
        except (OfflineError, BusyError) as problem:
            raise SalutError("not-connected", str(problem)) from None
