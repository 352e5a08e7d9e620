# SPDX-License-Identifier: AGPL-3.0-or-later
"""Contacts of an import go to the real server's roster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devkit.servers import XmppServer
from salut.model.errors import SalutError
from tests.engine_kit import running_engine


def contact(address: str, **more: Any) -> dict[str, Any]:
    value = {"address": address, **more}
    return {"kind": "contact", "key": address, "value": value}


async def test_contacts_come_back_with_names_and_groups(server: XmppServer, tmp_path: Path) -> None:
    alice = server.account("alice")
    async with running_engine(tmp_path, server, {"alice": alice}) as kit:
        await kit.call(
            "roster.add",
            profile="alice",
            address="old@example.invalid",
            name="Mine",
            groups=["A"],
            subscribe=False,
        )
        batch = [
            contact("new@example.invalid", name="New", groups=["B", "C"], subscription="both"),
            contact("old@example.invalid", name="Theirs", groups=["B"]),
            contact("eve@example.invalid", asks=True, in_roster=False),  # belongs to the old server
            contact(alice.jid, name="me"),
        ]
        for stored in (2, 0):
            brought = await kit.call(
                "portability.import_things", profile="alice", kind="contact", batch=batch
            )
            assert brought == {"stored": stored, "known": 4 - stored}
        page = await kit.call("roster.list", profile="alice")
        found = {
            c["address"]: (c.get("name", ""), c.get("groups", []), c.get("subscription"))
            for c in page["items"]
        }
        assert found == {
            "new@example.invalid": ("New", ["B", "C"], "none"),  # nobody was asked for a subscription
            "old@example.invalid": ("Mine", ["A", "B"], "none"),
        }
        things = await kit.call("portability.things", profile="alice", kind="contact", limit=1)
        assert [thing["key"] for thing in things["items"]] == ["new@example.invalid"]
        more = await kit.call(
            "portability.things", profile="alice", kind="contact", limit=1, after=things["after"]
        )
        assert ([thing["key"] for thing in more["items"]], more["after"]) == (["old@example.invalid"], None)
        await kit.call("profiles.disconnect", profile="alice")
        with pytest.raises(SalutError) as caught:
            await kit.call("portability.import_things", profile="alice", kind="contact", batch=batch[:1])
        assert caught.value.code == "not-connected"
