# SPDX-License-Identifier: AGPL-3.0-or-later
"""The account on its server: making it, its password, its end (XEP-0077). Contract of the plugin ``account``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import msgspec

from salut.api.contract import Contract, Service, method
from salut.api.core import Profile, ProfileName
from salut.model.form import Answers, Form


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or sound that came with a form (XEP-0231), a captcha's for example; base64 on the wire.

    ``uri`` is how the form's field names it.
    """

    uri: str
    type: str
    data: bytes


class RegistrationForm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a server asks of those who want an account there; ``id`` is for ``account.register``.

    The fields ``username`` and ``password`` make the profile. ``url``: a web page to go to (instead, where the form
    has no fields). ``invited``: the server took the invitation's token. ``until``: when the daemon hangs up.
    """

    id: str
    server: str
    form: Form
    url: str = ""
    media: list[Media] = []
    invited: bool = False
    until: int


class AccountApi(Service):
    """Accounts on their servers."""

    service = "account"

    @method(scope="admin")
    @abstractmethod
    async def registration_form(
        self,
        *,
        server: str = "",
        link: str = "",
        host: str = "",
        port: int = 0,
        direct_tls: bool = False,
        ca_file: str = "",
        pins: list[str] = [],  # noqa: B006 - a default of the contract, never changed
    ) -> RegistrationForm:
        """Ask a server for its form for new accounts. ``server`` is its domain; an invitation's ``link``
        (XEP-0401, XEP-0445) names it otherwise, and its token is shown to the server. The rest is as in a
        profile. Always encrypted, the certificate checked.

        The stream stays open for 10 minutes; at most 5 are. ``refused`` where the server takes no new accounts,
        or not with this invitation; ``not-connected`` where it was not reached.
        """

    @method(scope="admin", write=True)
    @abstractmethod
    async def register(self, *, registration: str, name: ProfileName, answers: Answers) -> Profile:
        """Send the form back: makes the account, and the profile ``name`` for it, which connects.

        What ``answers`` lack keeps the form's values. ``exists``: the name is taken, here or on the server;
        ``refused`` with the server's reason: answer again, or ask for a fresh form (a captcha counts once).
        ``timeout``: the server hung up and may have made the account; the profile is kept and finds out.
        """

    @method(scope="admin", write=True)
    @abstractmethod
    async def set_password(self, *, profile: str, password: str) -> None:
        """Change the account's password on the server, then here. The old one stays until the server has taken
        the new one; where it does not say, both are kept until the next login shows which is right.
        """

    @method(scope="admin", write=True)
    @abstractmethod
    async def unregister(self, *, profile: str, confirm: str, forget: bool = False) -> None:
        """Delete the account on the server, for good. ``confirm`` must be its bare address.

        The profile stays, switched off, with its history; ``forget`` deletes that as well.
        """


CONTRACT: Final = Contract(plugin="account", services=(AccountApi,))
