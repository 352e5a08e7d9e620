# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a command of ``jp`` is declared: once, for parsing, help, completion, man pages and reference.

The classes are plain ones: ``dataclasses`` alone would cost more than the rest of ``jp send``. Texts for
people are marked with ``N_`` and translated where they are shown.
"""

from __future__ import annotations

from salut.model.words import N_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    Value = str | int | float | bool | list[str] | None
    Count = Literal["one", "optional", "many", "any"]
    Form = Literal["flag", "text", "number", "seconds"]
    Live = Literal["", "names", "profiles", "file"]
    Run = Callable[["Given"], int]


class Argument:
    """A positional argument. ``count`` says how many words it takes; ``live`` how a shell completes it."""

    __slots__ = ("about", "choices", "count", "live", "name")

    def __init__(
        self, name: str, about: str, count: Count = "one", live: Live = "", choices: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.about = about
        self.count = count
        self.live = live
        self.choices = choices

    @property
    def metavar(self) -> str:
        """How help shows it."""
        return self.name.upper()


class Option:
    """An option. ``form`` is what follows it: nothing, a text, a whole number or a number of seconds.

    ``least`` and ``most`` bound numbers.
    """

    __slots__ = ("about", "choices", "default", "flags", "form", "least", "live", "metavar", "most", "name")

    def __init__(
        self,
        *flags: str,
        about: str,
        form: Form = "text",
        metavar: str = "",
        default: str | int | float | None = None,
        choices: tuple[str, ...] = (),
        least: float = 0,
        most: float = 1e9,
        live: Live = "",
    ) -> None:
        self.flags = flags
        self.name = flags[-1].lstrip("-").replace("-", "_")
        self.about = about
        self.form = form
        self.metavar = metavar or self.name.upper()
        self.default: Value = False if form == "flag" else default
        self.choices = choices
        self.least = least
        self.most = most
        self.live = live

    def read(self, text: str) -> Value:
        """The value in ``text``. ``ValueError`` if it is none of this option."""
        if self.form == "text":
            if self.choices and text not in self.choices:
                raise ValueError(text)
            return text
        value = int(text) if self.form == "number" else float(text)
        if not self.least <= value <= self.most:
            raise ValueError(text)
        return value


class Command:
    """A command: either one that runs, or a group of ``commands``, one of which may be the ``default``.

    ``loose``: a first word that names none of them belongs to the default.
    """

    __slots__ = ("about", "arguments", "commands", "default", "loose", "name", "options", "run", "story")

    def __init__(
        self,
        name: str,
        about: str,
        *parts: Argument | Option,
        run: Run | None = None,
        commands: tuple[Command, ...] = (),
        default: str = "",
        loose: bool = False,
        story: str = "",
    ) -> None:
        self.name = name
        self.about = about
        self.story = story  # the paragraph under the synopsis
        self.arguments = tuple(part for part in parts if isinstance(part, Argument))
        self.options = tuple(part for part in parts if isinstance(part, Option))
        self.run = run
        self.commands = commands
        self.default = default
        self.loose = loose


PROFILE = Option(
    "-p",
    "--profile",
    metavar="NAME",
    live="profiles",
    about=N_("the profile to use (default: SALUT_PROFILE, else the only one enabled)"),
)
JSON = Option("--json", form="flag", about=N_("write JSON for programs"))


class Given:
    """What the person gave: values by name, each read as the type that its declaration says."""

    __slots__ = ("_values", "command")

    def __init__(self, command: Command, values: dict[str, Value]) -> None:
        self.command = command
        self._values = values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and self._values == other._values

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"Given({self.command.name!r}, {self._values!r})"

    def flag(self, name: str) -> bool:
        """Whether the option was given."""
        return self._values[name] is True

    def text(self, name: str) -> str:
        """A text; empty where it was not given."""
        value = self._values[name]
        return value if isinstance(value, str) else ""

    def maybe(self, name: str) -> str | None:
        """A text, or ``None`` where it was not given."""
        value = self._values[name]
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int | None:
        """A whole number, or ``None``."""
        value = self._values[name]
        return value if isinstance(value, int) else None

    def seconds(self, name: str) -> float | None:
        """A number of seconds, or ``None``."""
        value = self._values[name]
        return float(value) if isinstance(value, int | float) else None

    def many(self, name: str) -> list[str]:
        """The words of an argument that takes several."""
        value = self._values[name]
        return value if isinstance(value, list) else []
