# SPDX-License-Identifier: AGPL-3.0-or-later
"""Fills a daemon's database with history, through its real schema: as if all had come in over months."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from devkit.bench.daemon import BenchDaemon
from salut.engine.batch import encode_change
from salut.model import moment
from salut.plugins.history import rows
from salut.plugins.history.api import Conversation
from salut.plugins.history.tally import preview

CHUNK = 20_000
STEP = 20 * moment.SECOND  # between two messages
WORDS = 20_000
JOURNAL = 100_000  # changes that a journal keeps at least, so the usual length of an old one
PROFILE = "u"
UPDATE = (
    "INSERT INTO conversation (id, pid, address, kind, title, unread, read_place, last_place, last_at, last_id, "
    "preview, preview_sender, rev) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)


class Vocabulary:
    """Words as people use them: the n-th is used 1/n as often as the first (Zipf)."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)
        syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
        words: dict[str, None] = {}
        while len(words) < WORDS:
            words["".join(self._random.choices(syllables, k=self._random.randint(2, 4)))] = None
        self.words = list(words)
        self._weights = list(accumulate(1 / (n + 10) for n in range(WORDS)))

    def text(self) -> str:
        """A message of 3 to 20 words."""
        count = self._random.randint(3, 20)
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=count))


def address(number: int) -> str:
    """Of a contact."""
    return f"contact{number}@example.org"


def fill(daemon: BenchDaemon, messages: int, conversations: int) -> None:
    """Create the profile ``u`` (offline) with so much history. The daemon runs before, and not after."""
    daemon.add(PROFILE, "user@example.org", "secret", enabled=False)
    daemon.close()
    connection = sqlite3.connect(daemon.database, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        (pid,) = connection.execute("SELECT pid FROM profile WHERE name=?", (PROFILE,)).fetchone()
        (head,) = connection.execute("SELECT max(seq) FROM journal WHERE pid=?", (pid,)).fetchone()
        newest: dict[int, tuple[Any, ...]] = {}
        connection.execute("BEGIN")
        for chunk in _chunks(messages, conversations, pid, head):
            connection.executemany(rows.INSERT_MESSAGE, chunk)
            newest.update((row[2], row) for row in chunk)
        connection.execute("INSERT INTO message_text (message_text) VALUES ('rebuild')")
        connection.executemany(UPDATE, (_conversation(pid, row) for row in newest.values()))
        connection.execute(
            "INSERT INTO stream (pid, name, last_place, floor_place, floor_at, top_place, top_sub, top_archive) "
            "VALUES (?, '', ?, ?, ?, 0, 0, '')",
            (pid, *[max(r[3] for r in newest.values())] * 3),
        )
        connection.executemany(
            "INSERT INTO journal (pid, seq, payload) VALUES (?,?,?)",
            _journal(pid, head, min(JOURNAL, 2 * messages), newest),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _chunks(messages: int, conversations: int, pid: int, head: int) -> Iterator[list[tuple[Any, ...]]]:
    vocabulary = Vocabulary()
    begin = moment.now() - messages * STEP
    for first in range(1, messages + 1, CHUNK):
        chunk = []
        for key in range(first, min(first + CHUNK, messages + 1)):
            place = begin + key * STEP
            number = key % conversations
            chunk.append(
                (
                    key, pid, number + 1, place, 0, place, f"{address(number)}/phone", False, "chat",
                    vocabulary.text(), "", "", "received", "", f"origin-{key:x}", f"archive-{key:x}", False, True,
                    True, "", head, "", "", "",
                )
            )  # fmt: skip
        yield chunk


def _conversation(pid: int, row: tuple[Any, ...]) -> tuple[Any, ...]:
    key, conv, place = row[0], row[2], row[3]
    name = address(conv - 1)
    shown = preview(row[9])
    return (conv, pid, name, "contact", "", conv % 7, place - 1, place, place, key, shown, row[6], row[20])


def _journal(
    pid: int, head: int, count: int, newest: dict[int, tuple[Any, ...]]
) -> Iterator[tuple[int, int, bytes]]:
    """Changes of conversations, which are about as long as those of messages."""
    samples = [
        Conversation(address=address(conv - 1), last_at=row[3], last_id=row[0], preview=preview(row[9]),
                     preview_sender=row[6], unread=conv % 7, read_place=row[3])
        for conv, row in newest.items()
    ]  # fmt: skip
    for seq in range(head + 1, head + count + 1):
        sample = samples[seq % len(samples)]
        yield pid, seq, encode_change(seq, "conversation", sample.address, sample.last_at, sample, None)
