# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp account``, ``jp invite`` and ``jp server``: what they ask of the daemon, and what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from salut.api import core
from salut.frontends.cli import shapes, shapes_account
from salut.model.form import Field, Form
from salut.model.link import LinkState
from salut.plugins.account.api import RegistrationForm
from salut.plugins.archive.api import ArchivePreferences
from salut.plugins.invites.api import Invitation, Invite
from salut.plugins.moved.api import Move
from salut.plugins.server.api import Clock, Outage, ServerInfo, Software
from tests.cli.conftest import Jp
from tests.cli.fake_daemon import FakeDaemon

AT = 1_700_000_000_000_000  # 2023-11-14T22:13:20Z
ALICE = core.Profile(name="alice", address="alice@localhost", enabled=True, link=LinkState(state="online"))
FORM = RegistrationForm(
    id="r1",
    server="localhost",
    form=Form(
        instructions="Choose \x1b[31m a name",
        fields=[
            Field(name="username", required=True),
            Field(name="password", kind="text-private", required=True),
            Field(name="captcha", label="Letters", media=["cid:x"]),
            Field(name="note"),
        ],
    ),
    until=AT,
)
LINK = "xmpp:alice@localhost?roster;preauth=T;ibr=y"
INVITATION = Invitation(
    link=LINK,
    kind="contact",
    address="alice@localhost",
    server="localhost",
    account=True,
    token=True,
    until=AT,
)
OUTAGE = Outage(beginning=AT, planned=True, message="new \x1b[31mdisks", source="https://x/")


@pytest.fixture(autouse=True)
def answers(daemon: FakeDaemon) -> None:
    daemon.answers |= {
        name: lambda params, value=value: msgspec.to_builtins(value)
        for name, value in {
            "profiles.list": [ALICE],
            "profiles.connect": ALICE,
            "account.registration_form": FORM,
            "account.register": ALICE,
            "account.set_password": None,
            "account.unregister": None,
            "archive.preferences": ArchivePreferences(default="roster", never=["x@y"]),
            "archive.set_preferences": ArchivePreferences(default="never"),
            "moved.list": [Move(address="new@x", old="old@x", at=AT)],
            "moved.accept": Move(address="new@x", old="old@x", at=AT),
            "moved.dismiss": None,
            "moved.move": "t1",
            "moved.stay": None,
            "invites.create": INVITATION,
            "invites.list": [Invite(id="a1", at=AT, until=AT, used_by="bob@localhost", used_at=AT)],
            "invites.revoke": None,
            "invites.read": INVITATION,
            "invites.use": INVITATION,
            "server.info": ServerInfo(
                domain="localhost", software=Software(name="Prosody", version="0.12"), uptime=90_000,
                contacts={"abuse": ["mailto:a@b"]}, features=["x"], outage=OUTAGE,
            ),
            "server.outage": OUTAGE,
            "server.software": Software(name="Prosody"),
            "server.time": Clock(utc=AT, ahead=90),
        }.items()
    }  # fmt: skip


def asked(daemon: FakeDaemon, method: str) -> dict[str, Any]:
    """The parameters of the last call of a method."""
    return daemon.calls(method)[-1]


@pytest.mark.parametrize(
    ("name", "struct"),
    [("REGISTRATION", RegistrationForm), ("INVITE", Invite), ("INVITATION", Invitation), ("SOFTWARE", Software),
     ("CLOCK", Clock), ("OUTAGE", Outage), ("PREFERENCES", ArchivePreferences), ("MOVE", Move)],
)  # fmt: skip
def test_shapes_are_those_of_the_contract(name: str, struct: type[msgspec.Struct]) -> None:
    shape = getattr(shapes_account, name)
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    assert list(shape) == list(fields)
    for key, default in shape.items():
        field = fields[key]
        if default in (shapes.REQUIRED, shapes.MOMENT):
            assert field.required, key
        elif default == shapes.NO_MOMENT:
            assert field.default == 0, key
        elif default == ():
            assert field.default_factory is list, key
        else:
            assert field.default == default, key


