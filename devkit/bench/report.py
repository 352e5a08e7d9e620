# SPDX-License-Identifier: AGPL-3.0-or-later
"""Figures, the table that people read and the JSON that programs read."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Of = Literal["value", "ratio"]


def median(values: Sequence[float]) -> float:
    """The middle one. Raises ``statistics.StatisticsError`` for none."""
    return statistics.median(values)


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which ``part`` (0..1) of ``values`` lie; the nearest that was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


@dataclass(slots=True)
class Figure:
    """One row. ``target`` bounds the ``value`` or its ``ratio`` to the floor, from above unless ``least``.

    ``note`` says what else was seen: the worst, the spread, how many.
    """

    section: str
    name: str
    unit: str
    value: float
    floor: float | None = None
    floor_name: str = ""
    target: float | None = None
    of: Of = "value"
    least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Value to floor."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; ``None`` where there is none (or nothing to compare with)."""
        measured = self.value if self.of == "value" else self.ratio
        if self.target is None or measured is None:
            return None
        return measured >= self.target if self.least else measured <= self.target

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        sign = "≥" if self.least else "≤"
        target = "" if self.target is None else f"{sign} {self.target:g}{' ×' if self.of == 'ratio' else ''}"
        return (
            self.section,
            self.name,
            f"{number(self.value)} {self.unit}".strip(),
            "" if self.floor is None else f"{number(self.floor)} {self.floor_name}".strip(),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            target,
            {None: "", True: "yes", False: "NO"}[self.met],
            self.note,
        )

    def record(self) -> dict[str, object]:
        """The entry in the JSON file."""
        return {
            "section": self.section, "name": self.name, "unit": self.unit, "value": self.value,
            "floor": self.floor, "floor_name": self.floor_name, "ratio": self.ratio, "target": self.target,
            "target_of": self.of, "target_is": "at least" if self.least else "at most", "met": self.met,
            "note": self.note,
        }  # fmt: skip


@dataclass
class Report:
    """What a run has found."""

    figures: list[Figure] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)  # section -> why it has no (more) figures

    def table(self) -> str:
        """All figures as text, and below it the sections that failed."""
        head = ("section", "what", "measured", "floor", "ratio", "target", "met", "note")
        rows = [head, *(figure.cells() for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
        lines = [
            "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip()
            for row in rows
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        load, cpus = os.getloadavg()[1], os.cpu_count() or 1
        if load > cpus:
            lines.append(
                f"Load {load:.1f} on {cpus} CPUs: others work on this machine, and times are longer for it."
            )
        lines += [f"FAILED {section}: {reason}" for section, reason in self.failures.items()]
        return "\n".join(lines)

    def write(self, path: Path, options: dict[str, object]) -> None:
        """Write the JSON file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            "machine": {
                "cpus": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version(),
                "kernel": platform.release(), "sqlite": sqlite3.sqlite_version,
            },
            "options": options,
            "figures": [figure.record() for figure in self.figures],
            "failed": self.failures,
        }  # fmt: skip
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def number(value: float) -> str:
    """Three digits that say something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
