# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writes what is made from the contract: ``make generated``. ``--check`` says what is stale."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import msgspec

from salut.api import core
from salut.api.contract import MARK, Contract, Kind, MethodMark
from salut.api.wire import PROTOCOL

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "src" / "salut" / "plugins"
PAGE = ROOT / "docs" / "reference" / "contract.md"


def contracts() -> list[Contract]:
    """The engine's contract and that of every plugin in the source tree."""
    found = [core.CONTRACT]
    for api in sorted(PLUGINS.glob("*/api.py")):
        found.append(importlib.import_module(f"salut.plugins.{api.parent.name}.api").CONTRACT)
    return found


def signature(function: Any) -> str:
    """Parameters as a person writes them."""
    parts = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        text = f"{parameter.name}: {_type(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            text += f" = {_default(parameter.default)}"
        parts.append(text)
    return ", ".join(parts)


def _default(value: object) -> str:
    return f"{type(value).__name__}()" if isinstance(value, msgspec.Struct) else repr(value)


def _type(annotation: object) -> str:
    return str(annotation).replace("typing.", "")


def method_section(service: str, name: str, function: Any) -> list[str]:
    """One method."""
    mark: MethodMark = getattr(function, MARK)
    result = _type(inspect.signature(function).return_annotation)
    repeatable = ", repeatable by `op`" if mark.write else ""
    return [
        f"### {service}.{name}",
        "",
        f"`({signature(function)}) -> {result}` · scope `{mark.scope}`{repeatable}",
        "",
        inspect.getdoc(function) or "",
        "",
    ]


def kind_section(kind: Kind) -> list[str]:
    """One kind of shared object, with its fields."""
    travels = "passing (no `seq`)" if kind.passing else "journaled"
    shown = "in the snapshot" if kind.snapshot else "on demand"
    if kind.topic:
        shown = "only to windows that ask for the topic"
    lines = [f"### kind `{kind.name}`", "", f"{travels}, {shown} · key: {kind.key}", ""]
    lines += [inspect.getdoc(kind.struct) or "", "", "| field | type | default |", "|---|---|---|"]
    hints = inspect.get_annotations(kind.struct)
    for field in msgspec.structs.fields(kind.struct):
        default = (
            "" if field.required else (repr(field.default) if field.default is not msgspec.NODEFAULT else "…")
        )
        words = _type(hints.get(field.name, field.type)).replace("|", "\\|")
        lines.append(f"| `{field.encode_name}` | `{words}` | {default and f'`{default}`'} |")
    return [*lines, ""]


def page() -> str:
    """The reference page of the whole contract."""
    lines = [
        "# The contract",
        "",
        "Made from the `api.py` files by `make generated`; do not edit. How messages travel: `protocol.md`.",
        f"Protocol version {PROTOCOL[0]}.{PROTOCOL[1]}. Times are microseconds since 1970 UTC. "
        "A change carries the object's whole new value; its `seq` is the object's revision.",
        "",
    ]
    for contract in contracts():
        lines += [f"## {contract.plugin}", ""]
        module = sys.modules[contract.services[0].__module__] if contract.services else None
        lines += [(inspect.getdoc(module) or "").strip() if module else _module_words(contract.plugin), ""]
        for service in contract.services:
            for name, function in vars(service).items():
                if hasattr(function, MARK):
                    lines += method_section(service.service, name, function)
        for kind in contract.kinds:
            lines += kind_section(kind)
    return "\n".join(lines).rstrip() + "\n"


def _module_words(plugin: str) -> str:
    return inspect.getdoc(importlib.import_module(f"salut.plugins.{plugin}.api")) or ""


def outputs() -> dict[Path, str]:
    """Every generated file with what it should hold."""
    return {PAGE: page()}


def main() -> None:
    """Write, or with ``--check`` compare."""
    check = "--check" in sys.argv[1:]
    stale = [path for path, text in outputs().items() if not path.exists() or path.read_text() != text]
    if check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale; renew it: make generated")
        sys.exit(bool(stale))
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(outputs()[path])
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
