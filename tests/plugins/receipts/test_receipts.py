# SPDX-License-Identifier: AGPL-3.0-or-later
"""A receipt says that a message is stored: it leaves when that is so, and not before (XEP-0184)."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest

from salut.plugins.chat.api import Chat
from salut.plugins.receipts.protocol import ReceiptsProtocol
from salut.xmpp.decode import Inbound
from salut.xmpp.router import Account, Router, Via, Wires
from salut.xmpp.shared import Shared

ASKS = (
    "<message xmlns='jabber:client' from='northumberland@shakespeare.lit/westminster' "
    "to='kingrichard@royalty.england.lit/throne' id='richard2-4.1.247' type='chat'>"
    "<body>My lord, dispatch; read o'er these articles.</body><request xmlns='urn:xmpp:receipts'/></message>"
)


class Recorder:
    """Stands where the session stands, and where chat stands: it keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.silent: set[str] = set()

    def send(self, text: str) -> None:
        self.sent.append(text)

    def ask(self, extra: object) -> None:
        """The request that goes with own messages is not under test here."""

    def is_silent(self, profile: str, bare: str) -> bool:
        return bare in self.silent


class Road:
    """A router with receipts, and a main handler whose message is stored when the test says so."""

    def __init__(self) -> None:
        self.stored: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.recorder = Recorder()
        self.wires = Wires(Shared.fresh(), Router())
        ReceiptsProtocol(self.wires, cast("Chat", self.recorder))
        self.wires.router.main("chat", self._main)

    def _main(self, account: Account, inbound: Inbound, via: Via) -> asyncio.Future[object]:
        return self.stored

    def come(self, via: Via = "") -> Any:
        """The example's message comes in."""
        account = Account("king", "kingrichard@royalty.england.lit", cast("Any", self.recorder))
        inbound = self.wires.shared.decoders.decode(ET.fromstring(ASKS))
        return self.wires.router.route(account, inbound, via)


async def test_receipt_leaves_when_the_message_is_stored() -> None:
    road = Road()
    waits = road.come()
    assert road.recorder.sent == []
    road.stored.set_result(None)
    await waits
    await asyncio.sleep(0)  # callbacks of the future
    (text,) = road.recorder.sent
    answer = ET.fromstring(text)
    assert answer.get("to") == "northumberland@shakespeare.lit/westminster"
    assert [child.get("id") for child in answer if child.tag.endswith("}received")] == ["richard2-4.1.247"]


async def test_no_receipt_for_what_was_not_stored() -> None:
    road = Road()
    waits = road.come()
    road.stored.set_exception(OSError("no room"))
    with pytest.raises(OSError, match="no room"):
        await waits
    await asyncio.sleep(0)
    assert road.recorder.sent == []


@pytest.mark.parametrize("via", ["carbon", "archive"])
async def test_no_receipt_for_copies(via: Via) -> None:
    road = Road()
    road.stored.set_result(None)
    await road.come(via)
    await asyncio.sleep(0)
    assert road.recorder.sent == []


async def test_no_receipt_for_those_who_are_told_nothing() -> None:
    road = Road()
    road.recorder.silent.add("northumberland@shakespeare.lit")
    road.stored.set_result(None)
    await road.come()
    await asyncio.sleep(0)
    assert road.recorder.sent == []
