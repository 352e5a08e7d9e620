# SPDX-License-Identifier: AGPL-3.0-or-later
"""Exit codes of ``jp``, documented in its help and man pages."""

from __future__ import annotations

from salut.model.words import N_

OK = 0
ERROR = 1
USAGE = 2
NOT_FOUND = 3
AMBIGUOUS = 4
NOT_CONNECTED = 5
REFUSED = 6
TIMEOUT = 7
NO_DAEMON = 8
CONFLICT = 9
STORAGE = 10
INTERRUPTED = 130

TABLE: tuple[tuple[int, str], ...] = (
    (OK, N_("done")),
    (ERROR, N_("any other error")),
    (USAGE, N_("wrong usage or wrong input")),
    (NOT_FOUND, N_("not found")),
    (AMBIGUOUS, N_("ambiguous: the candidates are listed")),
    (NOT_CONNECTED, N_("the profile is not connected")),
    (REFUSED, N_("refused, by the server or for lack of rights")),
    (TIMEOUT, N_("timed out")),
    (NO_DAEMON, N_("the daemon is not running")),
    (CONFLICT, N_("conflict: it exists already, or was changed meanwhile")),
    (STORAGE, N_("the daemon cannot store")),
    (INTERRUPTED, N_("interrupted with Ctrl-C")),
)

_BY_WORD = {
    "invalid": USAGE,
    "too-large": USAGE,
    "not-found": NOT_FOUND,
    "ambiguous": AMBIGUOUS,
    "not-connected": NOT_CONNECTED,
    "refused": REFUSED,
    "denied": REFUSED,
    "timeout": TIMEOUT,
    "no-daemon": NO_DAEMON,
    "conflict": CONFLICT,
    "exists": CONFLICT,
    "storage": STORAGE,
}


def of(word: str) -> int:
    """The exit code for an error's code (``salut.model.errors.CODES``)."""
    return _BY_WORD.get(word, ERROR)
