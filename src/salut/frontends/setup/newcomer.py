# SPDX-License-Identifier: AGPL-3.0-or-later
"""``salut setup`` for who has no account yet: the server's form, filled in at the terminal, and invitations."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec

from salut.api.core import Profile, ProfileChange, ProfilesApi
from salut.client import sync
from salut.frontends.cli import forms, show
from salut.frontends.setup import ask
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.account.api import AccountApi, RegistrationForm
from salut.plugins.invites.api import Invitation, InvitesApi

ONLINE_SECONDS = 60.0
TRIES = 3
NEW = "new"
LINKS = ("xmpp:", "https://")

Named = Callable[[str], str]
"""The profile's name for an address."""


def is_link(text: str | None) -> bool:
    """Whether the person gave an invitation in place of an address."""
    return text is not None and text.strip().lower().startswith(LINKS)


def invitation(client: sync.Client, link: str) -> Invitation:
    """What a link says, shown: the address beside the name, never the name alone."""
    said = client.call(InvitesApi.read, link=link)
    if said.kind == "contact":
        name = f" (“{said.name}”)" if said.name else ""
        show.say(show.one_line(_("{}{} invites you.").format(said.address, name)))
    return said


def server(given: str | None, talk: bool) -> str:
    """The domain on which the account is to be."""
    while True:
        if given is None and not talk:
            raise ask.lacking(_("the server"))
        typed = (
            given if given is not None else ask.text(_("Server on which to make it (such as example.org)"))
        )
        try:
            return addresses.parse(typed).domain
        except SalutError as error:
            if given is not None:
                raise
            show.say(show.harmless(error.message))


def make(
    client: sync.Client,
    domain: str,
    settings: ProfileChange,
    given: forms.Answers,
    named: Named,
    *,
    link: str = "",
    talk: bool,
) -> Profile:
    """Make an account and its profile, and wait until it is online. What the server refuses can be answered anew."""
    tries = 0
    while True:
        tries += 1
        asked = client.call(
            AccountApi.registration_form, server=domain, link=link, host=settings.host or "",
            port=settings.port or 0, direct_tls=bool(settings.direct_tls), ca_file=settings.ca_file or "",
            pins=settings.pins or [],
        )  # fmt: skip
        answers = _filled(asked, given)
        address = f"{next(iter(answers.get('username', [])), '')}@{domain}"
        name = named(address)
        show.say(_("Making the account {} …").format(show.one_line(address)))
        show.flush()
        try:
            made = client.call(AccountApi.register, registration=asked.id, name=name, answers=answers)
        except SalutError as error:
            if error.code not in ("exists", "refused", "invalid") or not talk or tries >= TRIES:
                raise
            show.say("  " + show.harmless(error.message))
            given = {}  # all is asked again
            continue
        client.call(ProfilesApi.connect, profile=made.name, wait=ONLINE_SECONDS)
        return made


def _filled(asked: RegistrationForm, given: forms.Answers) -> forms.Answers:
    if not asked.form.fields:
        raise SalutError(
            "refused",
            _("This server makes accounts elsewhere: {}").format(asked.url or asked.form.instructions),
        )
    known = {field.name for field in asked.form.fields}
    form, media = msgspec.to_builtins(asked.form), msgspec.to_builtins(asked.media)
    reserved = {
        field.name: field.values for field in asked.form.fields if field.name == "username" and field.values
    }
    kept = {field: values for field, values in given.items() if field in known}
    return forms.complete(cast("dict[str, object]", form), {**reserved, **kept}, media)  # type: ignore[arg-type]


def befriend(client: sync.Client, profile: str, said: Invitation) -> None:
    """Take up the contact's half of an invitation, where the server has not done so itself."""
    client.call(InvitesApi.use, profile=profile, link=said.link)
    show.say(show.one_line(_("{} was asked to become your contact.").format(said.address)))
