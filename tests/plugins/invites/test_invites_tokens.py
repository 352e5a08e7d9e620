# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tokens and links without a server; the server's commands as the transcripts of XEP-0401."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from salut.api.ports import SqlRow
from salut.model import uri
from salut.model.errors import SalutError
from salut.plugins.invites import tokens
from salut.plugins.invites.service import read
from salut.xmpp import adhoc
from salut.xmpp.errors import StanzaError

NOW = 1_700_000_000_000_000
COMMANDS = "xmlns='http://jabber.org/protocol/commands'"


class Store:
    """A ``Tx`` over tables in memory."""

    profile, pid = "me", 1

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.executescript(
            "CREATE TABLE invite (pid, id, digest, at, until, note, used_by, used_at, rev, PRIMARY KEY (pid, id));"
            "CREATE TABLE invite_expected (pid, address, until, PRIMARY KEY (pid, address));"
        )
        self.changes: list[tuple[str, str, object]] = []

    def one(self, sql: str, params: Any = ()) -> SqlRow | None:
        found: SqlRow | None = self._db.execute(sql, params).fetchone()
        return found

    def all(self, sql: str, params: Any = ()) -> list[SqlRow]:
        return self._db.execute(sql, params).fetchall()

    def execute(self, sql: str, params: Any = ()) -> int:
        return self._db.execute(sql, params).lastrowid or 0

    def many(self, sql: str, rows: Any) -> None:
        self._db.executemany(sql, rows)

    def next_seq(self) -> int:
        return len(self.changes) + 1

    def change(self, name: str, key: str, value: Any) -> int:
        self.changes.append((name, key, value))
        return len(self.changes)


@pytest.fixture
def tx() -> Store:
    return Store()


def test_a_token_is_good_once_and_not_kept(tx: Store) -> None:
    invite, token = tokens.create(tx, NOW, 7, "")
    assert len(token) == 32
    assert all(token not in str(row) for row in tx.all("SELECT * FROM invite"))
    used = tokens.redeem(tx, NOW + 1, token, "bob@example.org")
    assert used is not None and (used.id, used.used_by) == (invite.id, "bob@example.org")
    assert tokens.redeem(tx, NOW + 2, token, "bob@example.org") is None
    assert tokens.redeem(tx, NOW + 2, token, "eve@example.org") is None


@pytest.mark.parametrize("forged", ["", "0" * 32, "x" * 100_000, "\udcff", "' OR 1=1"])
def test_other_tokens_are_good_for_nothing(tx: Store, forged: str) -> None:
    tokens.create(tx, NOW, 7, "")
    assert tokens.redeem(tx, NOW, forged, "eve@example.org") is None


def test_a_token_expires(tx: Store) -> None:
    invite, token = tokens.create(tx, NOW, 1, "")
    assert invite.until == NOW + tokens.DAY
    assert tokens.redeem(tx, invite.until, token, "bob@example.org") is None
    assert tokens.redeem(tx, invite.until - 1, token, "bob@example.org") is not None


def test_another_profile_has_other_tokens(tx: Store) -> None:
    _invite, token = tokens.create(tx, NOW, 7, "")
    other = Store()
    other._db, other.pid = tx._db, 2  # type: ignore[misc]
    assert tokens.redeem(other, NOW, token, "bob@example.org") is None


def test_open_invitations_are_bounded_and_old_ones_go(tx: Store) -> None:
    for _ in range(tokens.MOST_OPEN):
        tokens.create(tx, NOW, 1, "")
    with pytest.raises(SalutError) as many:
        tokens.create(tx, NOW, 1, "")
    assert many.value.code == "too-large"
    tokens.create(tx, NOW + 2 * tokens.DAY, 1, "")  # those are no longer open
    tokens.create(tx, NOW + 32 * tokens.DAY, 1, "")
    assert len(tokens.load(tx, 1)) == 2


def test_who_invited_us_is_let_in_once(tx: Store) -> None:
    tokens.expect(tx, NOW, "romeo@montague.net")
    assert not tokens.is_expected(tx, NOW, "tybalt@capulet.net")
    assert tokens.is_expected(tx, NOW + tokens.DAY, "romeo@montague.net")
    assert not tokens.is_expected(tx, NOW + tokens.DAY, "romeo@montague.net")
    tokens.expect(tx, NOW, "romeo@montague.net")
    assert not tokens.is_expected(tx, NOW + 31 * tokens.DAY, "romeo@montague.net")


