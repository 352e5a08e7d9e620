# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files and links that come with messages (XEP-0066, XEP-0447, XEP-0446, XEP-0300), by the standards' examples."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from salut.plugins.attachments import protocol
from salut.plugins.history.api import Message
from salut.plugins.history.content import Attachment

URL = "https://download.montague.lit/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/summit.jpg"
SUMMIT = f"""
<file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline'>
  <file xmlns='urn:xmpp:file:metadata:0'>
    <media-type>image/jpeg</media-type><name>summit.jpg</name><size>3032449</size>
    <width>4096</width><height>2160</height>
    <hash xmlns='urn:xmpp:hashes:2' algo='sha3-256'>2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=</hash>
    <hash xmlns='urn:xmpp:hashes:2' algo='id-blake2b256'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>
    <desc>Photo from the summit.</desc>
  </file>
  <sources>
    <url-data xmlns='http://jabber.org/protocol/url-data' target='{URL}' />
    <jinglepub xmlns='urn:xmpp:jinglepub:1' from='romeo@montague.lit/resource' id='9559976B'/>
  </sources>
</file-sharing>"""
WANTED = Attachment(
    url=URL, name="summit.jpg", type="image/jpeg", size=3_032_449, description="Photo from the summit.",
    width=4096, height=2160, inline=True,
    hashes={
        "sha3-256": "2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=",
        "id-blake2b256": "2AfMGH8O7UNPTvUVAM9aK13mpCY=",
    },
)  # fmt: skip


def test_a_shared_file_is_read_and_written_the_same() -> None:
    read = protocol.read_sharing(ET.fromstring(SUMMIT))
    assert read == WANTED
    message = Message(id=1, conversation="c", place=1, at=1, sender="s", body=URL, attachments=[WANTED])
    sharing, link = ET.fromstring(f"<m>{protocol.write(message)}</m>")
    assert protocol.read_sharing(sharing) == WANTED
    assert protocol.read_oob(link) == Attachment(url=URL)


def test_a_link_is_read() -> None:
    x = ET.fromstring(
        "<x xmlns='jabber:x:oob'><url>http://www.jabber.org/images/psa-license.jpg</url><desc>A licence</desc></x>"
    )
    assert protocol.read_oob(x) == Attachment(
        url="http://www.jabber.org/images/psa-license.jpg", description="A licence"
    )


def test_hostile_attachments_are_read_within_bounds() -> None:
    assert protocol.read_oob(ET.fromstring("<x xmlns='jabber:x:oob'><url> </url></x>")) is None
    long = "x" * (protocol.MAX_URL + 1)
    assert protocol.read_oob(ET.fromstring(f"<x xmlns='jabber:x:oob'><url>{long}</url></x>")) is None
    hashes = "".join(f"<hash xmlns='urn:xmpp:hashes:2' algo='a{n}'>{long}</hash>" for n in range(50))
    values = f"<name>{long}</name><size>-1</size><width>{'9' * 99}</width>{hashes}"
    file = f"<file xmlns='urn:xmpp:file:metadata:0'>{values}</file>"
    read = protocol.read_sharing(ET.fromstring(f"<file-sharing xmlns='urn:xmpp:sfs:0'>{file}</file-sharing>"))
    assert read is not None
    assert (read.size, len(read.hashes), len(read.name)) == (0, protocol.MAX_HASHES, protocol.MAX_NAME)
    assert max(len(value) for value in read.hashes.values()) <= 200
    assert protocol.read_sharing(ET.fromstring("<file-sharing xmlns='urn:xmpp:sfs:0'/>")) is None
