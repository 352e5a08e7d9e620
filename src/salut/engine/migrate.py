# SPDX-License-Identifier: AGPL-3.0-or-later
"""Migrations by Alembic: one branch for the engine and one for each plugin with tables."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config


def folder(package: str) -> Path:
    """Where a package's revisions lie."""
    module = importlib.import_module(package)
    return Path(next(iter(module.__path__)))


def upgrade(path: Path, packages: Sequence[str]) -> None:
    """Bring the database to the newest revision of all ``packages``."""
    config = Config()
    config.set_main_option("script_location", str(folder("salut.engine.migration_env")))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(str(folder(package)) for package in packages))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path.absolute()}".replace("%", "%%"))
    command.upgrade(config, "heads")
