# SPDX-License-Identifier: AGPL-3.0-or-later
"""What other plugins have a say in: which messages are taken, who is told nothing, to whom a window may write."""

from __future__ import annotations

from collections.abc import Callable

from salut.plugins.history.api import NewMessage


class Gates:
    """The part of the port ``Chat`` that strangers and blocking use. Checks are asked for each message: one
    look into memory each, no I/O."""

    def __init__(self) -> None:
        super().__init__()
        self._filters: list[Callable[[str, NewMessage], bool]] = []
        self._silences: list[Callable[[str, str], bool]] = []
        self._senders: list[Callable[[str, str], object]] = []

    def filter(self, check: Callable[[str, NewMessage], bool]) -> None:
        """See ``Chat``."""
        self._filters.append(check)

    def silence(self, check: Callable[[str, str], bool]) -> None:
        """See ``Chat``."""
        self._silences.append(check)

    def before_send(self, hook: Callable[[str, str], object]) -> None:
        """See ``Chat``."""
        self._senders.append(hook)

    def takes(self, profile: str, message: NewMessage) -> bool:
        """Whether a message that came in is taken."""
        for check in self._filters:  # noqa: SIM110 -- the generator of all() costs more than the checks
            if not check(profile, message):
                return False
        return True

    def is_silent(self, profile: str, bare: str) -> bool:
        """See ``Chat``."""
        for check in self._silences:  # noqa: SIM110 -- as above
            if check(profile, bare):
                return True
        return False

    def sending(self, profile: str, address: str) -> None:
        """A window writes to ``address``; raises where it may not."""
        for hook in self._senders:
            hook(profile, address)
