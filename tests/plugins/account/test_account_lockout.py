# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nobody is locked out by a password change that breaks off, whatever the server did with it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from devkit.servers import PrivateServer
from salut.model.errors import SalutError
from salut.plugins.account.plugin import AccountPlugin
from salut.plugins.account.service import OutcomeUnknownError
from tests.engine_kit import BOUND, EngineKit, running_engine

NEW = "the new password"


def break_off(kit: EngineKit, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """The link breaks in the middle of a change: the server has done it (``after``), or has not heard of it."""
    plugin = cast("AccountPlugin", kit.engine.plugins.plugins["account"])
    protocol = plugin._service._protocol
    original = protocol.set_password

    async def broken(link: object, password: str) -> None:
        if after:
            await original(link, password)  # type: ignore[arg-type]
        raise OutcomeUnknownError("the session on which this was asked is over")

    monkeypatch.setattr(protocol, "set_password", broken)


async def pending(kit: EngineKit) -> int:
    row = await kit.engine.readers.read(lambda read: read.one("SELECT count(*) FROM account_pending"))
    assert row is not None
    return int(row[0] or 0)


@pytest.mark.parametrize("after", [True, False])
async def test_the_next_login_shows_which_password_is_right(
    tmp_path: Path, server: PrivateServer, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    account = server.account("broken")
    async with running_engine(tmp_path, server, {"me": account}) as kit:
        break_off(kit, monkeypatch, after=after)
        with pytest.raises(SalutError, match="Both are kept") as unknown:
            await kit.call("account.set_password", profile="me", password=NEW)
        assert unknown.value.code == "timeout"
        assert await pending(kit) == 1
    async with running_engine(tmp_path) as kit:  # as after kill -9: what is known is what is stored

        async def online() -> bool:
            (profile,) = await kit.call("profiles.list")
            return bool(profile["link"]["state"] == "online") and not await pending(kit)

        await kit.until(online, BOUND)
        row = await kit.engine.readers.read(lambda read: read.one("SELECT password FROM profile"))
        assert row is not None and isinstance(row[0], bytes)
        kept = kit.engine.profiles._vault.open("me", row[0])
        assert kept == (NEW if after else account.password)


async def test_a_refused_password_changes_nothing(
    tmp_path: Path, prosody: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = prosody.account("refused")
    async with running_engine(tmp_path, prosody, {"me": account}) as kit:
        plugin = cast("AccountPlugin", kit.engine.plugins.plugins["account"])

        async def refuse(link: object, password: str) -> None:
            raise SalutError("refused", "too weak", {"condition": "not-acceptable"})

        monkeypatch.setattr(plugin._service._protocol, "set_password", refuse)
        with pytest.raises(SalutError, match="too weak"):
            await kit.call("account.set_password", profile="me", password="1")
        assert await pending(kit) == 0
        await kit.call("profiles.disconnect", profile="me")
        await kit.call("profiles.connect", profile="me", wait=BOUND)


async def test_a_password_is_not_kept_readable(tmp_path: Path, prosody: PrivateServer) -> None:
    account = prosody.account("sealed")
    async with running_engine(tmp_path, prosody, {"me": account}) as kit:
        await kit.call("account.set_password", profile="me", password=NEW)
    assert NEW.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("salut.db*"))
