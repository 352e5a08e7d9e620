# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations decide: whose token is good, and what a link may do."""

from __future__ import annotations

import contextlib
from typing import Final

from salut.api.ports import Tx
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment, uri
from salut.model.errors import SalutError, invalid, not_found
from salut.model.uri import XmppUri
from salut.model.words import _
from salut.plugins.invites import tokens
from salut.plugins.invites.api import Invitation, Invite, InvitesApi, Maker
from salut.plugins.invites.protocol import InvitesProtocol
from salut.plugins.roster.api import Roster

MAX_NOTE: Final = 200
MOST_DAYS: Final = 90


class InvitesService(InvitesApi):
    """The contract's methods, and what comes of requests with tokens."""

    def __init__(self, host: Host, roster: Roster) -> None:
        self._host = host
        self._roster = roster
        self.protocol = InvitesProtocol(self)

    # Making
    async def create(
        self,
        *,
        profile: str,
        account: bool = False,
        contact: bool = True,
        user: str = "",
        days: int = 7,
        note: str = "",
        by: Maker = "auto",
    ) -> Invitation:
        if not 1 <= days <= MOST_DAYS:
            raise invalid("days", _("An invitation is good for 1 to {} days.").format(MOST_DAYS))
        if len(note) > MAX_NOTE or not note.isprintable():
            raise invalid("note", _("A note is one line of at most {} characters.").format(MAX_NOTE))
        if user and contact:
            raise invalid(
                "user", _("Only an invitation that makes nothing but an account can reserve a name.")
            )
        if by == "daemon" and (account or not contact):
            raise invalid("by", _("Only the server can make invitations that make accounts."))
        must = by == "server" or account or not contact
        if must or (by == "auto" and self._host.is_online(profile)):
            made = await self._by_server(profile, account, contact, user)
            if made is not None:
                return made
            if must:
                raise SalutError(
                    "unavailable",
                    _("The server makes no such invitations for you. Ask its operator for one.")
                    if account or not contact
                    else _("The server makes no invitations."),
                )
        return await self._by_us(profile, days, note)

    async def _by_server(self, profile: str, account: bool, contact: bool, user: str) -> Invitation | None:
        link = self._host.link(profile)
        contacts, accounts = await self.protocol.offers(link)
        if not (contacts if contact else accounts):
            return None
        fields = await self.protocol.make(link, contact=contact, user=user)
        invitation = read(fields.get("uri", ""), fields.get("landing-url", ""), fields.get("expire", ""))
        own = addresses.parse(link.address)
        if invitation.server != own.domain or (contact and invitation.address != own.bare):
            raise SalutError("refused", _("The server answered with somebody else's invitation."))
        return invitation if invitation.account or not account else None

    async def _by_us(self, profile: str, days: int, note: str) -> Invitation:
        own = addresses.bare(self._host.address(profile))
        invite, token = await self._host.journal.commit(
            profile, lambda tx: tokens.create(tx, moment.now(), days, note)
        )
        link = str(XmppUri(own, "roster", {"preauth": token}))
        return Invitation(
            link=link, kind="contact", address=own, server=own.rpartition("@")[2], token=True,
            until=invite.until, id=invite.id,
        )  # fmt: skip

    async def list(self, *, profile: str) -> list[Invite]:
        pid = self._host.pid(profile)
        return await self._host.readers.read(lambda read: tokens.load(read, pid))

    async def revoke(self, *, profile: str, invite: str) -> None:
        if not await self._host.journal.commit(profile, lambda tx: tokens.revoke(tx, invite)):
            raise not_found(_("There is no such invitation. See them: jp invite list"))

    # Taking up
    async def read(self, *, link: str) -> Invitation:
        return read(link)

    async def use(self, *, profile: str, link: str, name: str = "") -> Invitation:
        said = uri.parse(link)
        invitation = read(link)
        if invitation.kind != "contact":
            raise invalid(
                "link", _("This invitation makes an account, not a contact. To use it: salut setup LINK")
            )
        session = self._host.link(profile)
        await self._roster.add(profile=profile, address=invitation.address, name=name, subscribe=False)
        await self._host.journal.commit(
            profile, lambda tx: tokens.expect(tx, moment.now(), invitation.address)
        )
        self.protocol.subscribe(session, invitation.address, said.parameters.get("preauth", ""))
        return invitation

    # Others
    def requested(self, profile: str, who: str, token: str) -> None:
        """``who`` asks to see our presence, maybe with a token."""
        self._host.owner.spawn(self._decide(profile, who, token), f"invitation of {who}")

    async def _decide(self, profile: str, who: str, token: str) -> None:
        now = moment.now()

        def work(tx: Tx) -> bool:
            return tokens.is_expected(tx, now, who) or tokens.redeem(tx, now, token, who) is not None

        # Behind the roster's own writing of the request, which came first.
        if not await self._host.journal.commit(profile, work, patient=True):
            if token:
                self._host.log.info("request with a token that is not good", profile=profile, sender=who)
            return
        try:
            await self._roster.accept(profile=profile, address=who)
        except SalutError as error:
            # The request is still there, for the person to answer.
            self._host.log.warning(
                "invited, but not let in", profile=profile, sender=who, reason=error.message
            )


def read(link: str, page: str = "", until: str = "") -> Invitation:
    """What a link says (XEP-0379 section 3.2, XEP-0445 section 2). ``invalid`` for what is no invitation."""
    said = uri.parse(link)
    parts = addresses.parse(said.address)
    if said.action not in ("roster", "register") or (said.action == "roster" and not parts.local):
        raise invalid("link", _("“{}” is no invitation.").format(link.strip()[:80]))
    token = bool(said.parameters.get("preauth"))
    moment_until = 0
    with contextlib.suppress(ValueError):
        moment_until = moment.parse(until[:40]) if until else 0
    contact = said.action == "roster"
    return Invitation(
        link=str(said),
        kind="contact" if contact else "account",
        address=parts.bare,
        server=parts.domain,
        account=not contact or (token and said.parameters.get("ibr") == "y"),
        token=token,
        name=said.parameters.get("name", "")[:200],
        page=page[:2000] if page.startswith("https://") else "",
        until=moment_until,
    )
