# SPDX-License-Identifier: AGPL-3.0-or-later
"""Registration as transcripts, from the examples of XEP-0077, 0158, 0221, 0231 and 0445, and forged ones."""

from __future__ import annotations

import base64
import hashlib
from xml.etree.ElementTree import Element, fromstring

import pytest

from salut.model.errors import SalutError
from salut.plugins.account.service import wanted
from salut.xmpp.errors import Failure, LinkFailureError, StanzaError
from salut.xmpp.register import MAX_MEDIA, MOST_BETWEEN, Registration, answer_xml, read_query

REGISTER = "xmlns='jabber:iq:register'"
BOTH = "<register xmlns='urn:xmpp:ibr-token:0'/><register xmlns='http://jabber.org/features/iq-register'/>"
LEGACY = f"""<query {REGISTER}><instructions>Choose a username and password.</instructions>
  <username/><password/><email/></query>"""
CONTEST = f"""<query {REGISTER}><instructions>Use the enclosed form.</instructions>
  <x xmlns='jabber:x:data' type='form'><title>Contest Registration</title>
    <instructions>Please provide the following information</instructions>
    <field type='hidden' var='FORM_TYPE'><value>jabber:iq:register</value></field>
    <field type='text-single' label='Given Name' var='first'><required/></field>
    <field type='list-single' label='Gender' var='x-gender'>
      <option label='Male'><value>M</value></option><option label='Female'><value>F</value></option>
    </field></x></query>"""


def parsed(text: str) -> Element:
    return fromstring(f"<s xmlns='jabber:client'>{text}</s>")[0]


class Scripted:
    """A server that says what it is told to; what we say is noted."""

    def __init__(self, *answers: str) -> None:
        self.answers = [parsed(answer) for answer in answers]
        self.said: list[str] = []
        self.ended: Failure | None = None

    async def restart(self, domain: str) -> Element:
        raise AssertionError

    async def next(self) -> Element:
        if not self.answers:
            self.ended = Failure("closed", "the server closed the stream")
            raise LinkFailureError(self.ended)
        return self.answers.pop(0)

    def write(self, text: str) -> None:
        self.said.append(text)

    def abort(self) -> None:
        self.ended = self.ended or Failure("aborted", "given up")


def stream(*answers: str, features: str = BOTH) -> tuple[Registration, Scripted]:
    wire = Scripted(*answers)
    return Registration(wire, parsed(f"<f>{features}</f>"), "shakespeare.lit"), wire


def result(number: int, inner: str = "") -> str:
    return f"<iq type='result' from='shakespeare.lit' id='register{number}'>{inner}</iq>"


async def test_plain_fields_become_a_form_and_are_answered_as_such() -> None:
    registration, wire = stream(result(1, LEGACY), result(2))
    asked = await registration.ask()
    assert asked.legacy
    assert asked.form.instructions == "Choose a username and password."
    assert [(f.name, f.kind, f.required) for f in asked.form.fields] == [
        ("username", "text-single", True), ("password", "text-private", True), ("email", "text-single", True),
    ]  # fmt: skip
    await registration.answer({"username": ["bill"], "password": ["<Calliope>"], "x-other": ["no"]})
    assert wire.said[1].endswith(
        f"<query {REGISTER}><username>bill</username><password>&lt;Calliope&gt;</password></query></iq>"
    )
    assert "to='shakespeare.lit'" in wire.said[1]


async def test_a_data_form_is_answered_as_one() -> None:
    registration, wire = stream(result(1, CONTEST), result(2))
    asked = await registration.ask()
    assert (asked.legacy, asked.form.title, asked.form.type) == (
        False, "Contest Registration", "jabber:iq:register"
    )  # fmt: skip
    await registration.answer({"first": ["Juliet"], "x-gender": ["F"]})
    form = parsed(wire.said[1]).find("{jabber:iq:register}query/{jabber:x:data}x")
    assert form is not None and form.get("type") == "submit"
    assert [(f.get("var"), f[0].text) for f in form] == [
        ("FORM_TYPE", "jabber:iq:register"), ("first", "Juliet"), ("x-gender", "F"),
    ]  # fmt: skip


async def test_a_conflict_is_told_and_the_stream_goes_on() -> None:
    conflict = """<iq type='error' id='register2'><error code='409' type='cancel'>
      <conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"""
    registration, _wire = stream(result(1, LEGACY), conflict, result(3))
    await registration.ask()
    with pytest.raises(StanzaError) as refused:
        await registration.answer({"username": ["bill"], "password": ["m1cro$oft"]})
    assert refused.value.condition == "conflict"
    await registration.answer({"username": ["bill2"], "password": ["m1cro$oft"]})


