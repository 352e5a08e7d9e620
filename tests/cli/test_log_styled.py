# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp log`` draws texts as their senders styled them (XEP-0393), /me (XEP-0245), names in their colour (XEP-0392)."""

from __future__ import annotations

from typing import Any

import pytest

from salut.frontends.cli import show, talk

SAID = {"id": 1, "conversation": "b@c.example", "sender": "b@c.example/x", "at": 0, "kind": "chat"}


def printed(capsys: pytest.CaptureFixture[str], **message: Any) -> str:
    talk.Printer().messages([{**SAID, **message}])
    return capsys.readouterr().out.partition("\n")[2].partition(" ")[2]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(show, "colourful", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_styles_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, body="*now* or ~never~ `code`\n> _why_?")
    first, second = out.splitlines()
    assert "\x1b[1m*\x1b[0m\x1b[1mnow\x1b[0m\x1b[1m*\x1b[0m or " in first
    assert "\x1b[9m~\x1b[0m\x1b[9mnever" in first
    assert first.endswith("\x1b[33m`code`\x1b[0m")
    assert "\x1b[2m> \x1b[0m\x1b[2;3m_\x1b[0m\x1b[2;3mwhy" in second


@pytest.mark.usefixtures("terminal")
def test_unstyled_stays_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, body="> *_* <", unstyled=True).endswith(": > *_* <\n")


@pytest.mark.usefixtures("terminal")
def test_nothing_in_a_text_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b[2J" not in printed(capsys, body="*\x1b[2J*")


def test_no_styles_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, body="*now* or ~never~") == "b: *now* or ~never~\n"


def test_me_is_an_action(capsys: pytest.CaptureFixture[str]) -> None:
    room = {"conversation": "r@c.example", "sender": "r@c.example/alice", "kind": "groupchat"}
    assert printed(capsys, body="/me waves", **room) == "* alice waves\n"
    assert printed(capsys, body=" /me waves", **room) == "alice:  /me waves\n"
    assert printed(capsys, body="/me waves", encryption="OMEMO", **room).startswith("alice: (encrypted")


@pytest.mark.usefixtures("terminal")
def test_a_nick_has_its_colour(capsys: pytest.CaptureFixture[str]) -> None:
    room = {"conversation": "r@c.example", "sender": "r@c.example/Romeo", "kind": "groupchat"}
    assert "\x1b[38;5;200mRomeo\x1b[0m: hi" in printed(capsys, body="hi", **room)
