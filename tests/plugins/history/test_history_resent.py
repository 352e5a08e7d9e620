# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages that a server archived twice when it sent them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from salut.model import moment
from salut.plugins.history.api import History, NewMessage
from tests.engine_kit import running_engine

NOW = 1_700_000_000 * moment.SECOND
FIRST: dict[str, Any] = {
    "conversation": "bob@localhost",
    "sender": "bob@localhost/phone",
    "body": "hello",
    "origin": "6f1c2c1e-9d8f-4a5a",
    "archive": "a1",
    "at": NOW,
}
AGAIN: dict[str, Any] = {"archive": "a2", "at": NOW + 300 * moment.SECOND}


@pytest.mark.parametrize(
    ("other", "stored"),
    [
        ({}, 1),
        ({"place": NOW + 5, "sub": 7}, 1),  # out of the archive
        ({"body": "hello again"}, 2),
        ({"sender": "bob@localhost/laptop"}, 2),
        ({"origin": "another-random-id"}, 2),
        ({"at": NOW + 3600 * moment.SECOND}, 2),
        ({"at": 0}, 2),  # live, not delayed: said twice
    ],
)
async def test_a_message_archived_again_when_it_was_sent_again_stands_once(
    other: dict[str, Any], stored: int, tmp_path: Path
) -> None:
    async with running_engine(tmp_path) as kit:
        await kit.call(
            "profiles.create",
            name="alice",
            address="alice@localhost",
            password="x",
            settings={"enabled": False},
        )
        history = cast("History", kit.engine.plugins.plugins["history"].port())
        assert await history.ingest("alice", NewMessage(**FIRST)) is not None
        await history.ingest("alice", NewMessage(**(FIRST | AGAIN | other)))
        assert len(await kit.messages("alice", "bob@localhost")) == stored


async def test_short_ids_are_given_twice_by_mistake(tmp_path: Path) -> None:
    """A program that counts its messages from 1 at each start says the same thing twice: both are kept."""
    async with running_engine(tmp_path) as kit:
        await kit.call(
            "profiles.create",
            name="alice",
            address="alice@localhost",
            password="x",
            settings={"enabled": False},
        )
        history = cast("History", kit.engine.plugins.plugins["history"].port())
        await history.ingest("alice", NewMessage(**(FIRST | {"origin": "1"})))
        await history.ingest("alice", NewMessage(**(FIRST | AGAIN | {"origin": "1"})))
        assert len(await kit.messages("alice", "bob@localhost")) == 2
