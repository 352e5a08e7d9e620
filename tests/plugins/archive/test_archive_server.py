# SPDX-License-Identifier: AGPL-3.0-or-later
"""Catch-up from the archives of real servers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from devkit.servers import Account, XmppServer
from salut.model.errors import SalutError
from tests.conftest import MakeServer
from tests.engine_kit import BOUND, EngineKit, running_engine


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


async def first_catch_up(kit: EngineKit, profile: str) -> None:
    """Wait until the archive was read for the first time."""
    pid = kit.engine.journal.journals.pids[profile]

    async def read() -> bool:
        rows = await kit.engine.readers.read(
            lambda store: store.one("SELECT 1 FROM archive_top WHERE pid=?", (pid,))
        )
        return rows is not None and await caught_up(kit, profile)

    await kit.until(read)


@pytest.mark.parametrize(("kind", "count"), [("prosody", 300), ("ejabberd", 230)])
async def test_catch_up_over_several_pages_goes_on_after_an_end_in_the_middle(
    kind: str, count: int, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server(kind, archive_page=20)
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path / "alice", server, {"alice": alice}) as kit:
        async with running_engine(tmp_path / "bob", server, {"bob": bob}) as away:
            await first_catch_up(away, "bob")
        expected = await send(kit, bob, 0, count)
    async with running_engine(tmp_path / "bob") as back:  # the profile is enabled: it connects
        service = back.engine.plugins.plugins["archive"]._service  # type: ignore[attr-defined]
        ask, reached = service.filler.protocol.page, asyncio.Event()

        async def slow(*question: object) -> object:
            if await bodies(back, "bob", alice.jid):
                reached.set()
                await asyncio.Event().wait()  # a server that takes its time, until we end
            return await ask(*question)

        service.filler.protocol.page = slow
        async with asyncio.timeout(BOUND):
            await reached.wait()
        gaps = await back.call("archive.gaps", profile="bob")
        assert [gap["state"] for gap in gaps] == ["filling"]
        assert gaps[0]["fetched"] > 0
        got = await bodies(back, "bob", alice.jid)
        assert 0 < len(got) < len(expected)
        assert got == expected[-len(got) :]
    async with running_engine(tmp_path / "bob") as back:
        await wait_for(back, alice, expected)


async def test_own_message_whose_acknowledgement_was_lost_is_not_sent_again(
    server: XmppServer, tmp_path: Path
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path / "a", server, {"alice": alice, "bob": bob}) as kit:
        await kit.call("chat.send", profile="alice", to=bob.jid, body="once", op="op-1", wait="server")
        async with running_engine(tmp_path / "b") as other:  # as if it had died before it heard that
            await other.add("alice", alice, server, online=False)
            await other.call("profiles.disconnect", profile="alice")
            await other.call("chat.send", profile="alice", to=bob.jid, body="once", op="op-1")
            await other.call("chat.send", profile="alice", to=bob.jid, body="new", op="op-2")
            await other.call("profiles.connect", profile="alice", wait=20)

            async def sent() -> bool:
                found = await other.messages("alice", bob.jid)
                return all(m.get("state") in ("sent", "delivered", "read") for m in found)

            await other.until(sent)
            found = await other.messages("alice", bob.jid)
            assert [m["body"] for m in found] == ["once", "new"]
            assert found[0]["archive"]
        await wait_for(kit, alice, ["once", "new"])


async def test_c03_a_gap_is_shown_and_filled_when_asked_for(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path / "a", server, {"alice": alice, "bob": bob}) as kit:
        expected = await send(kit, bob, 0, 150)
        await wait_for(kit, alice, expected)
    async with running_engine(tmp_path / "b", server, {"bob": bob}) as kit:  # a new device of bob's
        await first_catch_up(kit, "bob")
        gaps = await kit.call("archive.gaps", profile="bob")
        assert [gap.get("manual") for gap in gaps] == [True]
        newest = await bodies(kit, "bob", alice.jid)
        assert newest == expected[-len(newest) :]
        assert 10 <= len(newest) <= 100  # receipts are archived as well
        page = await kit.call("archive.older", profile="bob", conversation=alice.jid, limit=10)
        assert page["before"]
        assert len(await bodies(kit, "bob", alice.jid)) == len(newest) + len(page["items"])
        assert await kit.call("archive.fill", profile="bob") == []
        assert await bodies(kit, "bob", alice.jid) == expected
        page = await kit.call("history.conversations", profile="bob")
        assert page["items"][0].get("unread", 0) <= len(newest)  # what was there long before is no news
        with pytest.raises(SalutError) as caught:
            await kit.call("archive.fill", profile="bob", gap=99)
        assert caught.value.code == "not-found"


@pytest.mark.parametrize("kind", ["prosody", "ejabberd"])
async def test_a_server_without_archive_leaves_no_gap(
    kind: str, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server("prosody", mam=False) if kind == "prosody" else make_server(kind, mam=False)
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        sent = await send(kit, bob, 0, 3)

        async def settled() -> bool:
            gaps = await kit.call("archive.gaps", profile="bob")
            return not gaps and len(await bodies(kit, "bob", alice.jid)) == 3

        await kit.until(settled)
        assert await bodies(kit, "bob", alice.jid) == sent
