# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp account``: accounts on their servers."""

from __future__ import annotations

import sys

from salut.frontends.cli import forms, secret, show
from salut.frontends.cli.commands.profile import SETTINGS, WAIT, WAIT_SECONDS, settings_of
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import PROFILE as SHAPE
from salut.frontends.cli.shapes import number, objects, text, texts, whole
from salut.frontends.cli.shapes_account import MOVE, PREFERENCES, REGISTRATION
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import SalutError, invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

FORM_SECONDS = 60.0
MAKE_SECONDS = 60.0
CONNECTION = tuple(option for option in SETTINGS if option.name != "resource")


def run_form(given: Given) -> int:
    """Show what a server asks of those who want an account."""
    with Link() as link:
        registration = _form(link, given)
    if given.flag("json"):
        show.data(whole(REGISTRATION, registration))
        return 0
    form = as_object(registration["form"])
    for line in (text(form, "title"), text(form, "instructions"), text(registration, "url")):
        if line:
            show.say(show.harmless(line))
    show.columns(
        (
            text(field, "name"),
            text(field, "kind", "text-single"),
            _("must be filled in") if field.get("required") is True else "",
            text(field, "label") or text(field, "help"),
        )
        for field in objects(form, "fields")
    )
    return 0


def _form(link: Link, given: Given) -> Object:
    server = given.text("server")
    params: Object = {"link" if ":" in server else "server": server, **settings_of(given, resource=False)}
    return as_object(link.call("account.registration_form", params, FORM_SECONDS))


def run_register(given: Given) -> int:
    """Make an account and its profile."""
    answers = forms.given(given.many("answers"))
    name = given.text("name")
    with Link() as link:
        registration = _form(link, given)
        form = as_object(registration["form"])
        if not objects(form, "fields"):
            raise SalutError(
                "refused",
                _("This server makes accounts elsewhere: {}").format(
                    text(registration, "url") or text(form, "instructions")
                ),
            )
        password = secret.given(given)
        if password is not None:
            answers["password"] = [password]
        answers = forms.complete(form, answers, objects(registration, "media"))
        sent: Object = {field: list(values) for field, values in answers.items()}
        params: Object = {"registration": text(registration, "id"), "name": name, "answers": sent}
        profile = as_object(link.write("account.register", params, MAKE_SECONDS))
        seconds = given.seconds("wait")
        seconds = WAIT_SECONDS if seconds is None else seconds
        if seconds:
            profile = as_object(link.write("profiles.connect", {"profile": name, "wait": seconds}, seconds))
    if given.flag("json"):
        show.data(whole(SHAPE, profile))
    else:
        show.say(_("{} is yours now, as profile {}.").format(text(profile, "address"), show.one_line(name)))
    return 0


def run_password(given: Given) -> int:
    """Change the account's password on the server and here."""
    password = secret.given(given)
    with Link(given) as link:
        profile = link.profile()
        if password is None:
            if not forms.possible():
                raise invalid(
                    "password-file",
                    _(
                        "There is no terminal to ask for the password: use --password-file or --password-command."
                    ),
                )
            password = forms.new_password(_("New password of profile {}").format(profile))
        link.write("account.set_password", {"profile": profile, "password": password}, MAKE_SECONDS)
    if given.flag("json"):
        show.data({"profile": profile})
    else:
        show.say(_("The password of {} is changed, on the server and here.").format(show.one_line(profile)))
    return 0


def run_unregister(given: Given) -> int:
    """Delete the account on the server."""
    confirm = given.maybe("confirm")
    with Link(given) as link:
        profile = link.profile()
        if confirm is None:
            found = next((p for p in objects(link.call("profiles.list")) if text(p, "name") == profile), {})
            confirm = _typed(text(found, "address"))
        params: Object = {"profile": profile, "confirm": confirm, "forget": given.flag("forget")}
        link.write("account.unregister", params, MAKE_SECONDS)
    if given.flag("json"):
        show.data({"profile": profile})
    else:
        show.say(_("The account is deleted on its server."))
    return 0


