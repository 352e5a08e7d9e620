# SPDX-License-Identifier: AGPL-3.0-or-later
"""Catch-up from the archives of real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devkit.servers import Account, XmppServer
from tests.engine_kit import EngineKit, running_engine


async def bodies(kit: EngineKit, profile: str, other: str) -> list[str]:
    """All bodies of a conversation, oldest first, whatever their number."""
    found: list[str] = []
    before: str | None = None
    while True:
        page = await kit.call(
            "history.page",
            profile=profile,
            conversation=other,
            limit=500,
            **({"before": before} if before else {}),
        )
        found = [m["body"] for m in page["items"]] + found
        before = page.get("before")
        if before is None:
            return found


async def caught_up(kit: EngineKit, profile: str) -> bool:
    """No gap is left that is filled unasked."""
    gaps: list[dict[str, Any]] = await kit.call("archive.gaps", profile=profile)
    return all(gap.get("manual") for gap in gaps)


async def send(kit: EngineKit, to: Account, first: int, last: int) -> list[str]:
    """Numbered messages from profile alice, all with the server when this returns."""
    sent = [f"message {number}" for number in range(first, last)]
    for body in sent[:-1]:
        await kit.call("chat.send", profile="alice", to=to.jid, body=body)
    await kit.call("chat.send", profile="alice", to=to.jid, body=sent[-1], wait="server")
    return sent


async def wait_for(kit: EngineKit, alice: Account, expected: list[str], seconds: float = 30.0) -> None:
    """Until bob's history with alice is exactly this."""

    async def settled() -> bool:
        if not await caught_up(kit, "bob"):
            return False
        return len(await bodies(kit, "bob", alice.jid)) >= len(expected)

    await kit.until(settled, seconds)
    assert await bodies(kit, "bob", alice.jid) == expected


async def test_what_came_while_offline_arrives_once_and_in_order(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        expected = await send(kit, bob, 0, 5)
        await wait_for(kit, alice, expected)
        for start in (5, 40):  # away, back, some live ones, and away again
            await kit.call("profiles.disconnect", profile="bob")
            expected += await send(kit, bob, start, start + 30)
            await kit.call("profiles.connect", profile="bob", wait=20)
            await wait_for(kit, alice, expected)
            expected += await send(kit, bob, start + 30, start + 35)
            await wait_for(kit, alice, expected)
        page = await kit.call("history.conversations", profile="bob")
        assert page["items"][0]["unread"] == len(expected)
