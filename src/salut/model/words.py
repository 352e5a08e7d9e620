# SPDX-License-Identifier: AGPL-3.0-or-later
"""Words for people, translatable from the first day (gettext domain ``salut``).

``gettext`` is imported when the first word is shown: it brings ``re`` with it, which costs half of what an
interpreter's start does, and most runs of ``jp`` show no word.
"""

from __future__ import annotations

DOMAIN = "salut"


def _(text: str) -> str:
    """``text`` in the language of this process's locale."""
    from gettext import dgettext

    return dgettext(DOMAIN, text)


def plural(one: str, many: str, n: int) -> str:
    """The form of a text that fits the number ``n``."""
    from gettext import dngettext

    return dngettext(DOMAIN, one, many, n)


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Mark ``text`` for the catalogue; it is translated later, where it is shown."""
    return text
