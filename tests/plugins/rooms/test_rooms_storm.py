# SPDX-License-Identifier: AGPL-3.0-or-later
"""A crowd comes into a room: what that costs."""

from __future__ import annotations

import time
from pathlib import Path
from xml.etree import ElementTree as ET

from devkit.servers import XmppServer
from tests.engine_kit import running_engine

CROWD = 2000
USER = "http://jabber.org/protocol/muc#user"


async def test_two_thousand_join(prosody: XmppServer, tmp_path: Path) -> None:
    room = f"crowd@{prosody.muc}"
    async with running_engine(tmp_path, prosody, {"alice": prosody.account("alice")}) as kit:
        await kit.call("rooms.join", profile="alice", room=room, nick="alice")
        client = kit.links["alice"]._session.client
        presences = [
            ET.fromstring(
                f"<presence xmlns='jabber:client' from='{room}/user{number}'><x xmlns='{USER}'>"
                f"<item affiliation='none' role='participant' jid='user{number}@localhost/x'/></x></presence>"
            )
            for number in range(CROWD)
        ]
        before = kit.engine.journal.heads["alice"]
        begun, cpu = time.monotonic(), time.process_time()
        for presence in presences:
            client.dispatch(presence)
        cost = (time.process_time() - cpu) / CROWD

        async def shown() -> bool:
            return bool((await kit.call("rooms.list", profile="alice"))[0]["members"] == CROWD + 1)

        async def told() -> bool:
            rows = await kit.engine.readers.read(lambda read: read.all("SELECT shown FROM room"))
            return f'"members":{CROWD + 1}'.encode() in bytes(rows[0][0])  # type: ignore[arg-type]

        await kit.until(shown)
        await kit.until(told)
        seconds = time.monotonic() - begun
        changes = kit.engine.journal.heads["alice"] - before
        assert cost < 0.001  # seconds of CPU a presence; about 30 µs were measured
        assert changes <= seconds + 3  # the count at most once a second; name and topic of the fresh room
        nicks: list[str] = []
        after = None
        while True:
            page = await kit.call("rooms.members", profile="alice", room=room, after=after, limit=700)
            nicks += [member["nick"] for member in page["items"]]
            after = page["after"]
            if after is None:
                break
        assert len(nicks) == len(set(nicks)) == CROWD + 1
        await kit.call("rooms.leave", profile="alice", room=room)
        assert not [key for (_, name, key) in kit.engine.journal.passing_now() if name == "member"]
