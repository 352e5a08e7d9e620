# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tokens of invitations on the writer's thread (XEP-0379 section 5): one person, once, for a bounded time.

Only a token's hash is kept, and all hashes are compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final

import msgspec

from salut.api.ports import Read, SqlRow, Tx
from salut.model.errors import SalutError
from salut.model.moment import SECOND
from salut.model.words import _
from salut.plugins.invites.api import Invite

DAY: Final = 86_400 * SECOND
MOST_OPEN: Final = 200
MOST_EXPECTED: Final = 500
KEPT_DAYS: Final = 30  # used and expired invitations are listed so long
EXPECTED_DAYS: Final = 30
MAX_TOKEN: Final = 200  # characters that we look at
COLUMNS: Final = "id, at, until, note, used_by, used_at"


def of_row(row: SqlRow) -> Invite:
    """A row of ``COLUMNS``."""
    r: tuple[Any, ...] = row
    return Invite(id=r[0], at=r[1], until=r[2], note=r[3], used_by=r[4], used_at=r[5])


def digest(token: str) -> bytes:
    """What is kept of a token. It is random, so no salt is needed."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def load(read: Read, pid: int) -> list[Invite]:
    """All that are kept, newest first."""
    return [
        of_row(row)
        for row in read.all(f"SELECT {COLUMNS} FROM invite WHERE pid=? ORDER BY at DESC, id", (pid,))
    ]


def create(tx: Tx, now: int, days: int, note: str) -> tuple[Invite, str]:
    """A new invitation and its token. ``too-large`` where too many are open."""
    _prune(tx, now)
    row = tx.one("SELECT count(*) FROM invite WHERE pid=? AND used_by='' AND until>?", (tx.pid, now))
    if row is not None and int(row[0] or 0) >= MOST_OPEN:
        raise SalutError(
            "too-large",
            _("There are {} open invitations already; take some back first: jp invite revoke").format(
                MOST_OPEN
            ),
            {"limit": MOST_OPEN},
        )
    token = secrets.token_hex(16)
    invite = Invite(id=secrets.token_hex(4), at=now, until=now + days * DAY, note=note)
    rev = tx.change("invite", invite.id, invite)
    tx.execute(
        f"INSERT INTO invite (pid, digest, rev, {COLUMNS}) VALUES (?,?,?,?,?,?,?,'',0)",
        (tx.pid, digest(token), rev, invite.id, invite.at, invite.until, note),
    )
    return invite, token


def redeem(tx: Tx, now: int, token: str, who: str) -> Invite | None:
    """Use up the invitation with this token for ``who``; ``None`` where there is none that is good."""
    if not token or len(token) > MAX_TOKEN:
        return None
    given, found = digest(token), None
    rows = tx.all(
        f"SELECT {COLUMNS}, digest FROM invite WHERE pid=? AND used_by='' AND until>?", (tx.pid, now)
    )
    for row in rows:  # all of them, whichever fits
        kept = row[-1]
        assert isinstance(kept, bytes)
        if hmac.compare_digest(kept, given):
            found = of_row(row)
    if found is None:
        return None
    used = msgspec.structs.replace(found, used_by=who, used_at=now)
    rev = tx.change("invite", used.id, used)
    tx.execute(
        "UPDATE invite SET used_by=?, used_at=?, rev=? WHERE pid=? AND id=?", (who, now, rev, tx.pid, used.id)
    )
    return used


def revoke(tx: Tx, key: str) -> bool:
    """Take one back; False where there is none."""
    if tx.one("SELECT 1 FROM invite WHERE pid=? AND id=?", (tx.pid, key)) is None:
        return False
    tx.execute("DELETE FROM invite WHERE pid=? AND id=?", (tx.pid, key))
    tx.change("invite", key, None)
    return True


def expect(tx: Tx, now: int, address: str) -> None:
    """Whoever invited us may see our presence when they ask."""
    tx.execute("DELETE FROM invite_expected WHERE pid=? AND until<=?", (tx.pid, now))
    tx.execute(
        "INSERT OR REPLACE INTO invite_expected (pid, address, until) VALUES (?,?,?)",
        (tx.pid, address, now + EXPECTED_DAYS * DAY),
    )
    tx.execute(
        "DELETE FROM invite_expected WHERE pid=? AND address NOT IN (SELECT address FROM invite_expected "
        f"WHERE pid=? ORDER BY until DESC LIMIT {MOST_EXPECTED})",
        (tx.pid, tx.pid),
    )


def is_expected(tx: Tx, now: int, address: str) -> bool:
    """Whether we took up this address's invitation; counts once."""
    mark = (tx.pid, address)
    row = tx.one("SELECT until FROM invite_expected WHERE pid=? AND address=?", mark)
    if row is None:
        return False
    tx.execute("DELETE FROM invite_expected WHERE pid=? AND address=?", mark)
    return int(row[0] or 0) > now


def _prune(tx: Tx, now: int) -> None:
    old = now - KEPT_DAYS * DAY
    rows = tx.all(
        "SELECT id FROM invite WHERE pid=? AND (until<? OR (used_at>0 AND used_at<?))", (tx.pid, old, old)
    )
    for row in rows:
        revoke(tx, str(row[0]))
