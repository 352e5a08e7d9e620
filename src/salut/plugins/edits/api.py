# SPDX-License-Identifier: AGPL-3.0-or-later
"""Correcting messages and taking them back (XEP-0308, XEP-0424, XEP-0425). Contract of the plugin ``edits``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from salut.api.contract import Contract, Service, method
from salut.plugins.history.api import Message


class EditsApi(Service):
    """Correcting own messages, taking them back, and those of others in rooms that one moderates."""

    service = "edits"

    @method(scope="send", write=True)
    @abstractmethod
    async def edit(self, *, profile: str, message: int, body: str) -> Message:
        """Correct an own message (XEP-0308). It shows at once and leaves as soon as there is a link; where the other
        side refuses it, the old text comes back with the reason. ``not-found``, ``refused``, ``invalid``."""

    @method(scope="send", write=True)
    @abstractmethod
    async def retract(self, *, profile: str, message: int) -> Message:
        """Take an own message back (XEP-0424): its text is erased here, and others are asked to do the same.
        ``not-found``, ``refused``."""

    @method(scope="send", write=True)
    @abstractmethod
    async def moderate(self, *, profile: str, message: int, reason: str = "") -> Message:
        """Have a room take somebody's message away (XEP-0425). Done when the room has said so. ``refused`` with its
        reason, ``not-connected``, ``not-found``."""


CONTRACT: Final = Contract(plugin="edits", services=(EditsApi,))
