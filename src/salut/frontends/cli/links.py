# SPDX-License-Identifier: AGPL-3.0-or-later
"""A profile's link to its server, in words and as an exit code."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.shapes import inner, number, text
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

WORDS = {
    "offline": N_("offline"),
    "resolving": N_("looking for the server"),
    "connecting": N_("connecting"),
    "authenticating": N_("authenticating"),
    "online": N_("online"),
    "retrying": N_("will try again"),
    "refused": N_("refused"),
}


def words(profile: Object) -> str:
    """The state of the link, with the reason and the next try."""
    link = inner(profile, "link")
    state = text(link, "state", "offline")
    said = _(WORDS.get(state, state))
    retry_at = number(link, "retry_at")
    if state == "retrying" and retry_at:
        said = _("{} at {}").format(said, show.clock(retry_at))
    reason = show.one_line(text(link, "reason"))
    return f"{said}: {reason}" if reason and state != "online" else said


def is_online(profile: Object) -> bool:
    """Whether there is a link to the server now."""
    return text(inner(profile, "link"), "state") == "online"
