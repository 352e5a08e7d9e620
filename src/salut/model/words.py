# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words for people, translatable from the first day (gettext domain ``salut``)."""

from __future__ import annotations

from gettext import dgettext, dngettext
from typing import Final

DOMAIN: Final = "salut"


def _(text: str) -> str:
    """``text`` in the language of this process's locale."""
    return dgettext(DOMAIN, text)


def plural(one: str, many: str, n: int) -> str:
    """The form of a text that fits the number ``n``."""
    return dngettext(DOMAIN, one, many, n)
