# SPDX-License-Identifier: AGPL-3.0-or-later
"""The window's side of the JSON-RPC conversation, without I/O: requests out, parsed messages in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, get_type_hints

import msgspec

from salut.api.contract import MARK, MethodMark, method_name
from salut.api.wire import MAX_FRAME
from salut.client import lines, troubles
from salut.model.errors import SalutError


class Incoming(msgspec.Struct, kw_only=True):
    """Any line from the daemon; what is inside is decoded by whom it concerns."""

    id: int | str | None = None
    method: str = ""
    params: msgspec.Raw = msgspec.Raw(b"null")
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: dict[str, Any] | None = None


class Goodbye(msgspec.Struct, frozen=True):
    """Why the daemon closes the connection."""

    code: str = ""
    message: str = ""


class PlainReply(msgspec.Struct, frozen=True):
    """``salut.api.wire.Reply`` with its value not decoded yet."""

    value: msgspec.Raw = msgspec.Raw(b"null")
    seq: dict[str, int] = {}


def parse(line: bytes) -> Incoming:
    """One line. ``SalutError('invalid-request')`` if it is no JSON-RPC message."""
    try:
        return msgspec.json.decode(line, type=Incoming)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise troubles.not_ours(str(error)) from error


def encode(message: dict[str, Any]) -> bytes:
    """A line without its end. ``SalutError``: ``too-large`` past 1 MiB, ``invalid`` for what is no JSON."""
    try:
        line = msgspec.json.encode({"jsonrpc": "2.0", **message})
    except (TypeError, ValueError, UnicodeEncodeError, OverflowError) as error:
        raise troubles.not_text("params") from error
    if len(line) >= MAX_FRAME:
        raise troubles.too_large(len(line), MAX_FRAME)
    return line


def failure(incoming: Incoming) -> SalutError | None:
    """The error of an answer, if it is one."""
    return None if incoming.error is None else lines.error_of(incoming.error)


class Again(Enum):
    """What may be done with a call whose connection was lost before its answer."""

    NEVER = "never"  # it may have happened: only the caller can know
    ALWAYS = "always"  # it reads, or its op makes it repeatable


@dataclass(frozen=True)
class Signature:
    """What the client needs to know of a contract method."""

    name: str
    result: Any  # the type to convert the value to
    write: bool
    again: Again


@lru_cache(maxsize=1024)
def signature(method: Callable[..., object]) -> Signature:
    """Read a contract method taken from its class, such as ``ChatApi.send``.

    ``TypeError`` if it is none (it lacks ``@method``).
    """
    mark = getattr(method, MARK, None)
    if not isinstance(mark, MethodMark):
        raise TypeError(f"{method!r} is no method of a contract")
    again = Again.ALWAYS if mark.write or mark.scope == "read" else Again.NEVER
    result = get_type_hints(method, include_extras=True).get("return")
    return Signature(method_name(method), result, mark.write, again)


def convert(raw: msgspec.Raw, kind: Any) -> Any:
    """A reply's value as the type that the contract promises. ``SalutError('internal')`` if it is none."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise SalutError("internal", str(error)) from error
