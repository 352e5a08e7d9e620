# SPDX-License-Identifier: AGPL-3.0-or-later
"""``salut setup``: from an address to an account that is online."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from salut.api.core import Profile, ProfileChange, ProfilesApi
from salut.client import sync
from salut.frontends.cli import exits, secret, show
from salut.frontends.setup import ask, newcomer, report, service
from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.invites.api import Invitation
from salut.plugins.setup.api import Place, Probe, SetupApi

ONLINE_SECONDS = 60.0
CALL_SECONDS = 100.0  # a new account takes several questions to a server
PASSWORDS = 3  # tries
NO_NAME = re.compile(r"[^a-z0-9_.-]+")
MAX_NAME = 63


@dataclass(frozen=True)
class Wish:
    """How to reach the server, as far as the person said it."""

    host: str = ""
    port: int = 0
    direct_tls: bool | None = None
    ca_file: str = ""
    pins: list[str] = field(default_factory=list)


def run(options: argparse.Namespace) -> int:
    """Add an account, or make one. Returns the exit code; raises ``SalutError``."""
    talk = ask.possible()
    password = secret.found(options.password_file, options.password_command)
    if not talk and options.address is None:
        raise ask.lacking(_("the address"))
    if not talk and password is None:
        raise ask.lacking("--password-file, --password-command")
    with sync.connect(call_seconds=CALL_SECONDS) as client:
        profiles = client.call(ProfilesApi.list)
        wish = Wish(
            host=options.host or "",
            port=options.port or 0,
            direct_tls=None if options.tls is None else options.tls == "direct",
            ca_file=str(Path(options.ca_file).absolute()) if options.ca_file else "",
            pins=[pin.replace(":", "").strip().lower() for pin in options.pins.split(",") if pin],
        )
        link = options.address if newcomer.is_link(options.address) else ""
        said = newcomer.invitation(client, link) if link else None
        typed = None if link else options.address
        if options.new or (said is not None and said.account):
            name, address = _make(client, options, typed, wish, said, password, talk)
        else:
            address = _address(typed, profiles, talk)
            if address == newcomer.NEW:
                name, address = _make(client, options, None, wish, None, password, talk)
            else:
                name = _name(options.name, address, profiles)
                _log_in(client, name, address, _find(client, address, wish, talk), password, talk)
        show.say()
        show.say(show.paint(_("{} is online, as profile “{}”.").format(address, name), "green"))
        if said is not None and said.kind == "contact" and not said.account:  # else the server has done it
            newcomer.befriend(client, name, said)
        _service(client, options.systemd, talk)
    show.say()
    show.say(_("Try:  jp status      jp send ADDRESS 'Hello'      jp --help"))
    return exits.OK


def _make(
    client: sync.Client,
    options: argparse.Namespace,
    given: str | None,
    wish: Wish,
    said: Invitation | None,
    password: str | None,
    talk: bool,
) -> tuple[str, str]:
    """Make an account on a server; its profile and address."""
    domain = said.server if said is not None and given is None else newcomer.server(given, talk)
    answers = {"password": [password]} if password is not None else {}
    user = options.user or (addresses.parse(given).local if given else "")
    if user:
        answers["username"] = [user]
    change = _find(client, f"{newcomer.NEW}@{domain}", wish, talk)
    made = newcomer.make(
        client, domain, change, answers,
        lambda address: _name(options.name, address, client.call(ProfilesApi.list)),
        link=said.link if said is not None else "", talk=talk,
    )  # fmt: skip
    return made.name, made.address


def _address(given: str | None, profiles: list[Profile], talk: bool) -> str:
    """The account's bare address, one that no profile has yet; ``new`` where the person wants to have one made."""
    while True:
        if given is None and not talk:
            raise ask.lacking(_("the address"))
        typed = (
            given if given is not None else ask.text(_("Your XMPP address (name@server; “new”: make one)"))
        )
        if given is None and typed.lower() in (newcomer.NEW, _("new")):
            return newcomer.NEW
        try:
            parts = addresses.parse(typed)
            if not parts.local:
                raise SalutError("invalid", _("An account's address has a name before the @: name@server"))
        except SalutError as error:
            if given is not None:
                raise
            show.say(show.harmless(error.message))
            continue
        for profile in profiles:
            if profile.address == parts.bare:
                raise SalutError(
                    "exists",
                    _("{} is set up already, as profile “{}”. To change it: jp profile change {}").format(
                        parts.bare, profile.name, profile.name
                    ),
                )
        return parts.bare


def _name(given: str | None, address: str, profiles: list[Profile]) -> str:
    """A name for the profile that is free: what was given, else made from the address."""
    taken = {profile.name for profile in profiles}
    if given:
        if given in taken:
            raise SalutError("exists", _("There is a profile {} already.").format(given))
        return given
    local, _at, domain = address.partition("@")
    for proposal in (local, f"{local}-{domain}", "account"):
        name = NO_NAME.sub("-", proposal.lower()).strip("-_.")[:MAX_NAME]
        if name and name not in taken:
            return name
    return next(free for number in range(2, 10_000) if (free := f"account{number}") not in taken)


