# SPDX-License-Identifier: AGPL-3.0-or-later
"""Found by ``make fuzz``: 64 calls of ``daemon.describe`` at once held every other window up for five seconds."""

from __future__ import annotations

from salut.api.contract import Contract, Kind
from salut.engine.registry import Registry
from salut.plugins.drafts.api import Draft


def test_the_description_is_made_once_and_anew_when_plugins_change() -> None:
    registry = Registry()
    contract = Contract(plugin="odd", services=(), kinds=(Kind("odd", Draft, "key"),))
    before = registry.describe()
    assert registry.describe() is before
    registry.add(contract, ())
    assert [kind["name"] for kind in registry.describe()["kinds"]] == ["odd"]
    registry.remove(contract)
    assert registry.describe() == before
