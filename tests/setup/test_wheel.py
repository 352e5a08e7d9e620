# SPDX-License-Identifier: AGPL-3.0-or-later
"""The wheel, in an environment of its own: both commands are there and the daemon has all that it needs."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.setup.home import Home

ROOT = Path(__file__).parents[2]
SECONDS = 120


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this working copy."""
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("salut-*.whl")
    return found


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel, and this one's packages for all else."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=SECONDS)
    python = venv / "bin" / "python"
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-index",
        "--no-deps",
    ]
    subprocess.run([*pip, str(wheel)], check=True, timeout=SECONDS)
    (site,) = venv.glob("lib/python*/site-packages")
    # As plain folders: .pth files in them (an editable salut among them) are not followed.
    (site / "borrowed.pth").write_text("\n".join(_packages()) + "\n")
    return venv / "bin"


def _packages() -> list[str]:
    found = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return list(dict.fromkeys(found))


def test_wheel_holds_what_is_no_python(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "setup/units/salut.service",
        "setup/units/salut.socket",
        "share/man/man1/jp.1",
        "scripts/jp",
    ):
        assert any(name.endswith(part) for name in names), part
    assert not any("tests" in name or "devkit" in name for name in names)


def test_commands_of_the_wheel(programs: Path, home: Home) -> None:
    environment = {name: value for name, value in home.environment.items() if name != "PYTHONPATH"}

    def ran(*words: str) -> str:
        result = subprocess.run(
            [str(programs / words[0]), *words[1:]],
            capture_output=True,
            text=True,
            env=environment,
            timeout=SECONDS,
        )
        assert result.returncode == 0, (words, result.stdout, result.stderr)
        return result.stdout

    assert ran("jp", "--version") == "jp 0.1.0\n"
    assert ran("salut", "--version") == "salut 0.1.0\n"
    assert "doctor" in ran("salut", "--help")
    assert "--password-file" in ran("salut", "setup", "--help")
    assert not home.runtime.exists(), "help needs no daemon"
    where = ran("python", "-c", "import salut; print(salut.__file__)")
    assert where.startswith(str(programs.parent)), "the wheel's own code is what runs"
    ran("jp", "status")  # starts the daemon: plugins, migrations and all
    info = home.call("daemon.info")
    assert isinstance(info, dict)
    assert {"history", "chat", "setup"} <= {name for name, state in info["plugins"].items() if state == "ok"}
    assert Path(f"/proc/{info['pid']}/exe").readlink() == (programs / "python").resolve()
