# SPDX-License-Identifier: AGPL-3.0-or-later
"""The /me command (XEP-0245): it is part of the text, and how it is shown is the window's affair."""

from __future__ import annotations

COMMAND = "/me "


def action(body: str) -> str | None:
    """What somebody does, to be shown after ``*`` and the name; ``None`` for a text like others.

    Only the first four characters decide (XEP-0245 section 2): a blank before them, or a quotation mark, and it is
    none.
    """
    return body[len(COMMAND) :] if body.startswith(COMMAND) else None
