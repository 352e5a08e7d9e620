# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp mute``: which conversations notify, and when."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link, as_object
from salut.frontends.cli.shapes import SETTING, number, objects, text, whole
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.errors import invalid
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

LEVELS = ("default", "always", "mention", "never")
FOREVER = 253_402_300_799_000_000  # as the contract has it


def run(given: Given) -> int:
    """Mute a conversation, say when it notifies, or show what is so."""
    to = given.maybe("conversation")
    ways = [name for name in ("for", "until", "off", "level") if given.maybe(name) or given.flag(name)]
    if len(ways) > 1:
        raise invalid(ways[1], _("Give one of --for, --until, --off and --level."))
    if to is None and ways:
        raise invalid(ways[0], _("--{} needs CONVERSATION.").format(ways[0]))
    until = _until(given)
    with Link(given) as link:
        if to is None:
            return _list(link, given)
        profile, address = link.find(to)
        params: Object = {"profile": profile, "conversation": address}
        if given.maybe("level"):
            method, params = "preferences.notify", {**params, "level": given.text("level")}
        else:
            method, params = "preferences.mute", {**params, "until": until}
        setting = as_object(link.write(method, params))
    if given.flag("json"):
        show.data({"profile": profile, **_whole(setting)})
    return 0


def _until(given: Given) -> int | None:
    """The moment that was asked for; 0: not muted; ``None``: until it is taken back."""
    if given.flag("off"):
        return 0
    if not (given.maybe("for") or given.maybe("until")):
        return None
    from salut.frontends.cli.times import ahead, span
    from salut.model.moment import now

    if given.maybe("for"):
        return min(now() + span(given.text("for")), FOREVER)
    until = ahead(given.text("until"))
    if until <= now():
        raise invalid("until", _("“{}” has passed.").format(given.text("until")[:80]))
    return until


def _whole(setting: Object) -> Object:
    return whole(SETTING, setting)


def _list(link: Link, given: Given) -> int:
    profile = link.profile()
    settings = objects(link.call("preferences.list", {"profile": profile}))
    told = [s for s in settings if number(s, "muted_until") or text(s, "notify", "default") != "default"]
    if given.flag("json"):
        show.data({"profile": profile, "items": [_whole(setting) for setting in told]})
        return 0
    show.columns((text(s, "address"), text(s, "notify", "default"), _muted(s)) for s in told)
    return 0


def _muted(setting: Object) -> str:
    from salut.model.moment import now

    until = number(setting, "muted_until")
    if until <= now():
        return ""
    return _("muted") if until >= FOREVER else _("muted until {}").format(show.when(until))


COMMAND = Command(
    "mute",
    N_("say which conversations notify and when, or show it"),
    Argument(
        "conversation", N_("contact, room or address; none: list what was said"), "optional", live="names"
    ),
    Option("--for", metavar="TIME", about=N_("be silent for so long, for instance 30m, 8h or 2d")),
    Option("--until", metavar="TIME", about=N_("be silent until then, for instance 18:00 or 2025-03-04")),
    Option("--off", form="flag", about=N_("be silent no longer")),
    Option(
        "--level", choices=LEVELS, about=N_("notify of all messages, of those that mention you, or of none")
    ),
    PROFILE,
    JSON,
    run=run,
    story=N_(
        "Without an option the conversation is silent until --off. The level stays as it is while a"
        " conversation is muted, and counts again after it. Both follow the person to other devices."
    ),
)
