# SPDX-License-Identifier: AGPL-3.0-or-later
"""Drafts decide: the last writer wins, an empty text removes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from salut.api.ports import Read, SqlRow, Tx
from salut.engine.context import CURRENT
from salut.engine.plugin import Host
from salut.model import address as addresses
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.drafts.api import Draft, DraftsApi

MAX_TEXT: Final = 65_536
MOST_DRAFTS: Final = 1_000
MAX_WINDOW: Final = 200  # characters of the name of the window that wrote it
SHOWN_TEXT: Final = 65_536  # characters of all drafts that a new window gets; the rest on demand
SELECT: Final = (
    "SELECT conversation, text, at, window, rev FROM draft WHERE pid=? ORDER BY at DESC, conversation"
)


def of_row(row: SqlRow) -> Draft:
    """A row of ``SELECT``."""
    r: tuple[Any, ...] = row
    return Draft(conversation=r[0], text=r[1], at=r[2], window=r[3])


def store(tx: Tx, draft: Draft) -> None:
    """Keep a draft, or remove it where its text is empty; no change where nothing changes."""
    mark = (tx.pid, draft.conversation)
    old = tx.one("SELECT text FROM draft WHERE pid=? AND conversation=?", mark)
    if (old[0] if old is not None else "") == draft.text:
        return
    if not draft.text:
        tx.execute("DELETE FROM draft WHERE pid=? AND conversation=?", mark)
        tx.change("draft", draft.conversation, None)
        return
    if old is None:
        _check_room(tx)
    rev = tx.change("draft", draft.conversation, draft)
    tx.execute(
        "INSERT OR REPLACE INTO draft (pid, conversation, text, at, window, rev) VALUES (?,?,?,?,?,?)",
        (*mark, draft.text, draft.at, draft.window, rev),
    )


def dump(read: Read, pid: int, after: str, limit: int) -> Sequence[tuple[str, Draft]]:
    """Drafts by conversation, for an export."""
    rows = read.all(
        "SELECT conversation, text, at, window, rev FROM draft WHERE pid=? AND conversation>? "
        "ORDER BY conversation LIMIT ?",
        (pid, after, limit),
    )
    return [(str(row[0]), of_row(row)) for row in rows]


def bring(tx: Tx, drafts: Sequence[Draft]) -> int:
    """Keep drafts of an import, where there is none that is as new. How many were kept."""
    kept = 0
    for draft in drafts:
        old = tx.one("SELECT at FROM draft WHERE pid=? AND conversation=?", (tx.pid, draft.conversation))
        if draft.text and (old is None or int(old[0] or 0) < draft.at):
            store(tx, draft)
            kept += 1
    return kept


def _check_room(tx: Tx) -> None:
    row = tx.one("SELECT count(*) FROM draft WHERE pid=?", (tx.pid,))
    if row is not None and int(row[0] or 0) >= MOST_DRAFTS:
        raise SalutError(
            "too-large",
            _("There are {} drafts already; remove some first: jp draft TO --clear").format(MOST_DRAFTS),
            {"field": "conversation", "limit": MOST_DRAFTS},
        )


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise SalutError(
            "too-large",
            _("A draft has at most {} characters.").format(MAX_TEXT),
            {"field": "text", "limit": MAX_TEXT},
        )


class DraftsService(DraftsApi):
    """The contract's methods."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def list(self, *, profile: str) -> list[Draft]:
        pid = self._host.pid(profile)
        rows = await self._host.readers.read(lambda read: read.all(SELECT, (pid,)))
        return [of_row(row) for row in rows]

    async def load(self, profile: str, drafts: Sequence[Draft]) -> int:
        """Take drafts of an import; the newer one of a conversation stays."""
        for draft in drafts:
            _check_text(draft.text)
        now = moment.now()
        checked = [
            Draft(
                conversation=addresses.normal(draft.conversation),
                text=draft.text,
                at=min(max(draft.at, 0), now),
                window=draft.window[:MAX_WINDOW],
            )
            for draft in drafts
        ]
        return await self._host.journal.commit(profile, lambda tx: bring(tx, checked))

    async def set(self, *, profile: str, conversation: str, text: str) -> Draft:
        _check_text(text)
        draft = _draft(addresses.normal(conversation), text)  # private chats in rooms keep their resource
        await self._host.journal.commit(profile, lambda tx: store(tx, draft))
        return draft

    # For plugins
    def give_back(self, tx: Tx, conversation: str, text: str) -> bool:
        """See ``Drafts``."""
        row = tx.one("SELECT text FROM draft WHERE pid=? AND conversation=?", (tx.pid, conversation))
        whole = f"{text}\n{row[0]!s}" if row is not None else text
        if len(whole) > MAX_TEXT:
            return False
        try:
            store(tx, _draft(conversation, whole))
        except SalutError as error:
            if error.code != "too-large":
                raise
            return False
        return True


def _draft(conversation: str, text: str) -> Draft:
    context = CURRENT.get()
    window = context.window_name if context is not None else ""
    return Draft(conversation=conversation, text=text, at=moment.now(), window=window)
