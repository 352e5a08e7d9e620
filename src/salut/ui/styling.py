# SPDX-License-Identifier: AGPL-3.0-or-later
"""Message styling (XEP-0393 1.1.1): texts as blocks and spans. Nothing is ever lost, raised, or slow.

Every character of the text is in its blocks and spans, directives too: windows show them as they stand, in the
style of what they mark (XEP-0393 section 8). The time that it takes grows with the text's length, whatever it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

Style = Literal["plain", "strong", "emphasis", "strike", "pre"]
MAX_QUOTES: Final = 20  # quotations inside each other; what is deeper is text of the innermost
FENCE: Final = "```"
STYLES: Final[dict[str, Style]] = {"*": "strong", "_": "emphasis", "~": "strike", "`": "pre"}


class Span(msgspec.Struct, frozen=True):
    """A piece of one line. ``text`` holds its directives. ``children``: the spans inside of it, directives between;
    plain and preformatted spans have none."""

    style: Style
    text: str
    children: tuple[Span, ...] = ()


class Plain(msgspec.Struct, frozen=True, tag="plain"):
    """One line."""

    spans: tuple[Span, ...]


class Preformatted(msgspec.Struct, frozen=True, tag="preformatted"):
    """Lines that are shown as they are, with the fences around them. ``closed``: the last line is one."""

    lines: tuple[str, ...]
    closed: bool


class Quotation(msgspec.Struct, frozen=True, tag="quotation"):
    """What is quoted. ``marks``: what stands before each line of it, ``>`` and the blank after."""

    marks: tuple[str, ...]
    blocks: tuple[Block, ...]


Block = Plain | Preformatted | Quotation


class Run(msgspec.Struct, frozen=True):
    """Characters of one line that look alike. ``styles``: of ``Style`` but for plain, and ``quote``."""

    text: str
    styles: frozenset[str] = frozenset()


def parse(text: str, *, unstyled: bool = False) -> tuple[Block, ...]:
    """The blocks of a message. ``unstyled``: its sender wants none of this (XEP-0393 section 6)."""
    lines = text.split("\n")
    if unstyled:
        return tuple(Plain((Span("plain", line),) if line else ()) for line in lines)
    return _blocks(lines, 0)


def _blocks(lines: list[str], depth: int) -> tuple[Block, ...]:
    blocks: list[Block] = []
    at = 0
    while at < len(lines):
        start = at
        line = lines[at]
        at += 1
        if line.startswith(FENCE):
            while at < len(lines) and lines[at] != FENCE:
                at += 1
            closed = at < len(lines)
            at += closed
            blocks.append(Preformatted(tuple(lines[start:at]), closed))
        elif line.startswith(">") and depth < MAX_QUOTES:
            while at < len(lines) and lines[at].startswith(">"):
                at += 1
            blocks.append(_quotation(lines[start:at], depth))
        else:
            blocks.append(Plain(spans(line)))
    return tuple(blocks)


def _quotation(lines: list[str], depth: int) -> Quotation:
    marks = tuple(line[:2] if line[1:2].isspace() else line[:1] for line in lines)
    inner = [line[len(mark) :] for line, mark in zip(lines, marks, strict=True)]
    return Quotation(marks, _blocks(inner, depth + 1))


def spans(line: str) -> tuple[Span, ...]:
    """The spans of one line."""
    return _spans(line, 0, len(line), _closers(line)) if line else ()


def _closers(line: str) -> dict[str, list[int]]:
    """For each directive that occurs, and each place: where the next one stands that may close a span.

    One table for a line, so that no opening directive has to look for its partner twice.
    """
    tables: dict[str, list[int]] = {}
    for mark in STYLES:
        if mark not in line:
            continue
        table = [len(line)] * (len(line) + 1)
        following = len(line)
        for at in range(len(line) - 1, -1, -1):
            if line[at] == mark and at and not line[at - 1].isspace():
                following = at
            table[at] = following
        tables[mark] = table
    return tables


def _spans(line: str, start: int, end: int, closers: dict[str, list[int]]) -> tuple[Span, ...]:
    """Spans between two places. It calls itself at most once for each kind of directive: inside a span there is
    no other that could close one of its kind."""
    found: list[Span] = []
    plain = at = start
    while at < end:
        mark = line[at]
        opens = mark in STYLES and (at == start or line[at - 1].isspace())
        if not opens or at + 1 >= end or line[at + 1].isspace():
            at += 1
            continue
        close = closers[mark][at + 1]
        if close == at + 1:
            at += 2  # nothing between the two: neither is a directive
            continue
        if close >= end:
            at += 1
            continue
        if plain < at:
            found.append(Span("plain", line[plain:at]))
        style = STYLES[mark]
        inner = () if style == "pre" else _spans(line, at + 1, close, closers)
        found.append(Span(style, line[at : close + 1], inner))
        plain = at = close + 1
    if plain < end:
        found.append(Span("plain", line[plain:end]))
    return tuple(found)


# Flat, for windows that draw line by line
def lines(blocks: tuple[Block, ...]) -> Iterator[list[Run]]:
    """Each line as runs; their texts put together are the line as it was sent."""
    for block in blocks:
        if isinstance(block, Plain):
            yield [run for span in block.spans for run in _runs(span, frozenset())]
        elif isinstance(block, Preformatted):
            for line in block.lines:
                yield [Run(line, frozenset(("pre",)))]
        else:
            for mark, inner in zip(block.marks, lines(block.blocks), strict=True):
                yield [Run(mark, frozenset(("quote",)))] + [
                    Run(run.text, run.styles | {"quote"}) for run in inner
                ]


def _runs(span: Span, outer: frozenset[str]) -> Iterator[Run]:
    if span.style == "plain":
        yield Run(span.text, outer)
        return
    styles = outer | {span.style}
    if not span.children:
        yield Run(span.text, styles)
        return
    yield Run(span.text[0], styles)
    for child in span.children:
        yield from _runs(child, styles)
    yield Run(span.text[-1], styles)


def source(blocks: tuple[Block, ...]) -> str:
    """The text as it was."""
    return "\n".join("".join(run.text for run in line) for line in lines(blocks))
