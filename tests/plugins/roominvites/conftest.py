# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms are looked at here: of a client that says that nobody looks, servers hold presences back (XEP-0352)."""

from __future__ import annotations

import pytest

from salut.plugins.csi.plugin import CsiPlugin


@pytest.fixture(autouse=True)
def somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CsiPlugin, "_looked_at", lambda _self: True)
