# SPDX-License-Identifier: AGPL-3.0-or-later
"""``--seed N`` replays one run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """``pytest tests/convergence --seed 123`` (or SALUT_SEED=123)."""
    parser.addoption("--seed", type=int, default=None, help="replay one run of the convergence test")
