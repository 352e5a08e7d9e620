# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lines for the bridge: every method of the contract with parameters that fit its schema, or do not, and worse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from devkit.fuzz.values import BAD_DATES, BAD_JIDS, BAD_NUMBERS, ODD, TEXTS, address

SPARED: Final = frozenset({"daemon.stop", "windows.kick"})
"""Never called: they end by design what the run looks at."""
WRONG_ONLY: Final = (
    "profiles.", "account.", "setup.", "settings.set", "presence.set", "rooms.leave", "edits.", "roster.remove",
    "strangers.refuse", "blocking.block", "portability.",
)  # fmt: skip
"""Called only with parameters that must be refused: they change the account, or go out to the network."""
_WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    1e308,
    2**70,
    "",
    [],
    {},
    [[[]]],
    {"a": {"b": None}},
    "\ud800",
    [None] * 100,
)


@dataclass(frozen=True)
class Frame:
    """``answers``: how many answers it must get, -1: the line is not JSON-RPC, an error without id comes."""

    line: bytes
    key: str | int | None


class Contract:
    """The methods of a running daemon (``daemon.describe``)."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.methods: list[dict[str, Any]] = [
            method for method in described["methods"] if method["name"] not in SPARED
        ]

    def frame(self, seed: int, number: int) -> Frame:
        """Case ``number`` of ``seed``."""
        random = Random(f"{seed}:frame:{number}")
        if random.random() < 0.15:
            return self._bad(random, number)
        method = random.choice(self.methods)
        name: str = method["name"]
        schema = method["params"]
        definitions = schema.get("$defs", {})
        top = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        values = _object(random, top, definitions, 0)
        if random.random() < 0.4 or name.startswith(WRONG_ONLY):
            values = _broken(random, values, top, must=name.startswith(WRONG_ONLY))
        request = {"jsonrpc": "2.0", "id": number, "method": name, "params": values}
        return Frame(json.dumps(request).encode() + b"\n", number)

    def _bad(self, random: Random, number: int) -> Frame:
        request: Any = {"jsonrpc": "2.0", "id": number, "method": "daemon.info", "params": {}}
        text = json.dumps(request).encode()
        match random.randrange(14):
            case 0:
                return Frame(random.randbytes(random.choice((1, 20, 500))).replace(b"\n", b"") + b"x\n", None)
            case 1:
                return Frame(text[: random.randrange(1, len(text))] + b"\n", None)
            case 2:
                return Frame(b"[" * random.choice((10, 1_000, 100_000)) + b"\n", None)
            case 3:
                return Frame(b"[" + text + b"," + text + b"]\n", None)
            case 4:
                deep = random.choice((10, 500, 50_000))
                body = b'{"a":' * deep + b"1" + b"}" * deep
                return Frame(
                    b'{"jsonrpc":"2.0","id":%d,"method":"history.page","params":%s}\n' % (number, body), -1
                )
            case 5:
                request["method"] = random.choice(
                    ("", "x", "daemon", "daemon.", ".info", "__class__", "a" * 5_000, "ping.x")
                )
            case 6:
                request["jsonrpc"] = random.choice(("1.0", 2.0, None, ["2.0"]))
                return Frame(json.dumps(request).encode() + b"\n", None)
            case 7:
                request["id"] = random.choice((None, 1.5, [], {}, True))
                return Frame(json.dumps(request).encode() + b"\n", None)
            case 8:
                del request["method"]
                request["result"] = {}  # an answer to a question which nobody asked
                return Frame(json.dumps(request).encode() + b"\n", "none")
            case 9:
                request["params"] = random.choice((None, 1, "x", [], [1, 2], True))
            case 10:
                request["params"] = {"x" * 10_000: 1, "op": "o"}
            case 11:
                request["method"] = "attach"
                request["params"] = random.choice((
                    {}, {"window": 1}, {"window": {"name": "x" * 9_999}, "topics": ["t" * 9_999] * 80},
                    {"resume": {"u": ["bad", -1]}}, {"resume": {"u": {"epoch": "x", "seq": 10**30}}, "window": {"name": ""}},
                    {"conversations": 10**9, "window": {"name": "w"}}, {"conversations": -5, "window": {"name": "w"}},
                    {"profiles": ["u"] * 1_000, "window": {"name": "w"}, "want": "nothing"},
                ))  # fmt: skip
            case 12:
                request["method"] = random.choice(("topics", "focus", "ping"))
                request["params"] = random.choice(
                    ({}, {"topics": 7}, {"topics": ["a"] * 999}, {"focused": "x"}, [1])
                )
            case _:
                request["id"] = f"s{number}" + random.choice(("", "\u202e", "\x7f", "\u2028"))
                return Frame(json.dumps(request).encode() + b"\n", request["id"])
        return Frame(json.dumps(request).encode() + b"\n", number)


def _object(
    random: Random, schema: dict[str, Any], definitions: dict[str, Any], depth: int
) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: _value(random, name, inner, definitions, depth + 1)
        for name, inner in schema.get("properties", {}).items()
        if name in required or name == "timeout" or random.random() < 0.4
    }


def _value(random: Random, name: str, schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _value(random, name, random.choice(schema["anyOf"]), definitions, depth)
    if "enum" in schema:
        return "stored" if name == "wait" else random.choice(schema["enum"])  # others answer when others read
    match schema.get("type"):
        case "object":
            return _object(random, schema, definitions, depth) if depth < 6 else {}
        case "array":
            inner = schema.get("items") or {}
            return [
                _value(random, name, inner, definitions, depth + 1) for _ in range(random.choice((0, 1, 3)))
            ]
        case "integer":
            return random.choice((0, 1, 2, 7, 100, -1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63)))
        case "number" if name in ("timeout", "wait"):  # an answer after minutes is an honest one
            return random.choice((0, 0.5, -1, 1e-308, 2))
        case "number":
            return random.choice((0, 0.0, 0.5, -1, 1e308, 1e-308, 3))
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
        case "string":
            return _string(random, name)
    return random.choice((1, "x", None, [], {}))


def _string(random: Random, name: str) -> str:
    if name == "profile":
        return random.choice(("u", "u", "u", "u", "ghost", "", "U", "u" * 300, "../u"))
    if name == "op":
        return f"op{random.randrange(1 << 30)}"
    die = random.random()
    if die < 0.5:
        return address(random) if name not in ("text", "body") else random.choice(TEXTS)
    return random.choice(random.choice((ODD, BAD_JIDS, BAD_DATES, BAD_NUMBERS, TEXTS)))


def _broken(random: Random, values: dict[str, Any], schema: dict[str, Any], *, must: bool) -> dict[str, Any]:
    """Against the schema; ``must``: surely, by a required value of a wrong type or an unknown profile."""
    names = list(schema.get("properties", {}))
    for _ in range(random.choice((1, 2))):
        match random.randrange(3):
            case 0 if values:
                del values[random.choice(list(values))]
            case 1 if names:
                values[random.choice(names)] = random.choice(_WRONG[:-2] + _WRONG[-1:])
            case _:
                values[random.choice(("x", "self", "__class__", "profile "))] = random.choice((1, None, "x"))
    if must:
        for name in names:
            values[name] = {"wrong": [1]} if name != "settings" else 5
    return values
