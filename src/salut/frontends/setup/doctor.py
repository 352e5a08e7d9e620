# SPDX-License-Identifier: AGPL-3.0-or-later
"""``salut doctor``: looks for what is wrong and says the next step. Changes nothing."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import salut
from salut.frontends.cli import show
from salut.frontends.setup import accounts, machine
from salut.frontends.setup.findings import Finding, worst
from salut.model.words import _, plural

if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Json

PROBLEM_EXIT = 1
STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}


def run(*, as_json: bool) -> int:
    """Look, and tell. Returns 1 if there is a problem, else 0."""
    findings: list[Finding] = []
    for finding in chain(machine.look(), accounts.look()):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    level = worst(findings)
    if as_json:
        items: list[Json] = [finding.document() for finding in findings]
        show.data({"version": salut.__version__, "worst": level, "items": items})
    else:
        show.say()
        show.say(_summary(findings))
    return PROBLEM_EXIT if level == "problem" else 0


def _tell(finding: Finding) -> None:
    mark = show.paint(f"{finding.level:<8}", STYLES[finding.level])
    show.say(f"{mark} {show.one_line(finding.check):<18} {show.one_line(finding.text)}")
    if finding.step:
        show.say(f"{'':<27} → {show.one_line(finding.step)}")
    show.flush()


def _summary(findings: list[Finding]) -> str:
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    if not problems and not warnings:
        return _("All is well.")
    return "{}, {}.".format(
        plural("{} problem", "{} problems", problems).format(problems),
        plural("{} warning", "{} warnings", warnings).format(warnings),
    )
