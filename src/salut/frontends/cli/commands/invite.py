# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp invite``: links that make contacts, and accounts."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import number, objects, text, whole
from salut.frontends.cli.shapes_account import INVITATION, INVITE
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

SECONDS = 60.0


def run_create(given: Given) -> int:
    """Make an invitation and print its link."""
    with Link(given) as link:
        profile = link.profile()
        params: Object = {"profile": profile, "note": given.text("note"), "days": given.number("days") or 7}
        if given.flag("account") or given.maybe("user"):
            params["account"] = True
        if given.flag("no_contact") or given.maybe("user"):
            params |= {"contact": False, "user": given.text("user")}
        made = as_object(link.write("invites.create", params, SECONDS))
    if given.flag("json"):
        show.data({"profile": profile, **whole(INVITATION, made)})
        return 0
    show.say(show.one_line(text(made, "link")))
    if text(made, "page"):
        show.say(show.one_line(text(made, "page")))
    until = number(made, "until")
    when = _("until {}").format(show.when(until)) if until else _("without an end")
    show.note(_("Good for one person, {}.").format(when))
    return 0


def run_list(given: Given) -> int:
    """Show the invitations that were made here."""
    with Link(given) as link:
        profile = link.profile()
        invites = objects(link.call("invites.list", {"profile": profile}))
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(INVITE, invite) for invite in invites]})
        return 0
    show.columns(
        (
            text(invite, "id"),
            show.when(number(invite, "at")),
            _("used by {}").format(text(invite, "used_by"))
            if text(invite, "used_by")
            else _("until {}").format(show.when(number(invite, "until"))),
            text(invite, "note"),
        )
        for invite in invites
    )
    return 0


def run_revoke(given: Given) -> int:
    """Take an invitation back."""
    with Link(given) as link:
        profile = link.profile()
        link.write("invites.revoke", {"profile": profile, "invite": given.text("invite")})
    if given.flag("json"):
        show.data({"profile": profile, "id": given.text("invite")})
    return 0


def run_show(given: Given) -> int:
    """Say what a link is."""
    with Link() as link:
        said = link.object("invites.read", {"link": given.text("link")})
    if given.flag("json"):
        show.data(whole(INVITATION, said))
        return 0
    address = text(said, "address")
    if text(said, "kind") == "contact":
        show.say(show.one_line(_("{} invites you to become a contact.").format(address)))
    if said.get("account") is True:
        show.say(show.one_line(_("You may make an account on {}.").format(text(said, "server"))))
    if text(said, "name"):
        show.say(show.one_line(_("The link calls them “{}”.").format(text(said, "name"))))
    return 0


def run_use(given: Given) -> int:
    """Take up a contact's invitation."""
    with Link(given) as link:
        profile = link.profile()
        params: Object = {"profile": profile, "link": given.text("link"), "name": given.text("name")}
        said = as_object(link.write("invites.use", params, SECONDS))
    if given.flag("json"):
        show.data({"profile": profile, **whole(INVITATION, said)})
    else:
        show.say(show.one_line(_("Asked {} with the invitation.").format(text(said, "address"))))
    return 0


LINK = Argument("link", N_("the invitation: xmpp:… or the page that holds it"))
COMMAND = Command(
    "invite",
    N_("invite people, with a link that makes a contact or an account as well"),
    default="create",
    commands=(
        Command(
            "create",
            N_("make an invitation for one person and print its link"),
            Option("--account", form="flag", about=N_("it must also let make an account on your server")),
            Option(
                "--no-contact", form="flag", about=N_("it makes an account only (for operators of servers)")
            ),
            Option("--user", metavar="NAME", about=N_("the account's name (for operators of servers)")),
            Option(
                "--days",
                form="number",
                metavar="DAYS",
                least=1,
                most=90,
                about=N_("how long it is good (default 7); servers have their own bounds"),
            ),
            Option("--note", metavar="TEXT", about=N_("whom it is for, for yourself")),
            PROFILE,
            JSON,
            run=run_create,
            story=N_(
                "The server makes the invitation where it can, so that it works while you are away; else the daemon"
                " does, and lets in who comes with it."
            ),
        ),
        Command("list", N_("show the invitations that this daemon made"), PROFILE, JSON, run=run_list),
        Command(
            "revoke",
            N_("take an invitation back"),
            Argument("invite", N_("its number in the list")),
            PROFILE,
            JSON,
            run=run_revoke,
        ),
        Command("show", N_("say what a link is, asking nobody"), LINK, JSON, run=run_show),
        Command(
            "use",
            N_("take up a contact's invitation; to make an account with one: salut setup LINK"),
            LINK,
            Option("--name", metavar="NAME", about=N_("what you call them")),
            PROFILE,
            JSON,
            run=run_use,
        ),
    ),
)
