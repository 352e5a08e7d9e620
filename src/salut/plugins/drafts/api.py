# SPDX-License-Identifier: AGPL-3.0-or-later
"""Drafts that follow the person from window to window. Contract of the plugin ``drafts``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.api.ports import Tx


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An unfinished message; the last writer wins. ``window`` is the name of the window that wrote it."""

    conversation: str
    text: str
    at: int
    window: str = ""


class DraftsApi(Service):
    """Unfinished messages."""

    service = "drafts"

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[Draft]:
        """All drafts of a profile."""

    @method(scope="send", write=True)
    @abstractmethod
    async def set(self, *, profile: str, conversation: str, text: str) -> Draft:
        """Keep a draft; an empty text removes it. At most 65,536 characters."""


class Drafts(Protocol):
    """What other plugins use of drafts, in the daemon."""

    def give_back(self, tx: Tx, conversation: str, text: str) -> bool:
        """A text that was on its way out is a draft again, before what the draft holds by now.

        False: there is no room for it, and nothing was changed.
        """


CONTRACT: Final = Contract(
    plugin="drafts",
    services=(DraftsApi,),
    kinds=(Kind("draft", Draft, "conversation", snapshot=True),),
)
