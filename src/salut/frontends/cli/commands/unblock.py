# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp unblock``: take messages from them again."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.commands.block import target
from salut.frontends.cli.link import Link
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given
from salut.model.words import N_


def run(given: Given) -> int:
    """Unblock an address or a domain."""
    with Link(given) as link:
        profile, address = target(link, given.text("to"))
        link.write("blocking.unblock", {"profile": profile, "address": address})
    if given.flag("json"):
        show.data({"profile": profile, "address": address})
    return 0


COMMAND = Command(
    "unblock",
    N_("take from an address or a domain again"),
    Argument("to", N_("address, contact or domain, as jp block --list shows it"), live="names"),
    PROFILE,
    JSON,
    run=run,
)
