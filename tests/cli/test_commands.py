# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each command: what it asks of the daemon, and what it shows, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from salut.api import core
from salut.frontends.cli import shapes
from salut.model.errors import SalutError
from salut.model.link import LinkState
from salut.model.moment import SECOND, iso, now
from salut.plugins.avatars.api import Avatar
from salut.plugins.drafts.api import Draft
from salut.plugins.history.api import Conversation, Message
from salut.plugins.later.api import Scheduled
from salut.plugins.notify.api import Notification
from salut.plugins.preferences.api import FOREVER
from salut.plugins.presence.api import Presence, Status
from salut.plugins.roomadmin.api import Affiliated
from salut.plugins.roominvites.api import Invitation
from salut.plugins.rooms.api import Member, Room, RoomInfo
from salut.plugins.roomsearch.api import FoundRoom
from salut.plugins.roster.api import Contact
from salut.plugins.stars.api import Star
from salut.plugins.vcards.api import VCard
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon, Params

AT = 1_700_000_000_000_000  # 2023-11-14T22:13:20Z
DAY = 86_400_000_000
ONLINE = LinkState(state="online", endpoint="localhost:5222")
ALICE = core.Profile(name="alice", address="alice@localhost", enabled=True, link=ONLINE)
CAROL = core.Profile(
    name="carol",
    address="carol@localhost",
    enabled=True,
    link=LinkState(state="retrying", reason="no route", retry_at=AT),
)
OFF = core.Profile(name="off", address="off@localhost", enabled=False)
INFO = core.DaemonInfo(
    version="0.1.0", instance="i", pid=42, started=AT, profiles=1, windows=2, messages=3,
    plugins={"chat": "ok", "rooms": "needs history"},
)  # fmt: skip
WINDOW = core.Window(
    id="w1", name="console", kind="console", version="0.1.0", since=AT, binding="unix", focused=True, behind=4
)
BOB = "bob@localhost"
BOTH = Contact(address=BOB, name="Bob \x1b[31m", groups=["Friends"], subscription="both")
ASKS = Contact(address="eve@localhost", asks=True, in_roster=False, note="hi there")


def message(number: int, body: str, **more: Any) -> Message:
    given = {"conversation": BOB, "place": number, "at": AT, "sender": f"{BOB}/phone", **more}
    return Message(id=number, body=body, **given)


def plain(value: object) -> Any:
    """As the bridge carries it."""
    return msgspec.to_builtins(value)


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    daemon.answers |= {
        "profiles.list": lambda _: plain([ALICE, OFF]),
        "daemon.info": lambda _: plain(INFO),
    }


