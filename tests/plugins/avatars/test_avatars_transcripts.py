# SPDX-License-Identifier: AGPL-3.0-or-later
"""Avatars on the wire: the standards' own examples, forged announcements, pictures that are none."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import fromstring

import pytest

from salut.model.errors import SalutError
from salut.plugins.avatars import protocol, store
from salut.plugins.avatars.api import Avatar
from salut.plugins.avatars.images import MAX_BYTES, Kind, look
from salut.plugins.avatars.service import AvatarsService, sha1
from salut.plugins.pep.api import Event, Item
from tests.engine_kit import EngineKit, running_engine
from tests.plugins.avatars.test_avatars_server import png, shown

JULIET = "juliet@capulet.lit"
KEY = "111f4b3c50d7b0df729d299bc6f8e9ef9066971f"

# XEP-0084 example 3 (section 3.2).
METADATA = """<metadata xmlns='urn:xmpp:avatar:metadata'>
  <info bytes='12345' height='64' id='111f4b3c50d7b0df729d299bc6f8e9ef9066971f' type='image/png' width='64'/>
</metadata>"""

# Example 4: at a URL. We ask no server that a stranger names.
AT_URL = """<metadata xmlns='urn:xmpp:avatar:metadata'>
  <info bytes='23456' height='64' id='357a8123a30844a3aa99861b6349264ba67a5694' type='image/gif'
        url='http://avatars.example.org/happy.gif' width='64'/>
