# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages whose senders want no record of them (XEP-0334): shown, not found by search, gone after they were read."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast

import pytest

from devkit.servers import XmppServer
from salut.model import moment
from salut.model.errors import SalutError
from salut.plugins.history.fleeting import AFTER_READING, AT_MOST
from salut.plugins.history.service import HistoryService
from tests.engine_kit import EngineKit, running_engine

MINUTE = 60_000_000


def history(kit: EngineKit) -> HistoryService:
    return cast("HistoryService", kit.engine.plugins.plugins["history"].port())


def whisper(kit: EngineKit, to: str, body: str, hint: str) -> None:
    kit.session("bob").send(
        f"<message to='{to}' type='chat' id='{body}'><body>{body}</body><{hint} xmlns='urn:xmpp:hints'/></message>"
    )


@pytest.mark.parametrize("hint", ["no-store", "no-permanent-store"])
async def test_a_fleeting_message_goes_after_it_was_read(
    server: XmppServer, tmp_path: Path, hint: str
) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        whisper(kit, alice.jid, "hush", hint)
        await kit.call("chat.send", profile="bob", to=alice.jid, body="aloud", wait="delivered")
        hush, aloud = await kit.messages("alice", bob.jid)
        assert (hush["body"], hush.get("fleeting"), aloud.get("fleeting")) == ("hush", True, None)
        assert (await kit.call("history.search", query="hush", profile="alice"))["items"] == []
        assert len((await kit.call("history.search", query="aloud", profile="alice"))["items"]) == 1
        await history(kit).sweep(moment.now() + AFTER_READING + MINUTE)
        assert len(await kit.messages("alice", bob.jid)) == 2  # nobody has read it
        shown = await kit.call("history.mark_read", profile="alice", conversation=bob.jid)
        assert shown.get("unread", 0) == 0
        await history(kit).sweep(moment.now() + AFTER_READING - MINUTE)
        assert len(await kit.messages("alice", bob.jid)) == 2
        await history(kit).sweep(moment.now() + AFTER_READING + MINUTE)
        assert [m["body"] for m in await kit.messages("alice", bob.jid)] == ["aloud"]
        with pytest.raises(SalutError) as gone:
            await kit.call("history.get", profile="alice", message=hush["id"])
        assert gone.value.code == "not-found"
    with sqlite3.connect(tmp_path / "salut.db") as store:
        store.execute("INSERT INTO message_text (message_text) VALUES ('integrity-check')")
    store.close()


async def test_it_goes_unread_after_a_month_and_leaves_no_preview(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        whisper(kit, alice.jid, "hush", "no-store")

        async def came() -> bool:
            return bool(await kit.messages("alice", bob.jid))

        await kit.until(came)
        (before,) = (await kit.call("history.conversations", profile="alice"))["items"]
        assert (before["preview"], before["unread"]) == ("hush", 1)
        await history(kit).sweep(moment.now() + AT_MOST + MINUTE)
        assert await kit.messages("alice", bob.jid) == []
        (after,) = (await kit.call("history.conversations", profile="alice"))["items"]
        assert (after.get("preview", ""), after.get("unread", 0)) == ("", 0)


async def test_what_was_due_goes_when_the_daemon_starts(server: XmppServer, tmp_path: Path) -> None:
    alice, bob = server.account("alice"), server.account("bob")
    async with running_engine(tmp_path, server, {"alice": alice, "bob": bob}) as kit:
        whisper(kit, alice.jid, "hush", "no-store")

        async def came() -> bool:
            return bool(await kit.messages("alice", bob.jid))

        await kit.until(came)
    with sqlite3.connect(tmp_path / "salut.db") as store:  # as if it had been off for a month
        assert store.execute("UPDATE message SET fleeting=1 WHERE fleeting<>0").rowcount == 1
    store.close()
    async with running_engine(tmp_path) as kit:

        async def gone() -> bool:
            return not await kit.messages("alice", bob.jid)

        await kit.until(gone)
        await kit.call("profiles.delete", profile="alice")  # the index holds nothing of it to take out
