# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls: authorised, validated, run once for each op, also over a restart of the daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from salut.engine.dispatcher import Caller
from salut.model.errors import SalutError
from tests.engine_kit import EngineKit, running_engine

WHO = "ann@localhost"


async def profile(kit: EngineKit, name: str = "home") -> None:
    """A profile that stays offline."""
    await kit.call(
        "profiles.create",
        name=name,
        address=f"{name}@localhost",
        password="secret",
        settings={"enabled": False},
    )


async def raw(kit: EngineKit, caller: Caller, method: str, **params: Any) -> bytes:
    return await kit.engine.dispatcher.call(caller, method, msgspec.json.encode(params))


async def refused(kit: EngineKit, caller: Caller, method: str, **params: Any) -> SalutError:
    with pytest.raises(SalutError) as caught:
        await raw(kit, caller, method, **params)
    return caught.value


async def test_an_op_is_answered_as_the_first_time(tmp_path: Path) -> None:
    params: dict[str, Any] = {"profile": "home", "conversation": WHO, "op": "op-1"}
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        first = await raw(kit, Caller("w1", "one"), "drafts.set", text="a", **params)
        head = kit.engine.journal.heads["home"]
        assert msgspec.json.decode(first)["seq"] == {"home": head}
        assert await raw(kit, Caller("w2", "two"), "drafts.set", text="b", **params) == first
        assert kit.engine.journal.heads["home"] == head
    async with running_engine(tmp_path) as kit:
        assert await raw(kit, Caller(), "drafts.set", text="c", **params) == first
        assert [d["text"] for d in await kit.call("drafts.list", profile="home")] == ["a"]
        assert kit.engine.journal.heads["home"] == head


async def test_an_op_is_of_one_profile(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        for name in ("home", "work"):
            await profile(kit, name)
            await kit.call("drafts.set", profile=name, conversation=WHO, text=name, op="same")
        assert [d["text"] for d in await kit.call("drafts.list", profile="work")] == ["work"]


async def test_the_same_op_at_the_same_time_runs_once(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        head = kit.engine.journal.heads["home"]
        params = {"profile": "home", "conversation": WHO, "op": "op-1"}
        replies = await asyncio.gather(
            *(raw(kit, Caller(), "drafts.set", text=str(number), **params) for number in range(20))
        )
        assert len(set(replies)) == 1
        assert kit.engine.journal.heads["home"] == head + 1


async def test_a_caller_that_gives_up_does_not_end_the_work(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        params = {"profile": "home", "conversation": WHO, "text": "kept"}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await raw(kit, Caller(), "drafts.set", op="op-1", **params)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await raw(kit, Caller(), "drafts.set", **{**params, "conversation": "bob@localhost"})

        async def both() -> bool:
            return len(await kit.call("drafts.list", profile="home")) == 2

        await kit.until(both)


async def test_an_op_of_another_method_is_a_conflict(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        await kit.call("drafts.set", profile="home", conversation=WHO, text="a", op="op-1")
        error = await refused(kit, Caller(), "profiles.disconnect", profile="home", op="op-1")
        assert (error.code, error.data["field"]) == ("conflict", "op")
        ends = await asyncio.gather(
            raw(kit, Caller(), "drafts.set", profile="home", conversation=WHO, text="b", op="op-2"),
            raw(kit, Caller(), "profiles.disconnect", profile="home", op="op-2"),
            return_exceptions=True,
        )
        assert isinstance(ends[0], bytes)
        assert isinstance(ends[1], SalutError) and ends[1].code == "conflict"


async def test_a_failed_op_may_be_tried_again(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        new = {"name": "home", "password": "x", "settings": {"enabled": False}, "op": "op-1"}
        assert (await refused(kit, Caller(), "profiles.create", address="localhost", **new)).code == "invalid"
        reply = await raw(kit, Caller(), "profiles.create", address="home@localhost", **new)
        assert msgspec.json.decode(reply)["value"]["address"] == "home@localhost"
        assert await raw(kit, Caller(), "profiles.create", address="home@localhost", **new) == reply


async def test_a_deletion_is_answered_again_though_the_profile_is_gone(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        first = await raw(kit, Caller(), "profiles.delete", profile="home", op="op-1")
        assert await raw(kit, Caller(), "profiles.delete", profile="home", op="op-1") == first
        assert (
            await refused(kit, Caller(), "profiles.delete", profile="home", op="op-2")
        ).code == "not-found"


async def test_an_op_id_is_bounded(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        params = {"profile": "home", "conversation": WHO, "text": "a", "op": "x" * 65}
        error = await refused(kit, Caller(), "drafts.set", **params)
        assert (error.code, error.data["field"]) == ("invalid", "op")


async def test_a_scope_that_the_window_lacks_is_denied(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        caller = Caller("w1", "reader", scopes=frozenset({"read"}))
        assert msgspec.json.decode(await raw(kit, caller, "drafts.list", profile="home"))["value"] == []
        head = kit.engine.journal.heads["home"]
        sent = await refused(kit, caller, "drafts.set", profile="home", conversation=WHO, text="a")
        assert sent.code == "denied" and "send" in sent.message
        assert (await refused(kit, caller, "daemon.stop")).code == "denied"
        assert (await refused(kit, caller, "profiles.delete", profile="home", op="x")).code == "denied"
        assert kit.engine.journal.heads["home"] == head


async def test_a_profile_that_the_window_does_not_see_is_not_found(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await profile(kit)
        await profile(kit, "other")
        caller = Caller("w1", "half", profiles=frozenset({"home"}))
        await raw(kit, caller, "drafts.list", profile="home")
        hidden = await refused(kit, caller, "drafts.list", profile="other")
        absent = await refused(kit, caller, "drafts.list", profile="xxxxx")
        assert hidden.code == absent.code == "not-found"
        assert hidden.message.replace("other", "xxxxx") == absent.message
        for method in ("profiles.delete", "profiles.disconnect"):
            assert (await refused(kit, caller, method, profile="other", op="o")).code == "not-found"
        assert (await refused(kit, Caller(), "drafts.list", profile="")).code == "not-found"
        assert len(await kit.call("profiles.list")) == 2


async def test_hostile_parameters_are_refused(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        call = kit.engine.dispatcher.call
        for params in (
            b"",
            b"[]",
            b"null",
            b"7",
            b"\xff",
            b"[" * 100_000,
            b'{"lines":"x"}',
            b'{"lines":1e400}',
        ):
            with pytest.raises(SalutError) as caught:
                await call(Caller(), "daemon.log", params)
            assert caught.value.code == "invalid"
        assert (await refused(kit, Caller(), "no.such")).code == "unknown-method"
