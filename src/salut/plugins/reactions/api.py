# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reactions to messages (XEP-0444). Contract of the plugin ``reactions``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

from salut.api.contract import Contract, Service, method
from salut.plugins.history.api import Message


class ReactionsApi(Service):
    """Emoji under messages."""

    service = "reactions"

    @method(scope="send", write=True)
    @abstractmethod
    async def react(
        self, *, profile: str, message: int, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> Message:
        """Put reactions under a message, or take own ones away; ``remove=["*"]`` all of them. At most 20 on a message.
        They show at once and leave as soon as there is a link. ``not-found``, ``refused``, ``invalid``."""


CONTRACT: Final = Contract(plugin="reactions", services=(ReactionsApi,))
