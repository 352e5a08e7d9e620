# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp send``: what is asked of the daemon, what is said, with which exit code."""

from __future__ import annotations

import pytest

from salut.model.errors import SalutError
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon, Params

PROFILE = {"name": "alice", "address": "alice@localhost", "enabled": True}


def stored(params: Params) -> dict[str, object]:
    """The message as the daemon stores it."""
    return {
        "id": 7,
        "conversation": params["to"],
        "place": 1,
        "at": 1_700_000_000_000_000,
        "sender": "alice@localhost",
        "outgoing": True,
        "body": params["body"],
        "state": "sent",
    }


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    daemon.answers["profiles.list"] = lambda _: [PROFILE]
    daemon.answers["chat.send"] = stored


def test_an_address_needs_no_look_up(jp: Jp, daemon: FakeDaemon) -> None:
    done = jp("send", "--profile", "alice", "bob@localhost", "Hi")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert [method for method, _ in daemon.requests] == ["chat.send"]
    assert daemon.calls("chat.send") == [{"profile": "alice", "to": "bob@localhost", "body": "Hi"}]
    assert 1 <= len(daemon.requests[0][1]["op"]) <= 64


def test_the_only_profile_is_found(jp: Jp, daemon: FakeDaemon) -> None:
    assert jp("send", "bob@localhost", "Hi").code == 0
    assert [method for method, _ in daemon.requests] == ["profiles.list", "chat.send"]


def test_the_environment_names_the_profile(
    jp: Jp, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALUT_PROFILE", "carol")
    assert jp("send", "bob@localhost", "Hi").code == 0
    assert daemon.calls("chat.send")[0]["profile"] == "carol"
    assert jp("--profile", "alice", "send", "bob@localhost", "Hi").code == 0
    assert daemon.calls("chat.send")[1]["profile"] == "alice"


def test_several_profiles_are_listed(jp: Jp, daemon: FakeDaemon) -> None:
    other = {"name": "carol", "address": "carol@localhost", "enabled": True}
    daemon.answers["profiles.list"] = lambda _: [PROFILE, other, {**other, "name": "off", "enabled": False}]
    done = jp("send", "bob@localhost", "Hi")
    assert done.code == 4
    assert done.err.splitlines()[1:] == ["  alice (alice@localhost)", "  carol (carol@localhost)"]


def test_a_name_is_looked_up(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["names.resolve"] = lambda _: {
        "profile": "alice",
        "address": "bob@localhost",
        "kind": "contact",
    }
    assert jp("send", "Bo", "Hi").code == 0
    assert daemon.calls("names.resolve") == [{"profile": None, "text": "Bo"}]
    assert daemon.calls("chat.send")[0]["to"] == "bob@localhost"


def test_an_ambiguous_name_lists_the_candidates(jp: Jp, daemon: FakeDaemon) -> None:
    def resolve(params: Params) -> object:
        raise SalutError(
            "ambiguous", "“b” may be:", {"candidates": ["bob@localhost", "ben\x1b[31m@localhost"]}
        )

    daemon.answers["names.resolve"] = resolve
    done = jp("send", "b", "Hi")
    assert (done.code, done.out) == (4, "")
    assert done.err == "jp: “b” may be:\n  bob@localhost\n  ben<U+001B>[31m@localhost\n"
    assert '"candidates": ["bob@localhost"' in jp("send", "b", "Hi", "--json").err


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("not-found", 3),
        ("not-connected", 5),
        ("refused", 6),
        ("timeout", 7),
        ("conflict", 9),
        ("storage", 10),
        ("internal", 1),
        ("invalid", 2),
    ],
)
def test_exit_codes(jp: Jp, daemon: FakeDaemon, code: str, exit_code: int) -> None:
    def fail(params: Params) -> object:
        raise SalutError(code, "why and what next")

    daemon.answers["chat.send"] = fail
    done = jp("send", "bob@localhost", "Hi")
    assert (done.code, done.out, done.err) == (exit_code, "", "jp: why and what next\n")


def test_waiting(jp: Jp, daemon: FakeDaemon) -> None:
    assert jp("send", "bob@localhost", "Hi", "--wait", "read", "--timeout=5").code == 0
    sent = daemon.calls("chat.send")[0]
    assert (sent["wait"], sent["timeout"]) == ("read", 5.0)


def test_a_message_that_failed(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["chat.send"] = lambda params: {**stored(params), "state": "failed", "error": "blocked"}
    done = jp("send", "bob@localhost", "Hi", "--wait", "server")
    assert (done.code, done.err) == (6, "jp: The message was not taken: blocked\n")


def test_json(jp: Jp) -> None:
    document = jp("send", "bob@localhost", "Hi", "--json").json
    assert document["at"] == "2023-11-14T22:13:20.000000Z"
    assert (document["id"], document["profile"], document["subject"], document["kind"]) == (
        7,
        "alice",
        "",
        "chat",
    )


@pytest.mark.parametrize("words", [("send", "bob@localhost"), ("send", "bob@localhost", "-")])
def test_standard_input(jp: Jp, daemon: FakeDaemon, words: tuple[str, ...]) -> None:
    assert jp(*words, stdin="Grüße\nzwei\n".encode()).code == 0
    assert daemon.calls("chat.send")[0]["body"] == "Grüße\nzwei"


def test_line_by_line(jp: Jp, daemon: FakeDaemon) -> None:
    done = jp("send", "bob@localhost", "--lines", "--json", stdin=b"one\n\ntwo\r\nthree")
    assert [line["body"] for line in done.lines] == ["one", "two", "three"]
    assert len({params["op"] for method, params in daemon.requests if method == "chat.send"}) == 3


@pytest.mark.parametrize(
    ("stdin", "says"),
    [
        (b"a\x00b", "U+0000 (at position 1)"),
        (b"a\xff", "not valid UTF-8 (byte 1)"),
        (b"x" * 65_537, "longer than 65536 bytes"),
        (b"  \n", "no text"),
        (b"", "no text"),
        ("x\ufffe".encode(), "U+FFFE"),
    ],
)
def test_input_that_cannot_be_sent(jp: Jp, daemon: FakeDaemon, stdin: bytes, says: str) -> None:
    done = jp("send", "bob@localhost", stdin=stdin)
    assert done.code == 2
    assert says in done.err
    assert daemon.requests == []


def test_a_word_that_is_no_utf8(jp: Jp, daemon: FakeDaemon) -> None:
    done = jp("send", "bob@localhost", "a\udcff")
    assert (done.code, daemon.requests) == (2, [])
    assert "not valid UTF-8" in done.err


def test_the_largest_text(jp: Jp, daemon: FakeDaemon) -> None:
    assert jp("send", "bob@localhost", stdin=b"x" * 65_536 + b"\n").code == 0
    assert len(daemon.calls("chat.send")[0]["body"]) == 65_536


def test_a_cut_connection_repeats_with_the_same_op(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.cut_once.add("chat.send")
    assert jp("send", "--profile", "alice", "bob@localhost", "Hi").code == 0
    ops = [params["op"] for method, params in daemon.requests if method == "chat.send"]
    assert len(ops) == 2
    assert ops[0] == ops[1]
