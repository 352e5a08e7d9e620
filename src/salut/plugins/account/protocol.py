# SPDX-License-Identifier: AGPL-3.0-or-later
"""Registration, passwords and deletion between stanzas and structs (XEP-0077, XEP-0445)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar, cast

from salut.engine.plugin import Link
from salut.model.errors import SalutError, invalid
from salut.model.form import Answers
from salut.model.words import N_, _
from salut.plugins.account.service import Asked, OutcomeUnknownError
from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import LinkFailureError, StanzaError
from salut.xmpp.register import REGISTER, Registration, open_registration
from salut.xmpp.router import Account, Wires
from salut.xmpp.xmltext import escape

T = TypeVar("T")
OPEN_SECONDS = 60.0  # for all the places where the server may be
UNKNOWN = ("not-connected", "remote-server-timeout")
"""Our own conditions for no answer: the server may have done it."""


class AccountProtocol:
    """Opens streams for registration, and asks on those of profiles."""

    def __init__(self, wires: Wires) -> None:
        self._shared = wires.shared

    async def open(
        self, domain: str, host: str, port: int, direct_tls: bool, ca_file: str, pins: Sequence[str]
    ) -> OpenRegistration:
        """A stream to a server. ``not-connected`` with the reason."""
        try:
            config = SessionConfig(
                jid=f"register@{domain}", password=str, host=host, port=port, direct_tls=direct_tls,
                ca_file=ca_file, pins=tuple(pins),
            )  # fmt: skip
        except ValueError as error:
            raise invalid("server", str(error)) from None
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return OpenRegistration(await open_registration(config, self._shared.tls, self._shared.dns))
        except TimeoutError:
            raise SalutError("timeout", _("{} was not reached in time.").format(domain)) from None
        except LinkFailureError as error:
            raise _unreached(error) from None

    async def set_password(self, link: Link, password: str) -> None:
        """Section 3.3."""
        user, _at, domain = link.address.rpartition("@")
        inner = f"<username>{escape(user)}</username><password>{escape(password)}</password>"
        await _ask(link, f"<query xmlns='{REGISTER}'>{inner}</query>", domain)

    async def unregister(self, link: Link) -> None:
        """Section 3.2: without an address, so that it is the account itself that is meant."""
        await _ask(link, f"<query xmlns='{REGISTER}'><remove/></query>", "")


class OpenRegistration:
    """One open stream, as the service sees it."""

    def __init__(self, stream: Registration) -> None:
        self._stream = stream

    @property
    def alive(self) -> bool:
        """Whether it still stands."""
        return self._stream.alive

    async def present(self, token: str) -> None:
        """Show an invitation's token. ``refused``."""
        await _spoken(self._stream.present(token))

    async def ask(self) -> Asked:
        """The form. ``refused``."""
        found = await _spoken(self._stream.ask())
        return Asked(
            found.form,
            found.url,
            [(media.uri, media.type, media.data) for media in found.media],
            found.legacy,
        )

    async def answer(self, answers: Answers) -> None:
        """Make the account. ``refused``, ``exists``; ``OutcomeUnknownError``."""
        try:
            await self._stream.answer(answers)
        except StanzaError as error:
            raise _refused(error) from None
        except LinkFailureError as error:
            raise OutcomeUnknownError(str(error)) from None

    def close(self) -> None:
        """Hang up."""
        self._stream.close()


async def _spoken(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except StanzaError as error:
        raise _refused(error) from None
    except LinkFailureError as error:
        raise _unreached(error) from None


async def _ask(link: Link, payload: str, to: str) -> None:
    try:
        await cast("Account", link.session).session.iq("set", payload, to)
    except StanzaError as error:
        if error.condition in UNKNOWN:
            raise OutcomeUnknownError(str(error)) from None
        raise _refused(error) from None


def _unreached(error: LinkFailureError) -> SalutError:
    failure = error.failure
    return SalutError(
        "refused" if failure.fatal else "not-connected", failure.reason, {"condition": failure.code}
    )


WORDS = {
    "conflict": N_("The server has an account of this name already: choose another name."),
    "feature-not-implemented": N_("The server does not offer this. Ask its operator."),
    "forbidden": N_("The server does not allow it."),
    "item-not-found": N_("The server does not know this invitation; it may have been used, or be too old."),
    "not-acceptable": N_("The server does not accept what was filled in."),
    "not-allowed": N_("The server does not allow it."),
    "not-authorized": N_("The server does not allow it."),
    "registration-required": N_("The server has no such account."),
    "resource-constraint": N_("The server takes no more just now: wait, then try again."),
    "service-unavailable": N_("The server does not offer this. Ask its operator."),
}


def _refused(error: StanzaError) -> SalutError:
    words = _(WORDS[error.condition]) if error.condition in WORDS else _("The server refused.")
    said = error.text or ("" if error.condition in WORDS else error.condition)
    return SalutError(
        "exists" if error.condition == "conflict" else "refused",
        _("{} It says: {}").format(words, said) if said else words,
        {"condition": error.condition},
    )
