# SPDX-License-Identifier: AGPL-3.0-or-later
"""Answers to a particular message (XEP-0461). Contract of the plugin ``replies``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from salut.api.contract import Contract, Service, method
from salut.plugins.chat.api import Wait
from salut.plugins.history.api import Message


class RepliesApi(Service):
    """Answering one message among many."""

    service = "replies"

    @method(scope="send", write=True)
    @abstractmethod
    async def reply(
        self, *, profile: str, message: int, body: str, wait: Wait = "stored", timeout: float = 30.0
    ) -> Message:
        """Answer a message, in its conversation. Clients that do not know replies see a quotation. ``wait`` and
        ``timeout`` as with ``chat.send``. ``not-found``, ``refused``."""


CONTRACT: Final = Contract(plugin="replies", services=(RepliesApi,))
