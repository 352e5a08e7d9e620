# SPDX-License-Identifier: AGPL-3.0-or-later
"""``doap.xml`` says what the code supports: no more, and no less."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from devkit import doap
from tests.engine_kit import running_engine

SRC = doap.ROOT / "src" / "salut"
TABLE = doap.evidence()
XEPS: dict[str, dict[str, Any]] = {number: entry for number, entry in TABLE.items() if number.isdecimal()}
OTHER = {name for entry in TABLE["other"].values() for name in entry["names"]}
CLAIMED = {name for entry in XEPS.values() for name in entry["names"]}
NAMESPACE = re.compile(
    r"""["'{](urn:[\w:.#-]+|https?://(?!DOMAIN|\()[\w:./#-]+[\w]|jabber:[\w:]+|vcard-temp[\w:]*|storage:\w+|eu\.siacs[\w.]+)"""
)
NO_PROTOCOL = ("frontends/", "bridge/", "client/", "daemon/", "engine/")  # nothing of XMPP stands there

SUITE = (  # XEP-0479 (2023): Core, IM Core and IM Advanced, without what is not claimed
    "0030", "0115", "0163", "0368", "0045", "0054", "0084", "0085", "0153", "0172", "0184", "0191", "0198", "0223",
    "0249", "0280", "0308", "0313", "0333", "0352", "0398", "0402", "0410", "0421",
)  # fmt: skip


def source_of(module: str) -> str:
    found = importlib.util.find_spec(module)
    assert found is not None, f"there is no {module}"
    assert found.origin is not None
    return Path(found.origin).read_text(encoding="utf-8")


def stands(name: str, text: str) -> bool:
    """Whether a namespace stands in a source, not only as the beginning of another."""
    return re.search(rf"{re.escape(name)}(?![\w-])", text) is not None


def test_it_is_written_from_the_table() -> None:
    assert doap.DOAP.read_text(encoding="utf-8") == doap.written(TABLE), "run: python -m devkit.doap"
    spaces = {"x": "https://linkmauve.fr/ns/xmpp-doap#"}
    entries = ET.parse(doap.DOAP).getroot().findall(".//x:SupportedXep", spaces)
    assert len(entries) == len(XEPS)
    assert {entry.findtext("x:status", "", spaces) for entry in entries} <= {"complete", "partial"}


@pytest.mark.parametrize("number", XEPS)
def test_c25_what_is_claimed_is_there_and_tested(number: str) -> None:
    entry = XEPS[number]
    assert entry["modules"], "no module implements it"
    assert entry["tests"], "no test shows it"
    sources = [source_of(module) for module in entry["modules"]]
    for name in entry["names"]:
        assert any(stands(name, source) for source in sources), f"{name} stands in none of its modules"
    for test in entry["tests"]:
        file, _, function = test.partition("::")
        text = (doap.ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {re.escape(function)}\(", text, re.MULTILINE), f"there is no {test}"
    if entry["status"] == "partial":
        assert entry.get("note"), "say what is missing"


async def test_what_is_announced_is_claimed(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as kit:
        announced = kit.wires.shared.disco.info.features
    for feature in announced:
        name = feature.removesuffix("+notify")
        assert name in CLAIMED | OTHER or name.partition("#")[0] in CLAIMED, f"nobody claims {feature}"


def test_what_the_code_speaks_is_claimed() -> None:
    unknown: dict[str, str] = {}
    for path in sorted(SRC.rglob("*.py")):
        place = path.relative_to(SRC).as_posix()
        for name in NAMESPACE.findall(path.read_text(encoding="utf-8")):
            base = name.rstrip(":")
            if not place.startswith(NO_PROTOCOL) and not any(
                known == base or known.startswith(f"{base}:") or base.startswith(f"{known}#")
                for known in CLAIMED | OTHER
            ):
                unknown[name] = place
    assert unknown == {}


def test_the_suite_of_2023() -> None:
    """What XEP-0479 asks of a client at these levels is claimed; XEP-0363 (upload) is its one gap."""
    assert [number for number in SUITE if number not in XEPS] == []
    assert "0363" not in XEPS, "claim XEP-0479 whole, then"
