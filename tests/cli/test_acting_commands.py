# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is done to messages, and notifications: what the commands ask, and how it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from salut.api.core import Setting
from salut.plugins.history.content import Attachment, Reaction, Reply, Retraction
from salut.plugins.notify.api import Notification
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon
from tests.cli.test_commands import ALICE, AT, BOB, message, page, plain


@pytest.fixture
def told(daemon: FakeDaemon) -> FakeDaemon:
    """A daemon with one profile and message 17."""
    daemon.answers |= {
        "profiles.list": lambda _: plain([ALICE]),
        "history.get": lambda _: plain(message(17, "Hello")),
    }
    return daemon


@pytest.mark.parametrize(
    ("words", "method", "more"),
    [
        (("edit", "17", "Hallo"), "edits.edit", {"body": "Hallo"}),
        (("retract", "17"), "edits.retract", {}),
        (("react", "17", "👍", "🎂"), "reactions.react", {"add": ["👍", "🎂"]}),
        (("react", "17", "--off"), "reactions.react", {"remove": ["*"]}),
        (("react", "17", "👍", "--off"), "reactions.react", {"remove": ["👍"]}),
        (("reply", "17", "At four"), "replies.reply", {"body": "At four"}),
        (("room", "moderate", "17", "--reason", "spam"), "edits.moderate", {"reason": "spam"}),
    ],
)
def test_what_is_asked(
    jp: Jp, told: FakeDaemon, words: tuple[str, ...], method: str, more: dict[str, Any]
) -> None:
    asked: list[dict[str, Any]] = []
    told.answers[method] = lambda params: (asked.append(params), plain(message(17, "Hello")))[1]
    done = jp(*words, "--json")
    assert (done.code, done.err) == (0, "")
    (params,) = asked
    assert params.pop("op")
    assert params == {"profile": "alice", "message": 17, **more}
    assert done.json["id"] == 17


def test_a_reaction_must_be_given(jp: Jp, told: FakeDaemon) -> None:
    assert jp("react", "17").code == 2


def test_what_was_done_to_messages_is_shown(jp: Jp, told: FakeDaemon) -> None:
    messages = [
        message(
            1, "When is tea?", edited_at=AT, reactions=[Reaction(emoji="👍", count=2), Reaction(emoji="🎂")]
        ),
        message(2, "At four", reply=Reply(ref="x", message=1, excerpt="When is tea?\nTell me")),
        message(3, "", retraction=Retraction(at=AT)),
        message(4, "", retraction=Retraction(at=AT, moderated=True, by="room@x/carol", reason="spam\x07")),
        message(5, "secret excuse", encryption="OMEMO"),
        message(6, "look", attachments=[Attachment(url="https://x.example/a.png", name="a.png")]),
        message(7, "https://x.example/b", attachments=[Attachment(url="https://x.example/b")]),
    ]
    told.answers["history.page"] = lambda _: page(messages)
    lines = [
        line[line.index(": ") + 2 :] if ": " in line else line.strip()
        for line in jp("log", BOB).out.splitlines()[1:]
    ]
    assert lines == [
        "When is tea? (edited)",
        "👍 2  🎂",
        "↪ When is tea?",
        "At four",
        "(taken back)",
        "(taken away by carol: spam<U+0007>)",
        "(encrypted with OMEMO; this message cannot be read here)",
        "look",
        "▸ a.png https://x.example/a.png",
        "https://x.example/b",
    ]


def test_notifications(jp: Jp, told: FakeDaemon) -> None:
    waiting = Notification(conversation=BOB, title="Bob", at=AT, unread=2, preview="Tea?")
    told.answers["notify.list"] = lambda _: plain([waiting])
    done = jp("notify")
    assert done.out.split()[2:] == ["2", "Bob", "Tea?"]
    asked: list[dict[str, Any]] = []
    told.answers["notify.dismiss"] = lambda params: asked.append(params)
    assert jp("notify", "dismiss", BOB).code == 0
    assert asked == [{"profile": "alice", "conversation": BOB}]


def test_quiet_hours(jp: Jp, told: FakeDaemon) -> None:
    def setting(value: str) -> Any:
        return plain([Setting(name="notify.quiet", value=value, default="", help="")])

    asked: list[dict[str, Any]] = []
    told.answers["settings.set"] = lambda params: (asked.append(params), setting("22:00-07:00"))[1]
    told.answers["settings.list"] = lambda _: setting("")
    assert jp("notify", "quiet", "22:00-07:00").code == 0
    assert asked[0]["values"] == {"notify.quiet": "22:00-07:00"}
    assert jp("notify", "quiet").out == "no quiet hours\n"
    assert jp("notify", "quiet", "off").code == 0
    assert asked[1]["values"] == {"notify.quiet": ""}
