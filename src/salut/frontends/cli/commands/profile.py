# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp profile``: accounts."""

from __future__ import annotations

import sys

from salut.frontends.cli import links, secret, show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import PROFILE, flag, objects, text, whole
from salut.frontends.cli.spec import JSON, Argument, Command, Given, Option
from salut.model.errors import SalutError, invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

WAIT_SECONDS = 30.0
MAX_PORT = 65_535


def run_list(given: Given) -> int:
    """Show all profiles."""
    with Link() as link:
        profiles = objects(link.call("profiles.list"))
    if given.flag("json"):
        show.data({"items": [whole(PROFILE, profile) for profile in profiles]})
        return 0
    show.columns(
        (
            text(profile, "name"),
            text(profile, "address"),
            links.words(profile) if flag(profile, "enabled") else _("off"),
        )
        for profile in profiles
    )
    return 0


def run_create(given: Given) -> int:
    """Add an account and wait until it is online."""
    name = given.text("name")
    settings = settings_of(given)
    if given.flag("offline"):
        settings["enabled"] = False
    with Link() as link:
        password = secret.asked(given, _("Password of {}: ").format(given.text("address")))
        params: Object = {
            "name": name,
            "address": given.text("address"),
            "password": password,
            "settings": settings,
        }
        profile = as_object(link.write("profiles.create", params))
        if not given.flag("offline"):
            return _connect(link, given, name, profile)
    return _done(given, profile)


def run_change(given: Given) -> int:
    """Change an account."""
    settings = settings_of(given)
    password = secret.given(given)
    if given.flag("password"):
        password = secret.asked(given, _("New password of profile {}: ").format(given.text("name")))
    if password is not None:
        settings["password"] = password
    if not settings:
        raise invalid("settings", _("Nothing to change was given."))
    with Link() as link:
        changed = link.write("profiles.change", {"profile": given.text("name"), "settings": settings})
    return _done(given, as_object(changed))


def settings_of(given: Given, resource: bool = True) -> Object:
    """The options of ``SETTINGS`` as a ``ProfileChange``; without ``resource``, which not all commands have."""
    settings: Object = {}
    for name in ("resource", "host", "ca_file")[not resource :]:
        if given.maybe(name) is not None:
            settings[name] = given.text(name)
    if given.number("port") is not None:
        settings["port"] = given.number("port")
    if given.maybe("tls") is not None:
        settings["direct_tls"] = given.text("tls") == "direct"
    if given.maybe("pins") is not None:
        settings["pins"] = [pin.replace(":", "").lower() for pin in given.text("pins").split(",") if pin]
    if isinstance(settings.get("ca_file"), str) and settings["ca_file"]:
        from pathlib import Path

        settings["ca_file"] = str(Path(given.text("ca_file")).absolute())
    return settings


def run_connect(given: Given) -> int:
    """Go online and stay so."""
    with Link() as link:
        return _connect(link, given, _name(link, given), None)


def _connect(link: Link, given: Given, name: str, profile: Object | None) -> int:
    seconds = given.seconds("wait")
    seconds = WAIT_SECONDS if seconds is None else seconds
    if profile is None or (seconds and not links.is_online(profile)):
        profile = as_object(link.write("profiles.connect", {"profile": name, "wait": seconds}, seconds))
    if seconds and not links.is_online(profile):
        raise SalutError("not-connected", _("{} is not online: {}").format(name, links.words(profile)))
    return _done(given, profile)


def run_disconnect(given: Given) -> int:
    """Go offline and stay so."""
    with Link() as link:
        return _done(given, as_object(link.write("profiles.disconnect", {"profile": _name(link, given)})))


def _name(link: Link, given: Given) -> str:
    return given.maybe("name") or link.profile()


def _done(given: Given, profile: Object) -> int:
    if given.flag("json"):
        show.data(whole(PROFILE, profile))
    else:
        show.say(f"{show.one_line(text(profile, 'name'))}: {links.words(profile)}")
    return 0


def run_delete(given: Given) -> int:
    """Forget an account with its history."""
    name = given.text("name")
    if not given.flag("yes"):
        _confirm(_("Forget the profile {} with all its history on this machine?").format(name))
    with Link() as link:
        link.write("profiles.delete", {"profile": name})
    if given.flag("json"):
        show.data({"name": name})
    return 0


def _confirm(question: str) -> None:
    """Ask on the terminal. Raises ``invalid`` where there is none, ``cancelled`` for no."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise invalid("yes", _("This cannot be undone: add --yes."))
    sys.stderr.write(f"{show.harmless(question)} [yes/no] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("yes", _("yes")):
        raise SalutError("cancelled", _("Nothing was changed."))


SETTINGS = (
    Option("--host", metavar="HOST", about=N_("server to connect to (default, or empty: found through DNS)")),
    Option(
        "--port", form="number", metavar="PORT", most=MAX_PORT, about=N_("its port (0: found through DNS)")
    ),
    Option(
        "--tls",
        choices=("start", "direct"),
        about=N_("start TLS in the stream, or speak TLS from the first byte"),
    ),
    Option(
        "--ca-file",
        metavar="FILE",
        live="file",
        about=N_("trust this certificate authority for it; empty: none"),
    ),
    Option(
        "--pins", metavar="SHA256,…", about=N_("accept certificates with these fingerprints; empty: none")
    ),
    Option("--resource", metavar="NAME", about=N_("name of this daemon among the account's connections")),
)
WAIT = Option(
    "--wait",
    form="seconds",
    metavar="SECONDS",
    most=120,
    about=N_("how long to wait for the connection (default 30; 0: not at all)"),
)
NAME = Argument("name", N_("name of the profile"), live="profiles")
MAYBE_NAME = Argument("name", N_("name of the profile (default: the only one)"), "optional", live="profiles")
COMMAND = Command(
    "profile",
    N_("list, make and change accounts"),
    default="list",
    commands=(
        Command("list", N_("show all profiles"), JSON, run=run_list),
        Command(
            "create",
            N_("add an account and connect it"),
            Argument("name", N_("short name for it: a-z, 0-9, dot, dash and underscore")),
            Argument("address", N_("its XMPP address")),
            *SETTINGS,
            *secret.OPTIONS,
            Option("--offline", form="flag", about=N_("do not connect it now")),
            WAIT,
            JSON,
            run=run_create,
            story=N_("Add an account that exists on its server. The password is asked for, or read as told."),
        ),
        Command(
            "change",
            N_("change an account; a running attempt to connect takes the new values at once"),
            NAME,
            *SETTINGS,
            Option("--password", form="flag", about=N_("ask for a new password")),
            *secret.OPTIONS,
            JSON,
            run=run_change,
        ),
        Command("connect", N_("go online and stay so"), MAYBE_NAME, WAIT, JSON, run=run_connect),
        Command("disconnect", N_("go offline and stay so"), MAYBE_NAME, JSON, run=run_disconnect),
        Command(
            "delete",
            N_("forget an account with its history on this machine; the account on the server stays"),
            NAME,
            Option("-y", "--yes", form="flag", about=N_("do not ask")),
            JSON,
            run=run_delete,
        ),
    ),
)
