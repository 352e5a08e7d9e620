# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is attached."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from salut.api.contract import DAEMON_JOURNAL
from salut.api.core import Window, WindowsApi
from salut.engine.journal import Journal
from salut.model import moment
from salut.model.errors import not_found
from salut.model.words import _


class Windows(WindowsApi):
    """The attached windows. Bindings register theirs."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._windows: dict[str, Window] = {}
        self._kick: dict[str, Callable[[], None]] = {}
        self._behind: dict[str, Callable[[], int]] = {}
        self._count = 0
        self.on_change: list[Callable[[], object]] = []
        self._looked: dict[str, int] = {}  # when each window was looked at last

    def __len__(self) -> int:
        return len(self._windows)

    def new_id(self) -> str:
        """An id that no other window of this daemon's life has had."""
        self._count += 1
        return f"w{self._count}"

    def add(self, window: Window, kick: Callable[[], None], behind: Callable[[], int]) -> None:
        """A window has attached."""
        self._kick[window.id] = kick
        self._behind[window.id] = behind
        self.update(window)

    def update(self, window: Window) -> None:
        """Its focus or idleness changed."""
        before = self._windows.get(window.id)
        self._windows[window.id] = window
        if window.focused or (before is not None and before.focused):
            self._looked[window.id] = moment.now()
        elif before is not None:  # it tells of its focus, but nobody has looked at it yet
            self._looked.setdefault(window.id, 0)
        self._journal.passing(DAEMON_JOURNAL, "window", window.id, window)
        self._tell()

    def _tell(self) -> None:
        for hook in self.on_change:
            hook()

    def looked_at(self) -> bool:
        """Whether a person looks at a window now. Those that never told of their focus count as looked at."""
        return any(
            key not in self._looked or (window.focused and not window.idle)
            for key, window in self._windows.items()
        )

    def looked(self) -> list[tuple[Window, int]]:
        """The windows that a person has looked at, and when last (microseconds)."""
        return [(self._windows[key], at) for key, at in self._looked.items() if at]

    def get(self, key: str) -> Window:
        """One window."""
        return self._windows[key]

    def remove(self, key: str) -> None:
        """A window has gone."""
        if self._windows.pop(key, None):
            del self._kick[key], self._behind[key]
            self._looked.pop(key, None)
            self._journal.passing(DAEMON_JOURNAL, "window", key, None)
            self._tell()

    async def list(self) -> list[Window]:
        return [msgspec.structs.replace(w, behind=self._behind[w.id]()) for w in self._windows.values()]

    async def kick(self, *, window: str) -> None:
        if window not in self._windows:
            raise not_found(_("There is no window {}. See them: jp windows").format(window))
        self._kick[window]()
