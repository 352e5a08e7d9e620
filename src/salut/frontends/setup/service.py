# SPDX-License-Identifier: AGPL-3.0-or-later
"""The systemd user service: unit files, and the change from a daemon that was started by hand."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from salut.api.core import DaemonApi
from salut.client import launch, places, sync
from salut.frontends.cli import exits, show
from salut.model.errors import SalutError
from salut.model.words import _

UNITS = ("salut.socket", "salut.service")
SECONDS = 30.0
KEPT = ("SALUT_STATE", "XDG_DATA_HOME")  # what the person's shell says of places and systemd does not know


def run(action: str) -> int:
    """``salut service install|remove|status``."""
    if action == "status":
        return _status()
    if action == "remove":
        remove()
        return exits.OK
    try:
        with sync.connect(start=False) as client:
            install(client)
    except SalutError as error:
        if error.code != "no-daemon":
            raise
        install(None)
    return exits.OK


def folder() -> Path:
    """Where a person's own units are."""
    shared = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(shared) if shared.startswith("/") else Path.home() / ".config"
    return base / "systemd" / "user"


def possible() -> bool:
    """Whether a systemd of the person's own runs here."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(runtime) and Path(runtime, "systemd", "private").exists()


def installed() -> bool:
    """Whether our units are there."""
    return all((folder() / unit).exists() for unit in UNITS)


def program() -> str:
    """The command that the service runs: the ``salut`` beside this Python."""
    return str(Path(sys.executable).parent / "salut")


def texts() -> dict[str, str]:
    """The unit files by name, as they are to be written."""
    source = files("salut.frontends.setup") / "units"
    kept = [f'Environment="{_quoted(f"{name}={os.environ[name]}")}"' for name in KEPT if os.environ.get(name)]
    result = {}
    for unit in UNITS:
        text = (source / unit).read_text(encoding="utf-8")
        text = text.replace("@PROGRAM@", f'"{_quoted(program())}"')
        result[unit] = text.replace("@ENVIRONMENT@\n", "".join(f"{line}\n" for line in kept))
    return result


def _quoted(text: str) -> str:
    """``text`` inside double quotes of a unit file (systemd.syntax(7)): no escapes, no specifiers."""
    if not text.isprintable():
        raise SalutError("invalid", _("systemd cannot use the path “{}”.").format(text))
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def install(client: sync.Client | None) -> None:
    """Write the units and start them. A daemon that runs by hand hands over: it stops, systemd starts its own."""
    if os.environ.get("SALUT_RUNTIME"):
        raise SalutError(
            "invalid",
            _(
                "SALUT_RUNTIME is set, and systemd would listen elsewhere: unset it, then “salut service install”."
            ),
        )
    for unit, text in texts().items():
        target = folder() / unit
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)
        show.say(_("Wrote {}").format(target))
    if not possible():
        show.say(_("No systemd of yours runs here; it takes the service up when you log in where one does:"))
        show.say("  systemctl --user enable salut.socket salut.service")
        return
    _systemctl("daemon-reload")
    _systemctl("enable", *UNITS)
    if client is not None:
        _end(client)
    _systemctl("start", *UNITS)
    show.say(_("Salut runs now and starts with your session. See: systemctl --user status salut"))
    show.say(_("To have it run while you are not logged in: loginctl enable-linger"))


def remove() -> None:
    """Stop the service and take its units away. Accounts and history stay."""
    if possible():
        with contextlib.suppress(SalutError):  # not loaded: nothing to stop
            _systemctl("disable", "--now", *UNITS)
    for unit in UNITS:
        (folder() / unit).unlink(missing_ok=True)
    if possible():
        _systemctl("daemon-reload")
    show.say(_("The service is removed. Accounts and history stay; jp starts the daemon when it needs it."))


def _status() -> int:
    if not installed():
        show.say(_("The service is not installed. To install it: salut service install"))
        return exits.NOT_FOUND
    show.say(_("The service is installed: {}").format(folder()))
    if possible():
        for unit in UNITS:
            asked = _ran("is-active", unit)
            show.say(f"  {unit}: {show.one_line(asked.stdout.strip() or asked.stderr.strip())}")
    return exits.OK


def _end(client: sync.Client) -> None:
    """Stop the daemon that runs now, whoever started it."""
    pid = client.call(DaemonApi.info).pid
    client.call(DaemonApi.stop)
    client.close()  # or it would come back and start another
    launch.await_end(places.socket_path(), pid, SECONDS)


def _systemctl(*words: str) -> None:
    asked = _ran(*words)
    if asked.returncode != 0:
        raise SalutError(
            "unavailable", _("systemctl --user {}: {}").format(" ".join(words), asked.stderr.strip()[:1000])
        )


def _ran(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - fixed words
            ["systemctl", "--user", *words],  # noqa: S607 - where the system has it
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SalutError("unavailable", _("systemctl cannot be used: {}").format(error)) from error
