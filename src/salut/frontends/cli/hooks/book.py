# SPDX-License-Identifier: AGPL-3.0-or-later
"""The definitions of hooks: ``salut/hooks.json`` in the person's configuration folder, theirs alone (0600).

Nothing that comes from the network is ever written here, and a file that others may write is refused: what stands
in it is run.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from salut.model.errors import SalutError, invalid, not_found
from salut.model.words import _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 64
MAX_FILE = 1 << 20
MAX_NAME = 64
DEFAULT_TIMEOUT = 30.0
MAX_TIMEOUT = 3600.0


@dataclass(frozen=True)
class Hook:
    """One definition. Empty filters let everything pass. ``added``: only what happens after that matters."""

    name: str
    on: str
    command: list[str]
    added: int
    profile: str = ""
    conversation: str = ""
    sender: str = ""
    match: str = ""
    incoming: bool = False
    mention: bool = False
    every: bool = False
    shell: bool = False
    timeout: float = DEFAULT_TIMEOUT


def config_file() -> Path:
    """Where the definitions are: in ``XDG_CONFIG_HOME``, else ``~/.config``; a relative one is ignored."""
    return _xdg("XDG_CONFIG_HOME", ".config") / "salut" / "hooks.json"


def state_folder() -> Path:
    """Where the ledger is: in ``XDG_STATE_HOME``, else ``~/.local/state``."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "salut"


def _xdg(name: str, default: str) -> Path:
    given = os.environ.get(name, "")
    return Path(given) if given.startswith("/") else Path.home() / default


def load() -> dict[str, Hook]:
    """All definitions by name. ``denied`` where others could have written them, ``invalid`` where they are wrong."""
    path = config_file()
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            _check_private(path, found)
            _check_private(path.parent, path.parent.stat())
            raw = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return {}
    try:
        document = json.loads(raw[:MAX_FILE])
        hooks = [_hook(given) for given in document["hooks"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SalutError("invalid", _("{} cannot be read: {}").format(path, error)) from None
    return {hook.name: hook for hook in hooks[:MOST]}


def _check_private(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        words = _(
            "{} belongs to someone else or may be written by others, so nothing in it is run. Try: chmod go-w {}"
        )
        raise SalutError("denied", words.format(path, path))


def _hook(given: Mapping[str, object]) -> Hook:
    known = {spec.name: spec for spec in fields(Hook)}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"unknown field {name}")
        wanted = {"str": str, "bool": bool, "int": int, "float": (int, float), "list[str]": list}[
            str(known[name].type)
        ]
        if not isinstance(value, wanted):  # type: ignore[arg-type]  # a type or a tuple of types
            raise TypeError(f"{name}: {value!r}")
    hook = Hook(**given)  # type: ignore[arg-type]  # looked at above
    words: list[object] = [*hook.command]
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise ValueError(f"{hook.name}: no command")
    if not is_name(hook.name) or not 0 < hook.timeout <= MAX_TIMEOUT:
        raise ValueError(f"{hook.name}: wrong name or time-out")
    return hook


def is_name(name: str) -> bool:
    """Whether a hook may be called so."""
    return 0 < len(name) <= MAX_NAME and all(c.isalnum() or c in "-_." for c in name)


def save(hooks: Mapping[str, Hook]) -> None:
    """Write all definitions, whole or not at all."""
    path = config_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    document = {"hooks": [asdict(hook) for hook in hooks.values()]}
    fresh = path.with_name(f".hooks.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(document, file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def add(hook: Hook) -> None:
    """One more. ``exists``, ``invalid``, ``too-large``."""
    hooks = load()
    if not is_name(hook.name):
        raise invalid(
            "name", _("A hook's name has letters, digits, “-”, “_” and “.”, at most {}.").format(MAX_NAME)
        )
    if hook.name in hooks:
        raise SalutError(
            "exists", _("There is a hook {0} already; remove it first: jp hook remove {0}").format(hook.name)
        )
    if len(hooks) >= MOST:
        raise SalutError("too-large", _("There are {} hooks already.").format(MOST))
    save({**hooks, hook.name: hook})


def remove(name: str) -> None:
    """One less. ``not-found``."""
    hooks = load()
    if name not in hooks:
        raise no_such(name)
    del hooks[name]
    save(hooks)


def no_such(name: str) -> SalutError:
    """There is none of this name."""
    return not_found(_("There is no hook {}. See them: jp hook list").format(name[:MAX_NAME]))


class Watched:
    """The definitions as they are now: read again when the file has changed."""

    def __init__(self) -> None:
        self._mark: tuple[int, int, int] | None = None
        self.hooks = load()
        self.changed()

    def changed(self) -> bool:
        """Whether the file is another one than at the last look."""
        try:
            found = config_file().stat()
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        except FileNotFoundError:
            mark = (0, 0, 0)
        same, self._mark = mark == self._mark, mark
        return not same

    def look(self) -> bool:
        """Read again if need be; whether something is new."""
        if not self.changed():
            return False
        self.hooks = load()
        return True