def test_register_fills_in_the_form(jp: Jp, daemon: FakeDaemon, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("pass word\n")
    words = ["account", "register", LINK, "me", "username=romeo", "captcha=7nHL3", "--host", "h"]
    ran = jp(*words, "--password-file", str(secret))
    assert ran.code == 0, ran.err
    assert asked(daemon, "account.registration_form") == {"link": LINK, "host": "h"}
    assert asked(daemon, "account.register") == {
        "registration": "r1", "name": "me",
        "answers": {"username": ["romeo"], "captcha": ["7nHL3"], "password": ["pass word"]},
    }  # fmt: skip
    assert "alice@localhost" in ran.out


def test_register_without_a_terminal_says_what_lacks(jp: Jp, daemon: FakeDaemon) -> None:
    ran = jp("account", "register", "localhost", "me", "username=romeo")
    assert ran.code == 2
    assert "password, captcha" in ran.err
    assert asked(daemon, "account.registration_form") == {"server": "localhost"}


def test_a_password_never_stands_on_the_command_line(jp: Jp, daemon: FakeDaemon) -> None:
    ran = jp("account", "register", "localhost", "me", "username=romeo", "password=secret")
    assert ran.code == 2
    assert "no place for a password" in ran.err
    assert not daemon.calls("account.registration_form")


def test_form_is_shown_harmless(jp: Jp) -> None:
    ran = jp("account", "form", "localhost")
    assert "\x1b" not in ran.out
    assert "Letters" in ran.out
    assert jp("account", "form", "localhost", "--json").json["until"] == "2023-11-14T22:13:20.000000Z"


def test_password(jp: Jp, daemon: FakeDaemon) -> None:
    ran = jp("account", "password", "--password-file", "-", stdin=b"new one\n")
    assert ran.code == 0, ran.err
    assert asked(daemon, "account.set_password") == {"profile": "alice", "password": "new one"}
    assert jp("account", "password").code == 2


def test_unregister_needs_the_address(jp: Jp, daemon: FakeDaemon) -> None:
    assert jp("account", "unregister").code == 2
    assert not daemon.calls("account.unregister")
    ran = jp("account", "unregister", "--confirm", "alice@localhost", "--forget", "--json")
    assert ran.json == {"profile": "alice"}
    assert asked(daemon, "account.unregister") == {
        "profile": "alice", "confirm": "alice@localhost", "forget": True
    }  # fmt: skip


def test_archive_prefs(jp: Jp, daemon: FakeDaemon) -> None:
    shown = {"profile": "alice", "default": "roster", "always": [], "never": ["x@y"]}
    assert jp("account", "archive-prefs", "--json").json == shown
    ran = jp("account", "archive-prefs", "--default", "never", "--always", "a@b, c@d", "--never", "")
    assert "The server keeps: nothing" in ran.out
    assert asked(daemon, "archive.set_preferences") == {
        "profile": "alice", "default": "never", "always": ["a@b", "c@d"], "never": []
    }  # fmt: skip


def test_invite(jp: Jp, daemon: FakeDaemon) -> None:
    ran = jp("invite", "--account")
    assert ran.out == f"{LINK}\n"
    assert "one person" in ran.err
    assert asked(daemon, "invites.create") == {"profile": "alice", "note": "", "days": 7, "account": True}
    assert jp("invite", "create", "--json").json["link"] == LINK
    assert "used by bob@localhost" in jp("invite", "list").out
    assert jp("invite", "revoke", "a1", "--json").json == {"profile": "alice", "id": "a1"}
    assert "make an account on localhost" in jp("invite", "show", LINK).out
    assert jp("invite", "use", LINK, "--name", "Alice").code == 0
    assert asked(daemon, "invites.use") == {"profile": "alice", "link": LINK, "name": "Alice"}


def test_server(jp: Jp) -> None:
    ran = jp("server")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    for part in ("Prosody 0.12", "1 d 1 h", "mailto:a@b", "planned 2023-11-14 22:13"):
        assert part in ran.out
    shown = jp("server", "info", "--json").json
    assert shown["outage"]["beginning"] == "2023-11-14T22:13:20.000000Z"
    assert shown["software"] == {"name": "Prosody", "version": "0.12", "os": ""}
    assert jp("server", "software", "localhost").out == "Prosody\n"
    assert jp("server", "time", "localhost").out == "2023-11-14 23:43:20\n"
    assert jp("server", "outage", "--known", "--json").json["outage"]["planned"] is True


def test_moves(jp: Jp, daemon: FakeDaemon) -> None:
    assert "old@x  →  new@x" in jp("account", "moves").out
    assert jp("account", "moves", "--json").json["items"][0]["at"] == "2023-11-14T22:13:20.000000Z"
    assert jp("account", "follow", "new@x").code == 0
    assert asked(daemon, "moved.accept") == {"profile": "alice", "address": "new@x"}
    assert jp("account", "follow", "new@x", "--dismiss").code == 0
    assert jp("account", "move", "bob", "--json").json == {"profile": "alice", "task": "t1"}
    assert asked(daemon, "moved.move") == {"profile": "alice", "to": "bob"}
    assert jp("account", "move").code == 2
    assert jp("account", "move", "--stay").code == 0
    assert asked(daemon, "moved.stay") == {"profile": "alice"}
