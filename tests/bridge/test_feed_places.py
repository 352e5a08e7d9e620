# SPDX-License-Identifier: AGPL-3.0-or-later
"""The feed when journals end, begin anew, or are replayed to a window that was slow."""

from __future__ import annotations

import msgspec

from salut.bridge.bounds import Bounds
from salut.bridge.feed import Feed
from salut.engine.batch import Batch, encode_change

BOUNDS = Bounds(queue_bytes=2_000, queue_count=12, passing_bytes=300, passing_count=5, answer_bytes=500)
JOURNALS = ("", "anna", "bela")


class Journal:
    """The store's side: all changes, in order."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []

    def append(self, journal: str, count: int, size: int) -> Batch:
        first = len(self.rows) + 1
        fresh = [encode_change(first + n, "k", "x", 1, {"v": "x" * size}, None) for n in range(count)]  # type: ignore[arg-type]
        self.rows += fresh
        return Batch(journal, first, fresh)

    def after(self, seq: int, limit: int) -> list[bytes]:
        return self.rows[seq : seq + limit]


class Window:
    """What a window would read."""

    def __init__(self) -> None:
        self.seqs: dict[str, list[int]] = {journal: [] for journal in JOURNALS}
        self.live: dict[str, list[bool]] = {journal: [] for journal in JOURNALS}
        self.answers = 0

    def read(self, data: bytes) -> None:
        for line in data.splitlines():
            message = msgspec.json.decode(line)
            if message.get("method") == "changes":
                told = message["params"]
                self.seqs[told["journal"]] += [change["seq"] for change in told["changes"]]
                self.live[told["journal"]] += [told["live"]] * len(told["changes"])
            elif "result" in message:
                self.answers += 1


def test_what_a_slow_window_missed_is_not_live_and_what_comes_later_is() -> None:
    feed, window, journal = Feed(BOUNDS), Window(), Journal()
    feed.join("anna", 0, 0)
    while not feed.dropped:
        feed.publish(journal.append("anna", 1, 100))
    missed = len(journal.rows)
    feed.publish(journal.append("anna", 2, 10))
    place = feed.hungry()
    assert place is not None
    feed.fed(place, 0, journal.after(0, 1000))
    window.read(feed.take())
    assert window.live["anna"] == [False] * missed + [True] * 2


def test_what_waits_of_a_deleted_journal_is_not_sent() -> None:
    feed, window, journal = Feed(BOUNDS), Window(), Journal()
    feed.join("anna", 0, 0)
    feed.publish(journal.append("anna", 2, 10))
    feed.passing(("anna", "typing", "x"), b'"x"')
    feed.passing(("bela", "typing", "x"), b'"y"')
    feed.leave("anna")
    feed.join("anna", 0, 0)  # made anew
    feed.publish(Journal().append("anna", 1, 10))
    data = feed.take()
    window.read(data)
    assert window.seqs["anna"] == [1]
    assert b'"y"' in data and b'"x"]' not in data


def test_a_journal_that_begins_anew_keeps_what_passes_in_it() -> None:
    feed = Feed(BOUNDS)
    feed.join("anna", 0, 0)
    feed.passing(("anna", "presence", "x"), b'"here"')
    feed.stop("anna")
    assert b'"here"' in feed.take()


def test_rows_that_were_read_for_an_older_place_are_dropped() -> None:
    feed, journal = Feed(BOUNDS), Journal()
    journal.append("anna", 3, 10)
    feed.join("anna", 0, 3)
    place = feed.hungry()
    assert place is not None
    feed.leave("anna")
    feed.join("anna", 0, 3)  # deleted and made anew while the rows were read
    feed.fed(place, 0, journal.after(0, 3))
    assert feed.take() == b""
