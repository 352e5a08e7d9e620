# SPDX-License-Identifier: AGPL-3.0-or-later
"""JSON-RPC lines for the light face: text to dict and back, without ``json``'s import (7 ms with ``re``).

CPython's own scanner and encoder are used directly; on a Python without them, ``json`` itself.
"""

from __future__ import annotations

from salut.model.errors import CODES, SalutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Parsed = dict[str, Any]

MAX_LINE = 1 << 20  # bytes of a line that we send (equals salut.api.wire.MAX_FRAME; a test says so)
MAX_ANSWER = 1 << 26  # bytes of a line that we take
PROTOCOL_MAJOR = 1


def _no_constant(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are no JSON


class _Plain:
    """What CPython's scanner reads from its decoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_no_constant)


def _no_default(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is no JSON")


def _tools() -> tuple[Callable[[str], Any], Callable[[Any], str]]:
    try:
        from _json import encode_basestring, make_encoder, make_scanner

        scan = make_scanner(_Plain())  # type: ignore[arg-type] # typeshed asks for a whole JSONDecoder
        write = make_encoder(None, _no_default, encode_basestring, None, ":", ",", False, False, False)
        return lambda text: scan(text, 0)[0], lambda value: "".join(write(value, 0))
    except (ImportError, TypeError):
        import json

        return json.loads, lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_load, _dump = _tools()


def decode(line: bytes) -> Parsed:
    """One line from the daemon as a dict. Raises ``SalutError('invalid-request')`` if it is none."""
    try:
        value = _load(line.decode().strip())
    except (ValueError, StopIteration, RecursionError):
        value = None
    if not isinstance(value, dict):
        from salut.client import troubles

        raise troubles.not_ours(line[:80].decode("utf-8", "replace"))
    return value


def encode(message: Parsed) -> bytes:
    """A message as a line. Raises ``SalutError``: ``too-large`` past 1 MiB, ``invalid`` for no text."""
    try:
        line = (_dump(message) + "\n").encode()
    except UnicodeEncodeError as error:
        from salut.client import troubles

        raise troubles.not_text("params") from error
    if len(line) > MAX_LINE:
        from salut.client import troubles

        raise troubles.too_large(len(line), MAX_LINE)
    return line


def error_of(error: object) -> SalutError:
    """The typed error that a JSON-RPC ``error`` object stands for.

    A code that this version does not know becomes ``internal``, with the daemon's words kept.
    """
    if not isinstance(error, dict):
        return SalutError("internal", str(error)[:500])
    given = error.get("data")
    data = dict(given) if isinstance(given, dict) else {}
    word = data.pop("code", None)
    if not isinstance(word, str) or word not in CODES:
        number = error.get("code")
        word = next((name for name, value in CODES.items() if value == number), "internal")
    return SalutError(word, str(error.get("message", ""))[:10_000], data)


def check_hello(params: object) -> Parsed:
    """The daemon's ``hello``, if its protocol is ours; else ``SalutError('unavailable')``."""
    from_salut = isinstance(params, dict) and isinstance(params.get("protocol"), list) and params["protocol"]
    if not isinstance(params, dict) or not from_salut:
        from salut.client import troubles

        raise troubles.not_ours(str(params))
    if params["protocol"][0] != PROTOCOL_MAJOR:
        from salut.client import troubles

        raise troubles.other_protocol(".".join(map(str, params["protocol"])), PROTOCOL_MAJOR)
    return params
