# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp block``, ``jp unblock``, ``jp strangers`` and what ``jp contacts`` does with requests and groups."""

from __future__ import annotations

import pytest

from salut.plugins.blocking.api import Blocked
from salut.plugins.history.api import Conversation
from salut.plugins.roster.api import Group, GroupList, Request
from salut.plugins.strangers.api import Stranger
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon
from tests.cli.test_commands import ALICE, INFO, Asked, page, plain

BOB = "bob@localhost"


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    daemon.answers["profiles.list"] = lambda _: plain([ALICE])


def test_block_and_report(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["blocking.block"] = lambda params: plain(
        Blocked(address=str(params["address"]), report="spam" if params.get("report") == "spam" else "", at=1)
    )
    done = jp("block", "Evil.example")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert jp("block", BOB, "--report", "spam", "--reason", "ads", "--json").json["report"] == "spam"
    done = jp("block", BOB, "--report", "abuse")
    assert (done.code, done.err) == (0, "jp: The server took no report of it.\n")
    whose = {"profile": "alice", "address": BOB}
    assert daemon.calls("blocking.block") == [
        {"profile": "alice", "address": "Evil.example"},
        {**whose, "report": "spam", "reason": "ads"},
        {**whose, "report": "abuse", "reason": ""},
    ]
    daemon.answers["blocking.block"] = lambda _: plain(Blocked(address=BOB, local=True))
    assert "the daemon alone" in jp("block", BOB).err


@pytest.mark.parametrize("words", [(), (BOB, "--list"), (BOB, "--reason", "x")])
def test_block_needs_to_know_what(jp: Jp, daemon: FakeDaemon, words: tuple[str, ...]) -> None:
    assert jp("block", *words).code == 2
    assert daemon.calls("blocking.block") == []


def test_block_list_and_unblock(jp: Jp, daemon: FakeDaemon) -> None:
    one, two = Blocked(address="a@x.example", local=True, report="abuse"), Blocked(address="evil.example")
    daemon.answers["blocking.list"] = Asked(page([one], after="a"), page([two]), page([one]))
    assert jp("block", "--list").out.splitlines() == [
        "a@x.example   -  only by this daemon; reported as abuse",
        "evil.example  -",
    ]
    (item,) = jp("block", "--list", "--json").json["items"]
    assert item == {"address": "a@x.example", "local": True, "report": "abuse", "at": None}
    daemon.answers["blocking.unblock"] = lambda _: None
    assert jp("unblock", "evil.example").code == 0
    assert jp("unblock", BOB, "--json").json == {"profile": "alice", "address": BOB}
    assert [call["address"] for call in daemon.calls("blocking.unblock")] == ["evil.example", BOB]


def test_strangers(jp: Jp, daemon: FakeDaemon) -> None:
    stranger = Stranger(address="x@y.example", since=1, at=2, count=3, preview="hi\x1b there")
    daemon.answers["strangers.list"] = lambda _: page([stranger])
    (line,) = jp("strangers").out.splitlines()
    assert line.startswith("x@y.example")
    assert line.endswith("3  hi<U+001B> there")
    assert jp("strangers", "list", "--refused", "--json").json["items"][0]["count"] == 3
    assert [call["refused"] for call in daemon.calls("strangers.list")] == [False, True]
    daemon.answers["strangers.accept"] = daemon.answers["strangers.refuse"] = lambda _: None
    assert jp("strangers", "accept", BOB).code == 0
    assert jp("strangers", "refuse", BOB, "--block", "--json").json["address"] == BOB
    whose = {"profile": "alice", "address": BOB}
    assert daemon.calls("strangers.accept") == [whose]
    assert daemon.calls("strangers.refuse") == [{**whose, "block": True, "forget": False}]


def test_requests_and_groups(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["roster.requests"] = lambda _: page([Request(address=BOB, name="Bob", note="me!")])
    assert jp("contacts", "requests").out == "bob@localhost  -  Bob  me!\n"
    assert jp("contacts", "requests", "--json").json["items"][0]["at"] is None
    groups = GroupList(
        delimiter="::",
        items=[Group(name="A", path=["A"], contacts=2), Group(name="A::B", path=["A", "B"], contacts=1)],
    )
    daemon.answers["roster.groups"] = daemon.answers["roster.rename_group"] = lambda _: plain(groups)
    assert jp("contacts", "groups").out == "A       2\n  A::B  1\n"
    assert jp("contacts", "groups", "A", "B", "--json").json["delimiter"] == "::"
    assert jp("contacts", "groups", "A", "").code == 0
    assert jp("contacts", "groups", "A").code == 2
    asked = [(call["group"], call["name"]) for call in daemon.calls("roster.rename_group")]
    assert asked == [("A", "B"), ("A", "")]


def test_status_tells_who_waits(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["daemon.info"] = lambda _: plain(INFO)
    waits = Stranger(address="x@y.example", since=1, at=2)
    daemon.answers["strangers.list"] = lambda _: page([waits])
    daemon.answers["roster.requests"] = lambda _: page([Request(address=BOB), Request(address="c@d.example")])
    unread = [Conversation(address=address, unread=1, preview="hi") for address in ("x@y.example", BOB)]
    daemon.answers["history.conversations"] = lambda _: page(unread)
    assert jp("status").out.splitlines()[2:] == [
        "  1  bob@localhost  hi",
        "  1 stranger waits: jp strangers",
        "  2 ask to see your presence: jp contacts requests",
    ]
    (profile,) = jp("status", "--json").json["profiles"]
    assert (profile["strangers"], profile["requests"], len(profile["unread"])) == (1, 2, 1)
