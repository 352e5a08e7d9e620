# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stars on messages that the person wants to find again. Contract of the plugin ``stars``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.page import Page
from salut.plugins.history.api import Message


class Star(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the person wants to find again. Known to this daemon alone: no server learns of it."""

    message: int
    conversation: str
    at: int  # when it was starred
    said_at: int  # when the message was written


class Starred(msgspec.Struct, frozen=True, kw_only=True):
    """A star with the message that bears it."""

    star: Star
    message: Message


class StarsApi(Service):
    """Stars."""

    service = "stars"

    @method(scope="send", write=True)
    @abstractmethod
    async def set(self, *, profile: str, message: int, on: bool = True) -> Star:
        """Star a message, or take the star away. At most 10,000 a profile."""

    @method()
    @abstractmethod
    async def list(
        self, *, profile: str, conversation: str | None = None, before: str | None = None, limit: int = 50
    ) -> Page[Starred]:
        """Starred messages, of one conversation or of all, the newest message first. ``limit`` at most 200."""


CONTRACT: Final = Contract(
    plugin="stars", services=(StarsApi,), kinds=(Kind("star", Star, "message id", snapshot=True),)
)
