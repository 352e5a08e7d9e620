# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp pin``: conversations that stay at the top of lists."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import SETTING, flag, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object


def run(given: Given) -> int:
    """Pin a conversation, or show those that are."""
    to = given.maybe("conversation")
    if to is None and given.flag("off"):
        raise invalid("off", _("--off needs CONVERSATION."))
    with Link(given) as link:
        if to is None:
            return _list(link, given)
        profile, address = link.find(to)
        params: Object = {"profile": profile, "conversation": address, "on": not given.flag("off")}
        setting = as_object(link.write("preferences.pin", params))
    if given.flag("json"):
        show.data({"profile": profile, **whole(SETTING, setting)})
    return 0


def _list(link: Link, given: Given) -> int:
    profile = link.profile()
    settings = objects(link.call("preferences.list", {"profile": profile}))
    pinned = [setting for setting in settings if flag(setting, "pinned")]
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(SETTING, setting) for setting in pinned]})
        return 0
    show.columns((text(setting, "address"),) for setting in pinned)
    return 0


COMMAND = Command(
    "pin",
    N_("keep conversations at the top of lists, or show which are"),
    Argument(
        "conversation", N_("contact, room or address; none: list what is pinned"), "optional", live="names"
    ),
    Option("--off", form="flag", about=N_("pin it no longer")),
    PROFILE,
    JSON,
    run=run,
    story=N_("Pins follow the person to other devices: those of rooms in their bookmarks."),
)
