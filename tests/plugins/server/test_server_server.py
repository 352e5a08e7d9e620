# SPDX-License-Identifier: AGPL-3.0-or-later
"""What real servers say of themselves, and what we say of us through them (XEP-0092, 0157, 0202, 0012)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

import salut
from devkit.servers import PrivateServer
from salut.model.errors import SalutError
from salut.plugins.server.bounds import EACH
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.roster.test_roster_server import befriend


async def test_the_server_says_what_it_is(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path, server, {"me": server.account("asks")}) as kit:
        info = await kit.call("server.info", profile="me")
        assert info["domain"] == server.domain
        assert info["software"]["name"].lower() == server.kind
        assert info["contacts"] == {
            "abuse": ["mailto:abuse@example.org"],
            "admin": ["mailto:admin@example.org", "xmpp:admin@example.org"],
        }
        assert "jabber:iq:version" in info["features"]
        assert "outage" not in info
        assert info["uptime"] >= 0
        clock = await kit.call("server.time", profile="me", address=server.domain)
        assert abs(clock["utc"] / 1e6 - time.time()) < 60


async def two(kit: EngineKit, server: PrivateServer) -> dict[str, str]:
    """Two profiles that do not know each other; the full address of each."""
    for name in ("alice", "bob"):
        await kit.add(name, server.account(name), server)
    return {name: kit.session(name).jid for name in ("alice", "bob")}


async def test_others_learn_the_version_but_no_system(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        at = await two(kit, server)
        said = await kit.call("server.software", profile="alice", address=at["bob"])
        assert said == {"name": "Salut", "version": salut.__version__}
        await kit.call("settings.set", values={"server.answer_os": True})
        said = await kit.call("server.software", profile="alice", address=at["bob"])
        assert said["os"]
        await kit.call("settings.set", values={"server.answer_version": "nobody"})
        with pytest.raises(SalutError) as silent:
            await kit.call("server.software", profile="alice", address=at["bob"])
        assert silent.value.code == "refused"


async def test_only_contacts_learn_the_time(tmp_path: Path, server: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        at = await two(kit, server)
        with pytest.raises(SalutError) as stranger:
            await kit.call("server.time", profile="alice", address=at["bob"])
        assert stranger.value.code == "refused"
        await befriend(kit, "alice", "bob", at["alice"].partition("/")[0], at["bob"].partition("/")[0])
        said = await kit.call("server.time", profile="alice", address=at["bob"])
        assert abs(said["utc"] / 1e6 - time.time()) < 60
        assert said["ahead"] == -time.timezone // 60 or time.daylight


async def test_who_asks_too_often_must_wait(tmp_path: Path, prosody: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        at = await two(kit, prosody)
        asked = [kit.call("server.software", profile="alice", address=at["bob"]) for _ in range(3 * EACH)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [a for a in answers if isinstance(a, SalutError)]
        assert EACH <= len(answers) - len(refused) <= EACH + 2
        assert {a.data["condition"] for a in refused} == {"resource-constraint"}


async def test_a_person_is_asked_by_device(tmp_path: Path, prosody: PrivateServer) -> None:
    async with running_engine(tmp_path) as kit:
        at = await two(kit, prosody)
        with pytest.raises(SalutError, match="Which of their devices") as which:
            await kit.call("server.software", profile="alice", address=at["bob"].partition("/")[0])
        assert which.value.code == "invalid"
