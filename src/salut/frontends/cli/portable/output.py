# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files that appear whole or not at all, readable by their owner alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from salut.model.errors import SalutError
from salut.model.words import _

STDOUT = "-"


def _free(target: Path, force: bool) -> None:
    if target.is_symlink() or (target.exists() and not force):
        raise SalutError(
            "exists",
            _("{} is there already. Give another name, or --force to replace a file.").format(target),
            {"file": str(target)},
        )


@contextlib.contextmanager
def file(name: str, force: bool) -> Iterator[BinaryIO]:
    """A file to write (``-``: standard output). It takes its name when all is written and on the disk."""
    if name == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(name)
    _free(target, force)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(part, flags, 0o600), "wb", buffering=1 << 20) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _free(target, force)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def folder(name: str) -> Iterator[Path]:
    """A new folder to fill; it takes its name when all is written. An existing one is never touched."""
    target = Path(name)
    _free(target, force=False)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.mkdir(mode=0o700)
    try:
        yield part
        _free(target, force=False)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
