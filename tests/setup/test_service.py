# SPDX-License-Identifier: AGPL-3.0-or-later
"""The systemd units, and the daemon as systemd would start it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from salut.client import wire
from salut.frontends.setup import service
from salut.model.errors import SalutError
from tests.setup.home import BOUND, Home

# Becomes the daemon with the socket as file descriptor 3, as sd_listen_fds(3) has it.
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "salut.frontends.setup", "daemon"])
"""


def installed(home: Home) -> dict[str, str]:
    """The units as ``salut service install`` writes them in a home without systemd."""
    del home.environment["SALUT_RUNTIME"]
    home.environment["XDG_RUNTIME_DIR"] = str(home.runtime)
    ran = home.run("service", "install")
    assert ran.returncode == 0, ran.stderr
    assert "systemctl --user enable salut.socket salut.service" in ran.stdout
    folder = Path(home.environment["HOME"]) / ".config" / "systemd" / "user"
    return {unit: (folder / unit).read_text() for unit in service.UNITS}


def test_units_start_this_installation_on_this_data(home: Home) -> None:
    assert home.run("service", "status").returncode == 3
    units = installed(home)
    lines = units["salut.service"].splitlines()
    assert f'ExecStart="{Path(sys.executable).parent / "salut"}" daemon' in lines
    assert f'Environment="SALUT_STATE={home.state}"' in lines
    assert "Type=notify" in lines and "NoNewPrivileges=yes" in lines
    assert "ListenStream=%t/salut/bridge.sock" in units["salut.socket"].splitlines()
    assert home.run("service", "status").returncode == 0
    assert home.run("service", "remove").returncode == 0
    assert home.run("service", "status").returncode == 3


def test_a_runtime_folder_of_ones_own_and_systemd_do_not_go_together(home: Home) -> None:
    ran = home.run("service", "install")
    assert ran.returncode == 2
    assert "SALUT_RUNTIME is set" in ran.stderr
    assert home.run("service", "status").returncode == 3


def test_special_characters_are_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALUT_STATE", '/a b/"c"/100%/\\d')
    assert 'Environment="SALUT_STATE=/a b/\\"c\\"/100%%/\\\\d"' in service.texts()["salut.service"]
    monkeypatch.setenv("SALUT_STATE", "/a\nExecStart=/bin/false")
    with pytest.raises(SalutError):
        service.texts()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(home: Home, tmp_path: Path) -> None:
    for unit, text in installed(home).items():
        program = f'"{Path(sys.executable).parent / "salut"}"'
        # Where the tests run without an installed salut, any program will do for the check.
        (tmp_path / unit).write_text(
            text if Path(program.strip('"')).exists() else text.replace(program, "/bin/true")
        )
    ran = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", *(str(tmp_path / unit) for unit in service.UNITS)],
        capture_output=True, text=True, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}, timeout=BOUND,
    )  # fmt: skip
    ours = [line for line in ran.stderr.splitlines() if "salut" in line]
    assert (ran.returncode, ours) == (0, []), ran.stderr
    (tmp_path / "salut.service").write_text("[Service]\nType=nonsense\n")
    bad = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", str(tmp_path / "salut.service")],
        capture_output=True, text=True, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}, timeout=BOUND,
    )  # fmt: skip
    assert "nonsense" in bad.stderr, "the check checks nothing"


def test_daemon_on_a_socket_that_was_handed_over(home: Home) -> None:
    home.runtime.mkdir(mode=0o700)
    notify = home.runtime / "notify.sock"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening,
    ):
        told.bind(str(notify))
        told.settimeout(BOUND)
        listening.bind(home.socket)
        listening.listen()
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(listening.fileno())],
            pass_fds=[listening.fileno()],
            env={**home.environment, "NOTIFY_SOCKET": str(notify)},
            stderr=subprocess.PIPE,
        )
        try:
            with wire.connect(
                home.socket, start=False
            ) as early:  # waits in the socket's queue until it answers
                assert early.call("daemon.info").value["pid"] == process.pid
                assert told.recv(100) == b"READY=1"
            stop = subprocess.Popen(
                [sys.executable, "-m", "salut.frontends.cli", "daemon", "stop"], env=home.environment
            )
            assert told.recv(100) == b"STOPPING=1"
            _out, errors = process.communicate(timeout=BOUND)
            assert process.returncode == 0, errors.decode()
            assert stop.wait(BOUND) == 0
            assert Path(home.socket).exists(), "the socket is systemd's, who starts the next daemon by it"
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


FAKE = """#!/bin/sh
echo "$*" >>"$HOME/asked"
case "$2" in is-enabled) echo disabled; exit 1 ;; is-active) echo active ;; esac
"""


def test_a_daemon_started_by_hand_hands_over(home: Home) -> None:
    folder = Path(home.environment["HOME"])
    (folder / "bin").mkdir()
    (folder / "bin" / "systemctl").write_text(FAKE)
    (folder / "bin" / "systemctl").chmod(0o755)
    del home.environment["SALUT_RUNTIME"]
    home.environment["XDG_RUNTIME_DIR"] = str(folder)
    home.environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    home.runtime = folder / "salut"
    (folder / "systemd").mkdir()
    (folder / "systemd" / "private").touch()
    jp = [sys.executable, "-m", "salut.frontends.cli", "daemon", "start"]
    subprocess.run(jp, env=home.environment, check=True, timeout=BOUND, capture_output=True)
    (folder / "asked").unlink()
    ran = home.run("service", "install")
    assert ran.returncode == 0, ran.stderr
    with pytest.raises(SalutError):
        home.call("daemon.info")
    units = " ".join(service.UNITS)
    assert (folder / "asked").read_text().splitlines() == [
        "--user daemon-reload", f"--user enable {units}", f"--user start {units}",
    ]  # fmt: skip
    assert "salut.service: active" in home.run("service", "status").stdout
    found = home.run("doctor").stdout
    assert "starts this installation" in found
    unit = folder / ".config" / "systemd" / "user" / "salut.service"
    unit.write_text(unit.read_text().replace("ExecStart=", "ExecStart=/elsewhere"))
    assert "starts another installation" in home.run("doctor").stdout
