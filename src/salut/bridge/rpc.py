# SPDX-License-Identifier: AGPL-3.0-or-later
"""JSON-RPC 2.0: reading requests and writing answers. No I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from salut.model.errors import CODES, SalutError
from salut.model.words import _

_encode = msgspec.json.Encoder().encode


class Incoming(msgspec.Struct, frozen=True):
    """A line from a window: a request, or its answer to our ping."""

    jsonrpc: str = ""
    id: int | str | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(Incoming).decode


def read(line: bytes) -> Incoming:
    """One line. ``SalutError`` ``parse`` or ``invalid-request``."""
    try:
        incoming = _decode(line)
    except msgspec.ValidationError as error:
        raise SalutError("invalid-request", _("Not a JSON-RPC 2.0 request: {}").format(error)) from None
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, a number too long, nested too deeply
        raise SalutError("parse", _("Not JSON: {}").format(error)) from None
    answers = incoming.result is not msgspec.UNSET or incoming.error is not msgspec.UNSET
    if incoming.jsonrpc != "2.0" or (incoming.method is None and not answers):
        raise SalutError("invalid-request", _("Not a JSON-RPC 2.0 request: “jsonrpc” or “method” is missing"))
    if incoming.method is not None and incoming.id is None:
        raise SalutError("invalid-request", _("A call must have an “id”"))
    return incoming


def result_line(key: int | str, result: bytes) -> bytes:
    """An answer with an encoded result."""
    return b'{"jsonrpc":"2.0","id":%s,"result":%s}\n' % (_encode(key), result)


def error_line(key: int | str | None, error: SalutError) -> bytes:
    """An answer with a typed error."""
    return (
        _encode(
            {
                "jsonrpc": "2.0",
                "id": key,
                "error": {
                    "code": CODES[error.code],
                    "message": error.message,
                    "data": {**error.data, "code": error.code},
                },
            }
        )
        + b"\n"
    )


def notice_line(method: str, params: Any) -> bytes:
    """A notification."""
    return _encode({"jsonrpc": "2.0", "method": method, "params": params}) + b"\n"


def ping_line(number: int) -> bytes:
    """Our liveness check."""
    return b'{"jsonrpc":"2.0","id":"p%d","method":"ping","params":{}}\n' % number
