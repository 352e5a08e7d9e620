# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whose call is being served: carried beside the code by a context variable."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from salut.api.wire import Cause


@dataclass(slots=True)
class CallContext:
    """One call of a window. ``seq`` collects where its effects show."""

    window: str = ""
    window_name: str = ""
    op: str = ""
    profiles: frozenset[str] | None = None  # what the window may know of; None: all
    seq: dict[str, int] = field(default_factory=dict)

    def cause(self) -> Cause | None:
        """For the changes that the call brings about."""
        return Cause(self.window, self.op) if self.window or self.op else None


CURRENT: Final[ContextVar[CallContext | None]] = ContextVar("salut_call", default=None)
