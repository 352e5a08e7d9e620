# SPDX-License-Identifier: AGPL-3.0-or-later
"""What kind of picture some bytes are, and its size in pixels, from its head alone. Nothing is decoded."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

MAX_BYTES: Final = 1 << 20
TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MOST_SEGMENTS: Final = 500  # of a JPEG that are looked at


class Kind(msgspec.Struct, frozen=True):
    """Type and pixels; 0 where the head does not say."""

    type: str
    width: int = 0
    height: int = 0


def look(data: bytes) -> Kind | None:
    """What ``data`` is; ``None`` for what is none of ``TYPES``. The bytes decide, never what somebody says."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
            return Kind("image/png", *struct.unpack(">II", data[16:24]))
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return Kind("image/gif", *struct.unpack("<HH", data[6:10]))
        if data[:3] == b"\xff\xd8\xff":
            return Kind("image/jpeg", *_jpeg(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return Kind("image/webp", *_webp(data))
    except struct.error:
        pass
    return None


def _jpeg(data: bytes) -> tuple[int, int]:
    """The first frame header (SOF0 to SOF15 but for tables)."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        if data[at : at + 1] != b"\xff" or at + 9 > len(data):
            break
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        if marker == 0xFF:
            at += 1
            continue
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        at += 2 + max(length, 2)
    return 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    """The three forms: lossy, lossless, extended."""
    form = data[12:16]
    if form == b"VP8X":
        return (int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    if form == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0
