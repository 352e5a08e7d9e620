# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations between stanzas and structs: the server's commands (XEP-0401), tokens in requests (XEP-0379)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from xml.etree.ElementTree import Element

from salut.engine.plugin import Link
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.model.form import Answers, Form
from salut.model.words import _
from salut.xmpp import adhoc
from salut.xmpp.errors import BusyError, OfflineError, StanzaError
from salut.xmpp.router import Account
from salut.xmpp.xmltext import attributes

if TYPE_CHECKING:
    from slixmpp.stanza import Presence as Stanza

    from salut.plugins.invites.service import InvitesService

PARS: Final = "urn:xmpp:pars:0"
INVITE: Final = "urn:xmpp:invite#invite"
CREATE_ACCOUNT: Final = "urn:xmpp:invite#create-account"
PRE_APPROVAL: Final = "{urn:xmpp:features:pre-approval}sub"


class InvitesProtocol:
    """Listens for requests with a token, and asks the server for invitations."""

    def __init__(self, service: InvitesService) -> None:
        self._service = service

    def wire(self, link: Link) -> None:
        """Listen to a session. The roster listens to it already: what it stores comes before what we do."""
        account = cast("Account", link.session)

        def came(stanza: Stanza) -> None:
            self.subscription(account.profile, account.bare, stanza.xml)

        account.session.client.add_event_handler("changed_subscription", came)

    def subscription(self, profile: str, own: str, element: Element) -> None:
        """A presence stanza about subscriptions."""
        if element.get("type") != "subscribe":
            return
        try:
            sender = addresses.bare(element.get("from", ""))
        except SalutError:
            return
        if sender == own:
            return
        preauth = element.find(f"{{{PARS}}}preauth")
        self._service.requested(profile, sender, preauth.get("token", "") if preauth is not None else "")

    def subscribe(self, link: Link, address: str, token: str) -> None:
        """Ask to see someone's presence, showing the token; let them see ours where the server can keep that
        (RFC 6121 section 3.4). ``not-connected``."""
        session = cast("Account", link.session).session
        to = attributes(to=address)
        inner = f"<preauth xmlns='{PARS}'{attributes(token=token)}/>" if token else ""
        try:
            if PRE_APPROVAL in session.features.stream:
                session.send(f"<presence{to} type='subscribed'/>")
            session.send(f"<presence{to} type='subscribe'>{inner}</presence>")
        except (OfflineError, BusyError) as error:
            raise SalutError("not-connected", str(error), {"profile": link.profile}) from None

    async def offers(self, link: Link) -> tuple[bool, bool]:
        """Whether the server makes invitations for us: to contacts, to new accounts."""
        session = cast("Account", link.session).session
        try:
            nodes = await adhoc.offered(session, session.config.domain)
        except StanzaError:
            return False, False
        return INVITE in nodes, CREATE_ACCOUNT in nodes

    async def make(self, link: Link, *, contact: bool, user: str) -> dict[str, str]:
        """Have the server make an invitation; the fields of its answer."""
        session = cast("Account", link.session).session

        def fill(form: Form) -> Answers:
            answers = {f.name: f.values for f in form.fields if f.name and f.kind != "fixed"}
            return {**answers, "username": [user]} if user and "username" in answers else answers

        node = INVITE if contact else CREATE_ACCOUNT
        try:
            form = await adhoc.run(session, session.config.domain, node, fill)
        except StanzaError as error:
            if error.condition == "not-connected":
                raise SalutError("not-connected", str(error), {"profile": link.profile}) from None
            raise SalutError(
                "refused",
                _("The server made no invitation: {}").format(error.text or error.condition),
                {"condition": error.condition},
            ) from None
        return {field.name: field.values[0] for field in form.fields if field.values}
