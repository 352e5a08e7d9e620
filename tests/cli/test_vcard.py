# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp vcard``: shown as people read it and as JSON; only what is given is changed."""

from __future__ import annotations

import msgspec
import pytest

from salut.plugins.vcards.api import VCard
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon

CARD = VCard(address="bob@localhost", fn="Bob \x1b[31m", email=["a@x.example", "b@x.example"])


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    daemon.answers |= {
        "vcards.get": lambda _: msgspec.to_builtins(CARD),
        "vcards.set": lambda _: msgspec.to_builtins(CARD),
    }


def test_show(jp: Jp, daemon: FakeDaemon) -> None:
    ran = jp("vcard", "show", "bob@localhost", "-p", "alice")
    assert ran.out == "fn     Bob <U+001B>[31m\nemail  a@x.example\nemail  b@x.example\n"
    found = jp("vcard", "-p", "alice", "--json").json
    assert (found["fn"], found["email"], found["tel"]) == (CARD.fn, CARD.email, [])
    assert daemon.calls("vcards.get") == [
        {"profile": "alice", "address": "bob@localhost"},
        {"profile": "alice", "address": ""},
    ]


def test_set(jp: Jp, daemon: FakeDaemon) -> None:
    ran = jp(
        "vcard", "set", "-p", "alice", "--fn", "Bob", "--note", "", "--tel", "1 2, 3", "--email", "a@x b@x",
        "--contacts", "--json",
    )  # fmt: skip
    assert ran.json["address"] == "bob@localhost"
    assert daemon.calls("vcards.set") == [
        {
            "profile": "alice",
            "change": {"fn": "Bob", "note": "", "email": ["a@x", "b@x"], "tel": ["1 2", "3"]},
            "public": False,
        }
    ]


def test_nothing_to_change(jp: Jp, daemon: FakeDaemon) -> None:
    ran = jp("vcard", "set", "-p", "alice")
    assert ran.code != 0
    assert "--fn" in ran.err
    assert daemon.calls("vcards.set") == []