@pytest.mark.parametrize(
    ("link", "kind", "address", "account"),
    [
        ("xmpp:romeo@montague.net?roster;preauth=1tMFqYDdKhfe2pwp;name=Romeo+Montague", "contact",
         "romeo@montague.net", False),
        ("https://juicyxmpp.example/i/#romeo@montague.net?roster;preauth=1tMFqYDdKhfe2pwp;name=Romeo+Montague",
         "contact", "romeo@montague.net", False),
        ("xmpp:romeo@example.com?roster;preauth=TOKEN;ibr=y", "contact", "romeo@example.com", True),
        ("xmpp:romeo@example.com?roster;ibr=y", "contact", "romeo@example.com", False),
        ("xmpp:juliet@example.com?register;preauth=TOKEN", "account", "juliet@example.com", True),
        ("xmpp:example.com?register;preauth=TOKEN", "account", "example.com", True),
    ],
)  # fmt: skip
def test_links_of_the_standards(link: str, kind: str, address: str, account: bool) -> None:
    said = read(link)
    assert (said.kind, said.address, said.account) == (kind, address, account)
    assert said.name == ("Romeo Montague" if "name=" in link else "")
    assert uri.parse(said.link) == uri.parse(link)


@pytest.mark.parametrize(
    "link",
    ["", "xmpp:", "xmpp:example.com?roster", "mailto:a@b", "xmpp:a@b?message", "xmpp:a b@c?roster", "http://x/#a@b",
     "xmpp:%00@b?roster", "xmpp:a@b?roster;" + "x" * 5000, "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_invitation(link: str) -> None:
    with pytest.raises(SalutError) as refused:
        read(link)
    assert refused.value.code == "invalid"


class Talk:
    """A session whose server says what the standard's examples say."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.said: list[str] = []

    async def iq(self, kind: str, payload: Element | str, to: str = "", timeout: float = 30.0) -> Element:
        assert isinstance(payload, str)
        self.said.append(payload)
        return fromstring(f"<iq xmlns='jabber:client'>{self._answers.pop(0)}</iq>")


FORM = f"""<command {COMMANDS} sessionid='config:20020923T213616Z-700' node='urn:xmpp:invite#create-account'
  status='executing'><actions execute='complete'><complete/></actions>
  <x xmlns='jabber:x:data' type='form'><field var='username' label='Username' type='text-single'/>
    <field var='roster-subscription' label='Roster subscription' type='boolean'/></x></command>"""
DONE = f"""<command {COMMANDS} node='urn:xmpp:invite#create-account' status='completed'>
  <x xmlns='jabber:x:data' type='result'>
    <field type='hidden' var='FORM_TYPE'><value>urn:xmpp:invite#invitation</value></field>
    <field type='text-single' var='uri'><value>xmpp:juliet@example.com?register;preauth=TOKEN</value></field>
    <field type='text-single' var='landing-url'><value>https://example.com/invite/#TOKEN</value></field>
    <field type='text-single' var='expire'><value>2017-11-06T02:56:15Z</value></field></x></command>"""


async def test_an_account_is_invited_in_two_steps() -> None:
    talk = Talk(FORM, DONE)
    node = "urn:xmpp:invite#create-account"
    form = await adhoc.run(talk, "example.com", node, lambda form: {"username": ["juliet"]})
    fields = {field.name: field.values[0] for field in form.fields}
    said = read(fields["uri"], fields["landing-url"], fields["expire"])
    assert (said.kind, said.address, said.page) == (
        "account", "juliet@example.com", "https://example.com/invite/#TOKEN"
    )  # fmt: skip
    assert said.until == 1_509_936_975_000_000
    answer = fromstring(talk.said[1])
    assert (answer.get("sessionid"), answer.get("action")) == ("config:20020923T213616Z-700", "complete")


@pytest.mark.parametrize(
    "answers",
    [
        [
            f"<command {COMMANDS} node='n' status='completed'><note type='error'>only for some</note></command>"
        ],
        [f"<command {COMMANDS} node='n' status='canceled'/>"],
        [f"<command {COMMANDS} node='other' status='completed'/>"],
        ["<nothing/>"],
        [f"<command {COMMANDS} node='n' status='executing'/>"] * (adhoc.MOST_STEPS + 1),
    ],
)
async def test_commands_that_end_otherwise(answers: Sequence[str]) -> None:
    with pytest.raises(StanzaError):
        await adhoc.run(Talk(*answers), "example.com", "n", lambda form: {})
