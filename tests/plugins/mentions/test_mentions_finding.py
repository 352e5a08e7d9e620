# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whom a text names: nicks as words of their own, places in code points."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salut.plugins.mentions.finding import MOST, Named, named

ROOM = ["alice", "Bob", "Bob the builder", "[bot]", "😺", "müller", "a b", "the"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("alice: hi", [Named("alice", 0, 5)]),
        ("hi @Alice!", [Named("alice", 3, 9)]),
        ("Alice has a capital", []),
        ("malice, alices, alice_x", []),
        ("write to alice@example.org or foo@alice", []),
        ("Bob the builder and Bob", [Named("Bob the builder", 0, 15), Named("Bob", 20, 23)]),
        ("🫖🫖 alice", [Named("alice", 3, 8)]),
        ("😺? [bot]!", [Named("😺", 0, 1), Named("[bot]", 3, 8)]),
        ("(müller)", [Named("müller", 1, 7)]),
        ("", []),
    ],
)
def test_who_is_named(text: str, wanted: list[Named]) -> None:
    assert named(text, ROOM) == wanted


@given(st.text(), st.lists(st.text(max_size=5), max_size=20))
def test_what_is_named_stands_there(text: str, nicks: list[str]) -> None:
    last = 0
    for one in named(text, nicks):
        assert one.nick in nicks
        assert text[one.begin : one.end].removeprefix("@").lower() in (one.nick.lower(), one.nick.lower()[1:])
        assert last <= one.begin < one.end
        last = one.end


def test_a_large_room_and_a_long_text_take_no_time() -> None:
    nicks = [f"bot {n}" for n in range(10_000)] + ["bot" + " x" * n for n in range(400)]
    begun = time.process_time()
    found = named("bot y @bot z " * 5_000, nicks)
    assert len(found) <= MOST
    assert time.process_time() - begun < 2
