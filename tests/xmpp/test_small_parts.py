# SPDX-License-Identifier: AGPL-3.0-or-later
"""Configuration, XML text, requests, alternative connections."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salut.xmpp.altconnect import AltMethod, read_json, read_xrd
from salut.xmpp.attempt import Attempts
from salut.xmpp.config import SessionConfig
from salut.xmpp.errors import StanzaError
from salut.xmpp.iqs import Pending, error_text
from salut.xmpp.resolve import SharedDns
from salut.xmpp.scram import Request
from salut.xmpp.secret import Secret
from salut.xmpp.tls import SharedTls
from salut.xmpp.xmltext import escape, serialise


def test_passwords_do_not_show() -> None:
    config = SessionConfig(jid="a@b", password=Secret("hush"))
    assert "hush" not in f"{config!r} {config} {config.password!r} {config.password}"
    assert config.password() == "hush"
    assert Secret("hush") == Secret("hush") != Secret("other")


@pytest.mark.parametrize(
    "wrong",
    [
        {"jid": "b"},
        {"jid": "a@b/c"},
        {"jid": "@b"},
        {"jid": "a@b@c"},
        {"port": 70000},
        {"priority": 200},
        {"plaintext": True},
        {"plaintext": True, "host": "example.org"},
        {"plaintext": True, "host": "127.0.0.1.example.org"},
    ],
)
def test_wrong_configurations(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        SessionConfig(**({"jid": "a@b", "password": Secret("x")} | wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "127.1.2.3"])
def test_plain_text_to_this_machine_is_allowed(host: str) -> None:
    assert SessionConfig(jid="a@b", password=Secret("x"), plaintext=True, host=host).plaintext


@given(st.text())
def test_any_text_survives_or_becomes_harmless(text: str) -> None:
    back = fromstring(f"<a b='{escape(text)}'>{escape(text)}</a>")
    allowed = "".join(
        c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff" else "\ufffd"
        for c in text
    )
    assert (back.text or "") == allowed


names = st.sampled_from(["a", "b", "{jabber:client}c", "{u:x}d", "{u:y}e"])
keys = st.sampled_from(["k", "{u:z}k", "{http://www.w3.org/XML/1998/namespace}lang"])
words = st.text(st.sampled_from("ab <&>'\"\u00e9\U0001f600"), max_size=5)


def build(tag: str, attributes: dict[str, str], text: str, children: list[Element]) -> Element:
    element = Element(tag, attributes)
    element.text = text
    element.extend(children)
    return element


trees = st.recursive(
    st.builds(build, names, st.dictionaries(keys, words, max_size=2), words, st.just([])),
    lambda inner: st.builds(
        build, names, st.dictionaries(keys, words, max_size=2), words, st.lists(inner, max_size=3)
    ),
    max_leaves=10,
)


@given(trees)
def test_elements_survive_being_written(tree: Element) -> None:
    def qualified(element: Element, inherited: str) -> Element:
        tag = element.tag if element.tag.startswith("{") else f"{{{inherited}}}{element.tag}"
        space = tag[1:].partition("}")[0]
        return build(tag, dict(element.attrib), element.text or "", [qualified(c, space) for c in element])

    (back,) = fromstring(f"<s xmlns='jabber:client'>{serialise(tree)}</s>")
    expected = qualified(tree, "jabber:client")
    assert tostring(back) == tostring(expected)


def reply(number: str, from_: str, kind: str = "result") -> Element:
    return Element("{jabber:client}iq", {"id": number, "type": kind} | ({"from": from_} if from_ else {}))


@pytest.mark.parametrize(
    ("to", "from_", "good"),
    [
        ("bob@b/x", "bob@b/x", True),
        ("Bob@B/x", "bob@b/x", True),
        ("bob@b/x", "bob@b/X", False),
        ("bob@b", "eve@b", False),
        ("bob@b", "", False),
        ("", "", True),
        ("", "me@here", True),
        ("", "me@here/r", True),
        ("", "here", True),
        ("", "eve@here", False),
        ("me@here", "", True),
        ("me@here", "eve@there", False),
    ],
)
async def test_only_who_was_asked_may_answer(to: str, from_: str, good: bool) -> None:
    pending = Pending()
    number, future = pending.add(to)
    assert pending.answer(reply(number, from_), "me@here/r") is good
    assert future.done() is good


async def test_errors_and_the_end_reach_who_waits() -> None:
    pending = Pending()
    number, future = pending.add("x@y")
    text = error_text("iq", number, "", StanzaError("item-not-found", "<no>", "cancel"))
    element = fromstring(f"<s xmlns='jabber:client'>{text}</s>")[0]
    element.set("from", "x@y")
    assert pending.answer(element, "me@here/r")
    with pytest.raises(StanzaError) as error:
        await future
    assert (error.value.condition, error.value.text) == ("item-not-found", "<no>")
    _, waiting = pending.add("x@y")
    pending.fail("gone")
    with pytest.raises(StanzaError, match="gone"):
        await asyncio.wait_for(waiting, 1)


def test_alternative_connections_are_read_and_nonsense_is_not() -> None:
    json = b"""{"links":[{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://x/ws"},
    {"rel":"urn:xmpp:alt-connections:xbosh","href":"http://insecure/"},{"rel":"other","href":"wss://y"}]}"""
    assert read_json(json) == [AltMethod("websocket", "wss://x/ws")]
    xrd = b"""<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>
    <Link rel='urn:xmpp:alt-connections:xbosh' href='https://x/bosh'/></XRD>"""
    assert read_xrd(xrd) == [AltMethod("bosh", "https://x/bosh")]
    for nonsense in (
        b"",
        b"[]",
        b"{}",
        b'{"links":5}',
        b'{"links":[1]}',
        b"[" * 10**5,
        b"<a>",
        b"<!DOCTYPE a><a/>",
    ):
        assert read_json(nonsense) == read_xrd(nonsense) == []


async def test_the_costly_part_of_a_login_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def derive(request: Request, password: str) -> bytes:
        threads.append(threading.current_thread().name)
        return password.encode()

    monkeypatch.setattr(Request, "derive", derive)
    attempts = Attempts(SharedTls(), SharedDns())
    first, second = Request("sha1", b"salt", 4096), Request("sha1", b"other", 4096)
    for request in (first, first, second, first):
        assert await attempts._derive(request, Secret("x")) == b"x"
    assert len(threads) == 2
    assert threading.main_thread().name not in threads
    attempts.forget()
    await attempts._derive(first, Secret("x"))
    assert len(threads) == 3


def test_only_sessions_need_slixmpp() -> None:
    modules = (
        "link sm resolve liveness parser decode scram negotiate wire opening attempt shared disco router"
    )
    program = (
        f"import sys, importlib\nfor name in {modules!r}.split(): importlib.import_module('salut.xmpp.' + name)\n"
        "heavy = {'slixmpp', 'aiodns', 'cryptography'} & set(sys.modules)\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
