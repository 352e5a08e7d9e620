# SPDX-License-Identifier: AGPL-3.0-or-later
"""Invitations as XEP-0045 and XEP-0249 show them, and forged ones."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from salut.api.ports import Tx
from salut.plugins.roominvites.api import Invitation
from salut.plugins.roominvites.shelf import LASTS, MOST, MOST_OF_DOMAIN, MOST_STRANGERS, Shelf, Waiting
from salut.xmpp.router import Account
from tests.engine_kit import EngineKit, running_engine

ROOM = "darkcave@chat.shakespeare.lit"
CRONE = "crone1@shakespeare.lit"
MEDIATED = (  # XEP-0045 example 57
    "<message xmlns='jabber:client' from='{room}' id='nzd143v8' to='hecate@shakespeare.lit'>"
    "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='{inviter}'>"
    "<reason>Hey Hecate, this is the place for all good witches!</reason></invite>"
    "<password>cauldronburn</password></x></message>"
)
DIRECT = (  # XEP-0249 example 2
    "<message xmlns='jabber:client' from='{sender}' to='hecate@shakespeare.lit'{more}>"
    "<x xmlns='jabber:x:conference' continue='true' jid='{room}' password='cauldronburn' "
    "reason='Hey Hecate, this is the place for all good witches!' "
    "thread='e0ffe42b28561960c6b12b944a092794b9683a38'/>{inner}</message>"
)


class Desk:
    """A profile that never connects, to which stanzas come all the same."""

    def __init__(self, kit: EngineKit) -> None:
        self.kit = kit
        self.account = Account("hecate", "hecate@shakespeare.lit", None)  # type: ignore[arg-type]  # not used

    async def came(self, text: str, via: Any = "") -> None:
        """A message comes."""
        inbound = self.kit.wires.shared.decoders.decode(ET.fromstring(text))
        assert not inbound.faults
        result = self.kit.wires.router.route(self.account, inbound, via)
        if result is not None:
            await result

    async def waiting(self) -> list[dict[str, Any]]:
        """What waits."""
        found: list[dict[str, Any]] = await self.kit.call("roominvites.list", profile="hecate")
        return found

    async def contact(self, address: str) -> None:
        """Somebody is in the roster."""

        def work(tx: Tx) -> None:
            tx.execute(
                "INSERT INTO contact (pid, address, shown, name, in_roster, rev) VALUES (?,?,?,?,1,0)",
                (tx.pid, address, b"{}", ""),
            )

        service: Any = self.kit.engine.plugins.plugins["roster"].port()
        service.is_contact = lambda profile, bare, known=service.is_contact: (
            bare == address or known(profile, bare)
        )


@contextlib.asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    """An engine with one profile that is offline."""
    async with running_engine(folder) as kit:
        await kit.call(
            "profiles.create", name="hecate", address="hecate@shakespeare.lit", password="x", enabled=False
        )
        yield Desk(kit)


async def test_examples_of_both_ways(tmp_path: Path) -> None:
    async with desk(tmp_path) as hecate:
        await hecate.contact(CRONE)
        await hecate.came(MEDIATED.format(room=ROOM, inviter=CRONE + "/desktop"))
        (got,) = await hecate.waiting()
        assert (got["room"], got["inviter"], got["mediated"]) == (ROOM, CRONE, True)
        assert got["reason"] == "Hey Hecate, this is the place for all good witches!"
        assert "stranger" not in got and "cauldronburn" not in str(got)
        other = "darkcave@macbeth.shakespeare.lit"
        await hecate.came(DIRECT.format(sender=CRONE + "/desktop", room=other, more="", inner=""))
        got = (await hecate.waiting())[0]
        assert (got["room"], got["inviter"], got["thread"][:6]) == (other, CRONE, "e0ffe4")
        assert "mediated" not in got and "stranger" not in got
        assert "jabber:x:conference" in hecate.kit.wires.shared.disco.info.features


async def test_one_message_in_both_forms_is_one_invitation(tmp_path: Path) -> None:
    both = MEDIATED.format(room=ROOM, inviter=CRONE).replace(
        "</x>",
        f"</x><x xmlns='jabber:x:conference' jid='elsewhere@chat.shakespeare.lit'/><body>join {ROOM}</body>",
    )
    async with desk(tmp_path) as hecate:
        await hecate.came(both)
        assert [one["room"] for one in await hecate.waiting()] == [ROOM]
        assert (await hecate.kit.call("history.conversations", profile="hecate"))["items"] == []


async def test_a_stranger_who_claims_to_be_a_room_or_a_contact(tmp_path: Path) -> None:
    async with desk(tmp_path) as hecate:
        await hecate.contact(CRONE)
        # A person's device is no room, whatever it says.
        await hecate.came(MEDIATED.format(room="mallory@evil.example/phone", inviter=CRONE))
        # Neither is a contact, nor our own account.
        await hecate.came(MEDIATED.format(room=CRONE, inviter="macbeth@shakespeare.lit"))
        await hecate.came(MEDIATED.format(room="hecate@shakespeare.lit", inviter=CRONE))
        await hecate.came(DIRECT.format(sender=CRONE, room="hecate@shakespeare.lit", more="", inner=""))
        await hecate.came(DIRECT.format(sender=CRONE, room="shakespeare.lit", more="", inner=""))
        await hecate.came(DIRECT.format(sender=CRONE, room="no address @", more="", inner=""))
        assert await hecate.waiting() == []
        # A service that nobody knows says that our contact invites us: kept, and it does not ring.
        await hecate.came(MEDIATED.format(room="trap@rooms.evil.example", inviter=CRONE))
        # A stranger invites, direct and through a good room.
        await hecate.came(
            DIRECT.format(sender="mallory@evil.example/x", room="b@rooms.evil.example", more="", inner="")
        )
        await hecate.came(MEDIATED.format(room="c@chat.shakespeare.lit", inviter="mallory@evil.example"))
        assert [one["stranger"] for one in await hecate.waiting()] == [True, True, True]
        # An address that only looks like one of our service's.
        await hecate.came(MEDIATED.format(room="d@notshakespeare.lit", inviter=CRONE))
        assert (await hecate.waiting())[0]["stranger"]


async def test_what_is_no_invitation_to_us(tmp_path: Path) -> None:
    async with desk(tmp_path) as hecate:
        sender = CRONE + "/desktop"
        text = DIRECT.format(sender=sender, room=ROOM, more=" type='error'", inner="")
        await hecate.came(text)
        await hecate.came(
            DIRECT.format(sender=ROOM + "/crone", room="x@y.lit", more=" type='groupchat'", inner="")
        )
        await hecate.came(DIRECT.format(sender="hecate@shakespeare.lit/other", room=ROOM, more="", inner=""))
        await hecate.came(DIRECT.format(sender=sender, room=ROOM, more="", inner=""), via="archive")
        assert await hecate.waiting() == []
        await hecate.came(DIRECT.format(sender=sender, room=ROOM, more="", inner=""), via="carbon")
        assert len(await hecate.waiting()) == 1


async def test_a_refusal_is_believed_only_where_we_invited(tmp_path: Path) -> None:
    declined = (  # XEP-0045 example 59
        f"<message xmlns='jabber:client' from='{{}}' to='hecate@shakespeare.lit/broom'>"
        f"<x xmlns='http://jabber.org/protocol/muc#user'><decline from='{CRONE}'>"
        "<reason>Sorry, I'm too busy right now.</reason></decline></x></message>"
    )
    async with desk(tmp_path) as hecate:
        service: Any = hecate.kit.engine.plugins.plugins["roominvites"].services()[0]
        key = ("hecate", "declined", f"{ROOM} {CRONE}")
        await hecate.came(declined.format(ROOM))
        assert key not in hecate.kit.engine.journal.passing_now()
        service._remember("hecate", ROOM, CRONE)
        await hecate.came(declined.format(ROOM + "/firstwitch"))  # an occupant
        await hecate.came(declined.format("other@chat.shakespeare.lit"))
        assert key not in hecate.kit.engine.journal.passing_now()
        await hecate.came(declined.format(ROOM))
        assert b"too busy" in hecate.kit.engine.journal.passing_now()[key]


async def test_an_oversized_invitation_is_cut(tmp_path: Path) -> None:
    text = DIRECT.format(sender=CRONE, room=ROOM, more="", inner="").replace("Hey", "Hey" * 100_000)
    async with desk(tmp_path) as hecate:
        await hecate.came(text)
        assert len((await hecate.waiting())[0]["reason"]) == 1000


def one(room: str, inviter: str, *, stranger: bool = True, at: int = 1, reason: str = "") -> Waiting:
    """An invitation."""
    return Waiting(Invitation(room=room, inviter=inviter, at=at, stranger=stranger, reason=reason))


def test_strangers_push_nobody_out() -> None:
    shelf = Shelf()
    assert shelf.put(one(ROOM, CRONE, stranger=False))
    assert not shelf.put(one(ROOM, "mallory@evil.example"))
    assert shelf.put(one("r@s.lit", "m@evil.example")) and not shelf.put(one("r@s.lit", "n@evil.example"))
    assert shelf.put(one("r@s.lit", CRONE, stranger=False))  # a contact's word goes before a stranger's
    assert not shelf.put(one("r@s.lit", CRONE, stranger=False, at=2))  # the same again
    assert shelf.put(one("r@s.lit", CRONE, stranger=False, at=3, reason="other"))


def test_a_flood_changes_nothing() -> None:
    shelf = Shelf()
    taken = sum(shelf.put(one(f"r{n}@s{n}.lit", f"m{n}@evil.example")) for n in range(1000))
    assert taken == MOST_OF_DOMAIN
    taken += sum(shelf.put(one(f"q{n}@evil.example", f"m@s{n}.example")) for n in range(1000))
    assert taken == 2 * MOST_OF_DOMAIN
    taken += sum(shelf.put(one(f"q@t{n}.example", f"m@u{n}.example")) for n in range(1000))
    assert taken == MOST_STRANGERS == len(shelf.waiting)
    assert shelf.put(one(ROOM, CRONE, stranger=False))
    for n in range(1000):
        shelf.put(one(f"z{n}@s.lit", CRONE, stranger=False))
    assert len(shelf.waiting) == MOST
    assert len(shelf.expired(LASTS + 2)) == MOST and not shelf.newest()


async def test_concurrent_invitations_are_one(tmp_path: Path) -> None:
    async with desk(tmp_path) as hecate:
        text = DIRECT.format(sender=CRONE, room=ROOM, more="", inner="")
        await asyncio.gather(*(hecate.came(text) for _ in range(20)))
        rows = await hecate.kit.engine.readers.read(lambda read: read.all("SELECT room FROM room_invitation"))
        assert rows == [(ROOM,)] and len(await hecate.waiting()) == 1
