# SPDX-License-Identifier: AGPL-3.0-or-later
"""Avatars: the pictures that people and rooms show (XEP-0084, XEP-0153). Contract of the plugin ``avatars``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.page import Page


class Avatar(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That somebody shows a picture. What is not known before its bytes were fetched is empty or 0.

    ``hash`` is the SHA-1 of its bytes in hexadecimal: the same picture has the same one, whoever shows it.
    """

    address: str  # of a contact, a room or the profile itself
    hash: str
    type: str = ""  # image/png, image/jpeg, image/gif or image/webp
    size: int = 0  # bytes
    width: int = 0  # pixels
    height: int = 0


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of a picture; base64 in JSON."""

    hash: str
    type: str
    data: bytes


class AvatarsApi(Service):
    """Pictures of people and rooms."""

    service = "avatars"

    @method()
    @abstractmethod
    async def list(self, *, profile: str, after: str | None = None, limit: int = 200) -> Page[Avatar]:
        """Who shows a picture, by address: contacts, rooms, the profile itself. ``limit`` at most 1,000."""

    @method()
    @abstractmethod
    async def get(self, *, profile: str, address: str = "") -> Picture:
        """The picture of a contact, a room, somebody in a room, or (without address) of the profile itself.

        It is fetched when it is not here yet. ``not-found`` where there is none, ``refused`` for what is larger
        than 1 MiB, is no picture, or not the one that was announced; ``not-connected``, ``timeout``.
        """

    @method(scope="send", write=True)
    @abstractmethod
    async def set(self, *, profile: str, data: bytes, public: bool = True) -> Avatar:
        """Show this picture: PNG, JPEG, GIF or WebP. ``public``: to everybody, people in rooms too; else to
        contacts alone. ``invalid`` for other bytes, ``too-large`` for what the server does not take."""

    @method(scope="send", write=True)
    @abstractmethod
    async def clear(self, *, profile: str) -> None:
        """Show no picture any more."""


CONTRACT: Final = Contract(
    plugin="avatars", services=(AvatarsApi,), kinds=(Kind("avatar", Avatar, "address"),)
)
