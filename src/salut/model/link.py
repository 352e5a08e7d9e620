# SPDX-License-Identifier: AGPL-3.0-or-later
"""The state of a profile's link to its server, as every window sees it."""

from __future__ import annotations

from typing import Literal

import msgspec

LinkWord = Literal["offline", "resolving", "connecting", "authenticating", "online", "retrying", "refused"]


class LinkState(msgspec.Struct, frozen=True):
    """Where a connection attempt stands.

    ``reason`` is for people, ``code`` for programs; ``retry_at`` is the moment of the next attempt
    (microseconds, UTC) while ``retrying``; ``endpoint`` is ``host:port`` being tried or in use.
    """

    state: LinkWord = "offline"
    reason: str = ""
    code: str = ""
    retry_at: int | None = None
    attempt: int = 0
    endpoint: str = ""
