# SPDX-License-Identifier: AGPL-3.0-or-later
"""Accounts decide: nobody is ever locked out, and nothing is deleted by mistake."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from salut.api.core import Profile, ProfileChange
from salut.api.ports import Tx
from salut.engine.plugin import Host, Link
from salut.model import address as addresses
from salut.model import moment, uri
from salut.model.errors import SalutError, invalid, not_found
from salut.model.form import Answers, Form, filled
from salut.model.words import _
from salut.plugins.account.api import AccountApi, Media, RegistrationForm

OPEN_SECONDS: Final = 600.0
MOST_OPEN: Final = 5
MAX_PASSWORD: Final = 1023  # bytes
SELECT: Final = "SELECT password FROM account_pending WHERE pid=?"


class Asked(msgspec.Struct, frozen=True):
    """What a server asks. ``media``: uri, type, data. ``legacy``: plain fields, which know no empty answer."""

    form: Form
    url: str = ""
    media: Sequence[tuple[str, str, bytes]] = ()
    legacy: bool = False


class OutcomeUnknownError(Exception):
    """The server did not say whether it has done what we asked."""


class Opened(Protocol):
    """An open stream for registration (``protocol.OpenRegistration``)."""

    @property
    def alive(self) -> bool: ...
    async def present(self, token: str) -> None: ...
    async def ask(self) -> Asked: ...
    async def answer(self, answers: Answers) -> None: ...
    def close(self) -> None: ...


class Speaks(Protocol):
    """What the service asks of the network (``protocol.AccountProtocol``)."""

    async def open(
        self, domain: str, host: str, port: int, direct_tls: bool, ca_file: str, pins: Sequence[str]
    ) -> Opened: ...
    async def set_password(self, link: Link, password: str) -> None: ...
    async def unregister(self, link: Link) -> None: ...


class _Open(msgspec.Struct):
    """A form that waits for its answers."""

    stream: Opened
    shown: RegistrationForm
    settings: ProfileChange
    user: str  # the name that the invitation reserves, if it does
    busy: bool = False


class AccountService(AccountApi):
    """The contract's methods."""

    def __init__(self, host: Host, protocol: Speaks) -> None:
        self._host = host
        self._protocol = protocol
        self._open: dict[str, _Open] = {}

    # New accounts
    async def registration_form(
        self,
        *,
        server: str = "",
        link: str = "",
        host: str = "",
        port: int = 0,
        direct_tls: bool = False,
        ca_file: str = "",
        pins: Sequence[str] = (),
    ) -> RegistrationForm:
        if not 0 <= port <= 65535:
            raise invalid("port", _("A port is a number from 1 to 65535 (0: found through DNS)."))
        domain, user, token = wanted(server, link)
        stream = await self._protocol.open(domain, host, port, direct_tls, ca_file, pins)
        try:
            if token:
                await stream.present(token)
            asked = await stream.ask()
        except BaseException:
            stream.close()
            raise
        key = secrets.token_hex(8)
        shown = RegistrationForm(
            id=key,
            server=domain,
            form=_reserved(asked.form, user),
            url=asked.url,
            media=[Media(uri=address, type=kind, data=data) for address, kind, data in asked.media],
            invited=bool(token),
            until=moment.now() + int(OPEN_SECONDS * moment.SECOND),
        )
        settings = ProfileChange(
            host=host or None, port=port or None, direct_tls=direct_tls or None, ca_file=ca_file or None,
            pins=list(pins) or None,
        )  # fmt: skip
        self._open[key] = _Open(stream, shown, settings, user)
        for old in [k for k, opened in self._open.items() if not opened.busy][: -MOST_OPEN or None]:
            self._close(old)
        self._host.owner.spawn(self._expire(key), f"registration on {domain}")
        return shown

    async def _expire(self, key: str) -> None:
        await asyncio.sleep(OPEN_SECONDS)
        self._close(key)

    def _close(self, key: str) -> None:
        opened = self._open.pop(key, None)
        if opened is not None:
            opened.stream.close()

    def close(self) -> None:
        """Hang up everywhere."""
        for key in list(self._open):
            self._close(key)

    async def register(self, *, registration: str, name: str, answers: Answers) -> Profile:
        opened = self._open.get(registration)
        if opened is not None and not opened.stream.alive:
            self._close(registration)
            opened = None
        if opened is None:
            raise not_found(_("This form has expired, or the server hung up: ask for a fresh one."))
        if opened.busy:
            raise SalutError("busy", _("This form is being sent already."))
        values = filled(opened.shown.form, answers)
        user, password = (next(iter(values.get(field, [])), "") for field in ("username", "password"))
        if not user or not password:
            field = "password" if user else "username"
            raise invalid(field, _("The form needs a name and a password (fields username and password)."))
        _check_password(password)
        address = addresses.parse(f"{user}@{opened.shown.server}").bare
        if opened.user and addresses.parse(f"{opened.user}@{opened.shown.server}").bare != address:
            raise invalid("username", _("This invitation is for the name {}.").format(opened.user))
        opened.busy = True
        try:
            return await self._make(opened, name, address, password, values)
        finally:
            opened.busy = False

    async def _make(self, opened: _Open, name: str, address: str, password: str, values: Answers) -> Profile:
        """The profile comes first, so that no account can be made whose password is then not stored."""
        profiles = self._host.profiles
        settings = msgspec.structs.replace(opened.settings, enabled=False)
        await profiles.create(name=name, address=address, password=password, settings=settings)
        try:
            await opened.stream.answer(values)
        except OutcomeUnknownError as error:
            self._close(opened.shown.id)
            await profiles.change(profile=name, settings=ProfileChange(enabled=True))
            raise SalutError(
                "timeout",
                _("{} did not say whether the account was made: {} Profile {} is kept and finds out.").format(
                    opened.shown.server, error, name
                ),
            ) from None
        except BaseException:
            await profiles.delete(profile=name)
            raise
        self._close(opened.shown.id)
        return await profiles.change(profile=name, settings=ProfileChange(enabled=True))

    # Passwords
    async def set_password(self, *, profile: str, password: str) -> None:
        _check_password(password)
        link, journal = self._host.link(profile), self._host.journal
        sealed = self._host.vault.seal(_label(profile), password)
        await journal.commit(
            profile,
            lambda tx: tx.execute(
                "INSERT OR REPLACE INTO account_pending (pid, password) VALUES (?,?)", (tx.pid, sealed)
            ),
        )
        try:
            await self._protocol.set_password(link, password)
        except OutcomeUnknownError as error:
            raise SalutError(
                "timeout",
                _("The server did not say whether it changed the password: {} Both are kept; the next login shows.")
                .format(error),
            ) from None  # fmt: skip
        except SalutError:
            await self._settled(profile)
            raise
        await self._host.profiles.change(profile=profile, settings=ProfileChange(password=password))
        await self._settled(profile)

    async def _settled(self, profile: str) -> None:
        """The password of the profile is the right one."""

        def work(tx: Tx) -> None:
            if tx.one(SELECT, (tx.pid,)) is not None:
                tx.execute("DELETE FROM account_pending WHERE pid=?", (tx.pid,))

        await self._host.journal.commit(profile, work, patient=True)

    async def logged_in(self, profile: str) -> None:
        """The profile's password was right: one that the server may have taken was not taken."""
        if await self._pending(profile) is not None:
            await self._settled(profile)

    async def login_refused(self, profile: str) -> None:
        """The profile's password is wrong: the server took the one of which it said nothing, if there is one."""
        sealed = await self._pending(profile)
        if sealed is None:
            return
        password = self._host.vault.open(_label(profile), sealed)
        await self._host.profiles.change(profile=profile, settings=ProfileChange(password=password))
        await self._settled(profile)

    async def _pending(self, profile: str) -> bytes | None:
        pid = self._host.pid(profile)
        row = await self._host.readers.read(lambda read: read.one(SELECT, (pid,)))
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    # The end
    async def unregister(self, *, profile: str, confirm: str, forget: bool = False) -> None:
        link = self._host.link(profile)
        own = addresses.bare(link.address)
        if confirm != own:
            raise invalid(
                "confirm", _("To delete the account on the server, confirm its address: {}").format(own)
            )
        try:
            await self._protocol.unregister(link)
        except OutcomeUnknownError as error:
            raise SalutError(
                "timeout", _("The server did not say whether it deleted the account: {}").format(error)
            ) from None
        if forget:
            await self._host.profiles.delete(profile=profile)
        else:
            await self._host.profiles.disconnect(profile=profile)