</metadata>"""


def test_metadata_is_read() -> None:
    read = protocol.read_metadata(JULIET, fromstring(METADATA))
    assert read == Avatar(address=JULIET, hash=KEY, type="image/png", size=12345, width=64, height=64)
    assert protocol.read_metadata(JULIET, fromstring(protocol.metadata(read))) == read
    assert protocol.read_metadata(JULIET, fromstring(protocol.metadata(None))) is None


def test_of_several_formats_the_first_that_the_data_node_has() -> None:
    both = METADATA.replace("<info", fromstring_text(AT_URL) + "<info", 1)
    read = protocol.read_metadata(JULIET, fromstring(both))
    assert read is not None and read.hash == KEY


def fromstring_text(metadata: str) -> str:
    """The ``<info/>`` in a metadata element."""
    return metadata.partition(">")[2].rpartition("<")[0]


@pytest.mark.parametrize(
    "payload",
    [
        AT_URL,
        METADATA.replace(KEY, "../../etc/passwd"),
        METADATA.replace(KEY, KEY[:-1]),
        METADATA.replace("image/png", "image/svg+xml"),
        METADATA.replace("12345", str(MAX_BYTES + 1)),
        METADATA.replace("urn:xmpp:avatar:metadata", "urn:other"),
        "<metadata xmlns='urn:xmpp:avatar:metadata'><stop/></metadata>",
    ],
)
def test_metadata_that_cannot_be_shown_is_none(payload: str) -> None:
    assert protocol.read_metadata(JULIET, fromstring(payload)) is None


def test_numbers_without_sense_are_nothing() -> None:
    read = protocol.read_metadata(JULIET, fromstring(METADATA.replace("'64'", "'-9x'")))
    assert read is not None and (read.width, read.height) == (0, 0)


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        # XEP-0153 examples 3, 6 and 7.
        (f"<x xmlns='vcard-temp:x:update'><photo>{KEY}</photo></x>", KEY),
        (f"<x xmlns='vcard-temp:x:update'><photo>{KEY.upper()}</photo></x>", KEY),
        ("<x xmlns='vcard-temp:x:update'/>", None),
        ("<x xmlns='vcard-temp:x:update'><photo/></x>", ""),
        ("<x xmlns='vcard-temp:x:update'><photo>../x</photo></x>", None),
        ("", None),
    ],
)
def test_what_a_presence_says(inner: str, said: str | None) -> None:
    assert protocol.read_update(fromstring(f"<presence xmlns='jabber:client'>{inner}</presence>")) == said


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (base64.encodebytes(b"x" * 100).decode(), b"x" * 100),  # line feeds MUST be accepted (section 4.1)
        ("  \n", None), ("", None), (None, None), ("no base64!", None),
        (base64.b64encode(b"x" * (MAX_BYTES + 1)).decode(), None),
        ("A" * (protocol.MAX_TEXT + 4), None),
    ],
)  # fmt: skip
def test_base64_is_bounded(text: str | None, content: bytes | None) -> None:
    assert protocol.read_base64(text) == content


JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9
    + b"\xff\xc0" + struct.pack(">HBHH", 17, 8, 48, 64) + b"\0" * 10
)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(side=7), Kind("image/png", 7, 7)),
        (b"GIF89a" + struct.pack("<HH", 3, 4), Kind("image/gif", 3, 4)),
        (JPEG, Kind("image/jpeg", 64, 48)),
        (b"\xff\xd8\xff\xe0\0\0" * 3, Kind("image/jpeg", 0, 0)),
        (b"RIFF....WEBPVP8X" + b"\0" * 8 + b"\x3f\0\0" + b"\x1f\0\0", Kind("image/webp", 64, 32)),
        (b"RIFF....WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 9 | 19 << 14), Kind("image/webp", 10, 20)),
        (b"RIFF....WEBPVP8 " + b"\0" * 10 + struct.pack("<HH", 5, 6), Kind("image/webp", 5, 6)),
        (b"RIFF....WEBPVP8X", Kind("image/webp", 1, 1)),
        (b"RIFF....WEBPVP8L", None),
        (b"\x89PNG\r\n\x1a\n....IHDR", None),
        (b"GIF89a", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"", None),
    ],
)  # fmt: skip
def test_the_bytes_decide_what_a_picture_is(content: bytes, kind: Kind | None) -> None:
    assert look(content) == kind


class FakePep:
    """Nodes that the test fills."""

    def __init__(self, nodes: dict[tuple[str, str], str]) -> None:
        self.nodes = nodes
        self.asked: list[tuple[str, str]] = []

    async def items(
        self, profile: str, node: str, *, of: str = "", ids: Any = (), most: int = 0
    ) -> list[Item]:
        self.asked.append((of, node))
        payload = self.nodes.get((of, node))
        return [Item("1", fromstring(payload))] if payload is not None else []


class FakeProtocol:
    """A server without vCards, which knows the link of the profile."""

    read_data = staticmethod(protocol.read_data)

    async def photo(self, _link: object, _address: str) -> bytes | None:
        return None


class Stage:
    """A profile without a session, whose contacts' nodes the test plays."""

    def __init__(self, kit: EngineKit) -> None:
        self.kit = kit
        self.service: AvatarsService = cast("Any", kit.engine.plugins.plugins["avatars"])._service
        self.pep = FakePep({})

    async def play(self, patch: pytest.MonkeyPatch) -> None:
        settings = {"enabled": False}
        await self.kit.call(
            "profiles.create", name="romeo", address="romeo@montague.lit", password="x", settings=settings
        )
        link = type("L", (), {"address": "romeo@montague.lit"})()
        host = type("H", (), {"link": lambda _self, _profile: link})()
        real = self.service._host
        for name in ("pid", "readers", "journal", "owner", "log", "address"):
            setattr(type(host), name, getattr(real, name) if name != "pid" else staticmethod(real.pid))
        type(host).address = staticmethod(real.address)  # type: ignore[attr-defined]
        patch.setattr(self.service, "_host", host)
        patch.setattr(self.service, "_pep", self.pep)
        patch.setattr(self.service, "protocol", FakeProtocol())
        patch.setattr(
            self.service, "_is_known", lambda _profile, whom: whom in (JULIET, "romeo@montague.lit")
        )

    async def event(self, payload: str | None, sender: str = JULIET) -> None:
        items = [Item(KEY, fromstring(payload))] if payload is not None else []
        await self.service._event("romeo", Event(sender=sender, node=protocol.METADATA, items=items))


async def test_forged_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path) as kit:
        stage = Stage(kit)
        await stage.play(monkeypatch)
        content = png()
        good = METADATA.replace(KEY, sha1(content))
        await stage.event(good, sender="mallory@capulet.lit")  # a stranger's picture is not kept
        assert await shown(kit, "romeo", "mallory@capulet.lit") is None
        await stage.event(good)
        assert (await shown(kit, "romeo", JULIET) or {})["hash"] == sha1(content)

        stage.pep.nodes[JULIET, protocol.DATA] = protocol.data(png(77))  # not what was announced
        with pytest.raises(SalutError) as caught:
            await kit.call("avatars.get", profile="romeo", address=JULIET)
        assert caught.value.code == "refused"

        stage.pep.nodes[JULIET, protocol.DATA] = protocol.data(content)
        picture = await kit.call("avatars.get", profile="romeo", address=JULIET)
        assert base64.b64decode(picture["data"]) == content
        asked = len(stage.pep.asked)
        await kit.call("avatars.get", profile="romeo", address=JULIET)
        assert len(stage.pep.asked) == asked  # section 3.4: a cached one MUST NOT be fetched again

        svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
        await stage.event(METADATA.replace(KEY, sha1(svg)))
        stage.pep.nodes[JULIET, protocol.DATA] = protocol.data(svg)
        with pytest.raises(SalutError) as caught:
            await kit.call("avatars.get", profile="romeo", address=JULIET)
        assert caught.value.code == "refused"

        await stage.event(protocol.metadata(None))
        assert await shown(kit, "romeo", JULIET) is None


