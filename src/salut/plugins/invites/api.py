# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations: links that make a contact, or an account and a contact (XEP-0379, 0401, 0445).

Contract of the plugin ``invites``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, Literal

import msgspec

from salut.api.contract import Contract, Kind, Service, method

InviteKind = Literal["contact", "account"]
Maker = Literal["auto", "server", "daemon"]


class Invite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An invitation that this daemon made, good for one person until ``until``. Its token is not kept readable."""

    id: str
    at: int
    until: int
    note: str = ""  # for oneself: whom it is for
    used_by: str = ""
    used_at: int = 0


class Invitation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fresh invitation, or what a link says that somebody gave us.

    ``kind`` ``contact``: who opens it becomes a contact of ``address``; ``account``: it makes an account on
    ``server`` and no contact. ``account``: it also lets make an account on ``server``. ``page``: a web page that says
    the same to those who have no client. ``until``: 0 where it is not said. ``name`` is what the link calls the
    person: show it beside the address, never in its place.
    """

    link: str
    kind: InviteKind
    address: str
    server: str
    account: bool = False
    token: bool = False  # it is good for an approval without asking
    name: str = ""
    page: str = ""
    until: int = 0
    id: str = ""  # of ours, to take it back; the server's cannot be taken back


class InvitesApi(Service):
    """Invitations."""

    service = "invites"

    @method(scope="send", write=True)
    @abstractmethod
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
        """Make an invitation that one person can use.

        The server makes it where it can (then it works while this daemon is off), else the daemon, for ``days``
        (1 to 90). ``account``: it must let make an account as well; ``unavailable`` where the server does not
        give such. Without ``contact`` it makes only an account, maybe of the name ``user`` (servers let their
        operators do that).
        """

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[Invite]:
        """The invitations that this daemon made, newest first; used ones for 30 days."""

    @method(scope="send", write=True)
    @abstractmethod
    async def revoke(self, *, profile: str, invite: str) -> None:
        """Take back an invitation of this daemon's. ``not-found``."""

    @method()
    @abstractmethod
    async def read(self, *, link: str) -> Invitation:
        """What a link says, nobody being asked. ``invalid`` for what is no invitation."""

    @method(scope="send", write=True)
    @abstractmethod
    async def use(self, *, profile: str, link: str, name: str = "") -> Invitation:
        """Take up a contact's invitation: puts them into the roster, asks to see their presence with the link's
        token, and lets them see ours when they ask within 30 days.

        ``name`` is what we call them; the link's own proposal is never taken by itself.
        """


CONTRACT: Final = Contract(
    plugin="invites", services=(InvitesApi,), kinds=(Kind("invite", Invite, "invite id"),)
)
