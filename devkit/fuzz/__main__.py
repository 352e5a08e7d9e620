# SPDX-License-Identifier: AGPL-3.0-or-later
"""``python -m devkit.fuzz [--seed N] [--only stanzas|raw|frames] [--start N] [--count N]``."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from devkit.fuzz.run import Wish, run

STANZAS, RAW, FRAMES = 150_000, 45_000, 10_000


def main() -> int:
    """1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="hostile input against a running daemon")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--only", choices=("stanzas", "raw", "frames"))
    parser.add_argument("--start", type=int, default=0, help="the first case")
    parser.add_argument("--count", type=int, default=0, help="cases of each kind")
    options = parser.parse_args()

    def many(kind: str, usual: int) -> int:
        return (options.count or usual) if options.only in (None, kind) else 0

    wish = Wish(
        options.seed, many("stanzas", STANZAS), many("raw", RAW), many("frames", FRAMES), options.start
    )
    with tempfile.TemporaryDirectory(prefix="salut-fuzz-") as folder:
        report = run(wish, Path(folder))
    print(report.text())
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())
