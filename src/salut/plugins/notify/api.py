# SPDX-License-Identifier: AGPL-3.0-or-later
"""Notifications: what waits for the person's eyes, and which window says so. Contract of the plugin ``notify``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Final

import msgspec

from salut.api.contract import Contract, Kind, Service, method


class Notification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation has something new that the person wishes to hear of.

    It goes, everywhere, when the conversation is read or muted anywhere. ``window`` is the one window that rings
    when ``at`` is newer than what it has shown: the one that the person looked at last; empty: nobody rings
    (``quiet`` hours, or no window that a person looks at).
    """

    conversation: str
    title: str = ""
    at: int  # of the newest message
    unread: int = 1
    mentions: int = 0
    sender: str = ""
    preview: str = ""
    window: str = ""
    quiet: bool = False


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings."""

    quiet: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(|([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])$",
            description="Hours in which nothing rings, in local time, for example 22:00-07:00; empty: none",
        ),
    ] = ""


class NotifyApi(Service):
    """Notifications."""

    service = "notify"

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[Notification]:
        """What waits for the person's eyes, the newest first."""

    @method(scope="send")
    @abstractmethod
    async def dismiss(self, *, profile: str, conversation: str | None = None) -> None:
        """Take a notification away everywhere, or all, without marking anything as read. The next message notifies
        again."""


CONTRACT: Final = Contract(
    plugin="notify",
    services=(NotifyApi,),
    kinds=(Kind("notification", Notification, "conversation", passing=True, snapshot=True),),
    settings=NotifySettings,
)