def _find(client: sync.Client, address: str, wish: Wish, talk: bool) -> ProfileChange:
    """How to reach the server, tried out. Asks for host and port, and for trust, as long as it takes."""
    while True:
        show.say(_("Looking for the server of {} …").format(address))
        show.flush()
        probe = client.call(
            SetupApi.probe, address=address, host=wish.host, port=wish.port, direct_tls=wish.direct_tls,
            ca_file=wish.ca_file, pins=wish.pins, timeout=30.0,
        )  # fmt: skip
        good = next((place for place in probe.places if not place.code), None)
        if good is not None:
            show.say(_("Found: {}").format(report.where(good)))
            return settings(good, wish)
        doubtful = next((place for place in probe.places if place.certificate is not None), None)
        wish = _trust(doubtful, wish, talk) if doubtful is not None else _elsewhere(probe, wish, talk)


def settings(place: Place, wish: Wish) -> ProfileChange:
    """What the profile keeps. What DNS said is not kept: it may change, and is asked each time."""
    change = ProfileChange(ca_file=wish.ca_file or None, pins=wish.pins or None)
    if place.source not in ("given", "host-meta"):
        return change
    return ProfileChange(
        host=place.host,
        port=place.port,
        direct_tls=place.direct_tls,
        ca_file=change.ca_file,
        pins=change.pins,
    )


def _trust(place: Place, wish: Wish, talk: bool) -> Wish:
    """Explain a certificate, and trust it if the person says so."""
    assert place.certificate is not None
    show.say()
    show.say(_("The server {} shows a certificate that cannot be trusted here:").format(report.where(place)))
    for line in report.certificate(place.certificate):
        show.say(line)
    if wish.pins:
        show.say("  " + _("It is not the one whose fingerprint was given."))
    show.say()
    sha256 = place.certificate.sha256
    if not talk:
        raise SalutError(
            "refused",
            _("The certificate is not trusted. If the server's operator confirms it: --pins {}").format(
                sha256
            ),
        )
    show.say(_("Somebody between you and the server could read along, unless you know this fingerprint from"))
    show.say(_("the server's operator. Trusted once, exactly this certificate is accepted from now on."))
    if not ask.yes(_("Trust it?"), default=False):
        raise SalutError("cancelled", _("Nothing was set up."))
    return replace(wish, pins=[*wish.pins, sha256])


def _elsewhere(probe: Probe, wish: Wish, talk: bool) -> Wish:
    """Say why no place is good, and ask for another."""
    for line in report.failures(probe):
        show.say("  " + line)
    if not talk:
        raise SalutError("not-connected", _("No server was found for {}.").format(probe.domain))
    show.say()
    while True:
        typed = ask.text(_("Server to connect to (host or host:port; nothing: give up)"))
        if not typed:
            raise SalutError("cancelled", _("Nothing was set up."))
        host, port = host_and_port(typed)
        if host and 0 <= port <= 65535:
            return replace(wish, host=host, port=port, direct_tls=None)


def host_and_port(typed: str) -> tuple[str, int]:
    """``host``, ``host:port``, ``[v6]:port`` or a bare IPv6 address; port 0: not said; host "": nonsense."""
    if typed.count(":") > 1 and not typed.startswith("["):
        return typed, 0
    host, colon, port = typed.rpartition(":")
    if not colon or typed.endswith("]"):
        host, port = typed, "0"
    if not (port.isascii() and port.isdigit() and len(port) < 6):
        return "", 0
    return host.strip("[] "), int(port)


def _log_in(
    client: sync.Client, name: str, address: str, change: ProfileChange, password: str | None, talk: bool
) -> None:
    """Make the profile and wait until it is online. A password that is refused is asked for again.

    What was refused for good leaves no profile behind.
    """
    typed = password if password is not None else ask.password(_("Password of {}").format(address))
    client.call(ProfilesApi.create, name=name, address=address, password=typed, settings=change)
    tries = 1
    while True:
        show.say(_("Logging in …"))
        show.flush()
        try:
            client.call(ProfilesApi.connect, profile=name, wait=ONLINE_SECONDS)
        except SalutError as error:
            show.say("  " + show.harmless(error.message))
            if error.data.get("condition") == "not-authorized" and talk and tries < PASSWORDS:
                tries += 1
                again = ask.password(_("Password of {}").format(address))
                client.call(ProfilesApi.change, profile=name, settings=ProfileChange(password=again))
                continue
            if error.code != "refused":
                raise SalutError(
                    error.code, _("The profile is kept and goes on trying. See: jp profile list")
                ) from error
            client.call(ProfilesApi.delete, profile=name)
            condition = str(error.data.get("condition", ""))
            advice = _(report.NEXT[condition]) if condition in report.NEXT else ""
            raise SalutError(
                "refused", _("The server refused. Nothing was kept. {}").format(advice).strip()
            ) from error
        except BaseException:
            client.call(ProfilesApi.delete, profile=name)  # interrupted: as if nothing had been
            raise
        return


def _service(client: sync.Client, wanted: bool | None, talk: bool) -> None:
    """Offer the systemd service, where there is systemd and it is not there already."""
    if wanted is False or (wanted is None and not (talk and service.possible() and not service.installed())):
        return
    if wanted is None:
        show.say()
        if not ask.yes(_("Have systemd start Salut with your session?"), default=True):
            return
    service.install(client)