def wanted(server: str, link: str) -> tuple[str, str, str]:
    """The domain, the reserved name and the token that ``server`` and an invitation's link say.

    A contact's invitation (``?roster``) is for accounts on its own server only where it says ``ibr=y``.
    """
    domain = addresses.parse(server).domain if server else ""
    if not link:
        if not domain:
            raise invalid("server", _("Name the server on which the account is to be."))
        return domain, "", ""
    said = uri.parse(link)
    parts = addresses.parse(said.address)
    token = said.parameters.get("preauth", "")
    for_accounts = said.action == "register" or (
        said.action == "roster" and said.parameters.get("ibr") == "y"
    )
    if domain and domain != parts.domain:
        return domain, "", ""  # the token is another server's: it is not for this one to see
    if not for_accounts or not token:
        if domain:
            return domain, "", ""
        raise invalid("link", _("This link is no invitation to make an account; name a server."))
    return parts.domain, parts.local if said.action == "register" else "", token


def _reserved(form: Form, user: str) -> Form:
    """The form with the name filled in that the invitation is for."""
    if not user:
        return form
    fields = [
        msgspec.structs.replace(field, values=[user]) if field.name == "username" else field
        for field in form.fields
    ]
    return msgspec.structs.replace(form, fields=fields)


def _check_password(password: str) -> None:
    if not password or len(password.encode()) > MAX_PASSWORD or not password.isprintable():
        raise invalid("password", _("A password is one line of at most {} bytes.").format(MAX_PASSWORD))


def _label(profile: str) -> str:
    return f"pending {profile}"  # no profile can be called so
