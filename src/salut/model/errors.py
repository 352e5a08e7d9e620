# SPDX-License-Identifier: AGPL-3.0-or-later
"""Typed errors: a code for programs, a message for people, data for both."""

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final
else:
    # The light face of the SDK imports this module: ``typing`` alone would cost it as much as Python's start.
    from _collections_abc import Mapping

JsonScalar = str | int | float | bool | None
ErrorData = Mapping[str, "JsonScalar | list[str]"]

CODES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "parse": -32700,  # not JSON
        "invalid-request": -32600,  # not a request of JSON-RPC 2.0
        "unknown-method": -32601,  # no such method, or its plugin is missing
        "invalid": -32602,  # a parameter is wrong; data.field names it
        "internal": -32603,  # our fault; it is in the daemon's log
        "not-found": 1001,
        "ambiguous": 1002,  # data.candidates lists what fits
        "conflict": 1003,  # if_rev did not match; data.current holds the value in force
        "denied": 1004,  # the window's scopes do not allow it
        "not-connected": 1005,  # the profile has no link to its server now
        "refused": 1006,  # the server said no; data.condition is RFC 6120's word
        "timeout": 1007,
        "storage": 1008,  # the disk is full or the database is locked
        "busy": 1009,  # too many requests in flight
        "too-large": 1010,
        "exists": 1011,
        "unavailable": 1012,  # the other side or the server lacks the feature
        "no-daemon": 1013,  # raised by the SDK alone
        "cancelled": 1014,
    }
)


class SalutError(Exception):
    """An error that may be shown to a person and handled by a program.

    ``code`` is one of ``CODES``; ``message`` names the cause and the next step; ``data`` holds fields
    that the code's documentation names.
    """

    def __init__(self, code: str, message: str, data: ErrorData | None = None) -> None:
        assert code in CODES, code
        super().__init__(message)
        self.code = code
        self.message = message
        self.data: ErrorData = data or {}

    def __repr__(self) -> str:
        return f"SalutError({self.code!r}, {self.message!r})"


def invalid(field: str, message: str) -> SalutError:
    """The error for a wrong parameter; ``field`` is its name in the contract."""
    return SalutError("invalid", message, {"field": field})


def not_found(message: str) -> SalutError:
    """The error for something that is not there."""
    return SalutError("not-found", message)
