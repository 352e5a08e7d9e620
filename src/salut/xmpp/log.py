# SPDX-License-Identifier: AGPL-3.0-or-later
"""The logger that this floor needs: an event and its facts. structlog's loggers have this shape."""

from __future__ import annotations

from typing import Protocol


class Log(Protocol):
    """Never given stanza contents or secrets."""

    def debug(self, event: str, **facts: object) -> object: ...
    def info(self, event: str, **facts: object) -> object: ...
    def warning(self, event: str, **facts: object) -> object: ...
    def error(self, event: str, **facts: object) -> object: ...
