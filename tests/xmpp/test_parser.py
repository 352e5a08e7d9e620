# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bytes to elements: any cut of the bytes, and hostile ones."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salut.xmpp.errors import LinkFailureError
from salut.xmpp.parser import ABORT_FACTOR, MAX_DEPTH, MAX_ELEMENTS, REFUSED, STREAMS, StreamParser

HEAD = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' from='h' id='i' xml:lang='de' "
    b"xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
)
MESSAGE = (
    "<message from='a@b' xml:lang='en'><body>h\u00e9 &amp; \U0001f600</body><x xmlns='u:x' y='1'/></message>"
).encode()


def parser(limit: int = 1000) -> StreamParser:
    made = StreamParser(limit)
    assert made.feed(HEAD) == []
    return made


@given(st.lists(st.integers(1, 40), max_size=20))
def test_it_does_not_matter_how_the_bytes_are_cut(cuts: list[int]) -> None:
    data = HEAD + MESSAGE * 2 + b"</stream:stream>"
    reader = StreamParser()
    found = []
    for cut in [*cuts, len(data)]:
        found += reader.feed(data[:cut])
        data = data[cut:]
    assert reader.header is not None
    assert reader.header["{http://www.w3.org/XML/1998/namespace}lang"] == "de"
    assert reader.closed
    assert [element.tag for element in found] == ["{jabber:client}message"] * 2
    first = found[0]
    assert first.findtext("{jabber:client}body") == "h\u00e9 & \U0001f600"
    assert first.find("{u:x}x").get("y") == "1"  # type: ignore[union-attr]
    assert first.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"


def test_the_size_limit_is_exact_and_the_next_stanza_is_read() -> None:
    frame = len(b"<message id='1'>")
    reader = parser(100)
    (kept,) = reader.feed(b"<message id='1'>" + b"x" * (100 - frame) + b"</message>")
    assert kept.find(REFUSED) is None
    refused, following = reader.feed(
        b"<message id='1'>" + b"x" * (101 - frame) + b"</message><message id='2'/>"
    )
    assert refused.get("id") == "1"
    assert len(refused) == 1
    assert refused.findtext(REFUSED) == "larger than 100 bytes"
    assert following.get("id") == "2"


def test_a_stanza_over_the_limit_is_not_kept_in_memory_and_an_endless_one_ends_the_stream() -> None:
    reader = parser(1000)
    reader.feed(b"<message id='1'><body>")
    with pytest.raises(LinkFailureError) as error:
        for _ in range(2 * ABORT_FACTOR):
            assert reader.feed(b"<p>" + b"x" * 993 + b"</p>") == []
    assert error.value.failure.code == "policy-violation"


def test_an_iq_may_be_larger_than_a_message() -> None:
    (iq,) = parser(100).feed(b"<iq id='1'>" + b"x" * 500 + b"</iq>")
    assert iq.find(REFUSED) is None


def test_deep_nesting_is_refused_and_survived() -> None:
    deep = MAX_DEPTH + 50
    refused, following = parser(10**6).feed(
        b"<message>" + b"<a>" * deep + b"</a>" * deep + b"</message><message/>"
    )
    assert "levels" in (refused.findtext(REFUSED) or "")
    assert following.find(REFUSED) is None


def test_a_swarm_of_elements_is_refused() -> None:
    (refused,) = parser(10**6).feed(b"<message>" + b"<a/>" * (MAX_ELEMENTS + 1) + b"</message>")
    assert refused.find(REFUSED) is not None


@pytest.mark.parametrize(
    "attack",
    [
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><message/>",
        b"<message><!-- comment --></message>",
        b"<message><?php evil ?></message>",
        b"<message>&undefined;</message>",
        b"<message></iq>",
        b"<message a='1' a='2'/>",
        b"<message>\x00</message>",
        b"<message>\xff\xfe</message>",
        b"<p:message/>",
    ],
)
def test_what_xmpp_forbids_ends_the_stream(attack: bytes) -> None:
    with pytest.raises(LinkFailureError) as error:
        parser().feed(attack)
    assert error.value.failure.code in ("restricted-xml", "not-well-formed")


def test_entities_cannot_be_declared_before_the_stream() -> None:
    bomb = b"<!DOCTYPE lolz [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;'>]>" + HEAD + b"<message>&b;</message>"
    with pytest.raises(LinkFailureError):
        StreamParser().feed(bomb)


def test_another_protocol_is_named_as_such() -> None:
    with pytest.raises(LinkFailureError) as error:
        StreamParser().feed(b"<html><body/></html>")
    assert error.value.failure.code == "not-xmpp"


def test_endless_whitespace_is_life_but_endless_text_is_not() -> None:
    reader = parser(100)
    for _ in range(5000):
        assert reader.feed(b"   \n") == []
    (kept,) = reader.feed(b"<message/>")
    assert kept.find(REFUSED) is None
    with pytest.raises(LinkFailureError):
        for _ in range(100):
            reader.feed(b"<" + b"x" * 200 if _ == 0 else b"x" * 200)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    reader = parser(100)
    with contextlib.suppress(LinkFailureError):
        reader.feed(data)


@pytest.mark.parametrize(
    "encoding", ["no-such", "utf-16", "latin-1", "idna", "punycode", "shift_jis", "base64"]
)
def test_a_declared_encoding_is_not_looked_up(encoding: str) -> None:
    """Found by `make fuzz`: a declaration chose the codec, and a codec that Python lacks raised ``LookupError``."""
    reader = StreamParser()
    head = f"<?xml version='1.0' encoding='{encoding}'?><s:stream xmlns:s='{STREAMS}' xmlns='jabber:client'>"
    (message,) = reader.feed(head.encode() + "<message><body>né</body></message>".encode())
    assert message.findtext("{jabber:client}body") == "né"
