# SPDX-License-Identifier: AGPL-3.0-or-later
"""``doap.xml``: what is supported, in the XSF's form, written from ``tests/docs/doap_evidence.toml``."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

ROOT: Final = Path(__file__).parents[1]
EVIDENCE: Final = ROOT / "tests" / "docs" / "doap_evidence.toml"
DOAP: Final = ROOT / "doap.xml"
HEAD: Final = """<?xml version='1.0' encoding='UTF-8'?>
<!-- SPDX-License-Identifier: AGPL-3.0-or-later. Written by devkit/doap.py from tests/docs/doap_evidence.toml. -->
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'
         xmlns='http://usefulinc.com/ns/doap#'
         xmlns:xmpp='https://linkmauve.fr/ns/xmpp-doap#'>
  <Project>
    <name>Salut</name>
    <shortdesc xml:lang='en'>A communication hub on XMPP: one daemon, many windows</shortdesc>
    <programming-language>Python</programming-language>
    <os>Linux</os>
    <license rdf:resource='https://spdx.org/licenses/AGPL-3.0-or-later.html'/>
    <implements rdf:resource='https://xmpp.org/rfcs/rfc6120.html'/>
    <implements rdf:resource='https://xmpp.org/rfcs/rfc6121.html'/>
    <implements rdf:resource='https://xmpp.org/rfcs/rfc7590.html'/>
    <implements rdf:resource='https://xmpp.org/rfcs/rfc7622.html'/>
"""
ENTRY: Final = """    <implements>
      <xmpp:SupportedXep>
        <xmpp:xep rdf:resource='https://xmpp.org/extensions/xep-{number}.html'/>
        <xmpp:status>{status}</xmpp:status>
        <xmpp:version>{version}</xmpp:version>{note}
      </xmpp:SupportedXep>
    </implements>
"""


def evidence() -> dict[str, dict[str, Any]]:
    """The table: by number; ``other`` beside them."""
    return tomllib.loads(EVIDENCE.read_text(encoding="utf-8"))


def written(table: dict[str, dict[str, Any]]) -> str:
    """The file."""
    entries = []
    for number, entry in sorted(table.items()):
        if not number.isdecimal():
            continue
        note = f"\n        <xmpp:note>{escape(entry['note'])}</xmpp:note>" if entry.get("note") else ""
        entries.append(
            ENTRY.format(number=number, status=entry["status"], version=entry["version"], note=note)
        )
    return HEAD + "".join(entries) + "  </Project>\n</rdf:RDF>\n"


def main() -> int:
    """Write it."""
    DOAP.write_text(written(evidence()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
