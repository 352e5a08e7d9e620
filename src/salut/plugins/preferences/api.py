# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the person wishes of each conversation: pinned, muted, when to notify. Contract of ``preferences``."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, Protocol

import msgspec

from salut.api.contract import Contract, Kind, Service, method

Notify = Literal["default", "always", "mention", "never"]  # XEP-0492
Level = Literal["always", "mention", "never"]
FOREVER: Final = 253_402_300_799_000_000  # muted until somebody says otherwise: the end of the year 9999


class ConversationSetting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the person wishes of a conversation; there is none where all is as usual.

    ``notify``: ``default`` is ``always`` for people and private group chats, ``mention`` for other rooms.
    ``muted_until`` (microseconds; 0: not muted) goes before it, and means nothing once it has passed.
    """

    address: str
    pinned: bool = False
    notify: Notify = "default"
    muted_until: int = 0


class PreferencesApi(Service):
    """Wishes about conversations; they follow the person to other devices where the server lets them."""

    service = "preferences"

    @method()
    @abstractmethod
    async def list(self, *, profile: str) -> list[ConversationSetting]:
        """All conversations of which the person wishes something, by address."""

    @method(scope="send", write=True)
    @abstractmethod
    async def pin(self, *, profile: str, conversation: str, on: bool = True) -> ConversationSetting:
        """Keep a conversation at the top of lists (XEP-0469), or no longer."""

    @method(scope="send", write=True)
    @abstractmethod
    async def mute(self, *, profile: str, conversation: str, until: int | None = None) -> ConversationSetting:
        """Do not notify of a conversation until then (microseconds); none: until it is taken back; 0: notify
        again."""

    @method(scope="send", write=True)
    @abstractmethod
    async def notify(self, *, profile: str, conversation: str, level: Notify) -> ConversationSetting:
        """When to notify of a conversation (XEP-0492)."""


SettingHook = Callable[[str, ConversationSetting], Awaitable[bool]]


class Preferences(Protocol):
    """What other plugins use of preferences, in the daemon."""

    def level(self, profile: str, conversation: str) -> Level:
        """When to notify of this conversation now, mutes considered."""

    def get(self, profile: str, conversation: str) -> ConversationSetting:
        """What the person wishes of it."""

    def on_set(self, hook: SettingHook) -> None:
        """``hook(profile, setting)`` is called when a window wished something. True: the plugin tells other devices
        (bookmarks, of rooms); where none does, it goes into a node of our own."""

    def learn(self, profile: str, settings: Sequence[ConversationSetting]) -> Awaitable[None]:
        """Another device wished this."""


CONTRACT: Final = Contract(
    plugin="preferences",
    services=(PreferencesApi,),
    kinds=(Kind("conversation_setting", ConversationSetting, "address", snapshot=True),),
)