def _typed(address: str) -> str:
    if not forms.possible():
        raise invalid("confirm", _("This cannot be undone: add --confirm with the account's address."))
    sys.stderr.write(
        show.harmless(
            _("This deletes {} on its server, for good. Type its address to confirm: ").format(address)
        )
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def run_archive_prefs(given: Given) -> int:
    """Show or change what the server's archive keeps."""
    with Link(given) as link:
        profile = link.profile()
        params: Object = {"profile": profile}
        if given.maybe("default"):
            params["default"] = given.text("default")
        for name in ("always", "never"):
            if given.maybe(name) is not None:
                params[name] = [address.strip() for address in given.text(name).split(",") if address.strip()]
        if len(params) > 1:
            found = as_object(link.write("archive.set_preferences", params))
        else:
            found = link.object("archive.preferences", params)
    if given.flag("json"):
        show.data({"profile": profile, **whole(PREFERENCES, found)})
        return 0
    words = {
        "always": _("everything"),
        "roster": _("messages with contacts"),
        "never": _("nothing"),
    }
    default = text(found, "default")
    show.say(_("The server keeps: {}").format(words.get(default, show.one_line(default))))
    for name, label in (("always", _("always with: {}")), ("never", _("never with: {}"))):
        if texts(found, name):
            show.say(show.harmless(label.format(", ".join(texts(found, name)))))
    return 0


def run_moves(given: Given) -> int:
    """Show contacts that have moved."""
    with Link(given) as link:
        profile = link.profile()
        moves = objects(link.call("moved.list", {"profile": profile}))
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(MOVE, move) for move in moves]})
        return 0
    show.columns(
        (text(move, "old"), "→", text(move, "address"), show.when(number(move, "at"))) for move in moves
    )
    return 0


def run_follow(given: Given) -> int:
    """Go along with a contact's move, or forget it."""
    with Link(given) as link:
        profile = link.profile()
        params: Object = {"profile": profile, "address": given.text("address")}
        if given.flag("dismiss"):
            link.write("moved.dismiss", params)
        else:
            link.write("moved.accept", params, MAKE_SECONDS)
    if given.flag("json"):
        show.data({"profile": profile, "address": given.text("address")})
    return 0


def run_move(given: Given) -> int:
    """Move an account to another profile's, or take that back."""
    to = given.maybe("to")
    if (to is None) != given.flag("stay"):
        raise invalid("to", _("Say where to: the name of another profile; or --stay."))
    with Link(given) as link:
        profile = link.profile()
        if to is None:
            link.write("moved.stay", {"profile": profile}, MAKE_SECONDS)
            task = None
        else:
            task = link.write("moved.move", {"profile": profile, "to": to}, MAKE_SECONDS)
    if given.flag("json"):
        show.data({"profile": profile, "task": task})
    elif to is not None:
        show.say(_("Stated; the contacts are being asked. Keep the old account until they have followed."))
    return 0


SERVER = Argument("server", N_("the server's domain, or an invitation's link"))
COMMAND = Command(
    "account",
    N_("make accounts, change their passwords, delete them on their servers"),
    commands=(
        Command(
            "form",
            N_("show what a server asks of those who want an account"),
            SERVER,
            *CONNECTION,
            JSON,
            run=run_form,
        ),
        Command(
            "register",
            N_("make an account on a server, and the profile for it"),
            SERVER,
            Argument("name", N_("short name for the profile: a-z, 0-9, dot, dash and underscore")),
            Argument("answers", N_("FIELD=VALUE for the server's form; what lacks is asked for"), "any"),
            *CONNECTION,
            *secret.OPTIONS,
            WAIT,
            JSON,
            run=run_register,
            story=N_(
                "Asks the server for its form, has you fill it in, and connects the new account. With an invitation's"
                " link the account is made on the server that invites, even where nobody else may."
            ),
        ),
        Command(
            "password",
            N_("change an account's password, on the server and here"),
            *secret.OPTIONS,
            PROFILE,
            JSON,
            run=run_password,
        ),
        Command(
            "unregister",
            N_("delete an account on its server, for good"),
            Option("--confirm", metavar="ADDRESS", about=N_("the account's address, for who is sure")),
            Option("--forget", form="flag", about=N_("forget the profile with its history here as well")),
            PROFILE,
            JSON,
            run=run_unregister,
        ),
        Command(
            "archive-prefs",
            N_("show or change what the server keeps of your messages"),
            Option(
                "--default", choices=("always", "roster", "never"), about=N_("what it keeps of all others")
            ),
            Option("--always", metavar="ADDRESS,…", about=N_("always keep messages with these; empty: none")),
            Option("--never", metavar="ADDRESS,…", about=N_("never keep messages with these; empty: none")),
            PROFILE,
            JSON,
            run=run_archive_prefs,
        ),
        Command(
            "moves", N_("show contacts that have moved to another address"), PROFILE, JSON, run=run_moves
        ),
        Command(
            "follow",
            N_("go along with a contact's move: the new address takes the place of the old one"),
            Argument("address", N_("their new address")),
            Option("--dismiss", form="flag", about=N_("forget the move instead")),
            PROFILE,
            JSON,
            run=run_follow,
        ),
        Command(
            "move",
            N_("move an account to that of another profile: tell its contacts, and ask them from there"),
            Argument("to", N_("the other profile's name"), "optional", live="profiles"),
            Option("--stay", form="flag", about=N_("take the statement back that the account has moved")),
            PROFILE,
            JSON,
            run=run_move,
        ),
    ),
)
