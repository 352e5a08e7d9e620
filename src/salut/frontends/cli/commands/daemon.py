# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp daemon``: the daemon itself. Only ``start`` starts it."""

from __future__ import annotations

from salut.client import launch, troubles, wire
from salut.frontends.cli import exits, show
from salut.frontends.cli.commands.status import daemon_line
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import DAEMON, number, whole
from salut.frontends.cli.spec import JSON, Command, Given, Option
from salut.model.errors import SalutError
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

STOP_SECONDS = 30.0  # how long the daemon may take to store what is left
LOG_LINES = 50


def run_start(given: Given) -> int:
    """Start the daemon if it does not run."""
    with Link(start=True) as link:
        return _show(given, link.object("daemon.info"))


def run_status(given: Given) -> int:
    """Show whether it runs and how it is."""
    with Link(start=False) as link:
        try:
            return _show(given, link.object("daemon.info"))
        except SalutError as error:
            if error.code != "no-daemon":
                raise
            if given.flag("json"):
                show.data({"running": False})
            else:
                show.say(_("the daemon is not running"))
            return exits.NO_DAEMON


def _show(given: Given, daemon: Object) -> int:
    if given.flag("json"):
        show.data({"running": True, **whole(DAEMON, daemon)})
        return 0
    show.say(daemon_line(daemon))
    plugins = daemon.get("plugins")
    broken = {n: s for n, s in plugins.items() if s != "ok"} if isinstance(plugins, dict) else {}
    show.columns(("  " + _("plugin {}").format(name), str(why)) for name, why in broken.items())
    return 0


def run_stop(given: Given) -> int:
    """Stop the daemon and wait for its end."""
    with Link(start=False) as link:
        pid = number(link.object("daemon.info"), "pid")
        link.call("daemon.stop")
        _wait_for_end(link.connection, pid)
    if given.flag("json"):
        show.data({"running": False})
    return 0


def _wait_for_end(connection: wire.Connection, pid: int) -> None:
    """Until the daemon closes the connection, and then until it is gone."""
    try:
        for _ignored in connection.notifications(timeout=STOP_SECONDS):
            pass
    except SalutError as error:
        if error.code == "timeout":
            raise troubles.still_there() from None
    launch.await_end(connection.path, pid, STOP_SECONDS)


def run_log(given: Given) -> int:
    """Show the end of the daemon's log."""
    with Link(start=False) as link:
        lines = link.call("daemon.log", {"lines": given.number("n") or LOG_LINES})
    found = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    if given.flag("json"):
        show.data({"items": [*found]})
        return 0
    for line in found:
        show.say(show.harmless(line))
    return 0


COMMAND = Command(
    "daemon",
    N_("start, stop and look at the daemon"),
    default="status",
    commands=(
        Command("start", N_("start the daemon if it is not running"), JSON, run=run_start),
        Command(
            "stop",
            N_("stop the daemon and wait for its end; all profiles leave their servers"),
            JSON,
            run=run_stop,
        ),
        Command("status", N_("show whether it runs (exit code 8: it does not)"), JSON, run=run_status),
        Command(
            "log",
            N_("show the end of the daemon's log"),
            Option(
                "-n",
                form="number",
                metavar="COUNT",
                least=1,
                most=1000,
                about=N_("how many lines (default 50)"),
            ),
            JSON,
            run=run_log,
        ),
    ),
)
