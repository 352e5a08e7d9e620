# SPDX-License-Identifier: AGPL-3.0-or-later
"""A password that does not show itself."""

from __future__ import annotations


class Secret:
    """Call it to get the text; printing, formatting or logging it gives only ``Secret()``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))
