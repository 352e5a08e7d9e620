# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp bookmark``: rooms that the account remembers on all devices."""

from __future__ import annotations

from salut.frontends.cli import secret, show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import BOOKMARK, flag, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object


def run_list(given: Given) -> int:
    """Show bookmarks."""
    with Link(given) as link:
        profile = link.profile()
        bookmarks = objects(link.call("bookmarks.list", {"profile": profile}))
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(BOOKMARK, bookmark) for bookmark in bookmarks]})
        return 0
    show.columns(
        (
            text(bookmark, "address"),
            _("joined everywhere") if flag(bookmark, "autojoin") else "",
            text(bookmark, "nick"),
            text(bookmark, "name"),
        )
        for bookmark in bookmarks
    )
    return 0


def run_set(given: Given) -> int:
    """Make or change a bookmark."""
    if given.flag("autojoin") and given.flag("no_autojoin"):
        raise invalid("no-autojoin", _("--autojoin and --no-autojoin contradict each other."))
    password = secret.given(given)
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        params: Object = {"profile": profile, "room": address}
        for name in ("name", "nick"):
            if given.maybe(name) is not None:
                params[name] = given.text(name)
        if given.flag("autojoin") or given.flag("no_autojoin"):
            params["autojoin"] = given.flag("autojoin")
        if password is not None:
            params["password"] = password
        bookmark = as_object(link.write("bookmarks.set", params))
    if given.flag("json"):
        show.data({"profile": profile, **whole(BOOKMARK, bookmark)})
    return 0


def run_remove(given: Given) -> int:
    """Remove a bookmark."""
    with Link(given) as link:
        profile, address = link.find(given.text("room"))
        link.write("bookmarks.remove", {"profile": profile, "room": address})
    if given.flag("json"):
        show.data({"profile": profile, "room": address})
    return 0


ROOM_ARGUMENT = Argument(
    "room", N_("address of the room, or an unambiguous beginning of its name"), live="names"
)
COMMAND = Command(
    "bookmark",
    N_("rooms that the account remembers on all devices"),
    default="list",
    commands=(
        Command("list", N_("show bookmarks"), PROFILE, JSON, run=run_list),
        Command(
            "set",
            N_("make or change a bookmark"),
            ROOM_ARGUMENT,
            Option("--name", metavar="TEXT", about=N_("your own name for the room; empty: the room's")),
            Option("--nick", metavar="NAME", about=N_("the name to use there")),
            Option("--autojoin", form="flag", about=N_("join the room, on all devices")),
            Option("--no-autojoin", form="flag", about=N_("leave it, on all devices")),
            *secret.OPTIONS,
            PROFILE,
            JSON,
            run=run_set,
        ),
        Command(
            "remove",
            N_("remove a bookmark and leave the room, on all devices"),
            ROOM_ARGUMENT,
            PROFILE,
            JSON,
            run=run_remove,
        ),
    ),
    story=N_("Rooms joined with jp room join get a bookmark; jp room leave keeps it."),
)
