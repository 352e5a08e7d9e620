# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading history: pages and search, in reader threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from salut.api.ports import Read, SqlRow, SqlValue
from salut.model.errors import invalid, not_found
from salut.model.page import Page
from salut.model.words import _
from salut.plugins.history import rows
from salut.plugins.history.api import Conversation, ConversationKind, Found, Message

MOST_KNOWN = 10_000
NAMED = "place DESC, sub DESC, id DESC"


def mark(text: str, parts: int) -> tuple[int, ...]:
    """Read a page mark, ``n.n.n``."""
    try:
        numbers = tuple(int(part) for part in text.split("."))
    except ValueError:
        numbers = ()
    if len(numbers) != parts or any(abs(n) >= 1 << 62 for n in numbers):
        raise invalid("before", _("“{}” is no mark of a page.").format(text[:80]))
    return numbers


def place_mark(message: Message) -> str:
    """Where a message stands, as a page mark."""
    return f"{message.place}.{message.sub}.{message.id}"


def conversation_id(read: Read, pid: int, address: str) -> int | None:
    """The row of a conversation."""
    row = read.one("SELECT id FROM conversation WHERE pid=? AND address=?", (pid, address))
    return cast("int", row[0]) if row else None


def page(
    pid: int, address: str, before: str | None, after: str | None, since: int | None, limit: int
) -> Callable[[Read], Page[Message]]:
    """Messages of a conversation; see ``HistoryApi.page``."""
    low = mark(before, 3) if before else None
    high = mark(after, 3) if after else None

    def read(store: Read) -> Page[Message]:
        conv = conversation_id(store, pid, address)
        if conv is None:
            return Page(items=[])
        if high is not None or since is not None:
            where, params = (
                ("(m.place, m.sub, m.id) > (?,?,?)", high)
                if high is not None
                else ("m.at >= ?", (cast("int", since),))
            )
            found = _select(store, where, (conv, *params), "ASC", limit + 1)
            items, more = found[:limit], len(found) > limit
            return Page(
                items=items,
                before=place_mark(items[0]) if items else after,
                after=place_mark(items[-1]) if more else None,
            )
        where, params = ("(m.place, m.sub, m.id) < (?,?,?)", low) if low is not None else ("1", ())
        found = _select(store, where, (conv, *params), "DESC", limit + 1)
        items, more = found[:limit][::-1], len(found) > limit
        return Page(
            items=items,
            before=place_mark(items[0]) if more else None,
            after=place_mark(items[-1]) if items and before else None,
        )

    return read


def _select(store: Read, where: str, params: tuple[SqlValue, ...], way: str, limit: int) -> list[Message]:
    sql = (
        f"{rows.MESSAGES} WHERE m.conv=? AND {where} "
        f"ORDER BY m.place {way}, m.sub {way}, m.id {way} LIMIT {int(limit)}"
    )
    return [rows.message(row) for row in store.all(sql, params)]


def one(pid: int, key: int) -> Callable[[Read], Message]:
    """One message."""

    def read(store: Read) -> Message:
        row = store.one(f"{rows.MESSAGES} WHERE m.id=? AND m.pid=?", (key, pid))
        if row is None:
            raise not_found(_("There is no message {}.").format(key))
        return rows.message(row)

    return read


def conversations(pid: int, before: str | None, limit: int) -> Callable[[Read], Page[Conversation]]:
    """Conversations, the last active first."""
    low = mark(before, 2) if before else None

    def read(store: Read) -> Page[Conversation]:
        found = recent(store, pid, low, limit + 1)
        items = [rows.conversation(row) for row in found[:limit]]
        last = f"{items[-1].last_at}.{cast('int', found[limit - 1][-1])}" if len(found) > limit else None
        return Page(items=items, before=last)

    return read


def recent(store: Read, pid: int, low: tuple[int, ...] | None, limit: int) -> list[SqlRow]:
    """Rows of conversations (with ``rev`` and ``id`` at the end), the last active first."""
    where, params = ("AND (last_at, id) < (?,?)", low) if low else ("", ())
    return store.all(
        f"SELECT {rows.CONVERSATION_COLUMNS}, rev, id FROM conversation WHERE pid=? AND last_id<>0 {where} "
        f"ORDER BY last_at DESC, id DESC LIMIT {int(limit)}",
        (pid, *params),
    )


def known(store: Read, pid: int) -> list[tuple[str, ConversationKind, str]]:
    """Address, kind and title, the last active first."""
    found = store.all(
        f"SELECT address, kind, title FROM conversation WHERE pid=? ORDER BY last_at DESC, id DESC LIMIT {MOST_KNOWN}",
        (pid,),
    )
    return cast("list[tuple[str, ConversationKind, str]]", found)


def answered(store: Read, pid: int, addresses: Sequence[str]) -> list[str]:
    """Those of these conversations that hold an own message."""
    sql = (
        "SELECT 1 FROM conversation c WHERE c.pid=? AND c.address=? AND EXISTS "
        "(SELECT 1 FROM message m WHERE m.conv=c.id AND m.outgoing)"
    )
    return [address for address in addresses if store.one(sql, (pid, address)) is not None]


def words_of(query: str) -> str:
    """A person's words as an FTS5 expression: all of them, ``*`` at a word's end for beginnings."""
    words = []
    for word in query.split()[:20]:
        beginning = word.endswith("*")
        text = word.rstrip("*").replace('"', '""')
        if text and any(c.isalnum() for c in text):
            words.append(f'"{text}"' + ("*" if beginning else ""))
    if not words:
        raise invalid("query", _("Search for at least one word."))
    return " ".join(words)


def search(
    pids: dict[int, str], query: str, address: str | None, before: str | None, limit: int
) -> Callable[[Read], Page[Found]]:
    """Newest messages that hold all words."""
    words = words_of(query[:1000])
    low = mark(before, 1)[0] if before else 1 << 62

    def read(store: Read) -> Page[Found]:
        where = f"m.pid IN ({','.join(str(int(pid)) for pid in pids)})" + (
            " AND c.address=?" if address else ""
        )
        sql = (
            f"SELECT {rows.MESSAGE_COLUMNS}, snippet(message_text, 0, char(2), char(3), '…', 24), m.pid "
            "FROM message_text JOIN message m ON m.id = message_text.rowid JOIN conversation c ON c.id = m.conv "
            f"WHERE message_text MATCH ? AND message_text.rowid < ? AND {where} "
            f"ORDER BY message_text.rowid DESC LIMIT {int(limit) + 1}"
        )
        found = store.all(sql, (words, low, address) if address else (words, low))
        items = [
            Found(profile=pids[cast("int", row[-1])], message=rows.message(row), excerpt=str(row[-2]))
            for row in found[:limit]
        ]
        return Page(items=items, before=str(items[-1].message.id) if len(found) > limit else None)

    return read
