# SPDX-License-Identifier: AGPL-3.0-or-later
"""Man pages and the reference page of ``jp``, written from its declaration.

``python -m devkit.manpages`` writes them; with ``--check`` it names the stale ones and ends with 1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from argparse_manpage.manpage import Manpage  # type: ignore[import-untyped]

from salut import __version__
from salut.frontends.cli import exits, parser, shapes
from salut.frontends.cli.spec import Argument, Command, Option
from salut.frontends.cli.tree import root

ROOT: Final = Path(__file__).parent.parent
SHAPES: Final[Mapping[str, str]] = {
    "Message": "MESSAGE",
    "Conversation": "CONVERSATION",
    "Contact": "CONTACT",
    "Presence": "PRESENCE",
    "Status": "STATUS",
    "Room": "ROOM",
    "Member": "MEMBER",
    "Draft": "DRAFT",
    "Profile": "PROFILE",
    "Link": "LINK",
    "Window": "WINDOW",
    "Daemon": "DAEMON",
}


def generated() -> dict[Path, str]:
    """All generated files with what they should hold."""
    os.environ.update(COLUMNS="80", LANGUAGE="C", SOURCE_DATE_EPOCH="0")
    tree = root()
    folder = ROOT / "docs" / "man"
    files = {folder / "jp.1": page(tree, "jp")}
    for command in tree.commands:
        files[folder / f"jp-{command.name}.1"] = page(command, f"jp {command.name}")
    files[ROOT / "docs" / "reference" / "jp.md"] = reference(tree)
    return files


def page(command: Command, path: str) -> str:
    """One man page, sub-commands included."""
    made = parser.leaf(command, path)
    made.epilog = None
    manual = Manpage(made, {"manual_title": "Salut", "project_name": "Salut", "version": __version__})
    manual.prog = path.replace(" ", "-")
    manual.date = ""
    manual.description = command.about
    codes = "\n".join(f".TP\n.B {code}\n{text}" for code, text in exits.TABLE)
    manual.add_section("exit status", ">", codes)
    names = "\n".join(f".TP\n.B {name}\n{_roff(text)}" for name, text in parser.ENVIRONMENT)
    manual.add_section("environment", ">", names)
    others = ["jp"] + [f"jp-{inner.name}" for inner in root().commands]
    links = [f".BR {_roff(name)} (1)" for name in others if name != manual.prog]
    manual.add_section("see also", ">", ",\n".join(links))
    return str(manual)


def _roff(text: str) -> str:
    return text.replace("\\", "\\\\").replace("-", "\\-")


def reference(tree: Command) -> str:
    """The reference page in Markdown."""
    lines = [
        "<!-- written by devkit/manpages.py; do not edit -->",
        "# jp, command by command",
        "",
        tree.story,
        "",
    ]
    for command in tree.commands:
        for path, leaf in _leaves(command, f"jp {command.name}"):
            lines += _section(path, leaf)
    lines += ["## Exit codes", "", "| code | means |", "|---|---|"]
    lines += [f"| {code} | {text} |" for code, text in exits.TABLE]
    lines += ["", "A reader that goes away early (`jp log … | head`) ends `jp` quietly with 141."]
    lines += ["", "## Environment", "", *(f"- `{name}`: {text}" for name, text in parser.ENVIRONMENT), ""]
    return "\n".join([*lines, *_json()]) + "\n"


def _leaves(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    if command.run is not None:
        yield path, command
    for inner in command.commands:
        yield from _leaves(inner, f"{path} {inner.name}")


def _section(path: str, command: Command) -> list[str]:
    words = " ".join(_argument(argument) for argument in command.arguments if argument.about)
    lines = [f"## {path}", "", f"    {path} [OPTIONS] {words}".rstrip(), "", _sentence(command), ""]
    rows = [f"| `{a.metavar}` | {_cell(a.about, a.choices)} |" for a in command.arguments if a.about]
    rows += [f"| `{_option(o)}` | {_cell(o.about, o.choices)} |" for o in command.options]
    return [*lines, "| word | means |", "|---|---|", *rows, ""] if rows else lines


def _sentence(command: Command) -> str:
    text = command.story or command.about
    return text[0].upper() + text[1:].removesuffix(".") + "."


def _argument(argument: Argument) -> str:
    forms = {"one": "{}", "optional": "[{}]", "many": "{}…", "any": "[{}…]"}
    return forms[argument.count].format(argument.metavar)


def _option(option: Option) -> str:
    value = "" if option.form == "flag" else f" {option.metavar}"
    return ", ".join(option.flags) + value


def _cell(text: str, choices: tuple[str, ...]) -> str:
    shown = f"{text}: {', '.join(choices)}" if choices else text
    return shown.replace("|", "\\|")


def _json() -> list[str]:
    lines = [
        "## JSON",
        "",
        "`--json` writes one document; lists stand in `items`. `jp watch`, `jp log --follow` and"
        " `jp send --lines` write one object a line. Objects of a profile carry `profile` beside the fields"
        " below. Every field is always there; fields may be added. Times are ISO 8601 in UTC with"
        ' microseconds and `Z`, or `null`. An error goes to stderr as `{"error": {"code", "message", "data"}}`.',
        "",
    ]
    for title, name in SHAPES.items():
        shape: Mapping[str, object] = getattr(shapes, name)
        fields = ", ".join(f"`{field}`" for field in shape)
        lines.append(f"- {title}: {fields}")
    return lines


def main() -> int:
    """Write, or check with ``--check``."""
    stale = {
        path: text
        for path, text in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if "--check" in sys.argv[1:]:
            print(f"stale: {path.relative_to(ROOT)}; renew it with: python -m devkit.manpages")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
