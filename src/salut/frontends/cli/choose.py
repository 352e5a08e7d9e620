# SPDX-License-Identifier: AGPL-3.0-or-later
"""Choosing a profile, and other questions that only some runs ask."""

from __future__ import annotations

from salut.frontends.cli.shapes import flag, objects, text
from salut.model.errors import SalutError, not_found
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json


def only_profile(profiles: Json) -> str:
    """The only enabled profile, else the only one."""
    every = objects(profiles)
    enabled = [profile for profile in every if flag(profile, "enabled")] or every
    if len(enabled) == 1:
        return text(enabled[0], "name")
    if not enabled:
        raise not_found(_("There is no profile yet. Make one: jp profile create NAME ADDRESS"))
    raise SalutError(
        "ambiguous",
        _("There are several profiles: say which with --profile NAME or in SALUT_PROFILE."),
        {"candidates": [f"{text(profile, 'name')} ({text(profile, 'address')})" for profile in enabled]},
    )