class Asked:
    """Answers a method with pages, one after another."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)

    def __call__(self, params: Params) -> Any:
        return self.pages.pop(0)


def page(items: Sequence[object], before: str | None = None, after: str | None = None) -> Any:
    return {"items": plain(items), "before": before, "after": after}


SHAPES = {
    "MESSAGE": Message,
    "CONVERSATION": Conversation,
    "CONTACT": Contact,
    "PRESENCE": Presence,
    "STATUS": Status,
    "ROOM": Room,
    "MEMBER": Member,
    "ROOM_INFO": RoomInfo,
    "FOUND_ROOM": FoundRoom,
    "AFFILIATED": Affiliated,
    "INVITATION": Invitation,
    "DRAFT": Draft,
    "AVATAR": Avatar,
    "VCARD": VCard,
    "NOTIFICATION": Notification,
    "SCHEDULED": Scheduled,
    "STAR": Star,
    "LINK": LinkState,
    "PROFILE": core.Profile,
    "WINDOW": core.Window,
    "DAEMON": core.DaemonInfo,
}


@pytest.mark.parametrize("name", SHAPES)
def test_json_fields_are_those_of_the_contract(name: str) -> None:
    shape = getattr(shapes, name)
    fields = {field.name: field for field in msgspec.structs.fields(SHAPES[name])}
    assert list(shape) == list(fields)
    for key, default in shape.items():
        field = fields[key]
        real = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            real = field.default_factory()
        if default in (shapes.REQUIRED, shapes.MOMENT):
            assert real is msgspec.NODEFAULT, key
        elif default == shapes.NO_MOMENT:
            assert real in (0, None), key
        elif default == () or isinstance(default, shapes.Many):
            assert real == [], key
        elif isinstance(default, shapes.Maybe):
            assert real is None, key
        elif default is shapes.EMPTY:
            assert real == {}, key
        elif isinstance(default, dict):
            assert type(real) is LinkState
            assert default is shapes.LINK
        else:
            assert real == default, key
    moments = {key for key, default in shape.items() if default in (shapes.MOMENT, shapes.NO_MOMENT)}
    named_like_one = {key for key in fields if key in ("at", "since", "started") or key.endswith("_at")}
    assert moments == named_like_one


def test_log(jp: Jp, daemon: FakeDaemon) -> None:
    messages = [
        message(1, "Hello\nthere", at=AT - DAY),
        message(2, "esc \x1b]0;x\x07 \u202eevil", subject="News"),
        message(3, "Hi", outgoing=True, sender="alice@localhost", state="read"),
        message(4, "Lost", outgoing=True, sender="alice@localhost", state="failed", error="gone"),
        message(5, "In room", kind="groupchat", sender="room@muc.localhost/nick"),
    ]
    daemon.answers["history.page"] = lambda _: page(messages, before="m1")
    done = jp("log", BOB, "-n", "5")
    assert done.code == 0
    assert done.out.splitlines() == [
        "── Monday 2023-11-13 ──",
        "22:13:20 bob: Hello",
        "              there",
        "── Tuesday 2023-11-14 ──",
        "22:13:20 bob: [News] esc <U+001B>]0;x<U+0007> <U+202E>evil",
        "22:13:20 me: Hi ✓✓",
        "22:13:20 me: Lost  not sent: gone",
        "22:13:20 nick: In room",
    ]
    assert daemon.calls("history.page") == [{"profile": "alice", "conversation": BOB, "limit": 5}]
    document = jp("log", BOB, "-n5", "--json").json
    assert (document["profile"], document["conversation"], document["before"]) == ("alice", BOB, "m1")
    assert document["items"][1]["body"] == messages[1].body
    assert document["items"][0]["at"] == "2023-11-13T22:13:20.000000Z"


def test_json_output_steers_no_terminal(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["history.page"] = lambda _: page([message(1, "a\x9b31m\u202eb\x1bc")])
    done = jp("log", BOB, "--json")
    assert daemon.calls("history.page")[0]["limit"] == 20
    assert not {"\x9b", "\u202e", "\x1b"} & set(done.out)
    assert done.json["items"][0]["body"] == "a\x9b31m\u202eb\x1bc"


def test_log_asks_for_long_pieces_in_pages(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["history.page"] = Asked(page([message(3, "c")], before="m3"), page([message(2, "b")]))
    assert [item["id"] for item in jp("log", BOB, "-n", "600", "--json").json["items"]] == [2, 3]
    first, second = daemon.calls("history.page")
    assert (first["limit"], second["limit"], second["before"]) == (500, 500, "m3")


def test_log_since(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["history.page"] = Asked(page([message(1, "a")], after="m1"), page([message(2, "b")]))
    done = jp("log", BOB, "--since", "2023-11-14T22:00:00Z", "--json")
    assert [item["id"] for item in done.json["items"]] == [1, 2]
    first, second = daemon.calls("history.page")
    assert first["since"] == AT - 800_000_000
    assert second["after"] == "m1"
    assert "since" not in second
    assert jp("log", BOB, "--since", "soon").code == 2


def test_search(jp: Jp, daemon: FakeDaemon) -> None:
    found = {
        "profile": "alice",
        "message": plain(message(1, "a red fox")),
        "excerpt": "a \x02red\x03 \x02fox\x03",
    }
    daemon.answers["history.search"] = lambda _: {"items": [found], "before": None, "after": None}
    done = jp("search", "red", "fox", "--in", BOB, "-n", "5")
    assert done.out == "2023-11-14 22:13  bob@localhost  bob: a red fox\n"
    asked = {"query": "red fox", "limit": 5, "profile": "alice", "conversation": BOB}
    assert daemon.calls("history.search") == [asked]
    item = jp("search", "fox", "--json").json["items"][0]
    assert (item["excerpt"], item["found"], item["message"]["id"]) == ("a red fox", ["red", "fox"], 1)
    assert daemon.calls("history.search")[1] == {"query": "fox", "limit": 20}


def test_read(jp: Jp, daemon: FakeDaemon) -> None:
    conversation = Conversation(address=BOB, read_place=3)
    daemon.answers["history.mark_read"] = daemon.answers["history.mark_unread"] = lambda _: plain(
        conversation
    )
    assert jp("read", BOB).out == ""
    assert jp("read", BOB, "--up-to", "3", "--json").json["read_place"] == 3
    assert jp("read", BOB, "--back-to", "2").code == 0
    whose = {"profile": "alice", "conversation": BOB}
    assert daemon.calls("history.mark_read") == [whose, {**whose, "up_to": 3}]
    assert daemon.calls("history.mark_unread") == [{**whose, "since": 2}]
    assert jp("read", BOB, "--back-to", "2", "--up-to", "3").code == 2


def test_draft(jp: Jp, daemon: FakeDaemon) -> None:
    draft = Draft(conversation=BOB, text="Dear \x07Bob", at=AT, window="console")
    daemon.answers["drafts.list"] = lambda _: plain([draft])
    daemon.answers["drafts.set"] = lambda params: {**plain(draft), "text": params["text"]}
    assert jp("draft").out == "bob@localhost  2023-11-14 22:13  Dear <U+0007>Bob\n"
    assert jp("draft", BOB).out == "Dear <U+0007>Bob\n"
    assert jp("draft", "eve@localhost").code == 3
    assert jp("draft", BOB, "new", "--json").json["text"] == "new"
    assert jp("draft", BOB, "-", stdin=b"piped\n").code == 0
    assert jp("draft", BOB, "--clear").code == 0
    assert [asked["text"] for asked in daemon.calls("drafts.set")] == ["new", "piped", ""]
    assert jp("draft", "--clear").code == 2


def test_contacts_list(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["roster.list"] = Asked(page([BOTH], after="x"), page([ASKS]), page([BOTH]))
    daemon.answers["presence.list"] = lambda _: plain([Presence(address=BOB, show="away", status="Lunch")])
    assert jp("contacts").out.splitlines() == [
        "↔  bob@localhost  Bob <U+001B>[31m  away     #Friends; Lunch",
        "   eve@localhost                    offline  "
        "asks to see your presence: jp contacts accept or refuse; hi there",
    ]
    document = jp("contacts", "list", "--group", "Friends", "--json").json
    assert document["items"][0]["presence"] == {
        "address": BOB,
        "show": "away",
        "status": "Lunch",
        "resources": 1,
    }
    calls = daemon.calls("roster.list")
    assert calls[1]["after"] == "x"
    assert calls[2]["group"] == "Friends"


def test_contacts_without_presence(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["roster.list"] = lambda _: page([BOTH])
    assert jp("contacts", "--json").json["items"][0]["presence"]["show"] == "offline"


CONTACT_CASES = [
    (("add", BOB, "Friends", "--name", "Bob"), "roster.add", {"name": "Bob", "groups": ["Friends"]}),
    (("add", BOB, "--no-subscribe"), "roster.add", {"subscribe": False}),
    (("remove", BOB), "roster.remove", {}),
    (("accept", BOB), "roster.accept", {}),
    (("refuse", BOB), "roster.refuse", {}),
    (("approve", BOB), "roster.approve", {}),
    (("group", BOB, "A", "B"), "roster.change", {"groups": ["A", "B"]}),
    (("group", BOB), "roster.change", {"groups": []}),
    (("name", BOB, "Robert"), "roster.change", {"name": "Robert"}),
]


@pytest.mark.parametrize(("words", "method", "asked"), CONTACT_CASES)
def test_contacts(
    jp: Jp, daemon: FakeDaemon, words: tuple[str, ...], method: str, asked: dict[str, object]
) -> None:
    daemon.answers[method] = lambda _: None if method in ("roster.remove", "roster.refuse") else plain(BOTH)
    done = jp("contacts", *words)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert daemon.calls(method) == [{"profile": "alice", "address": BOB, **asked}]
    assert jp("contacts", *words, "--json").json["address"] == BOB


ROOM = "room@muc.localhost"
HALL = Room(address=ROOM, nick="alice", state="joined", topic="Tea\nand cake", members=2)


def test_rooms(jp: Jp, daemon: FakeDaemon, tmp_path: Path) -> None:
    daemon.answers["rooms.list"] = lambda _: plain([HALL])
    daemon.answers["rooms.join"] = daemon.answers["rooms.leave"] = lambda _: plain(HALL)
    daemon.answers["rooms.topic"] = lambda params: plain(HALL) | {"topic": params["text"]}
    assert jp("room").out == "room@muc.localhost  joined  alice  2  Tea and cake\n"
    assert jp("room", "join", ROOM, "--nick", "al", "--timeout", "5").code == 0
    (tmp_path / "pass").write_text("secret\nmore")
    assert (
        jp("room", "join", ROOM, "--password-file", str(tmp_path / "pass"), "--json").json["nick"] == "alice"
    )
    whose = {"profile": "alice", "room": ROOM}
    assert daemon.calls("rooms.join") == [
        {**whose, "nick": "al", "timeout": 5.0},
        {**whose, "password": "secret", "timeout": 30.0},
    ]
    assert jp("room", "leave", ROOM).code == 0
    assert daemon.calls("rooms.leave") == [whose]
    assert jp("room", "topic", ROOM).out == "Tea\nand cake\n"
    assert jp("room", "topic", "other@muc.localhost").code == 3
    assert jp("room", "topic", ROOM, "New", "--json").json["topic"] == "New"
    daemon.answers["rooms.join"] = lambda _: plain(HALL) | {"state": "failed", "error": "nick taken"}
    done = jp("room", "join", ROOM)
    assert (done.code, done.err) == (6, "jp: The room was not joined: nick taken\n")


def test_room_members(jp: Jp, daemon: FakeDaemon) -> None:
    me = Member(room=ROOM, nick="alice", role="moderator", affiliation="owner", me=True)
    other = Member(room=ROOM, nick="漢字", address=BOB)
    daemon.answers["rooms.members"] = Asked(page([me], after="alice"), page([other]), page([me]))
    assert jp("room", "members", ROOM).out.splitlines() == [
        "alice *  moderator    owner  online",
        "漢字     participant  none   online  bob@localhost",
    ]
    assert jp("room", "members", ROOM, "--json").json["items"][0]["me"] is True


def test_status(jp: Jp, daemon: FakeDaemon) -> None:
    unread = Conversation(address=BOB, unread=2, preview="Are you there?", last_at=AT)
    daemon.answers["profiles.list"] = lambda _: plain([ALICE, CAROL])
    daemon.answers["presence.status"] = lambda _: plain(Status(show="away", status="Lunch"))
    daemon.answers["history.conversations"] = lambda params: page(
        [unread, Conversation(address="x@y")] if params["profile"] == "alice" else []
    )
    assert jp("status").out.splitlines() == [
        "daemon 0.1.0, process 42, since 2023-11-14 22:13, 2 windows",
        "alice  alice@localhost  online  away – Lunch",
        "  2  bob@localhost  Are you there?",
        "carol  carol@localhost  will try again at 22:13:20: no route  away – Lunch",
    ]
    document = jp("status", "--json").json
    assert document["daemon"]["started"] == "2023-11-14T22:13:20.000000Z"
    assert document["profiles"][1]["link"]["retry_at"] == "2023-11-14T22:13:20.000000Z"
    assert document["profiles"][0]["link"]["retry_at"] is None
    assert [c["address"] for c in document["profiles"][0]["unread"]] == [BOB]
    assert [p["name"] for p in jp("status", "--profile", "carol", "--json").json["profiles"]] == ["carol"]
    assert jp("status", "--profile", "nobody").code == 3


def test_presence_is_set(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["presence.set"] = lambda params: {"show": params["show"], "status": params["status"]}
    assert jp("status", "dnd", "Busy", "--json").json == {"profile": "alice", "show": "dnd", "status": "Busy"}
    assert daemon.calls("presence.set") == [{"profile": "alice", "show": "dnd", "status": "Busy"}]


def test_profiles(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["profiles.list"] = lambda _: plain([ALICE, CAROL, OFF])
    assert jp("profile").out.splitlines() == [
        "alice  alice@localhost  online",
        "carol  carol@localhost  will try again at 22:13:20: no route",
        "off    off@localhost    off",
    ]
    assert [item["enabled"] for item in jp("profile", "list", "--json").json["items"]] == [True, True, False]


def test_profile_create(jp: Jp, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    daemon.answers["profiles.create"] = lambda _: plain(OFF)
    daemon.answers["profiles.connect"] = lambda _: plain(ALICE)
    words = ("profile", "create", "alice", "alice@localhost", "--host", "127.0.0.1", "--port", "5222")
    words += ("--ca-file", str(tmp_path / "ca.pem"), "--tls", "direct", "--pins", "AA:BB,cc")
    done = jp(*words, "--password-file", "-", stdin=b"secret\n")
    assert (done.code, done.out) == (0, "alice: online\n")
    settings = {"host": "127.0.0.1", "port": 5222, "ca_file": str(tmp_path / "ca.pem"), "direct_tls": True}
    settings |= {"pins": ["aabb", "cc"]}
    asked = {"name": "alice", "address": "alice@localhost", "password": "secret", "settings": settings}
    assert daemon.calls("profiles.create") == [asked]
    assert daemon.calls("profiles.connect") == [{"profile": "alice", "wait": 30.0}]
    assert jp("profile", "create", "b", "b@c", "--offline", "--password-command", "echo hush").code == 0
    assert daemon.calls("profiles.create")[1]["password"] == "hush"
    assert daemon.calls("profiles.create")[1]["settings"] == {"enabled": False}
    assert len(daemon.calls("profiles.connect")) == 1


@pytest.mark.parametrize(
    ("words", "stdin", "code"),
    [
        ((), b"", 2),
        (("--password-file", "-"), b"", 2),
        (("--password-file", "-"), b"\xff\n", 2),
        (("--password-file", "-"), b"x" * 5000, 2),
        (("--password-file", "/nonexistent/file"), b"", 3),
        (("--password-command", "exit 3"), b"", 2),
        (("--password-command", "echo x", "--password-file", "-"), b"y\n", 2),
    ],
)
def test_passwords_that_are_none(
    jp: Jp, daemon: FakeDaemon, words: tuple[str, ...], stdin: bytes, code: int
) -> None:
    assert jp("profile", "create", "b", "b@c", *words, stdin=stdin).code == code
    assert daemon.calls("profiles.create") == []


def test_profile_changes(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["profiles.change"] = daemon.answers["profiles.disconnect"] = lambda _: plain(OFF)
    daemon.answers["profiles.delete"] = lambda _: None
    done = jp("profile", "change", "off", "--host", "", "--tls", "start", "--password-command", "echo new")
    assert (done.code, done.out) == (0, "off: offline\n")
    settings = {"host": "", "direct_tls": False, "password": "new"}
    assert daemon.calls("profiles.change") == [{"profile": "off", "settings": settings}]
    assert jp("profile", "change", "off").code == 2
    assert jp("profile", "disconnect").code == 0
    assert daemon.calls("profiles.disconnect") == [{"profile": "alice"}]
    assert jp("profile", "delete", "off").code == 2
    assert daemon.calls("profiles.delete") == []
    assert jp("profile", "delete", "off", "--yes", "--json").json == {"name": "off"}
    assert daemon.calls("profiles.delete") == [{"profile": "off"}]


def test_profile_connect_is_honest(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["profiles.connect"] = lambda _: plain(CAROL)
    done = jp("profile", "connect", "carol", "--wait", "1")
    assert (done.code, done.out) == (5, "")
    assert done.err == "jp: carol is not online: will try again at 22:13:20: no route\n"
    assert jp("profile", "connect", "carol", "--wait", "0").code == 0
    assert [asked["wait"] for asked in daemon.calls("profiles.connect")] == [1.0, 0.0]


def test_no_profile_at_all(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["profiles.list"] = lambda _: []
    done = jp("contacts")
    assert done.code == 3
    assert "jp profile create" in done.err


def test_windows(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["windows.list"] = lambda _: plain([WINDOW])
    daemon.answers["windows.kick"] = lambda _: None
    shown = "w1  console  console  0.1.0  unix  2023-11-14 22:13  4 changes behind, focused\n"
    assert jp("windows").out == shown
    assert jp("windows", "--json").json["items"][0]["behind"] == 4
    assert jp("windows", "kick", "w1").code == 0
    assert daemon.calls("windows.kick") == [{"window": "w1"}]


def test_daemon_status_and_log(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["daemon.log"] = lambda _: ["one", "two \x1b[2J"]
    assert jp("daemon").out.splitlines() == [
        "daemon 0.1.0, process 42, since 2023-11-14 22:13, 2 windows",
        "  plugin rooms  needs history",
    ]
    assert jp("daemon", "start", "--json").json["running"] is True
    assert jp("daemon", "log", "-n", "2").out == "one\ntwo <U+001B>[2J\n"
    assert daemon.calls("daemon.log") == [{"lines": 2}]
    daemon.answers["daemon.info"] = lambda _: plain(INFO) | {"trouble": "The disk is full."}
    assert jp("daemon").out.splitlines()[1] == "The disk is full."


def test_daemon_stop_waits_for_the_end(jp: Jp, daemon: FakeDaemon) -> None:
    def stop(params: Params) -> None:
        daemon.stop_listening()

    daemon.answers["daemon.stop"] = stop
    assert jp("daemon", "stop").code == 0
    assert jp("daemon", "stop").code == 8


@pytest.mark.parametrize("words", [("daemon", "stop"), ("daemon", "status"), ("daemon", "log")])
def test_what_does_not_start_the_daemon(
    jp: Jp, runtime: Path, words: tuple[str, ...], daemon: FakeDaemon
) -> None:
    daemon.close()
    done = jp(*words)
    assert done.code == 8
    assert not (runtime / "launch.log").exists()
    assert "not running" in done.out + done.err


def test_errors_as_json(jp: Jp, daemon: FakeDaemon) -> None:
    def refuse(params: Params) -> object:
        raise SalutError("refused", "The server said no.", {"condition": "not-allowed"})

    daemon.answers["windows.list"] = refuse
    done = jp("windows")
    assert (done.code, done.out) == (6, "")
    assert done.err == "jp: The server said no.\njp: The server's word for it: not-allowed\n"
    assert '"condition": "not-allowed"' in jp("windows", "--json").err


def test_pin(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["preferences.pin"] = lambda params: {"address": BOB, "pinned": params["on"]}
    daemon.answers["preferences.list"] = lambda _: [
        {"address": BOB, "pinned": True},
        {"address": "eve@localhost"},
    ]
    assert jp("pin", BOB).out == ""
    assert jp("pin", BOB, "--off", "--json").json["pinned"] is False
    assert [asked["on"] for asked in daemon.calls("preferences.pin")] == [True, False]
    assert jp("pin").out == "bob@localhost\n"
    assert jp("pin", "--off").code == 2


def test_mute(jp: Jp, daemon: FakeDaemon) -> None:
    daemon.answers["preferences.mute"] = daemon.answers["preferences.notify"] = lambda _: {"address": BOB}
    assert jp("mute", BOB).code == 0
    assert jp("mute", BOB, "--off").code == 0
    before = now()
    assert jp("mute", BOB, "--for", "8h").code == 0
    assert jp("mute", BOB, "--until", "2999-03-04").code == 0
    forever, off, hours, day = (asked["until"] for asked in daemon.calls("preferences.mute"))
    assert (forever, off) == (None, 0)
    assert 0 <= hours - before - 8 * 3600 * SECOND + SECOND <= 60 * SECOND
    assert iso(day).startswith("2999-03-0")
    assert jp("mute", BOB, "--level", "mention", "--json").json["notify"] == "default"
    assert daemon.calls("preferences.notify")[0]["level"] == "mention"
    for wrong in (
        ("--for", "soon"),
        ("--until", "2001-01-01"),
        ("--level", "loud"),
        ("--off", "--for", "1h"),
    ):
        assert jp("mute", BOB, *wrong).code == 2
    assert jp("mute", "--off").code == 2
    daemon.answers["preferences.list"] = lambda _: [
        {"address": BOB, "muted_until": FOREVER},
        {"address": "eve@localhost", "notify": "never", "muted_until": 1},
        {"address": "pinned@localhost", "pinned": True},
    ]
    assert jp("mute").out.split() == ["bob@localhost", "default", "muted", "eve@localhost", "never"]


def test_bookmark(jp: Jp, daemon: FakeDaemon) -> None:
    room = "room@muc.localhost"
    told = {"address": room, "name": "The room", "nick": "Al", "autojoin": True}
    daemon.answers["bookmarks.list"] = lambda _: [told]
    daemon.answers["bookmarks.set"] = lambda _: told
    daemon.answers["bookmarks.remove"] = lambda _: None
    assert jp("bookmark").out == "room@muc.localhost  joined everywhere  Al  The room\n"
    assert jp("bookmark", "set", room, "--name", "", "--no-autojoin", "--json").json["nick"] == "Al"
    assert daemon.calls("bookmarks.set") == [
        {"profile": "alice", "room": room, "name": "", "autojoin": False}
    ]
    assert jp("bookmark", "set", room, "--autojoin", "--no-autojoin").code == 2
    assert jp("bookmark", "remove", room).code == 0
    assert len(daemon.calls("bookmarks.remove")) == 1


def test_room_list_shows_pins_first(jp: Jp, daemon: FakeDaemon) -> None:
    rooms = [{"address": "a@muc.localhost", "nick": "al"}, {"address": "b@muc.localhost", "nick": "al"}]
    daemon.answers["rooms.list"] = lambda _: rooms
    daemon.answers["preferences.list"] = lambda _: [{"address": "b@muc.localhost", "pinned": True}]
    assert [line.split("  ")[0] for line in jp("room").out.splitlines()] == [
        "b@muc.localhost *",
        "a@muc.localhost",
    ]
    assert [item["pinned"] for item in jp("room", "--json").json["items"]] == [True, False]
