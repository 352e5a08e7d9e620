# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp avatar``: bytes go through the bridge, files stay with the window."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest

from salut.plugins.avatars.api import Avatar
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon

PICTURE = b"\x89PNG\r\n\x1a\nanything"
AVATAR = Avatar(address="bob@localhost", hash="0" * 40, type="image/png", size=16, width=8, height=9)


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    picture = {"hash": "0" * 40, "type": "image/png", "data": base64.b64encode(PICTURE).decode()}
    daemon.answers |= {
        "avatars.list": lambda _: {"items": [msgspec.to_builtins(AVATAR)], "before": None, "after": None},
        "avatars.get": lambda _: picture,
        "avatars.set": lambda _: msgspec.to_builtins(AVATAR),
        "avatars.clear": lambda _: None,
    }


def test_show(jp: Jp, daemon: FakeDaemon) -> None:
    ran = jp("avatar", "-p", "alice")
    assert ran.out == f"bob@localhost  image/png  8x9  16  {'0' * 40}\n"
    assert jp("avatar", "show", "-p", "alice", "--json").json["items"] == [msgspec.to_builtins(AVATAR)]


def test_get(jp: Jp, daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = jp("avatar", "get", "room@muc.localhost/../x", "-p", "alice")
    assert (ran.code, ran.out) == (0, "room@muc.localhost_.._x.png\n")
    assert (tmp_path / "room@muc.localhost_.._x.png").read_bytes() == PICTURE
    ran = jp("avatar", "get", "-p", "alice", "--json", "-o", "me")
    assert (ran.json["size"], ran.json["file"]) == (len(PICTURE), "me")
    assert (tmp_path / "me").read_bytes() == PICTURE
    assert base64.b64decode(jp("avatar", "get", "-p", "alice", "--json").json["data"]) == PICTURE
    ran = jp("avatar", "get", "-p", "alice", "-o", str(tmp_path / "no" / "folder"))
    assert ran.code != 0
    assert "no/folder" in ran.err


def test_set_and_clear(jp: Jp, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURE)
    assert jp("avatar", "set", str(tmp_path / "a.png"), "-p", "alice").code == 0
    ran = jp("avatar", "set", "-", "--contacts", "-p", "alice", "--json", stdin=PICTURE)
    assert ran.json["hash"] == "0" * 40
    data = base64.b64encode(PICTURE).decode()
    assert daemon.calls("avatars.set") == [
        {"profile": "alice", "data": data, "public": True},
        {"profile": "alice", "data": data, "public": False},
    ]
    assert jp("avatar", "clear", "-p", "alice", "--json").json == {"profile": "alice"}
    assert daemon.calls("avatars.clear") == [{"profile": "alice"}]


def test_a_file_that_is_missing_or_too_large(jp: Jp, daemon: FakeDaemon, tmp_path: Path) -> None:
    assert "nowhere" in jp("avatar", "set", str(tmp_path / "nowhere"), "-p", "alice").err
    (tmp_path / "big").write_bytes(b"x" * 800_000)
    ran = jp("avatar", "set", str(tmp_path / "big"), "-p", "alice")
    assert "700000" in ran.err
    assert daemon.calls("avatars.set") == []