async def test_a_presence_does_not_replace_what_an_event_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_engine(tmp_path) as kit:
        stage = Stage(kit)
        await stage.play(monkeypatch)
        await stage.event(METADATA)
        pid = kit.engine.journal.journals.pids["romeo"]
        for key in ("0" * 40, "", KEY):
            stage.service.announced("romeo", JULIET, "chamber", key)
            await stage.service._note("romeo")
        stage.service.announced("romeo", "mallory@capulet.lit", "x", "0" * 40)
        stage.service.announced("romeo", "romeo@montague.lit", "orchard", "0" * 40)
        assert stage.service._waiting == {}
        found = await kit.engine.readers.read(lambda read: store.page(read, pid, "", 10))
        assert [(avatar.address, avatar.hash, avatar.type) for avatar in found] == [
            (JULIET, KEY, "image/png")
        ]


async def test_many_presences_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_engine(tmp_path) as kit:
        stage = Stage(kit)
        await stage.play(monkeypatch)
        monkeypatch.setattr(stage.service, "_is_known", lambda _profile, _whom: True)
        monkeypatch.setattr(stage.service, "_roster", None)
        writes: list[str] = []
        commit = kit.engine.journal.commit

        async def counted(journal: str, *given: Any, **more: Any) -> Any:
            writes.append(journal)
            return await commit(journal, *given, **more)

        monkeypatch.setattr(kit.engine.journal, "commit", counted)
        for _again in range(3):
            for number in range(1_000):
                stage.service.announced("romeo", f"{number}@capulet.lit", "x", KEY)

        async def stored() -> bool:
            page = await kit.call("avatars.list", profile="romeo", limit=1_000)
            return len(page["items"]) == 1_000

        await kit.until(stored)
        assert writes == ["romeo"]


async def test_of_a_rooms_presences_only_its_own_shows_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XEP-0486: the room's bare address; an occupant's picture must not become the room's."""
    room = "coven@chat.shakespeare.lit"
    async with running_engine(tmp_path) as kit:
        stage = Stage(kit)
        await stage.play(monkeypatch)
        monkeypatch.setattr(stage.service, "_is_known", lambda _profile, whom: whom == room)
        rooms = type("R", (), {"is_room": staticmethod(lambda _profile, bare: bare == room)})()
        monkeypatch.setattr(stage.service, "_rooms", rooms)
        stage.service.announced("romeo", room, "mallory", "0" * 40)
        assert stage.service._waiting == {}
        stage.service.announced("romeo", room, "", KEY)

        async def seen() -> bool:
            return (await shown(kit, "romeo", room) or {}).get("hash") == KEY

        await kit.until(seen)


async def test_bytes_are_kept_within_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_BYTES", 1000)
    monkeypatch.setattr(store, "MOST_ADDRESSES", 3)
    async with running_engine(tmp_path) as kit:
        await Stage(kit).play(monkeypatch)
        for number in range(5):
            known = store.Known(Avatar(address=f"{number}@capulet.lit", hash=f"{number:040x}"), "pep")
            await kit.engine.journal.commit("romeo", lambda tx, known=known: store.put(tx, known))
            key = known.avatar.hash
            await kit.engine.journal.commit("romeo", lambda tx, key=key: store.keep(tx, key, b"x" * 400))
        pid = kit.engine.journal.journals.pids["romeo"]
        kept = await kit.engine.readers.read(
            lambda read: [n for n in range(5) if store.data(read, pid, f"{n:040x}") is not None]
        )
        assert kept == [3, 4]
        assert len(await kit.engine.readers.read(lambda read: store.page(read, pid, "", 10))) == 3
