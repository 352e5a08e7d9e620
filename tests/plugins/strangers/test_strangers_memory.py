# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is known, counted in memory."""

from __future__ import annotations

from salut.plugins.strangers.memory import MOST_COUNTED, MOST_WAITING, Memory


def test_messages_are_counted_once_and_bounded() -> None:
    memory = Memory()
    assert [memory.verdict("a@x", "1") for _ in range(3)] == ["take", "again", "again"]
    assert memory.waiting["a@x"].count == 1
    assert {memory.verdict("a@x", f"n{n}") for n in range(MOST_COUNTED - 1)} == {"take"}
    assert memory.verdict("a@x", "one more") == "enough"
    assert memory.verdict("a@x", "") == "enough"
    assert memory.verdict("a@x", "n3") == "again"  # known by its id: it is there


def test_strangers_are_bounded_the_oldest_go() -> None:
    memory = Memory()
    for n in range(MOST_WAITING + 3):
        memory.verdict(f"s{n}@x", "1")
    assert len(memory.waiting) == MOST_WAITING
    assert "s2@x" not in memory.waiting
    assert "s3@x" in memory.waiting


def test_accepting_and_refusing() -> None:
    memory = Memory()
    memory.verdict("a@x", "1")
    memory.refuse("a@x")
    assert memory.verdict("a@x", "2") == "refused"
    assert memory.accept("a@x") is True
    assert memory.accept("a@x") is False
    assert memory.verdict("a@x", "3") == "known"
    assert not memory.waiting
    assert not memory.refused
