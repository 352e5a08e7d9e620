# SPDX-License-Identifier: AGPL-3.0-or-later
"""When silence is asked about, and when it is death."""

from __future__ import annotations

from salut.xmpp.liveness import Liveness
from tests.xmpp.support import FakeClock


def test_silence_is_probed_after_a_minute_and_is_death_twenty_seconds_later() -> None:
    clock = FakeClock()
    alive = Liveness(clock)
    clock.now += 59
    assert alive.tick() == ""
    clock.now += 1
    assert alive.tick() == "probe"
    alive.probed()
    clock.now += 10
    alive.probed()  # asking twice gives no second life
    clock.now += 9
    assert alive.tick() == ""
    clock.now += 1
    assert alive.tick() == "dead"


def test_any_byte_is_a_sign_of_life() -> None:
    clock = FakeClock()
    alive = Liveness(clock)
    clock.now += 60
    alive.probed()
    clock.now += 19
    alive.heard()
    clock.now += 59
    assert alive.tick() == ""


def test_a_suspend_is_noticed_once() -> None:
    clock = FakeClock()
    alive = Liveness(clock)
    clock.slept += 4
    assert alive.tick() == ""
    clock.slept += 3600
    assert alive.tick() == "woke"
    assert alive.tick() == ""
