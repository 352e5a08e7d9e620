# SPDX-License-Identifier: AGPL-3.0-or-later
"""The strangers' inbox: people who write and whom the person does not know. Contract of the plugin ``strangers``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.page import Page


class Stranger(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody unknown who wrote. Their messages are a conversation as others are; nothing rings for it, and they
    learn neither that a message arrived nor that it was read, until the person accepts.

    ``count`` messages since ``since`` (100: or more). ``refused``: nothing more is taken from them.
    """

    address: str
    since: int
    at: int  # when the newest came
    count: int = 1
    preview: str = ""  # the beginning of the first message, at most 120 characters
    refused: bool = False


class StrangersSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings."""

    may_write: Annotated[
        Literal["anyone", "contacts"],
        msgspec.Meta(
            description="Who may write: anyone (whom you do not know waits among the strangers) or contacts alone"
        ),
    ] = "anyone"


class StrangersApi(Service):
    """Strangers."""

    service = "strangers"

    @method()
    @abstractmethod
    async def list(
        self, *, profile: str, refused: bool = False, after: str | None = None, limit: int = 200
    ) -> Page[Stranger]:
        """Who waits, the last one first, or who was ``refused``. ``limit`` at most 1,000."""

    @method(scope="send", write=True)
    @abstractmethod
    async def accept(self, *, profile: str, address: str) -> None:
        """They are no stranger any more; they need not become a contact. Also takes a refusal back."""

    @method(scope="send", write=True)
    @abstractmethod
    async def refuse(self, *, profile: str, address: str, block: bool = False, forget: bool = False) -> None:
        """Take nothing more from them. They learn nothing of it.

        ``block``: have the server block them too. ``forget``: delete what they wrote. Writing to them, accepting
        them or adding them as a contact takes it back.
        """


class Strangers(Protocol):
    """What other plugins use of strangers, in the daemon."""

    def is_stranger(self, profile: str, address: str) -> bool:
        """Whether this conversation (a bare address, or an occupant of a room) is with somebody unknown: nothing
        rings for it. Neither contacts, rooms and their occupants, the account itself and its server, nor anybody
        whom the person has written to or accepted. One look into memory."""

    def met(self, profile: str, address: str) -> None:
        """The person has to do with this bare address: it is no stranger's any more (and rings, from now on)."""


CONTRACT: Final = Contract(
    plugin="strangers",
    services=(StrangersApi,),
    kinds=(Kind("stranger", Stranger, "address", snapshot=True),),
    settings=StrangersSettings,
)
