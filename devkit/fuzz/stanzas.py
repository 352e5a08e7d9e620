# SPDX-License-Identifier: AGPL-3.0-or-later
"""One hostile stanza for each number: case ``n`` of a seed is always the same."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from random import Random
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from devkit.fuzz import corpus
from devkit.fuzz.values import (
    BAD_JIDS,
    CONTACTS,
    DOMAIN,
    OCCUPANTS,
    ODD,
    OWN,
    ROOM,
    STRANGERS,
    address,
    value,
)
from salut.xmpp.xmltext import attributes, serialise

_FIELD: Final = re.compile(r"@(jid|date|id|int|text)")
_TYPES: Final = {
    "message": ("chat", "chat", "normal", "groupchat", "headline", "error", "", "wrong", "CHAT"),
    "presence": ("", "", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe",
                 "error", "wrong", "available"),
}  # fmt: skip
_SPACES: Final = (
    "",
    "urn:nobody",
    "jabber:client",
    "jabber:server",
    "http://etherx.jabber.org/streams",
    "xml:x",
)


@dataclass(frozen=True)
class Case:
    """``xml`` as the server writes it. ``stanzas``: how many of it count (XEP-0198), ``requests``: how many of
    those must be answered. ``breaks``: the stream may end by it, cleanly."""

    number: int
    xml: bytes
    stanzas: int = 1
    requests: int = 0
    breaks: bool = False


def case(seed: int, number: int, own: str) -> Case:
    """Case ``number`` of ``seed`` for the session ``own`` (its full address)."""
    random = Random(f"{seed}:{number}")
    die = random.random()
    if die < 0.10:
        return _forged(random, number, own)
    if die < 0.103:
        return _large(random, number, own)
    if die < 0.1035:
        return Case(number, b"<other xmlns='urn:x'>" + _body(random, number) + b"</other>", 0)
    if die < 0.55:
        return _stanza(random, number, "message", own)
    if die < 0.75:
        return _stanza(random, number, "presence", own)
    return _iq(random, number, own)


def breaking(seed: int, number: int) -> bytes:
    """Bytes that XMPP forbids: the stream has to end by them, and only the stream."""
    random = Random(f"{seed}:breaking:{number}")
    inner = random.choice(
        (
            b"\x00", b"\x0b", b"&#0;", b"&#x1;", b"&#xD800;", b"&#xFFFE;", b"\xed\xa0\x80", b"\xff\xfe", b"\xc3",
            b"\xef\xbf\xbf", b"&lol;", b"<!-- x -->", b"<?php x ?>", b"<![CDATA[", b"</message>", b"<a b='1' b='2'/>",
            b"<a b=1/>", b"<p:a/>", b"<a xmlns:p=''/>", b"]]>", b"<a b='<'/>", b"<xmlns:a/>", b"<!DOCTYPE x>",
            b"<a xmlns:xmlns='x'/>", b"<a></b>", b"<1/>", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf",
        )
    )  # fmt: skip
    return b"<message from='stranger1@elsewhere.example'><body>" + inner + b" </body></message>\x00<<"


def _body(random: Random, number: int) -> bytes:
    return f"<body xmlns='jabber:client'>{number}</body>".encode() * random.randrange(3)


def _sender(random: Random) -> str:
    if random.random() < 0.08:
        return random.choice(BAD_JIDS)
    return address(random)


def _forged(random: Random, number: int, own: str) -> Case:
    """Said by somebody who has no right to it."""
    sender = random.choice(
        (
            random.choice(CONTACTS[1:]) + "/x", random.choice(STRANGERS), random.choice(OCCUPANTS), ROOM,
            OWN + ".elsewhere.example", "user@localhost.", "usër@localhost",
        )
    )  # fmt: skip
    if random.random() < 0.35:
        inner = random.choice(corpus.FORGED_REQUESTS)
        text = f"<iq type='set'{attributes(from_=sender, to=own, id=f'z{number}')}>{inner}</iq>"
        return Case(number, text.encode(), requests=1)
    inner = random.choice(corpus.FORGED_MESSAGES)
    kind = random.choice(("chat", "normal", "headline", "groupchat"))
    return Case(
        number,
        f"<message{attributes(from_=sender, to=own, id=f'z{number}', type=kind)}>{inner}</message>".encode(),
    )


def _stanza(random: Random, number: int, name: str, own: str) -> Case:
    source = corpus.MESSAGE if name == "message" else corpus.PRESENCE
    stanza = Element(name)
    _head(random, stanza, number, own, random.choice(_TYPES[name]))
    for _ in range(random.choice((0, 1, 1, 2, 2, 3, 5, 9))):
        table = source if random.random() < 0.95 else random.choice((corpus.REQUEST, corpus.MESSAGE))
        stanza.append(filled(random, random.choice(table), number))
    if name == "message" and random.random() < 0.5:
        SubElement(stanza, "body").text = value(random, "text", number)
    return Case(number, _written(random, stanza))


def _iq(random: Random, number: int, own: str) -> Case:
    kind = random.choice(("set", "set", "get", "get", "result", "error", "", "wrong"))
    stanza = Element("iq")
    _head(random, stanza, number, own, kind)
    for _ in range(random.choice((0, 1, 1, 1, 1, 2))):
        table = corpus.REQUEST if random.random() < 0.9 else corpus.MESSAGE
        stanza.append(filled(random, random.choice(table), number))
    return Case(number, _written(random, stanza), requests=int(kind in ("get", "set")))


def _head(random: Random, stanza: Element, number: int, own: str, kind: str) -> None:
    sender = _sender(random)
    if sender or random.random() < 0.5:
        stanza.set("from", sender)
    if random.random() < 0.95:
        stanza.set("to", own if random.random() < 0.9 else value(random, "jid", number))
    if random.random() < 0.95:
        stanza.set("id", f"z{number}" if random.random() < 0.8 else value(random, "id", number))
    if kind:
        stanza.set("type", kind)
    if random.random() < 0.05:
        stanza.set("{http://www.w3.org/XML/1998/namespace}lang", random.choice(ODD))
    if random.random() < 0.03:
        stanza.set(random.choice(("xmlns-x", "{urn:x}from", "From", "by")), random.choice(ODD))


def filled(random: Random, template: Element, number: int) -> Element:
    """A copy of an element of the corpus with values in it, sometimes mutated."""
    element = copy.deepcopy(template)
    for each in element.iter():
        each.tail = None
        for key, text in each.attrib.items():
            if "@" in text:
                each.set(key, _FIELD.sub(lambda found: value(random, found[1], number), text))
        if each.text and "@" in each.text:
            each.text = _FIELD.sub(lambda found: value(random, found[1], number), each.text)
    if random.random() < 0.25:
        _mutate(random, element, number)
    return element


def _mutate(random: Random, top: Element, number: int) -> None:
    """One to three things that a schema forbids."""
    for _ in range(random.choice((1, 1, 2, 3))):
        element = random.choice(list(top.iter()))
        space, _, name = element.tag.rpartition("}")
        match random.randrange(9):
            case 0 if element.attrib:
                del element.attrib[random.choice(list(element.attrib))]
            case 1:
                element.set(
                    random.choice(("id", "by", "jid", "node", "type", "code", "begin")), random.choice(ODD)
                )
            case 2:
                element.tag = "{" + (random.choice(_SPACES[:4]) or "urn:none") + "}" + name
            case 3 if len(element):
                element.extend(
                    copy.deepcopy(random.choice(list(element))) for _ in range(random.choice((1, 30)))
                )
            case 4 if len(element):
                element.remove(random.choice(list(element)))
            case 5:
                element.text = value(random, random.choice(("text", "jid", "date", "int")), number)
            case 6:
                element.append(copy.deepcopy(random.choice(random.choice((corpus.MESSAGE, corpus.PRESENCE)))))
            case 7:
                element.tag = space + "}" + random.choice(("x", "item", "items", "query", "body", "a-b", "é"))
            case _:
                inner = element
                for _ in range(random.choice((3, 30))):
                    inner = SubElement(inner, element.tag)


def _written(random: Random, stanza: Element) -> bytes:
    return serialise(stanza).encode()


def _large(random: Random, number: int, own: str) -> Case:
    """Around and over the bounds of the parser and of the decoders."""
    name = random.choice(("message", "message", "presence", "iq"))
    head = attributes(
        from_=_sender(random) or DOMAIN, to=own, id=f"z{number}", type="set" if name == "iq" else ""
    )
    size = random.choice((1_000, 60_000, 262_000, 263_000, 600_000))
    match random.randrange(7):
        case 0:
            inner = "<body>" + "x" * size + "</body>"
        case 1:
            deep = random.choice((50, 98, 99, 100, 101, 5_000))
            inner = "<a>" * deep + "</a>" * deep
        case 2:
            inner = "<body/>" * random.choice((199, 201, 9_990, 10_050))
        case 3:
            inner = (
                "<reactions id='z1' xmlns='urn:xmpp:reactions:0'>"
                + "<reaction>👍</reaction>" * 3_000
                + "</reactions>"
            )
        case 4:
            pairs = "".join(f" a{n}='{n}'" for n in range(5_000))
            inner = (
                f"<x{pairs} xmlns='http://jabber.org/protocol/muc#user'>"
                + "<status code='110'/>" * 500
                + "</x>"
            )
        case 5:
            inner = "<query xmlns='jabber:iq:roster'>" + "<item jid='a@b'/>" * 3_000 + "</query>"
        case _:
            once = "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><received xmlns='urn:xmpp:carbons:2'>"
            inner = once * 30 + "</received></message></forwarded>" * 30
            inner = f"<received xmlns='urn:xmpp:carbons:2'>{inner}</received>"
    return Case(number, f"<{name}{head}>{inner}</{name}>".encode(), requests=int(name == "iq"))
