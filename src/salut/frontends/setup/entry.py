# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command ``salut``. Its help needs neither daemon nor heavy imports."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from salut.frontends.cli import exits
from salut.model.errors import SalutError
from salut.model.words import _

MAX_PORT = 65_535


def main(words: Sequence[str] | None = None) -> int:
    """Run ``salut`` with ``words`` (default: the process's). Returns the exit code (those of ``jp``)."""
    given = list(sys.argv[1:] if words is None else words)
    if given[:1] == ["daemon"]:  # it has a command line of its own
        from salut.daemon.main import main as daemon

        daemon(given[1:])
        return exits.OK
    options = parser().parse_args(given)
    for stream in (sys.stdout, sys.stderr):  # a server's words may hold what the terminal's encoding lacks
        getattr(stream, "reconfigure", _nothing)(errors="backslashreplace")
    try:
        return _run(options)
    except SalutError as error:
        from salut.frontends.cli import show

        sys.stdout.flush()
        sys.stderr.write(f"salut: {show.harmless(error.message)}\n")
        return exits.of(error.code)
    except (KeyboardInterrupt, EOFError):
        sys.stderr.write("\n")
        return exits.INTERRUPTED


def _nothing(errors: str) -> None:
    """For streams that tests put in the place of the process's."""


def _run(options: argparse.Namespace) -> int:
    if options.command == "setup":
        from salut.frontends.setup import wizard

        return wizard.run(options)
    if options.command == "doctor":
        from salut.frontends.setup import doctor

        return doctor.run(as_json=options.json)
    from salut.frontends.setup import service

    return service.run(options.action)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from salut import __version__

    top = argparse.ArgumentParser(
        prog="salut",
        description=_(
            "A communication hub on XMPP: one daemon holds your accounts, any number of windows attach."
        ),
        epilog=_("Talk with “jp”, the window for the command line: jp --help"),
    )
    top.add_argument("-V", "--version", action="version", version=f"salut {__version__}")
    commands = top.add_subparsers(dest="command", metavar=_("COMMAND"), required=True)
    _setup(commands.add_parser("setup", help=_("add your XMPP account, step by step"), description=SETUP()))
    doctor = commands.add_parser(
        "doctor",
        help=_("look for what is wrong, and say what to do"),
        description=_(
            "Looks at this machine, the daemon and every account. Changes nothing. Exit code 1: a problem."
        ),
    )
    doctor.add_argument("--json", action="store_true", help=_("write JSON for programs"))
    service = commands.add_parser(
        "service",
        help=_("have systemd start the daemon with your session"),
        description=_("The systemd user service of the daemon, with the socket that starts it when needed."),
    )
    service.add_argument("action", choices=("install", "remove", "status"))
    commands.add_parser("daemon", help=_("run the daemon in the foreground"), add_help=False)
    return top


def SETUP() -> str:  # noqa: N802 - a text, translated when it is shown
    """What ``salut setup`` says of itself."""
    return _(
        "Adds an account that you have on an XMPP server: finds the server, explains what is in the way, and waits"
        " until you are online. Asks for what is not given; without a terminal everything must be given."
    )


def _setup(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "address",
        nargs="?",
        metavar=_("ADDRESS"),
        help=_("your address: name@server; or an invitation's link; with --new: the server"),
    )
    command.add_argument("--new", action="store_true", help=_("make a new account on a server"))
    command.add_argument(
        "--user", metavar=_("NAME"), help=_("the new account's name (the part before the @)")
    )
    command.add_argument("--name", help=_("short name for the account here (default: the part before the @)"))
    command.add_argument("--host", help=_("server to connect to (default: found through DNS)"))
    command.add_argument("--port", type=_port, metavar="PORT", help=_("its port"))
    command.add_argument(
        "--tls",
        choices=("start", "direct"),
        help=_("start TLS in the stream, or speak TLS from the first byte (default: what works)"),
    )
    command.add_argument(
        "--ca-file", metavar="FILE", help=_("trust this certificate authority for the account")
    )
    command.add_argument(
        "--pins", metavar="SHA256,…", default="",
        help=_("accept exactly the certificates with these fingerprints"),
    )  # fmt: skip
    command.add_argument(
        "--password-file",
        metavar="FILE",
        help=_("take the password from the first line of a file; “-”: standard input"),
    )
    command.add_argument(
        "--password-command",
        metavar="COMMAND",
        help=_("take the password from the first line that a shell command writes, such as “pass show xmpp”"),
    )
    systemd = command.add_mutually_exclusive_group()
    systemd.add_argument(
        "--systemd", action="store_true", default=None, help=_("have systemd start the daemon, do not ask")
    )
    systemd.add_argument(
        "--no-systemd", action="store_false", dest="systemd", help=_("leave systemd alone, do not ask")
    )


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= MAX_PORT:
        raise ValueError
    return port


_port.__name__ = "port"  # argparse says: invalid port value
