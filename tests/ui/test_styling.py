# SPDX-License-Identifier: AGPL-3.0-or-later
"""Message styling (XEP-0393): the standard's examples, and that no text is lost, raises, or takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salut.ui import styling
from salut.ui.styling import Plain, Preformatted, Quotation, Run, Span


def told(line: str) -> list[tuple[str, str]]:
    """Style and text of each span of one line."""
    return [(span.style, span.text) for span in styling.spans(line)]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("plain span", [("plain", "plain span")]),
        ("*strong span*", [("strong", "*strong span*")]),
        (
            "plain _emphasis_ plain",
            [("plain", "plain "), ("emphasis", "_emphasis_"), ("plain", " plain")],
        ),
        ("`pre` plain *strong*", [("pre", "`pre`"), ("plain", " plain "), ("strong", "*strong*")]),
        ("*strong*plain*", [("strong", "*strong*"), ("plain", "plain*")]),
        ("* plain *strong*", [("plain", "* plain "), ("strong", "*strong*")]),
        # the examples of sections 5.2.1 to 5.2.5
        (
            "Two spans, both *alike in dignity*",
            [("plain", "Two spans, both "), ("strong", "*alike in dignity*")],
        ),
        (
            "The full title is _Twelfth Night, or What You Will_ but",
            [
                ("plain", "The full title is "),
                ("emphasis", "_Twelfth Night, or What You Will_"),
                ("plain", " but"),
            ],
        ),
        ("*most* people shorten it.", [("strong", "*most*"), ("plain", " people shorten it.")]),
        (
            "Everyone ~dis~likes cake.",
            [("plain", "Everyone "), ("strike", "~dis~"), ("plain", "likes cake.")],
        ),
        (
            "Wow, I can write in `monospace`!",
            [("plain", "Wow, I can write in "), ("pre", "`monospace`"), ("plain", "!")],
        ),
        ("This is `*monospace*`", [("plain", "This is "), ("pre", "`*monospace*`")]),
    ],
)
def test_what_the_standard_styles(line: str, wanted: list[tuple[str, str]]) -> None:
    assert told(line) == wanted


@pytest.mark.parametrize("line", ["not strong*", "*not strong", "*not *strong", "**", "***", "****"])
def test_what_the_standard_does_not_style(line: str) -> None:
    assert told(line) == [("plain", line)]


def test_spans_end_with_their_line() -> None:
    text = "There are three blocks in this body, one per line,\nbut there is no *formatting\nas spans* may not escape."
    blocks = styling.parse(text)
    assert blocks == tuple(Plain((Span("plain", line),)) for line in text.split("\n"))


def test_spans_within_spans() -> None:
    (plain, strong) = styling.spans("This is *`monospace and bold`*")
    assert plain == Span("plain", "This is ")
    inner = Span("pre", "`monospace and bold`")
    assert strong == Span("strong", "*`monospace and bold`*", (inner,))
    (run,) = styling.lines(styling.parse("*_both_ one*"))
    strong_alone, both = frozenset(("strong",)), frozenset(("strong", "emphasis"))
    assert run == [
        Run("*", strong_alone),
        Run("_", both),
        Run("both", both),
        Run("_", both),
        Run(" one", strong_alone),
        Run("*", strong_alone),
    ]


def test_preformatted_blocks() -> None:
    text = (
        '```ignored\n(println "Hello, world!")\n```\n\nThis should show up as monospace, preformatted text ⤴'
    )
    fenced, empty, after = styling.parse(text)
    assert fenced == Preformatted(("```ignored", '(println "Hello, world!")', "```"), closed=True)
    assert (empty, after) == (Plain(()), Plain((Span("plain", text.rpartition("\n")[2]),)))


def test_a_preformatted_block_ends_with_the_quotation_around_it() -> None:
    after = "The entire blockquote is a preformatted text block, but this line\nis plaintext!"
    text = f'> ```\n> (println "Hello, world!")\n\n{after}'
    quotation, _empty, *rest = styling.parse(text)
    inner = Preformatted(("```", '(println "Hello, world!")'), closed=False)
    assert quotation == Quotation(("> ", "> "), (inner,))
    assert all(isinstance(block, Plain) for block in rest)
    assert len(rest) == 2


def test_quotations() -> None:
    said = "Said the old hermit of Prague."
    quotation, empty, after = styling.parse(f"> That that is, is.\n\n{said}")
    assert quotation == Quotation(("> ",), (Plain((Span("plain", "That that is, is."),)),))
    assert (empty, after) == (Plain(()), Plain((Span("plain", said),)))
    outer, _empty, _who = styling.parse(f">> That that is, is.\n> {said}\n\nWho?")
    deeper = Quotation(("> ",), (Plain((Span("plain", "That that is, is."),)),))
    assert outer == Quotation((">", "> "), (deeper, Plain((Span("plain", said),))))


def test_unstyled_is_respected() -> None:
    assert styling.parse("> _ <", unstyled=True) == (Plain((Span("plain", "> _ <"),)),)
    assert isinstance(styling.parse("> _ <")[0], Quotation)


NASTY = st.text(st.sampled_from("*_~`> \n\tab😺"), max_size=400) | st.text(max_size=200)


@given(NASTY, st.booleans())
@settings(max_examples=500, deadline=None)
def test_no_text_is_lost_or_raises(text: str, unstyled: bool) -> None:
    blocks = styling.parse(text, unstyled=unstyled)
    assert styling.source(blocks) == text
    for line in styling.lines(blocks):
        assert not unstyled or all(not run.styles for run in line)


@given(NASTY)
@settings(max_examples=300, deadline=None)
def test_spans_hold_what_they_should(text: str) -> None:
    for line in text.split("\n"):
        for span in styling.spans(line):
            if span.style != "plain":
                inner = span.text[1:-1]
                assert styling.STYLES[span.text[0]] == styling.STYLES[span.text[-1]] == span.style
                assert inner
                assert not inner[0].isspace()
                assert not inner[-1].isspace()
                assert "".join(child.text for child in span.children) in (inner, "")


@pytest.mark.parametrize(
    "piece",
    ["*a ", "*_~`", "* *a", ">", "> ", "```\n", ">```\n", "*", "**", "_a*", "*a* ", ">\n", "`a *b _c ~d "],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        best = 60.0
        for _ in range(3):
            begun = time.process_time()
            blocks = styling.parse(text)
            assert styling.source(blocks) == text
            best = min(best, time.process_time() - begun)
        return best

    small, large = seconds(8_000), seconds(64_000)
    assert large < 8 * small * 4 + 0.2, (
        f"{piece!r}: {small:.4f} s for 8,000, {large:.4f} s for 64,000 characters"
    )
