# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp room``: rooms for many."""

from __future__ import annotations

from salut.frontends.cli import moderate, roomadmin, roomfind, secret, show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import MEMBER, ROOM, flag, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import SalutError, not_found
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

JOIN_SECONDS = 30.0
PAGE = 1000


def run_join(given: Given) -> int:
    """Join a room."""
    seconds = given.seconds("timeout") or JOIN_SECONDS
    password = secret.given(given)
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        params: Object = {"profile": profile, "room": address, "timeout": seconds}
        if given.maybe("nick"):
            params["nick"] = given.text("nick")
        if given.flag("other_nick"):
            params["other_nick"] = True
        if password is not None:
            params["password"] = password
        room = as_object(link.write("rooms.join", params, seconds))
    if text(room, "state") == "failed":
        raise SalutError("refused", _("The room was not joined: {}").format(text(room, "error")))
    return _done(given, profile, room)


def _done(given: Given, profile: str, room: Json) -> int:
    if given.flag("json"):
        show.data({"profile": profile, **whole(ROOM, as_object(room))})
    return 0


def run_leave(given: Given) -> int:
    """Leave a room."""
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        return _done(given, profile, link.write("rooms.leave", {"profile": profile, "room": address}))


def run_list(given: Given) -> int:
    """Show rooms joined or kept."""
    with Link(given) as link:
        profile = link.profile()
        rooms = objects(link.call("rooms.list", {"profile": profile}))
        pinned = _pinned(link, profile)
    rooms.sort(key=lambda room: text(room, "address") not in pinned)
    if given.flag("json"):
        items: list[Json] = [
            {**whole(ROOM, room), "pinned": text(room, "address") in pinned} for room in rooms
        ]
        show.data({"profile": profile, "items": items})
        return 0
    show.columns(
        (
            text(room, "address") + (" *" if text(room, "address") in pinned else ""),
            text(room, "state", "left"),
            text(room, "nick"),
            str(number(room, "members")),
            text(room, "error") or text(room, "topic") or text(room, "name"),
        )
        for room in rooms
    )
    return 0


def _pinned(link: Link, profile: str) -> set[str]:
    """The conversations that are pinned; none in a daemon that knows of no pins."""
    try:
        settings = objects(link.call("preferences.list", {"profile": profile}))
    except SalutError as error:
        if error.code != "unknown-method":
            raise
        return set()
    return {text(setting, "address") for setting in settings if flag(setting, "pinned")}


def run_members(given: Given) -> int:
    """Show who is in a room."""
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        question: Object = {"profile": profile, "room": address, "limit": PAGE}
        members: list[Object] = []
        while True:
            page = link.object("rooms.members", question)
            members += objects(page, "items")
            if not isinstance(page.get("after"), str):
                break
            question["after"] = page["after"]
    if given.flag("json"):
        show.data(
            {"profile": profile, "room": address, "items": [whole(MEMBER, member) for member in members]}
        )
        return 0
    show.columns(
        (
            text(member, "nick") + (" *" if member.get("me") is True else ""),
            text(member, "role", "participant"),
            text(member, "affiliation", "none"),
            text(member, "show", "online"),
            text(member, "address"),
            ", ".join(text(hat, "title") or text(hat, "uri") for hat in objects(member, "hats")),
            text(member, "status"),
        )
        for member in members
    )
    return 0


def run_topic(given: Given) -> int:
    """Show or set a room's topic."""
    topic = given.maybe("text")
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        if topic is not None:
            params: Object = {"profile": profile, "room": address, "text": topic}
            return _done(given, profile, link.write("rooms.topic", params))
        for room in objects(link.call("rooms.list", {"profile": profile})):
            if text(room, "address") == address:
                if not given.flag("json"):
                    show.say(show.harmless(text(room, "topic")))
                return _done(given, profile, room)
    raise not_found(_("You are not in the room {}.").format(address))


ROOM_ARGUMENT = Argument(
    "room", N_("address of the room, or an unambiguous beginning of its name"), live="names"
)
COMMAND = Command(
    "room",
    N_("join, make, guard and find rooms"),
    default="list",
    commands=(
        Command(
            "join",
            N_("join a room, and join it again after each connect; a new one is created"),
            ROOM_ARGUMENT,
            Option("--nick", metavar="NAME", about=N_("the name to use there")),
            Option("--other-nick", form="flag", about=N_("where the name is taken, add an underscore to it")),
            *secret.OPTIONS,
            Option("--timeout", form="seconds", metavar="SECONDS", least=1, most=600, about=N_("default 30")),
            PROFILE,
            JSON,
            run=run_join,
        ),
        Command("leave", N_("leave a room and stay out"), ROOM_ARGUMENT, PROFILE, JSON, run=run_leave),
        Command("list", N_("show rooms joined or kept, pinned ones (*) first"), PROFILE, JSON, run=run_list),
        moderate.COMMAND,
        Command("members", N_("show who is in a room"), ROOM_ARGUMENT, PROFILE, JSON, run=run_members),
        Command(
            "topic",
            N_("show or set a room's topic"),
            ROOM_ARGUMENT,
            Argument("text", N_("the new topic; none: show it"), "optional"),
            PROFILE,
            JSON,
            run=run_topic,
        ),
        *roomadmin.COMMANDS,
        *roomfind.COMMANDS,
    ),
)
