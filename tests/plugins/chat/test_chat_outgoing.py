# SPDX-License-Identifier: AGPL-3.0-or-later
"""What leaves when: in order, once in a session."""

from __future__ import annotations

from salut.plugins.chat.outgoing import Outgoing


def test_nothing_overtakes_what_is_held() -> None:
    out = Outgoing(held=3)
    assert not out.direct()
    assert not out.begin()
    out.held = None
    assert out.begin()
    assert not out.direct()  # a flush is at work: it takes this one along
    assert out.round()
    assert not out.round()
    out.end(stuck=False)
    assert out.direct()


def test_a_flush_takes_along_what_comes_meanwhile() -> None:
    out = Outgoing()
    assert out.begin()
    assert not out.begin()
    assert out.round()
    assert not out.direct()
    assert out.round()
    assert not out.round()


def test_behind_what_is_stuck_everything_waits_for_the_next_flush() -> None:
    out = Outgoing(stuck=True)
    assert not out.direct()
    assert out.begin()
    assert out.round()
    out.end(stuck=True)
    assert not out.direct()
    assert out.begin()
    out.round()
    assert not out.round()
    out.end(stuck=False)
    assert out.direct()
