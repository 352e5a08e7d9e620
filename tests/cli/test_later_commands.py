# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp schedule``, ``jp undo``, ``jp send --undo``, ``jp star``: what they ask, and what they show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from salut.frontends.cli import times
from salut.model import moment
from salut.model.errors import SalutError
from salut.plugins.later.api import Scheduled
from salut.plugins.stars.api import Star, Starred
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon
from tests.cli.test_commands import ALICE, AT, BOB, OFF, Asked, message, page, plain

ROW = Scheduled(id=3, conversation=BOB, body="Good\nmorning", at=AT, made_at=AT - 1)


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    daemon.answers |= {
        "profiles.list": lambda _: plain([ALICE, OFF]),
        **dict.fromkeys(
            ("later.schedule", "later.change", "later.cancel", "later.send_now", "later.undo", "later.send"),
            lambda _: plain(ROW),
        ),
        "history.get": lambda params: plain(message(params["message"], "x")),
        "history.page": lambda _: page([message(8, "mine", outgoing=True)]),
        "stars.set": lambda params: plain(
            Star(message=params["message"], conversation=BOB, at=AT, said_at=AT)
        ),
    }


def asked(daemon: FakeDaemon, method: str) -> dict[str, Any]:
    (found,) = daemon.calls(method)
    return found


def test_schedule(jp: Jp, daemon: FakeDaemon) -> None:
    before = moment.now()
    done = jp("schedule", BOB, "Good morning", "--in", "1h30m", "-s", "Hi")
    assert (done.code, done.out) == (0, f"3  2023-11-14 22:13  {BOB}  Good morning\n")
    given = asked(daemon, "later.schedule")
    assert 0 <= given.pop("at") - before - 5400 * moment.SECOND < 60 * moment.SECOND
    assert given == {"profile": "alice", "to": BOB, "body": "Good morning", "subject": "Hi"}
    document = jp("schedule", "add", BOB, "--at", "2033-01-01T00:00Z", "--json", stdin=b"from a pipe\n").json
    assert (document["state"], document["late"], document["at"][:4]) == ("waiting", False, "2023")
    assert daemon.calls("later.schedule")[1]["body"] == "from a pipe"
    for words in (
        (BOB, "x"), (BOB, "x", "--at", "soon"), (BOB, "x", "--in", "2x"), (BOB, "x", "--in", "1h", "--at", "18:00"),
    ):  # fmt: skip
        assert jp("schedule", *words).code == 2, words


def test_what_is_done_with_what_waits(jp: Jp, daemon: FakeDaemon) -> None:
    for words, method, given in (
        (("change", "3", "other"), "later.change", {"body": "other"}),
        (("cancel", "3"), "later.cancel", {}),
        (("now", "3"), "later.send_now", {}),
    ):
        assert jp("schedule", *words).code == 0
        assert asked(daemon, method) == {"profile": "alice", "scheduled": 3, **given}
    for wrong in (("change", "3"), ("cancel", "x"), ("now", "²"), ("cancel",)):
        assert jp("schedule", *wrong).code == 2, wrong


def test_schedule_list(jp: Jp, daemon: FakeDaemon) -> None:
    late = Scheduled(
        id=4, conversation=BOB, body="y" * 99, at=AT, made_at=AT, state="sent", late=True, message=9
    )
    stopped = Scheduled(
        id=5, conversation=BOB, body="z\x1b", at=AT, made_at=AT, state="stopped", error="no room", undo=True
    )
    daemon.answers["later.list"] = Asked(page([ROW, late], after="m"), page([stopped]))
    assert jp("schedule", "list").out.splitlines() == [
        f"3  2023-11-14 22:13  {BOB}  Good morning",
        f"4  2023-11-14 22:13  {BOB}  {'y' * 59}…  has left, late",
        f"5  2023-11-14 22:13  {BOB}  z<U+001B>{' ' * 51}  does not leave: no room",
    ]
    daemon.answers["later.list"] = Asked(page([ROW, late], after="m"), page([stopped]))
    assert [item["id"] for item in jp("schedule", "list", "--json").json["items"]] == [3, 4, 5]
    assert daemon.calls("later.list")[-1] == {"profile": "alice", "after": "m"}


def test_send_and_undo(jp: Jp, daemon: FakeDaemon) -> None:
    assert jp("send", BOB, "Hi", "--undo", "10", "-s", "S").code == 0
    given = {"profile": "alice", "to": BOB, "body": "Hi", "undo": 10.0, "subject": "S"}
    assert asked(daemon, "later.send") == given
    assert jp("send", BOB, "Hi", "-u", "5", "--json").json["id"] == 3
    for more in (("--undo", "5", "--wait", "server"), ("--undo", "601"), ("--undo", "-1")):
        assert jp("send", BOB, "Hi", *more).code == 2
    assert daemon.calls("chat.send") == []
    assert jp("undo").out == f"Taken back; its text is the draft again: jp draft {BOB}\n"
    assert jp("undo", "3", "--json").json["body"] == "Good\nmorning"
    assert daemon.calls("later.undo") == [{"profile": "alice"}, {"profile": "alice", "scheduled": 3}]
    assert jp("undo", "x").code == 2


def test_star(jp: Jp, daemon: FakeDaemon) -> None:
    assert jp("star", "7").code == 0
    assert jp("star", f"last:{BOB}", "--off").code == 0
    assert jp("star", "set", "7", "--json").json["message"] == 7
    assert daemon.calls("stars.set") == [
        {"profile": "alice", "message": 7, "on": True},
        {"profile": "alice", "message": 8, "on": False},
        {"profile": "alice", "message": 7, "on": True},
    ]
    starred = Starred(
        star=Star(message=7, conversation=BOB, at=AT, said_at=AT), message=message(7, "two\nlines")
    )
    daemon.answers["stars.list"] = lambda _: page([starred], before="m")
    assert jp("star", "list", "--in", BOB, "-n", "3").out == f"7 2023-11-14 22:13  {BOB}  bob: two lines\n"
    assert asked(daemon, "stars.list") == {"profile": "alice", "conversation": BOB, "limit": 3}
    document = jp("star", "list", "--json").json
    assert (document["before"], document["items"][0]["message"]["body"]) == ("m", "two\nlines")
    assert jp("star", "nonsense").code == 2


NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("18:00", "2025-03-04T18:00"),
        ("8:30", "2025-03-05T08:30"),
        ("12:00", "2025-03-05T12:00"),
        ("tomorrow", "2025-03-05T00:00"),
        ("tomorrow 8:30", "2025-03-05T08:30"),
        ("2025-12-24T18:00", "2025-12-24T18:00"),
        ("2025-12-24 18:00+01:00", "2025-12-24T17:00"),
    ],
)
def test_times_ahead(runtime: object, text: str, wanted: str) -> None:
    assert times.ahead(text, NOON) == moment.parse(wanted)


def test_spans() -> None:
    assert times.span("90s") == 90 * moment.SECOND
    assert times.span("1h30m") == 5400 * moment.SECOND
    assert times.span("1w2d") == 9 * 86_400 * moment.SECOND
    for wrong in ("", "5", "h", "1x", "-1h", "1h5", "0s", "²h", "9999999999h"):
        with pytest.raises(SalutError):
            times.span(wrong)
    for wrong in ("", "25:00", "tomorrow x", "9999-99-99"):
        with pytest.raises(SalutError):
            times.ahead(wrong, NOON)
