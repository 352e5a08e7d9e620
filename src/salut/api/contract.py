# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the contract is written: services with typed methods, kinds of changes, settings.

An ``api.py`` holds abstract service classes whose methods carry ``@method``, the structs they speak of,
and one ``CONTRACT``. Methods take keyword arguments only, so that a call is the same on every binding.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Literal, ParamSpec, TypeVar

import msgspec

Scope = Literal["read", "send", "files", "admin"]
SCOPES: Final[tuple[Scope, ...]] = ("read", "send", "files", "admin")
DAEMON_JOURNAL: Final = ""  # the journal of what belongs to no profile

P = ParamSpec("P")
R = TypeVar("R")
MARK: Final = "__salut_method__"


@dataclass(frozen=True)
class MethodMark:
    """What ``@method`` says of a service method."""

    scope: Scope
    write: bool


def method(
    *, scope: Scope = "read", write: bool = False
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Mark a method as part of the contract.

    ``scope`` is what a window must hold to call it. ``write`` methods take an ``op`` id beside their
    parameters, which makes them repeatable for 24 hours.
    """

    def mark(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        setattr(function, MARK, MethodMark(scope, write))
        return function

    return mark


class Service(ABC):  # noqa: B024 - a marker base: its subclasses bring the abstract methods
    """Base of all service contracts. ``service`` is the name before the dot in ``service.method``."""

    service: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of shared object that changes are about.

    A change carries the object's whole new value, or none when it is gone; so a replica is a map from
    key to value. The ``seq`` of an object's last change is its revision.

    ``passing`` objects have no ``seq``: they live in memory and only the newest value per key is sent.
    ``snapshot`` kinds come with the attach; of others a window holds what it asked for or saw change.
    ``topic`` kinds (heavy ones) are sent only to windows that asked for that topic.
    """

    name: str
    struct: type[msgspec.Struct]
    key: str
    passing: bool = False
    snapshot: bool = False
    topic: bool = False


@dataclass(frozen=True)
class Contract:
    """All that one plugin (or the engine) promises across the bridge."""

    plugin: str
    services: tuple[type[Service], ...] = ()
    kinds: tuple[Kind, ...] = ()
    settings: type[msgspec.Struct] | None = None
    errors: tuple[str, ...] = field(default=())


def method_name(function: Callable[..., object]) -> str:
    """The name on the wire of a contract method taken from its class: ``ChatApi.send`` is ``chat.send``."""
    holder = function.__qualname__.rpartition(".")[0].rpartition(".")[2]
    cls = function.__globals__.get(holder)
    assert isinstance(cls, type) and issubclass(cls, Service), function.__qualname__
    return f"{cls.service}.{function.__name__}"
