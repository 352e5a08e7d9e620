# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pages: how long lists cross the bridge."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One piece of a long list.

    ``before`` and ``after`` are opaque marks: hand one back under the same name to get the piece before
    or after this one; ``None`` where there is nothing more on that side.
    """

    items: list[T]
    before: str | None = None
    after: str | None = None
