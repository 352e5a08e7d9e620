# SPDX-License-Identifier: AGPL-3.0-or-later
"""500 random runs: when it settles, every window's replica equals the daemon's state, to the field.

One run again, by its number: ``pytest tests/convergence --seed 123`` or ``SALUT_SEED=123 make pytest
ARGS=tests/convergence``; the operations that were chosen are printed when it fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
import structlog

from salut.engine.host import find
from salut.engine.store import prepare
from tests.convergence.run import Run

SEEDS = 500
GROUPS = 20
TOGETHER = 14  # runs that share a loop: while one waits for a thread or a socket, another goes on
REASONS = {"start", "epoch", "compacted", "gone", "smaller"}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of the newest schema: migrating it once saves each run the time."""
    path = tmp_path_factory.mktemp("template") / "salut.db"
    classes, _left_out = find(structlog.get_logger())
    packages = [(c.__module__.rpartition(".")[0] + ".migrations", c.schema) for c in classes if c.schema]
    with contextlib.closing(prepare(path, packages)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (0,)
    return path


@pytest.fixture(scope="session")
def resets() -> Counter[str]:
    """Why windows had to begin anew, over all runs."""
    return Counter()


async def one(seed: int, folder: Path, template: Path, resets: Counter[str]) -> None:
    """One run; its failure names the seed and what was done."""
    run = Run(seed, folder, template, resets)
    try:
        await run.go()
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            raise
        steps = "\n".join(run.log)
        extra = "\n".join([*run.world.complaints.lines, *(f for d in run.drivers for f in d.faults)])
        raise AssertionError(
            f"seed {seed}: {error!r}\n--- what was done\n{steps}\n--- faults\n{extra}"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wanted(request: pytest.FixtureRequest) -> int | None:
    """The one seed that was asked for."""
    given = request.config.getoption("--seed", None)
    return int(os.environ["SALUT_SEED"]) if given is None and "SALUT_SEED" in os.environ else given


@pytest.mark.parametrize("group", range(GROUPS))
async def test_replicas_equal_the_daemons_state(
    group: int, request: pytest.FixtureRequest, tmp_path: Path, template: Path, resets: Counter[str]
) -> None:
    only = wanted(request)
    seeds = [seed for seed in range(SEEDS) if seed % GROUPS == group] if only is None else [only]
    if only is not None and group:
        pytest.skip("one seed was asked for")
    gate = asyncio.Semaphore(TOGETHER)

    async def gated(seed: int) -> None:
        async with gate:
            await one(seed, tmp_path / str(seed), template, resets)

    results = await asyncio.gather(*(gated(seed) for seed in seeds), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        others = [str(failure).partition("\n")[0][:400] for failure in failures[1:]]
        raise AssertionError(f"{len(failures)} of {len(seeds)} runs failed; {others} and:\n{failures[0]}")


def test_every_reason_to_begin_anew_was_met(request: pytest.FixtureRequest, resets: Counter[str]) -> None:
    """The runs above reached what they are for."""
    if wanted(request) is not None or sum(resets.values()) < SEEDS:
        pytest.skip("only some runs were made")
    assert resets.keys() >= REASONS, resets
