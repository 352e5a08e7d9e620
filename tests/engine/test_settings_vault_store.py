# SPDX-License-Identifier: AGPL-3.0-or-later
"""Settings with revisions, secrets at rest, and a database that was put back to an older state."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from salut.api.wire import Position, Start
from salut.engine.attach import Wish, begin
from salut.engine.vault import KEY_BYTES, Vault
from salut.model.errors import SalutError
from tests.engine_kit import EngineKit, running_engine


class Own(msgspec.Struct, frozen=True):
    """Settings for these tests."""

    color: Annotated[str, msgspec.Meta(description="A colour.", max_length=10)] = "red"
    size: Annotated[int, msgspec.Meta(description="A size.", ge=1)] = 1


# Settings
async def test_if_rev_conflict_carries_what_is_in_force(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        kit.engine.settings.declare("own", Own)
        (first,) = await kit.call("settings.set", values={"own.color": "blue"}, if_rev=0)
        assert (first["value"], first["default"], first["help"]) == ("blue", "red", "A colour.")
        with pytest.raises(SalutError) as caught:
            await kit.call("settings.set", values={"own.size": 2, "own.color": "green"}, if_rev=0)
        assert caught.value.code == "conflict"
        assert caught.value.data == {"field": "own.color", "current": '"blue"', "rev": first["rev"]}
        assert kit.engine.settings.get("own", Own) == Own("blue", 1)  # none of the batch
        (second,) = await kit.call("settings.set", values={"own.color": "green"}, if_rev=first["rev"])
        assert second["rev"] > first["rev"]
    async with running_engine(tmp_path) as kit:
        kit.engine.settings.declare("own", Own)
        assert kit.engine.settings.get("own", Own) == Own("green", 1)


async def test_one_bad_value_refuses_the_batch(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        kit.engine.settings.declare("own", Own)
        head = kit.engine.journal.heads[""]
        for name, value in (("own.size", "x"), ("own.size", 0), ("own.none", 1), ("x" * 500, 1)):
            with pytest.raises(SalutError) as caught:
                await kit.call("settings.set", values={"own.color": "blue", name: value})
            assert (caught.value.code, caught.value.data["field"]) == ("invalid", name)
        assert kit.engine.settings.get("own", Own) == Own()
        assert kit.engine.journal.heads[""] == head


# Vault
def sealed_with(folder: Path) -> tuple[Vault, bytes]:
    vault = Vault(folder / "k.key")
    return vault, vault.seal("home", "pässword")


def test_a_secret_comes_back_and_shows_nowhere(tmp_path: Path) -> None:
    vault, sealed = sealed_with(tmp_path)
    assert vault.open("home", sealed) == "pässword"
    assert Vault(tmp_path / "k.key").open("home", sealed) == "pässword"
    assert "pässword".encode() not in sealed
    assert sealed != vault.seal("home", "pässword")
    assert stat.S_IMODE((tmp_path / "k.key").stat().st_mode) == 0o600
    assert len((tmp_path / "k.key").read_bytes()) == KEY_BYTES


def test_a_wrong_key_or_a_touched_secret_is_a_storage_error(tmp_path: Path) -> None:
    vault, sealed = sealed_with(tmp_path)
    other = Vault(tmp_path / "other.key")
    wrong = [(other, "home", sealed), (vault, "work", sealed)]
    wrong += [
        (vault, "home", sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]) for at in range(len(sealed))
    ]
    wrong += [(vault, "home", sealed[:length]) for length in (0, 1, 11, 12, 13, 20, len(sealed) - 1)]
    for one, label, secret in wrong:
        with pytest.raises(SalutError) as caught:
            one.open(label, secret)
        assert caught.value.code == "storage"
        assert label in caught.value.message
    (tmp_path / "short.key").write_bytes(b"short")
    with pytest.raises(SalutError) as damaged:
        Vault(tmp_path / "short.key").open("home", sealed)
    assert damaged.value.code == "storage"


async def test_a_lost_key_is_shown_at_the_profile_and_the_daemon_runs(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await new_profile(kit)
    (tmp_path / "salut.key").unlink()
    async with running_engine(tmp_path) as kit:
        with pytest.raises(SalutError) as caught:
            await kit.call("profiles.connect", profile="home", wait=20.0)
        assert caught.value.code == "refused"
        assert caught.value.data["condition"] == "storage"
        (shown,) = await kit.call("profiles.list")
        assert shown["link"]["state"] == "refused"
        assert shown["link"]["code"] == "storage"


# Store
async def new_profile(kit: EngineKit) -> None:
    await kit.call(
        "profiles.create",
        name="home",
        address="home@localhost",
        password="secret",
        settings={"enabled": False},
    )


async def drafts(kit: EngineKit, count: int) -> Position:
    """Grow the journal; where it stands then."""
    for number in range(count):
        text = str(kit.engine.journal.heads["home"])  # a text of its own each time: the same one is no change
        await kit.call("drafts.set", profile="home", conversation=f"c{number}@localhost", text=text)
    return kit.engine.journal.position("home")


async def resume(kit: EngineKit, position: Position) -> Start:
    engine = kit.engine
    pid = engine.journal.journals.pids["home"]
    wish = Wish("home", position, state=True, conversations=10)
    return await engine.readers.read(
        lambda read: begin(read, wish, pid, engine.journal.lives, engine.snapshot)
    )


async def test_a_position_lasts_over_restarts(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await new_profile(kit)
        early = kit.engine.journal.position("home")
        late = await drafts(kit, 3)
    for _start in range(2):
        async with running_engine(tmp_path) as kit:
            for position in (early, late):
                start = await resume(kit, position)
                assert (start.resumed, start.reset, start.position.seq) == (True, "", position.seq)
                assert start.position.epoch == kit.engine.journal.epoch_of("home")  # told in this life now


async def test_a_restored_older_database_refuses_what_it_never_knew(tmp_path: Path) -> None:
    folder, copy = tmp_path / "state", tmp_path / "copy"
    async with running_engine(folder) as kit:
        await new_profile(kit)
        before = await drafts(kit, 2)
    shutil.copytree(folder, copy)
    async with running_engine(folder) as kit:
        lost = await drafts(kit, 5)
        assert (await resume(kit, before)).resumed
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    async with running_engine(folder) as kit:
        grown = await drafts(kit, 10)  # past the lost position: its number alone would not tell
        assert grown.seq > lost.seq
        start = await resume(kit, lost)
        assert (start.resumed, start.reset, start.position) == (False, "epoch", grown)
        assert len([item for item in start.items if item.name == "draft"]) == 10
        kept = await resume(kit, before)  # what the copy knew is as true as ever
        assert (kept.resumed, kept.reset) == (True, "")
        ahead = await resume(kit, Position(grown.epoch, grown.seq + 1))
        assert (ahead.resumed, ahead.reset) == (False, "ahead")


async def test_a_profile_made_anew_refuses_positions_of_the_old_one(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await new_profile(kit)
        old = await drafts(kit, 1)
        await kit.call("profiles.delete", profile="home")
        await new_profile(kit)
        new = await drafts(kit, 3)
        assert new.seq > old.seq
        start = await resume(kit, old)
        assert (start.resumed, start.reset) == (False, "epoch")


async def test_a_trimmed_journal_refuses_what_is_too_old(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        await new_profile(kit)
        old = await drafts(kit, 1)
        middle = await drafts(kit, 3)
        await drafts(kit, 3)
        await kit.engine.journal.commit(
            "home", lambda tx: tx.execute("DELETE FROM journal WHERE pid=? AND seq<=?", (tx.pid, middle.seq))
        )
        assert (await resume(kit, old)).reset == "compacted"
        assert (await resume(kit, middle)).resumed
