# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who rings, when, and that it is taken back everywhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

from salut.api.core import Window
from salut.plugins.history.api import Conversation, History, NewMessage
from salut.plugins.notify import election
from salut.plugins.notify.service import NotifyService
from salut.plugins.strangers.api import Strangers
from tests.engine_kit import EngineKit, running_engine

OTHER = "other@localhost"


def window(key: str, *, focused: bool = False, idle: bool = False) -> Window:
    """A window."""
    return Window(
        id=key, name=key, kind="console", version="", since=0, binding="unix", focused=focused, idle=idle
    )


@pytest.mark.parametrize(
    ("windows", "winner"),
    [
        ([], ""),
        ([(window("a"), 5), (window("b"), 3)], "a"),
        ([(window("a"), 5), (window("b", focused=True), 3)], "b"),
        ([(window("a"), 5), (window("b", focused=True, idle=True), 9)], "a"),
        ([(window("a", idle=True), 5), (window("b", idle=True), 9)], "b"),
    ],
)
def test_the_window_looked_at_last_rings(windows: list[tuple[Window, int]], winner: str) -> None:
    assert election.elected(windows) == winner


@pytest.mark.parametrize(
    ("hours", "minute", "inside"),
    [
        ("", 0, False),
        ("22:00-07:00", 22 * 60, True),
        ("22:00-07:00", 3 * 60, True),
        ("22:00-07:00", 7 * 60, False),
        ("12:00-13:30", 13 * 60 + 29, True),
        ("12:00-13:30", 14 * 60, False),
        ("00:00-00:00", 5, False),
    ],
)
def test_quiet_hours(hours: str, minute: int, inside: bool) -> None:
    assert election.within(hours, minute) is inside


@pytest.mark.parametrize("level", ["always", "mention", "never"])
def test_what_is_worth_a_notification(level: Any) -> None:
    plain, named = Conversation(address=OTHER, unread=2), Conversation(address=OTHER, unread=2, mentions=1)
    assert election.wanted(plain, level, False) is (level == "always")
    assert election.wanted(named, level, False) is (level != "never")
    assert not election.wanted(named, level, True)
    assert election.rises((1, 1), named, "always") and not election.rises((1, 1), named, "mention")


def service(kit: EngineKit) -> NotifyService:
    """The plugin's inside."""
    return cast("NotifyService", kit.engine.plugins.plugins["notify"].services()[0])


async def waits(kit: EngineKit, wanted: list[tuple[str, int, str]]) -> None:
    """Wait until these wait for the person: conversation, unread, window."""

    async def so() -> bool:
        found = await kit.call("notify.list", profile="me")
        return [(n["conversation"], n.get("unread", 1), n.get("window", "")) for n in found] == wanted

    await kit.until(so)


async def ready(kit: EngineKit) -> History:
    """A profile that is not connected, and a window that somebody looks at."""
    await kit.call(
        "profiles.create", name="me", address="me@localhost", password="x", settings={"enabled": False}
    )
    kit.engine.windows.add(window("w1"), lambda: None, lambda: 0)
    kit.engine.windows.update(window("w1", focused=True))
    cast("Strangers", kit.engine.plugins.plugins["strangers"].port()).met("me", OTHER)
    return cast("History", kit.engine.plugins.plugins["history"].port())


def message(number: int, **more: Any) -> NewMessage:
    """One from the other."""
    return NewMessage(conversation=OTHER, sender=OTHER, body=f"m{number}", origin=f"o{number}", **more)


async def test_r2_reading_anywhere_takes_the_notification_away_everywhere(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        history = await ready(kit)
        await history.ingest("me", message(1))
        await waits(kit, [(OTHER, 1, "w1")])
        await history.ingest("me", message(2))
        await waits(kit, [(OTHER, 2, "w1")])
        assert ("me", "notification", OTHER) in kit.engine.journal.passing_now()
        await kit.call("history.mark_read", profile="me", conversation=OTHER)
        await waits(kit, [])
        assert ("me", "notification", OTHER) not in kit.engine.journal.passing_now()


async def test_c07_what_was_unread_before_the_start_does_not_ring(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await (await ready(kit)).ingest("me", message(1))
        await waits(kit, [(OTHER, 1, "w1")])
    async with running_engine(tmp_path) as kit:
        kit.engine.windows.add(window("w1"), lambda: None, lambda: 0)
        kit.engine.windows.update(window("w1", focused=True))
        history = cast("History", kit.engine.plugins.plugins["history"].port())
        await history.set_title("me", OTHER, "Somebody")  # a change that is nothing new
        await history.ingest("me", message(2, conversation_kind="contact"))
        await waits(kit, [(OTHER, 2, "w1")])


async def test_own_messages_and_history_do_not_ring(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        history = await ready(kit)
        await history.ingest("me", message(1, counts=False))
        await history.ingest("me", message(2, outgoing=True, state="sent"))
        await history.ingest("me", message(3))
        await waits(kit, [(OTHER, 1, "w1")])


async def test_strangers_mutes_quiet_hours_and_dismissal(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        history = await ready(kit)
        inside = service(kit)
        inside.is_stranger = lambda _profile, _conversation: True
        await history.ingest("me", message(1))
        inside.is_stranger = lambda _profile, _conversation: False
        await history.ingest("me", message(2))
        await waits(kit, [(OTHER, 2, "w1")])
        inside.level = lambda _profile, _conversation: "never"
        inside.weigh_again("me", OTHER)
        await waits(kit, [])
        inside.level = lambda _profile, _conversation: "mention"
        await history.ingest("me", message(3))
        await history.ingest("me", message(4, mention=True))
        await waits(kit, [(OTHER, 4, "w1")])
        await kit.call("notify.dismiss", profile="me")
        await waits(kit, [])
        inside.level = lambda _profile, _conversation: "always"
        inside.clock = lambda: time.struct_time((2026, 1, 1, 23, 0, 0, 3, 1, 0))
        await kit.call("settings.set", values={"notify.quiet": "22:00-07:00"})
        await history.ingest("me", message(5))
        await waits(kit, [(OTHER, 5, "")])


async def test_c17_another_window_rings_where_the_elected_one_ends_at_once(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        history = await ready(kit)
        kit.engine.windows.add(window("w2"), lambda: None, lambda: 0)
        kit.engine.windows.update(window("w2", focused=True))
        kit.engine.windows.update(window("w2"))
        await history.ingest("me", message(1))
        await waits(kit, [(OTHER, 1, "w1")])
        kit.engine.windows.remove("w1")
        await waits(kit, [(OTHER, 1, "w2")])
