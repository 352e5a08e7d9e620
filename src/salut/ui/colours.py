# SPDX-License-Identifier: AGPL-3.0-or-later
"""Consistent colours (XEP-0392 1.0): one name has one colour in every window and in every client.

Colours are triples of red, green and blue from 0 to 1. HSLuv (https://www.hsluv.org) keeps them equally light.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Final

Colour = tuple[float, float, float]

_TO_RGB: Final = (
    (3.240969941904521, -1.537383177570093, -0.498610760293),
    (-0.96924363628087, 1.87596750150772, 0.041555057407175),
    (0.055630079696993, -0.20397695888897, 1.056971514242878),
)
_TO_XYZ: Final = (
    (0.41239079926595, 0.35758433938387, 0.18048078840183),
    (0.21263900587151, 0.71516867876775, 0.072192315360733),
    (0.019330818715591, 0.11919477979462, 0.95053215224966),
)
_REF_U: Final = 0.19783000664283
_REF_V: Final = 0.46831999493879
_KAPPA: Final = 903.2962962
_EPSILON: Final = 0.0088564516
PALETTE_LIGHTNESS: Final = 73.2


def angle(text: str) -> float:
    """The hue of a name, in degrees (XEP-0392 section 5.1). Addresses are to be normalised before, and bare where
    the person is meant."""
    return (
        int.from_bytes(hashlib.sha1(text.encode(), usedforsecurity=False).digest()[:2], "little")
        / 65536
        * 360
    )


def colour(text: str, saturation: float = 100.0, lightness: float = 50.0) -> Colour:
    """The colour of a name. Choose ``lightness`` for the ground on which it stands (0 to 100)."""
    return hsluv(angle(text), saturation, lightness)


def hsluv(hue: float, saturation: float, lightness: float) -> Colour:
    """HSLuv to red, green and blue."""
    if lightness > 99.9999999:
        return (1.0, 1.0, 1.0)
    if lightness < 0.00000001:
        return (0.0, 0.0, 0.0)
    theta = math.radians(hue)
    chroma = _most_chroma(lightness, theta) / 100 * saturation
    u, v = math.cos(theta) * chroma, math.sin(theta) * chroma
    var_u, var_v = u / (13 * lightness) + _REF_U, v / (13 * lightness) + _REF_V
    y = ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / _KAPPA
    x = y * 9 * var_u / (4 * var_v)
    z = (9 * y - 15 * var_v * y - var_v * x) / (3 * var_v)
    red, green, blue = (
        _companded(sum(m * c for m, c in zip(row, (x, y, z), strict=True))) for row in _TO_RGB
    )
    return (red, green, blue)


def _companded(linear: float) -> float:
    value = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return min(max(value, 0.0), 1.0)


def _most_chroma(lightness: float, theta: float) -> float:
    """How far one may go in a direction before a colour leaves what screens can show."""
    sub1 = (lightness + 16) ** 3 / 1560896
    sub2 = sub1 if sub1 > _EPSILON else lightness / _KAPPA
    most = math.inf
    for m1, m2, m3 in _TO_RGB:
        for edge in (0, 1):
            top1 = (284517 * m1 - 94839 * m3) * sub2
            top2 = (838422 * m3 + 769860 * m2 + 731718 * m1) * lightness * sub2 - 769860 * edge * lightness
            bottom = (632260 * m3 - 126452 * m2) * sub2 + 126452 * edge
            length = (top2 / bottom) / (math.sin(theta) - top1 / bottom * math.cos(theta))
            if length >= 0:
                most = min(most, length)
    return most


def hue_and_lightness(red: float, green: float, blue: float) -> tuple[float, float]:
    """Where a colour stands: degrees, and 0 to 100."""
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in (red, green, blue)]
    x, y, z = (sum(m * c for m, c in zip(row, linear, strict=True)) for row in _TO_XYZ)
    lightness = 116 * y ** (1 / 3) - 16 if y > _EPSILON else y * _KAPPA
    divider = x + 15 * y + 3 * z
    if not divider or not lightness:
        return 0.0, 0.0
    u = 13 * lightness * (4 * x / divider - _REF_U)
    v = 13 * lightness * (9 * y / divider - _REF_V)
    return math.degrees(math.atan2(v, u)) % 360, lightness


def palette(colours: Iterable[Colour]) -> dict[int, Colour]:
    """A palette by hue (XEP-0392 section 5.3); greys have none, and are left out."""
    best: dict[int, tuple[float, Colour]] = {}
    for one in colours:
        if one[0] == one[1] == one[2]:
            continue
        hue, lightness = hue_and_lightness(*one)
        key, distance = round(hue), abs(lightness - PALETTE_LIGHTNESS)
        if key not in best or distance < best[key][0]:
            best[key] = (distance, one)
    return {key: one for key, (_distance, one) in best.items()}


def nearest(mapping: Mapping[int, Colour], hue: float) -> Colour:
    """The colour of a palette that is nearest to a hue (XEP-0392 section 5.4)."""
    exact = mapping.get(round(hue))
    if exact is not None:
        return exact
    return mapping[min(mapping, key=lambda key: min((hue - key) % 360, (key - hue) % 360))]


def web_safe() -> dict[int, Colour]:
    """The colours that terminals of 256 have beside their own 16: six steps of red, green and blue."""
    steps = [step / 5 for step in range(6)]
    return palette((red, green, blue) for red in steps for green in steps for blue in steps)


def terminal(text: str, mapping: Mapping[int, Colour] | None = None) -> int:
    """The number of a name's colour on a terminal of 256 colours."""
    red, green, blue = nearest(mapping or web_safe(), angle(text))
    return 16 + 36 * round(red * 5) + 6 * round(green * 5) + round(blue * 5)
