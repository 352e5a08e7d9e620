# SPDX-License-Identifier: AGPL-3.0-or-later
"""XEP-0352 section 4: two elements that are no stanzas."""

from __future__ import annotations

from typing import Final, cast

from salut.engine.plugin import Link
from salut.xmpp.errors import BusyError, OfflineError
from salut.xmpp.router import Account

CSI: Final = "urn:xmpp:csi:0"


def supported(link: Link) -> bool:
    """Whether the server listens to it."""
    return f"{{{CSI}}}csi" in cast("Account", link.session).session.features.stream


def tell(link: Link, active: bool) -> bool:
    """Say whether somebody looks; false where there is no link."""
    try:
        cast("Account", link.session).session.send_nonza(
            f"<{'active' if active else 'inactive'} xmlns='{CSI}'/>"
        )
    except (OfflineError, BusyError):
        return False
    return True
