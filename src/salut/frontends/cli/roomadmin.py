# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands of ``jp room`` that make, configure, guard and end rooms."""

from __future__ import annotations

from salut.frontends.cli import roomforms, show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import AFFILIATED, ROOM, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

JOIN_SECONDS = 30.0
FORM_SECONDS = 65.0  # a form is fetched, sent, and fetched again
PAGE = 1000
AFFILIATIONS = ("owner", "admin", "member", "outcast", "none")
ROLES = ("moderator", "participant", "visitor", "none")
ROOM_ARGUMENT = Argument(
    "room", N_("address of the room, or an unambiguous beginning of its name"), live="names"
)
REASON = Option(
    "--reason", metavar="TEXT", about=N_("what the person concerned, or everybody there, is told")
)
ANSWERS = Argument("answers", roomforms.ABOUT, "any")


def run_create(given: Given) -> int:
    """Make a room."""
    params: Object = {"private": given.flag("private"), "timeout": JOIN_SECONDS}
    if given.maybe("nick"):
        params["nick"] = given.text("nick")
    if given.many("answers"):
        params["answers"] = roomforms.answers(given.many("answers"))
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        params |= {"profile": profile, "room": address}
        room = as_object(link.write("roomadmin.create", params, FORM_SECONDS))
    if given.flag("json"):
        show.data({"profile": profile, **whole(ROOM, room)})
    return 0


def run_configure(given: Given) -> int:
    """Show a room's configuration, or change it."""
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        params: Object = {"profile": profile, "room": address}
        words = given.many("answers")
        if words:
            params["answers"] = roomforms.answers(words)
            form = as_object(link.write("roomadmin.configure", params, FORM_SECONDS))
        else:
            form = as_object(link.call("roomadmin.form", params, FORM_SECONDS))
    if given.flag("json"):
        show.data({"profile": profile, "room": address, **form})
    elif not words:
        roomforms.present(form)
    return 0


def run_register(given: Given) -> int:
    """Register with a room."""
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        params: Object = {"profile": profile, "room": address}
        form: Object = {}
        if given.flag("remove"):
            link.write("roomadmin.unregister", params, FORM_SECONDS)
        elif given.many("answers"):
            params["answers"] = roomforms.answers(given.many("answers"))
            link.write("roomadmin.register", params, FORM_SECONDS)
        else:
            form = as_object(link.call("roomadmin.registration", params, FORM_SECONDS))
            if not given.flag("json") and not objects(form, "fields"):
                show.say(_("You are registered with {}.").format(address))
    if given.flag("json"):
        show.data({"profile": profile, "room": address, **form})
    elif objects(form, "fields"):
        roomforms.present(form)
    return 0


def run_destroy(given: Given) -> int:
    """End a room."""
    more: Object = {"reason": given.text("reason"), "alternative": given.text("alternative")}
    return _write(given, "roomadmin.destroy", more)


def run_role(given: Given) -> int:
    """Give an occupant a role."""
    more: Object = {"nick": given.text("nick"), "role": given.text("role"), "reason": given.text("reason")}
    return _write(given, "roomadmin.role", more)


def run_kick(given: Given) -> int:
    """Put an occupant out."""
    more: Object = {"nick": given.text("nick"), "role": "none", "reason": given.text("reason")}
    return _write(given, "roomadmin.role", more)


def run_ban(given: Given) -> int:
    """Keep somebody out."""
    more: Object = {"who": given.text("who"), "affiliation": "outcast", "reason": given.text("reason")}
    return _write(given, "roomadmin.affiliate", more)


def run_voice(given: Given) -> int:
    """Ask for voice, or answer who asks."""
    if not given.maybe("nick"):
        return _write(given, "roomadmin.request_voice", {})
    more: Object = {"nick": given.text("nick"), "allow": not given.flag("deny")}
    return _write(given, "roomadmin.answer_voice", more)


