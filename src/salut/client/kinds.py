# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which struct a shared object's value is, by the contracts that the client was given."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

import msgspec

from salut.api import core
from salut.api.contract import Contract, Kind
from salut.model.errors import SalutError
from salut.model.words import _


def installed_contracts() -> tuple[Contract, ...]:
    """The engine's contract and that of every plugin folder in ``salut.plugins`` that has an ``api``."""
    found = [core.CONTRACT]
    package = import_module("salut.plugins")
    for plugin in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        name = f"salut.plugins.{plugin}.api"
        if find_spec(name) is not None:
            contract = getattr(import_module(name), "CONTRACT", None)
            if isinstance(contract, Contract):
                found.append(contract)
    return tuple(found)


class Kinds:
    """The kinds of some contracts. Values of kinds that are not among them stay plain dicts."""

    def __init__(self, contracts: Iterable[Contract] = ()) -> None:
        self._by_name: dict[str, Kind] = {}
        self._by_struct: dict[type[msgspec.Struct], str] = {}
        for kind in (kind for contract in contracts for kind in contract.kinds):
            self._by_name[kind.name] = kind
            self._by_struct.setdefault(kind.struct, kind.name)

    def decode(self, name: str, raw: object) -> object:
        """The value as its kind's struct. ``SalutError('internal')`` if the daemon's does not fit it."""
        kind = self._by_name.get(name)
        if kind is None or isinstance(raw, kind.struct):
            return raw
        try:
            return msgspec.convert(raw, kind.struct)
        except msgspec.ValidationError as error:
            text = _("The daemon's “{}” object is of another version: {}")
            raise SalutError("internal", text.format(name, error)) from error

    def name_of(self, struct: type[msgspec.Struct]) -> str:
        """The kind whose values are ``struct``; ``KeyError`` if no contract given has one."""
        return self._by_struct[struct]
