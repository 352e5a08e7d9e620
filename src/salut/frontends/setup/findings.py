# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the doctor finds: a level, what it is about, and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json

Level = Literal["ok", "warning", "problem"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "problem")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's. ``step``: what to do; empty where all is well."""

    level: Level
    check: str
    text: str
    step: str = ""

    def document(self) -> dict[str, Json]:
        """For ``--json``."""
        return {"level": self.level, "check": self.check, "text": self.text, "step": self.step}


def worst(findings: list[Finding]) -> Level:
    """The highest level among them."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")
