# SPDX-License-Identifier: AGPL-3.0-or-later
"""The contract in force: methods and kinds of all loaded plugins, made from their ``api.py``."""

from __future__ import annotations

import inspect
import types
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, get_type_hints

import msgspec

from salut.api.contract import MARK, Contract, Kind, MethodMark, Service
from salut.api.wire import PROTOCOL

OpId = Annotated[str, msgspec.Meta(max_length=64)]


class Entry:
    """One method: how to check its parameters and whom to ask."""

    def __init__(
        self, name: str, mark: MethodMark, service: type[Service], promise: Callable[..., Any], serve: Any
    ) -> None:
        self.promise = service
        hints = get_type_hints(promise, include_extras=True)
        self.name = name
        self.scope = mark.scope
        self.write = mark.write
        self.result: Any = hints.pop("return", None)
        self.help = inspect.getdoc(promise) or ""
        self.serve: Callable[..., Awaitable[object]] = serve
        self.per_profile = "profile" in hints and not isinstance(hints["profile"], types.UnionType)
        fields: list[Any] = []
        for parameter in list(inspect.signature(promise).parameters.values())[1:]:
            assert parameter.kind is parameter.KEYWORD_ONLY, f"{name}: {parameter.name} must be keyword-only"
            if parameter.default is parameter.empty:
                fields.append((parameter.name, hints[parameter.name]))
            else:
                fields.append((parameter.name, hints[parameter.name], parameter.default))
        self.fields = tuple(field[0] for field in fields)
        if self.write:
            fields.append(("op", OpId, ""))
        self.params = msgspec.defstruct(
            "".join(part.title() for part in name.split(".")) + "Params", fields, kw_only=True, frozen=True
        )
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self.params)


class Registry:
    """All entries by name, all kinds by name."""

    def __init__(self) -> None:
        self.methods: dict[str, Entry] = {}
        self.kinds: dict[str, Kind] = {}
        self._described: dict[str, Any] | None = None

    def add(self, contract: Contract, services: tuple[Service, ...]) -> None:
        """Add a plugin's contract with the objects that serve it. ``TypeError`` if they do not fit."""
        self._described = None
        for promise in contract.services:
            serving = [service for service in services if isinstance(service, promise)]
            if len(serving) != 1:
                raise TypeError(f"{contract.plugin}: {promise.__name__} is served by {len(serving)} objects")
            for name, function in vars(promise).items():
                mark = getattr(function, MARK, None)
                if mark is not None:
                    full = f"{promise.service}.{name}"
                    if full in self.methods:
                        raise TypeError(f"{contract.plugin}: {full} exists already")
                    self.methods[full] = Entry(full, mark, promise, function, getattr(serving[0], name))
        for kind in contract.kinds:
            if kind.name in self.kinds:
                raise TypeError(f"{contract.plugin}: kind {kind.name} exists already")
            self.kinds[kind.name] = kind

    def remove(self, contract: Contract) -> None:
        """Take back what ``add`` entered, as far as it came."""
        self._described = None
        for promise in contract.services:
            for name in [n for n, entry in self.methods.items() if entry.promise is promise]:
                del self.methods[name]
        for kind in contract.kinds:
            if self.kinds.get(kind.name) is kind:
                del self.kinds[kind.name]

    def describe(self) -> dict[str, Any]:
        """``daemon.describe``, as plain data. Made once: the schemas cost many milliseconds, a window may ask often."""
        if self._described is None:
            self._described = self._describe()
        return self._described

    def _describe(self) -> dict[str, Any]:
        methods = []
        for entry in sorted(self.methods.values(), key=lambda e: e.name):
            methods.append(
                {
                    "name": entry.name,
                    "help": entry.help,
                    "scope": entry.scope,
                    "write": entry.write,
                    "params": msgspec.json.schema(entry.params),
                    "result": msgspec.json.schema(entry.result)
                    if entry.result is not None
                    else {"type": "null"},
                }
            )
        kinds = [
            {
                "name": kind.name,
                "help": inspect.getdoc(kind.struct) or "",
                "key": kind.key,
                "passing": kind.passing,
                "snapshot": kind.snapshot,
                "value": msgspec.json.schema(kind.struct),
            }
            for kind in sorted(self.kinds.values(), key=lambda k: k.name)
        ]
        return {"protocol": list(PROTOCOL), "methods": methods, "kinds": kinds}
