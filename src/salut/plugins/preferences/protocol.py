# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wishes as items of a private node of our own (XEP-0223): no XEP says where those about contacts are kept.

An item's id is the conversation's address; inside stand the elements of XEP-0469 and XEP-0492.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from salut.model import address as addresses
from salut.model.errors import SalutError
from salut.plugins.pep.api import Event, Item, Pep
from salut.plugins.preferences.api import ConversationSetting
from salut.xmpp import chatsettings
from salut.xmpp.chatsettings import OWN, ChatSettings
from salut.xmpp.xmltext import serialise

NODE: Final = OWN
Heard = Callable[[str, Sequence[ConversationSetting], bool], Awaitable[object]]


def setting(item: Item) -> ConversationSetting | None:
    """What an item says; ``None``: it is none of ours."""
    payload = item.payload
    if not isinstance(payload, Element) or payload.tag != f"{{{OWN}}}conversation":
        return None
    try:
        address = addresses.normal(item.id)
    except SalutError:
        return None
    found = chatsettings.read(payload.find(f"{{{OWN}}}extensions"))
    return ConversationSetting(
        address=address, pinned=found.pinned, notify=found.level, muted_until=found.muted_until
    )


def payload(wish: ConversationSetting) -> str:
    """The item of a wish."""
    element = Element(f"{{{OWN}}}conversation")
    extensions = SubElement(element, f"{{{OWN}}}extensions")
    chatsettings.write(extensions, ChatSettings(wish.pinned, wish.notify, wish.muted_until))
    return serialise(element)


class PreferencesProtocol:
    """The node. ``heard(profile, settings, whole)``: what other devices wished."""

    def __init__(self, pep: Pep, heard: Heard) -> None:
        self._pep = pep
        self._heard = heard
        pep.follow(NODE, self._event, own=True)

    def _event(self, profile: str, event: Event) -> Awaitable[object]:
        told = [found for item in event.items if (found := setting(item)) is not None]
        told += [found for key in event.retracted if (found := _gone(key)) is not None]
        return self._heard(profile, told, event.gone)

    async def fetch(self, profile: str, address: str = "") -> list[ConversationSetting] | None:
        """All that is there, or what is wished of one conversation; ``None``: the server keeps no private data.
        Raises as ``Pep``."""
        if not self._pep.supported(profile):
            return None
        items = await self._pep.items(profile, NODE, ids=[address] if address else ())
        return [found for item in items if (found := setting(item)) is not None]

    async def publish(self, profile: str, wish: ConversationSetting) -> None:
        """Tell of a wish. Raises as ``Pep``."""
        await self._pep.publish(
            profile,
            NODE,
            payload(wish),
            item=wish.address,
            access="whitelist",
            most=0,
            options={"send_last_published_item": "never"},
        )

    async def retract(self, profile: str, address: str) -> None:
        """Nothing is wished any more. Raises as ``Pep``.

        This is published first: not all servers tell other devices of a retraction (ejabberd 23.01).
        """
        await self.publish(profile, ConversationSetting(address=address))
        await self._pep.retract(profile, NODE, address)


def _gone(key: str) -> ConversationSetting | None:
    try:
        return ConversationSetting(address=addresses.normal(key))
    except SalutError:
        return None
