# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp notify``: what waits for the person's eyes, and when windows ring."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import NOTIFICATION, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

QUIET = "notify.quiet"


def run_list(given: Given) -> int:
    """Show what waits."""
    with Link(given) as link:
        profile = link.profile()
        found = objects(link.call("notify.list", {"profile": profile}))
    if given.flag("json"):
        show.data({"profile": profile, "items": [whole(NOTIFICATION, each) for each in found]})
        return 0
    show.columns(
        (
            show.when(number(each, "at")),
            str(number(each, "unread", 1)),
            text(each, "title") or text(each, "conversation"),
            text(each, "preview"),
        )
        for each in found
    )
    return 0


def run_dismiss(given: Given) -> int:
    """Take notifications away."""
    with Link(given) as link:
        to = given.maybe("conversation")
        profile, address = link.find(to) if to else (link.profile(), None)
        params: Object = {"profile": profile}
        if address is not None:
            params["conversation"] = address
        link.call("notify.dismiss", params)
    return 0


def run_quiet(given: Given) -> int:
    """Show or set the hours in which nothing rings."""
    hours = given.maybe("hours")
    with Link() as link:
        if hours is None:
            settings = objects(link.call("settings.list", {}))
        else:
            wanted = "" if hours == "off" else hours
            settings = objects(link.write("settings.set", {"values": {QUIET: wanted}}))
    value = next((text(each, "value") for each in settings if text(each, "name") == QUIET), "")
    if given.flag("json"):
        show.data({"quiet": value})
    elif hours is None:
        show.say(value or _("no quiet hours"))
    return 0


def run_level(given: Given) -> int:
    """When to notify of a conversation."""
    with Link(given) as link:
        profile, address = link.find(given.text("conversation"))
        params: Object = {"profile": profile, "conversation": address, "level": given.text("level")}
        setting = link.write("preferences.notify", params)
    if given.flag("json"):
        show.data(setting)
    return 0


COMMAND = Command(
    "notify",
    N_("show what waits for your eyes, and say when windows ring"),
    default="list",
    commands=(
        Command("list", N_("show what waits for your eyes"), PROFILE, JSON, run=run_list),
        Command(
            "dismiss",
            N_("take a notification away in all windows, without marking anything as read"),
            Argument("conversation", N_("of which conversation; none: all"), "optional", live="names"),
            PROFILE,
            JSON,
            run=run_dismiss,
        ),
        Command(
            "quiet",
            N_("show or set the hours in which nothing rings"),
            Argument("hours", N_("local time, for example 22:00-07:00, or off; none: show them"), "optional"),
            JSON,
            run=run_quiet,
        ),
        Command(
            "level",
            N_("say what of a conversation is worth a notification"),
            Argument("conversation", N_("address, contact or room"), live="names"),
            Argument(
                "level",
                N_("always, mention (when you are named), never, or default"),
                choices=("default", "always", "mention", "never"),
            ),
            PROFILE,
            JSON,
            run=run_level,
        ),
    ),
)