async def test_a_redirect_to_a_web_page() -> None:
    """XEP-0077 section 5."""
    query = f"""<query {REGISTER}><instructions>To register, visit the page</instructions>
      <x xmlns='jabber:x:oob'><url>http://www.shakespeare.lit/contests.php</url></x></query>"""
    registration, _wire = stream(result(1, query))
    asked = await registration.ask()
    assert (asked.url, asked.form.fields) == ("http://www.shakespeare.lit/contests.php", [])


async def test_a_token_is_shown_only_to_servers_that_take_one() -> None:
    """XEP-0445 section 3: the link may have been tampered with."""
    registration, wire = stream(result(1))
    await registration.present("TOKEN")
    assert wire.said == [
        "<iq type='set' id='register1' to='shakespeare.lit'><preauth xmlns='urn:xmpp:pars:0' token='TOKEN'/></iq>"
    ]
    registration, wire = stream(features="<register xmlns='http://jabber.org/features/iq-register'/>")
    with pytest.raises(StanzaError, match="takes no invitations"):
        await registration.present("TOKEN")
    assert wire.said == []


async def test_answers_to_other_questions_do_not_count() -> None:
    other = "<iq type='result' id='other'/>"
    registration, _wire = stream(other, "<message/>", result(1, LEGACY))
    assert (await registration.ask()).legacy
    registration, wire = stream(*[other] * (MOST_BETWEEN + 1))
    with pytest.raises(LinkFailureError, match="talks too much"):
        await registration.ask()
    assert wire.ended is not None


async def test_a_server_that_hangs_up_over_the_answer_is_no_refusal() -> None:
    registration, _wire = stream(result(1, LEGACY))
    await registration.ask()
    with pytest.raises(LinkFailureError):
        await registration.answer({"username": ["bill"], "password": ["Calliope"]})
    assert not registration.alive


def bob(raw: bytes, cid: str) -> str:
    data = base64.b64encode(raw).decode()
    return f"<data xmlns='urn:xmpp:bob' cid='{cid}' type='image/png' max-age='0'>{data}</data>"


def test_pictures_are_believed_only_where_their_address_is_their_hash() -> None:
    good = f"sha1+{hashlib.sha1(b'ok').hexdigest()}@bob.xmpp.org"
    forged = f"sha1+{hashlib.sha1(b'other').hexdigest()}@bob.xmpp.org"
    large = b"x" * (MAX_MEDIA + 10)
    too_large = f"sha1+{hashlib.sha1(large).hexdigest()}@bob.xmpp.org"
    inner = (
        bob(b"ok", good) + bob(b"ok", forged) + bob(large, too_large) + bob(b"ok", "md5+0@x") + bob(b"ok", "")
    )
    asked = read_query(
        parsed(f"<query {REGISTER}>{inner}<data xmlns='urn:xmpp:bob' cid='{good}'>%%</data></query>")
    )
    assert [(m.uri, m.data) for m in asked.media] == [(f"cid:{good}", b"ok")]


def test_plain_answers_hold_only_what_the_standard_names() -> None:
    asked = read_query(parsed(LEGACY))
    assert answer_xml(asked, {"remove": [""], "username": ["a"]}) == (
        f"<query {REGISTER}><username>a</username></query>"
    )


@pytest.mark.parametrize(
    ("server", "link", "expected"),
    [
        ("example.com", "", ("example.com", "", "")),
        ("", "xmpp:juliet@example.com?register;preauth=T", ("example.com", "juliet", "T")),
        ("", "xmpp:example.com?register;preauth=T", ("example.com", "", "T")),
        ("", "xmpp:romeo@example.com?roster;preauth=T;ibr=y", ("example.com", "", "T")),
        ("other.org", "xmpp:romeo@example.com?roster;preauth=T;ibr=y", ("other.org", "", "")),
        ("example.com", "xmpp:romeo@example.com?roster;preauth=T", ("example.com", "", "")),
    ],
)
def test_what_an_invitation_is_for(server: str, link: str, expected: tuple[str, str, str]) -> None:
    """XEP-0445 section 2; a token is never shown to another server than the one that made it."""
    assert wanted(server, link) == expected


@pytest.mark.parametrize(
    ("server", "link"),
    [("", ""), ("", "xmpp:romeo@example.com?roster;preauth=T"), ("", "http://example.com/")],
)
def test_what_is_no_invitation_is_said(server: str, link: str) -> None:
    with pytest.raises(SalutError) as refused:
        wanted(server, link)
    assert refused.value.code == "invalid"
