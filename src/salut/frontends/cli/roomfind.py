# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands of ``jp room`` that find rooms, and invite people to them."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import (
    FOUND_ROOM,
    INVITATION,
    ROOM,
    ROOM_INFO,
    flag,
    number,
    objects,
    text,
    texts,
    whole,
)
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

SECONDS = 60.0
SHOWN = 50
ROOM_ARGUMENT = Argument(
    "room", N_("address of the room, or an unambiguous beginning of its name"), live="names"
)
FLAGS = (
    ("membersonly", N_("members only")),
    ("moderated", N_("moderated")),
    ("nonanonymous", N_("everybody sees everybody's address")),
    ("passwordprotected", N_("asks for a password")),
    ("persistent", N_("lasting")),
    ("hidden", N_("hidden")),
)


def run_search(given: Given) -> int:
    """Find rooms."""
    words = " ".join(given.many("words"))
    question: Object = {"limit": given.number("n") or SHOWN}
    if given.maybe("service"):
        question["service"] = given.text("service")
    if given.maybe("after"):
        question["after"] = given.text("after")
    if words:
        question["text"] = words
    with Link(given) as link:
        profile = link.profile()
        method = "roomsearch.search" if words else "roomsearch.list"
        page = as_object(link.call(method, {"profile": profile, **question}, SECONDS))
    found = objects(page, "items")
    after = page.get("after")
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(FOUND_ROOM, room) for room in found], "after": after})
        return 0
    show.columns(
        (
            text(room, "address"),
            str(number(room, "occupants", -1)).replace("-1", ""),
            text(room, "name"),
            text(room, "description"),
        )
        for room in found
    )
    if isinstance(after, str) and show.for_person():
        show.note(_("There are more: add --after “{}”").format(after))
    return 0


def run_info(given: Given) -> int:
    """Show what a room says of itself."""
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        info = as_object(link.call("rooms.info", {"profile": profile, "room": address}, SECONDS))
    if given.flag("json"):
        show.data({"profile": profile, **whole(ROOM_INFO, info)})
        return 0
    occupants = number(info, "occupants", -1)
    rows = [
        (_("address"), text(info, "address")),
        (_("name"), text(info, "name")),
        (_("description"), text(info, "description")),
        (_("topic"), text(info, "subject")),
        (_("language"), text(info, "language")),
        (_("occupants"), str(occupants) if occupants >= 0 else ""),
        (_("contacts"), ", ".join(texts(info, "contacts"))),
        (_("kind"), ", ".join(_(words) for name, words in FLAGS if flag(info, name))),
    ]
    show.columns([row for row in rows if row[1]], styles=("dim",))
    return 0


def run_follow(given: Given) -> int:
    """Go where a destroyed room moved."""
    return _room(given, "rooms.follow", {})


def run_invite(given: Given) -> int:
    """Invite people to a room."""
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        people = [link.find(word)[1] for word in given.many("people")]
        for person in people:
            params: Object = {"profile": profile, "room": address, "address": person}
            params["way"] = given.text("way")
            if given.maybe("reason"):
                params["reason"] = given.text("reason")
            link.write("roominvites.send", params, SECONDS)
    if given.flag("json"):
        show.data({"profile": profile, "room": address, "people": [*people]})
    return 0


def run_invitations(given: Given) -> int:
    """Show who invites the person to which room."""
    with Link(given) as link:
        profile = link.profile()
        found = objects(link.call("roominvites.list", {"profile": profile}))
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(INVITATION, one) for one in found]})
        return 0
    show.columns(
        (
            text(one, "room"),
            text(one, "inviter") + (_(" (unknown)") if flag(one, "stranger") else ""),
            show.when(number(one, "at")),
            text(one, "reason"),
        )
        for one in found
    )
    return 0


def run_accept(given: Given) -> int:
    """Join a room that the person is invited to."""
    return _room(given, "roominvites.accept", {"nick": given.text("nick")} if given.maybe("nick") else {})


def _room(given: Given, method: str, more: Object) -> int:
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        room = as_object(link.write(method, {"profile": profile, "room": address, **more}, SECONDS))
    if given.flag("json"):
        show.data({"profile": profile, **whole(ROOM, room)})
    return 0


def run_decline(given: Given) -> int:
    """Drop an invitation."""
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        params: Object = {"profile": profile, "room": address}
        if given.maybe("reason"):
            params["reason"] = given.text("reason")
        if given.flag("tell") or given.maybe("reason"):
            params["tell"] = True
        elif given.flag("quiet"):
            params["tell"] = False
        link.write("roominvites.decline", params)
    if given.flag("json"):
        show.data({"profile": profile, "room": address})
    return 0


COMMANDS = (
    Command(
        "search",
        N_("find rooms by words in their names, or show the public rooms of a service"),
        Argument("words", N_("what to look for; none: show all"), "any"),
        Option(
            "--service", metavar="ADDRESS", about=N_("whom to ask (default: your own server, or the setting)")
        ),
        Option("-n", form="number", metavar="COUNT", least=1, most=200, about=N_("how many (default: 50)")),
        Option("--after", metavar="MARK", about=N_("go on from the end of the page before")),
        PROFILE,
        JSON,
        run=run_search,
    ),
    Command("info", N_("show what a room says of itself"), ROOM_ARGUMENT, PROFILE, JSON, run=run_info),
    Command("follow", N_("go where a destroyed room moved"), ROOM_ARGUMENT, PROFILE, JSON, run=run_follow),
    Command(
        "invite",
        N_("invite people to a room"),
        ROOM_ARGUMENT,
        Argument(
            "people", N_("their addresses, or unambiguous beginnings of their names"), "many", live="names"
        ),
        Option("--reason", metavar="TEXT", about=N_("what they are told")),
        Option(
            "--way",
            choices=("auto", "room", "direct"),
            default="auto",
            about=N_("through the room, which may make them members, or direct"),
        ),
        PROFILE,
        JSON,
        run=run_invite,
    ),
    Command("invitations", N_("show who invites you to which room"), PROFILE, JSON, run=run_invitations),
    Command(
        "accept",
        N_("join a room that you are invited to"),
        ROOM_ARGUMENT,
        Option("--nick", metavar="NAME", about=N_("the name to use there")),
        PROFILE,
        JSON,
        run=run_accept,
    ),
    Command(
        "decline",
        N_("drop an invitation; contacts are told of it where the room can tell them"),
        ROOM_ARGUMENT,
        Option("--reason", metavar="TEXT", about=N_("what they are told, strangers too")),
        Option("--tell", form="flag", about=N_("tell strangers too")),
        Option("--quiet", form="flag", about=N_("tell nobody")),
        PROFILE,
        JSON,
        run=run_decline,
    ),
)
