# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp status``: how things stand, and what others are told."""

from __future__ import annotations

from salut.frontends.cli import links, show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import (
    CONVERSATION,
    DAEMON,
    PROFILE,
    STATUS,
    number,
    objects,
    text,
    whole,
)
from salut.frontends.cli.spec import JSON, Argument, Command, Given
from salut.frontends.cli.spec import PROFILE as PROFILE_OPTION
from salut.model.errors import SalutError, not_found
from salut.model.words import N_, _, plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json, Object

SHOWS = ("online", "chat", "away", "xa", "dnd", "offline")
RECENT = 200  # conversations looked at for unread ones


class One:
    """One profile with what others are told of it, its unread conversations, and who waits for an answer."""

    __slots__ = ("name", "profile", "requests", "status", "strangers", "unread")

    def __init__(self, link: Link, profile: Object) -> None:
        self.profile = profile
        self.name = text(profile, "name")
        self.status = _optional(link, "presence.status", {"profile": self.name})
        recent = _optional(link, "history.conversations", {"profile": self.name, "limit": RECENT})
        question: Object = {"profile": self.name, "limit": RECENT}
        self.strangers = {
            text(s, "address") for s in objects(_optional(link, "strangers.list", question), "items")
        }
        self.requests = len(objects(_optional(link, "roster.requests", question), "items"))
        unread = [c for c in objects(recent, "items") if number(c, "unread")]
        self.unread = [c for c in unread if text(c, "address") not in self.strangers]

    def document(self) -> Object:
        """For ``--json``."""
        unread: list[Json] = [whole(CONVERSATION, c) for c in self.unread]
        return {
            **whole(PROFILE, self.profile),
            "status": whole(STATUS, self.status),
            "unread": unread,
            "strangers": len(self.strangers),
            "requests": self.requests,
        }

    def rows(self) -> None:
        """For people."""
        status = " – ".join(
            part for part in (text(self.status, "show", "online"), text(self.status, "status")) if part
        )
        show.columns(
            [(self.name, text(self.profile, "address"), links.words(self.profile), status)], ("bold",)
        )
        show.columns(
            ("", str(number(c, "unread")), text(c, "title") or text(c, "address"), text(c, "preview"))
            for c in self.unread
        )
        if self.strangers:
            words = plural(
                "{} stranger waits: jp strangers", "{} strangers wait: jp strangers", len(self.strangers)
            )
            show.say("  " + words.format(len(self.strangers)))
        if self.requests:
            words = plural(
                "{} asks to see your presence: jp contacts requests",
                "{} ask to see your presence: jp contacts requests",
                self.requests,
            )
            show.say("  " + words.format(self.requests))


def run(given: Given) -> int:
    """Show how things stand, or set the presence."""
    with Link(given) as link:
        if given.maybe("show"):
            return _set(link, given)
        daemon = link.object("daemon.info")
        profiles = objects(link.call("profiles.list"))
        if link.named:
            profiles = [profile for profile in profiles if text(profile, "name") == link.named]
            if not profiles:
                raise not_found(_("There is no profile “{}”.").format(link.named))
        every = [One(link, profile) for profile in profiles]
    if given.flag("json"):
        show.data({"daemon": whole(DAEMON, daemon), "profiles": [one.document() for one in every]})
        return 0
    show.say(daemon_line(daemon))
    for one in every:
        one.rows()
    return 0


def daemon_line(daemon: Object) -> str:
    """The daemon in a line, with its trouble in red."""
    windows = number(daemon, "windows")
    line = _("daemon {}, process {}, since {}, {}").format(
        show.one_line(text(daemon, "version")),
        number(daemon, "pid"),
        show.when(number(daemon, "started")),
        plural("{} window", "{} windows", windows).format(windows),
    )
    trouble = text(daemon, "trouble")
    return f"{line}\n{show.paint(show.harmless(trouble), 'red')}" if trouble else line


def _optional(link: Link, method: str, params: Object) -> Object:
    """What a plugin says, or nothing where it is missing."""
    try:
        return as_object(link.call(method, params))
    except SalutError as error:
        if error.code != "unknown-method":
            raise
        return {}


def _set(link: Link, given: Given) -> int:
    profile = link.profile()
    params: Object = {"profile": profile, "show": given.text("show"), "status": given.text("text")}
    status = as_object(link.write("presence.set", params))
    if given.flag("json"):
        show.data({"profile": profile, **whole(STATUS, status)})
    return 0


COMMAND = Command(
    "status",
    N_("show how things stand, or tell others how you can be reached"),
    Argument("show", N_("what to tell others; none: show how things stand"), "optional", choices=SHOWS),
    Argument("text", N_("some words with it"), "optional"),
    PROFILE_OPTION,
    JSON,
    run=run,
    story=N_(
        "Without SHOW: the daemon, each profile with its link to the server, unread conversations, and how many"
        " strangers and requests wait. With"
        " SHOW set what others see; xa is “away for long”, dnd “do not disturb”, offline “invisible”."
    ),
)
