# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bookmarks of rooms, which follow the person to other devices (XEP-0402, XEP-0048). Contract of ``bookmarks``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final

import msgspec

from salut.api.contract import Contract, Kind, Service, method
from salut.model.words import N_


class Bookmark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room that the account remembers. ``autojoin``: its devices are in it; ``name`` is the person's own."""

    address: str
    name: str = ""
    nick: str = ""
    autojoin: bool = False


class BookmarkSettings(msgspec.Struct, frozen=True):
    """Settings of the plugin."""

    passwords: Annotated[
        bool,
        msgspec.Meta(
            description=N_(
                "keep the passwords of rooms in their bookmarks, so that other devices can enter;"
                " the server's operator can read them"
            )
        ),
    ] = True


class BookmarksApi(Service):
    """Bookmarks. Rooms joined by a window get one, with ``autojoin``; to leave a room takes ``autojoin`` away."""

    service = "bookmarks"

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[Bookmark]:
        """All bookmarks, by address."""

    @method(scope="send", write=True)
    @abstractmethod
    async def set(
        self,
        *,
        profile: str,
        room: str,
        name: str | None = None,
        nick: str | None = None,
        autojoin: bool | None = None,
        password: str | None = None,
    ) -> Bookmark:
        """Make or change a bookmark; what is not given stays. ``autojoin`` joins the room here and on other devices,
        or leaves it. Works without a connection; other devices learn of it with the next one."""

    @method(scope="send", write=True)
    @abstractmethod
    async def remove(self, *, profile: str, room: str) -> None:
        """Remove a bookmark, and leave the room on all devices."""


CONTRACT: Final = Contract(
    plugin="bookmarks",
    services=(BookmarksApi,),
    kinds=(Kind("bookmark", Bookmark, "address", snapshot=True),),
    settings=BookmarkSettings,
)
