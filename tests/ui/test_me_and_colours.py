# SPDX-License-Identifier: AGPL-3.0-or-later
"""/me (XEP-0245) and consistent colours (XEP-0392), by the examples and test vectors of the standards."""

from __future__ import annotations

import pytest

from salut.ui import colours
from salut.ui.me import action


def test_me_is_what_somebody_does() -> None:
    assert action("/me shrugs in disgust") == "shrugs in disgust"


@pytest.mark.parametrize(
    "body",
    [
        "/meshrugs in disgust",
        "/me's disgusted",
        " /me shrugs in disgust",
        '"/me shrugs in disgust"',
        "* Atlas shrugs in disgust",
        'Why did Atlas say "/me shrugs in disgust"?',
        "",
    ],
)
def test_these_are_not(body: str) -> None:
    assert action(body) is None


VECTORS = [
    ("Romeo", 327.255249, (0.865, 0.000, 0.686)),
    ("juliet@capulet.lit", 209.410400, (0.000, 0.515, 0.573)),
    ("😺", 331.199341, (0.872, 0.000, 0.659)),
    ("council", 359.994507, (0.918, 0.000, 0.394)),
    ("Board", 171.430664, (0.000, 0.527, 0.457)),
]
PALETTE = [
    ("Romeo", 327, (1.0, 0.0, 0.8)),
    ("juliet@capulet.lit", 226, (0.0, 0.8, 1.0)),
    ("😺", 331, (1.0, 0.4, 0.8)),
    ("council", 359, (0.8, 0.2, 0.4)),
    ("Board", 161, (0.0, 1.0, 0.8)),
]


@pytest.mark.parametrize(("name", "hue", "wanted"), VECTORS)
def test_vectors(name: str, hue: float, wanted: colours.Colour) -> None:
    assert colours.angle(name) == pytest.approx(hue, abs=1e-6)
    assert colours.colour(name) == pytest.approx(wanted, abs=6e-4)


@pytest.mark.parametrize(("name", "hue", "wanted"), PALETTE)
def test_vectors_of_the_palette(name: str, hue: int, wanted: colours.Colour) -> None:
    mapping = colours.web_safe()
    assert mapping[hue] == pytest.approx(wanted)
    assert colours.nearest(mapping, colours.angle(name)) == pytest.approx(wanted)


def test_terminal_numbers_are_those_of_the_cube() -> None:
    assert colours.terminal("Romeo") == 16 + 36 * 5 + 4
    assert {colours.terminal(str(n)) for n in range(2_000)} <= set(range(16, 232))


def test_ends_of_lightness() -> None:
    assert colours.hsluv(10, 100, 100) == (1, 1, 1)
    assert colours.hsluv(10, 100, 0) == (0, 0, 0)
    assert colours.hue_and_lightness(0, 0, 0) == (0, 0)