def run_affiliate(given: Given) -> int:
    """Set somebody's affiliation, or show who has which."""
    if given.maybe("affiliation"):
        more: Object = {
            "who": given.text("who"),
            "affiliation": given.text("affiliation"),
            "reason": given.text("reason"),
        }
        return _write(given, "roomadmin.affiliate", more)
    wanted = [given.text("who")] if given.maybe("who") in AFFILIATIONS else [*AFFILIATIONS[:-1]]
    found: list[Object] = []
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        for affiliation in wanted:
            question: Object = {
                "profile": profile, "room": address, "affiliation": affiliation, "limit": PAGE,
            }  # fmt: skip
            while True:
                page = as_object(link.call("roomadmin.affiliations", question, JOIN_SECONDS))
                found += objects(page, "items")
                if not isinstance(page.get("after"), str):
                    break
                question["after"] = page["after"]
    if given.flag("json"):
        items = [whole(AFFILIATED, one) for one in found]
        show.data({"profile": profile, "room": address, "items": [*items]})
        return 0
    show.columns(
        (text(one, "affiliation"), text(one, "address"), text(one, "nick"), text(one, "reason"))
        for one in found
    )
    return 0


def _write(given: Given, method: str, more: Object) -> int:
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        params = {"profile": profile, "room": address, **{k: v for k, v in more.items() if v != ""}}
        link.write(method, params, JOIN_SECONDS)
    if given.flag("json"):
        show.data({"profile": profile, "room": address})
    return 0


NICK = Argument("nick", N_("their name in the room"))
COMMANDS = (
    Command(
        "create",
        N_("make a room and be in it"),
        ROOM_ARGUMENT,
        ANSWERS,
        Option("--nick", metavar="NAME", about=N_("the name to use there")),
        Option(
            "--private",
            form="flag",
            about=N_("for members alone, hidden and lasting, and each sees who the others are"),
        ),
        PROFILE,
        JSON,
        run=run_create,
    ),
    Command(
        "configure",
        N_("show how a room is configured, or change it"),
        ROOM_ARGUMENT,
        ANSWERS,
        PROFILE,
        JSON,
        run=run_configure,
    ),
    Command(
        "destroy",
        N_("end a room for all"),
        ROOM_ARGUMENT,
        Option("--alternative", metavar="ROOM", about=N_("the room to go to instead")),
        REASON,
        PROFILE,
        JSON,
        run=run_destroy,
    ),
    Command(
        "kick", N_("put somebody out of a room"), ROOM_ARGUMENT, NICK, REASON, PROFILE, JSON, run=run_kick
    ),
    Command(
        "ban",
        N_("put somebody out of a room and keep them out"),
        ROOM_ARGUMENT,
        Argument("who", N_("their name in the room, or their address")),
        REASON,
        PROFILE,
        JSON,
        run=run_ban,
    ),
    Command(
        "affiliate",
        N_("make somebody an owner, admin, member or outcast of a room, or show who is"),
        ROOM_ARGUMENT,
        Argument(
            "who", N_("their name in the room, or their address; an affiliation: show who has it"), "optional"
        ),
        Argument("affiliation", N_("none ends it"), "optional", choices=AFFILIATIONS),
        REASON,
        PROFILE,
        JSON,
        run=run_affiliate,
    ),
    Command(
        "role",
        N_("let somebody in a room moderate, speak or only listen, or put them out"),
        ROOM_ARGUMENT,
        NICK,
        Argument("role", N_("for as long as they stay; none puts them out"), choices=ROLES),
        REASON,
        PROFILE,
        JSON,
        run=run_role,
    ),
    Command(
        "voice",
        N_("ask to be let speak in a room, or answer who asks you"),
        ROOM_ARGUMENT,
        Argument("nick", N_("who asks you"), "optional"),
        Option("--deny", form="flag", about=N_("do not let them")),
        PROFILE,
        JSON,
        run=run_voice,
    ),
    Command(
        "register",
        N_("show what a room asks of those who register with it, or register"),
        ROOM_ARGUMENT,
        ANSWERS,
        Option("--remove", form="flag", about=N_("end the registration")),
        PROFILE,
        JSON,
        run=run_register,
    ),
)
