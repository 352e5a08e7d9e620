# SPDX-License-Identifier: AGPL-3.0-or-later
"""Naming a message in the shell: by id, as the newest of one's own, as the newest of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from salut.frontends.cli import which
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import number
from salut.model.errors import SalutError, not_found
from salut.plugins.history.content import Retraction
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon, Params
from tests.cli.test_commands import ALICE, AT, BOB, CAROL, OFF, message, page, plain

EVE = "eve@localhost"
SAID: dict[str, list[Any]] = {
    BOB: [
        message(1, "mine", at=AT, outgoing=True),
        message(2, "his", at=AT + 1),
        message(3, "mine again", at=AT + 2, outgoing=True),
        message(6, "his again", at=AT + 9),
        message(10, "", at=AT + 10, outgoing=True, retraction=Retraction(at=AT + 11)),
    ],
    EVE: [
        message(4, "hers", at=AT + 3, conversation=EVE),
        message(5, "mine to her", at=AT + 4, outgoing=True, conversation=EVE),
        message(7, "hers again", at=AT + 5, conversation=EVE),
    ],
    "quiet@localhost": [message(8, "old", at=AT - 5, outgoing=True)],
    "theirs@localhost": [message(9, "only theirs", at=AT - 6)],
}


def history_page(params: Params) -> object:
    """Pages of two, so that more than one is needed."""
    said = SAID.get(params["conversation"], [])
    end = int(params.get("before", len(said)))
    start = max(end - 2, 0)
    return page(said[start:end], before=str(start) if start else None)


def get(params: Params) -> object:
    for said in SAID.values():
        for found in said:
            if found.id == params["message"] and params["profile"] == "carol":
                return plain(found)
    raise not_found("There is no such message.")


@pytest.fixture
def link(daemon: FakeDaemon) -> Iterator[Link]:
    daemon.answers |= {
        "profiles.list": lambda _: plain([ALICE, OFF]),
        "history.page": history_page,
        "history.get": get,
        "history.conversations": lambda _: page(
            [{"address": a, "last_at": said[-1].at} for a, said in SAID.items()]
        ),
        "names.resolve": lambda params: {"profile": "carol", "address": EVE, "kind": "contact"},
    }
    with Link() as link:
        yield link


@pytest.mark.parametrize(
    ("word", "profile", "key"),
    [
        (f"last:{BOB}", "alice", 3),
        (f"new:{BOB}", "alice", 6),
        ("last:eve", "carol", 5),
        ("new:eve", "carol", 7),
        ("last", "alice", 5),
        ("new", "alice", 6),
        ("last:quiet@localhost", "alice", 8),
    ],
)
def test_newest(link: Link, word: str, profile: str, key: int) -> None:
    found = which.find(link, word)
    assert (found[0], number(found[1], "id")) == (profile, key)


def test_an_id_finds_its_profile(link: Link, daemon: FakeDaemon) -> None:
    daemon.answers["profiles.list"] = lambda _: plain([ALICE, CAROL])
    assert which.find(link, "4")[0] == "carol"
    with pytest.raises(SalutError) as caught:
        which.find(link, "99")
    assert caught.value.code == "not-found"
    with Link() as other:
        other.named = "alice"
        with pytest.raises(SalutError) as caught:
            which.find(other, "4")
    assert caught.value.code == "not-found"
    assert daemon.calls("history.get")[-1] == {"profile": "alice", "message": 4}


@pytest.mark.parametrize("word", ["", "first", "-1", "1.5", "²", "9" * 40, "LAST", "latest:bob"])
def test_words_that_name_no_message(link: Link, daemon: FakeDaemon, word: str) -> None:
    with pytest.raises(SalutError) as caught:
        which.find(link, word)
    assert caught.value.code == "invalid"
    assert daemon.requests == []


def test_nothing_to_name(link: Link, daemon: FakeDaemon) -> None:
    for word in ("last:theirs@localhost", "new:quiet@localhost", "last:nobody@localhost"):
        with pytest.raises(SalutError) as caught:
            which.find(link, word)
        assert caught.value.code == "not-found"
    daemon.answers["history.conversations"] = lambda _: page([])
    with pytest.raises(SalutError) as caught:
        which.find(link, "last")
    assert caught.value.code == "not-found"
    daemon.answers["profiles.list"] = lambda _: plain([ALICE, CAROL])
    with Link() as fresh, pytest.raises(SalutError) as caught:
        which.find(fresh, "last")
    assert caught.value.code == "ambiguous"


def test_log_shows_ids(jp: Jp, link: Link, daemon: FakeDaemon) -> None:
    lines = jp("log", BOB, "--ids").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "6", "10"]
    assert jp("log", BOB).out.splitlines()[1].startswith("22:13:20 ")
