# SPDX-License-Identifier: AGPL-3.0-or-later
"""What messages make of a conversation: the same whether they come in one batch or one by one."""

from __future__ import annotations

import asyncio
import itertools
import random
from pathlib import Path
from typing import Any

from salut.plugins.history.api import Conversation, History, NewMessage
from tests.engine_kit import EngineKit, running_engine

OTHER = "other@localhost"


def arriving(seed: int) -> list[NewMessage]:
    """A handful of messages: ours and theirs, late ones, some that do not count."""
    chance = random.Random(seed)
    return [
        NewMessage(
            conversation=OTHER,
            sender="me@localhost" if outgoing else OTHER,
            outgoing=outgoing,
            state="sent" if outgoing else "received",
            body=chance.choice(["one", "\n  two\nthree", "x" * 300]),
            origin=f"o{number}",
            at=chance.randrange(1, 1000),
            place=chance.choice([0, chance.randrange(1, 1000)]),
            mention=chance.random() < 0.3,
            counts=chance.random() < 0.8,
        )
        for number, outgoing in enumerate(chance.choices([True, False], weights=[1, 3], k=8))
    ]


async def conversation(kit: EngineKit, name: str, news: list[NewMessage], together: bool) -> dict[str, Any]:
    """What the profile shows of the conversation after these."""
    settings = {"enabled": False}
    await kit.call("profiles.create", name=name, address="me@localhost", password="x", settings=settings)
    history: History = kit.engine.plugins.plugins["history"].port()  # type: ignore[assignment]
    if together:
        await kit.engine.journal.commit(name, lambda tx: history.store(tx, news))
    else:
        for new in news:
            await asyncio.wait_for(history.ingest(name, new), 10)
    page = await kit.call("history.conversations", profile=name)
    shown: dict[str, Any] = page["items"][0]
    return shown


def expected(news: list[NewMessage]) -> tuple[int, int]:
    """Unread and mentions, where every message took the place that it asked for."""
    mark, unread, mentions = (0, 0), 0, 0
    for new in news:
        where = (new.place, 0)
        if where <= mark:
            continue
        if new.outgoing:
            mark = mark if unread else where
        elif new.counts:
            unread, mentions = unread + 1, mentions + new.mention
    return unread, mentions


async def test_a_batch_counts_as_its_messages_do(tmp_path: Path) -> None:
    fields = [name for name in Conversation.__struct_fields__ if name != "last_id"]
    async with running_engine(tmp_path) as kit:
        for seed in range(12):
            batch = await conversation(kit, f"a{seed}", arriving(seed), together=True)
            single = await conversation(kit, f"b{seed}", arriving(seed), together=False)
            assert [batch.get(f) for f in fields] == [single.get(f) for f in fields], seed


async def test_unread_counts_stop_at_the_mark(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        for seed in range(6):
            places = itertools.count(10)
            news = arriving(seed)
            for new in news:
                new.place = next(places)
            shown = await conversation(kit, f"p{seed}", news, together=True)
            assert (shown.get("unread", 0), shown.get("mentions", 0)) == expected(news)
            assert shown["preview"] in ("one", "two", "x" * 120)
