# SPDX-License-Identifier: AGPL-3.0-or-later
"""``python -m devkit.bench``: run the sections, print one table, write the JSON."""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from devkit.bench import catchup, commands, crowds, fanout, ingest, portable, reading, roster, starting
from devkit.bench.processes import ROOT
from devkit.bench.report import Report
from devkit.bench.run import Run, Section
from devkit.bench.window import CallError
from devkit.process import ProgramFailedError, ProgramMissingError

RESULTS = ROOT / "bench-results" / "bench.json"
SECTIONS: dict[str, Section] = {
    "ingest": ingest.ingest,
    "rate": ingest.rate,
    "jp": commands.jp,
    "start": starting.start,
    "memory": starting.memory,
    "reading": reading.reading,
    "fanout": fanout.fanout,
    "deaf": fanout.deaf,
    "catchup": catchup.catchup,
    "crowds": crowds.crowds,
    "roster": roster.roster,
    "portable": portable.portable,
}
FAILURES = (
    ProgramFailedError,
    ProgramMissingError,
    CallError,
    OSError,
    sqlite3.Error,
    subprocess.SubprocessError,
)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m devkit.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=SECTIONS, help="run this section (several: repeat it)"
    )
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="repeat each measurement N times")
    parser.add_argument("--quick", action="store_true", help="a fraction of the work: shows that it runs")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the JSON goes (%(default)s)")
    return parser.parse_args(argv)


def run_section(name: str, options: argparse.Namespace, report: Report) -> None:
    """One section with a folder of its own. What it found before it failed stays in the report."""
    folder = Path(tempfile.mkdtemp(prefix="sb-"))  # short: a socket's path has at most 107 bytes
    begin = time.monotonic()
    try:
        for figure in SECTIONS[name](Run(folder, options.quick, options.repeat)):
            report.figures.append(figure)
            print(f"  {' | '.join(cell for cell in figure.cells() if cell)}", file=sys.stderr, flush=True)
    except FAILURES as error:
        report.failures[name] = f"{type(error).__name__}: {error}"
        print(f"  {name} FAILED: {error}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)


def main() -> int:
    """1 if a section failed; a missed target is no failure of the bench."""
    options = arguments()
    report = Report()
    for name in options.only or SECTIONS:
        run_section(name, options, report)
    print(report.table())
    report.write(options.json, {"quick": options.quick, "repeat": options.repeat, "only": options.only})
    print(f"written: {options.json}", file=sys.stderr)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
