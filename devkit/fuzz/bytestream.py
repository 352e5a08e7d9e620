# SPDX-License-Identifier: AGPL-3.0-or-later
"""Raw bytes for the stream's parser: it gives elements or a clean ``LinkFailureError``, and nothing else."""

from __future__ import annotations

from random import Random
from typing import Final

from devkit.fuzz.stanzas import breaking, case
from salut.xmpp.errors import LinkFailureError
from salut.xmpp.parser import MAX_DEPTH, MAX_ELEMENTS, StreamParser

_OPEN: Final = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
_BOMB: Final = (
    b"<!DOCTYPE lolz [<!ENTITY a 'lol'>"
    + b"".join(b"<!ENTITY a%d '%s'>" % (n, (b"&a%d;" % (n - 1) if n else b"&a;") * 10) for n in range(9))
    + b"]>"
)
_HEADS: Final = (
    _OPEN, b"<?xml version='1.0'?>" + _OPEN, b"<?xml version='1.0' encoding='UTF-16'?>" + _OPEN, b"\xef\xbb\xbf" + _OPEN,
    _BOMB + _OPEN, b"<!DOCTYPE s SYSTEM 'file:///etc/passwd'>" + _OPEN, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x01",
    b"<?xml version='9.9'?>" + _OPEN, b"<stream/>", b"<html><body>", _OPEN.decode().encode("utf-16"), b"", _OPEN + _OPEN,
    b"<?xml version='1.0' encoding='no-such'?>" + _OPEN, b"<?x y?>" + _OPEN, b"<!-- x -->" + _OPEN,
)  # fmt: skip


def data(seed: int, number: int) -> bytes:
    """The whole input of case ``number``."""
    random = Random(f"{seed}:bytes:{number}")
    head = _OPEN if random.random() < 0.7 else random.choice(_HEADS)
    parts = [head]
    for _ in range(random.randrange(4)):
        parts.append(case(seed, random.randrange(1 << 30), "user@localhost/salut").xml[: 1 << 14])
    if random.random() < 0.5:
        parts.append(breaking(seed, random.randrange(1 << 30)))
    text = bytearray(b"".join(parts))
    for _ in range(random.choice((0, 0, 1, 2, 8))):
        place = random.randrange(len(text) + 1)
        match random.randrange(4):
            case 0:
                text[place:place] = random.randbytes(random.choice((1, 4, 40)))
            case 1:
                del text[place : place + random.choice((1, 3, 200))]
            case 2 if place < len(text):
                text[place] ^= 1 << random.randrange(8)
            case _:
                text[place:place] = random.choice(
                    (b"<", b">", b"&", b"'", b"/>", b"</a>", b"\xc3", b"<!ENTITY x 'y'>")
                )
    return bytes(text)


def check(seed: int, number: int) -> str:
    """Feed case ``number`` in random pieces; the failure as text, empty when all is well."""
    text = data(seed, number)
    random = Random(f"{seed}:pieces:{number}")
    parser = StreamParser()
    place = 0
    try:
        while place < len(text):
            step = random.choice((1, 7, 100, 1 << 16))
            for element in parser.feed(text[place : place + step]):
                if sum(1 for _ in element.iter()) > MAX_ELEMENTS * 10 or len(element.tag) > 1 << 20:
                    return "an element over the bounds"
            place += step
            if parser.closed:
                break
    except LinkFailureError:
        return ""
    except Exception as error:  # noqa: BLE001 -- that is what we look for
        return f"{type(error).__name__}: {error}"
    return "" if MAX_DEPTH else "no bound"
