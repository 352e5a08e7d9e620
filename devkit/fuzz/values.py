# SPDX-License-Identifier: AGPL-3.0-or-later
"""Values for the fields of stanzas and frames: mostly sensible, sometimes as nobody should send them.

All come from short fixed lists, so that what is legitimately kept by value (contacts, conversations) stays bounded.
"""

from __future__ import annotations

from random import Random
from typing import Final

OWN: Final = "user@localhost"
DOMAIN: Final = "localhost"
ROOM: Final = "room@muc.localhost"
CONTACTS: Final = tuple(f"sender{n}@localhost" for n in range(10))
STRANGERS: Final = tuple(f"stranger{n}@elsewhere.example" for n in range(10))
OCCUPANTS: Final = tuple(f"{ROOM}/{nick}" for nick in ("fox", "owl", "Salut", "fox ", "né", "a/b"))
ODD: Final = (
    "", " ", "\u202eevil\u202c", "a\u200bb", "\ufdd0", "\U0001fffe", "\U0010ffff", "\x85", "e\u0301" * 50,
    "😀" * 100, "\u0000".replace("\u0000", "%00"), "' OR 1=1 --", "../../etc/passwd", "<b>&amp;</b>", "]]>",
    "{urn:x}y", "%s%n%d", "\t\n\r", "a" * 4000, "NaN", "Infinity", "-0", "true", "null",
)  # fmt: skip
BAD_JIDS: Final = (
    "", "@", "/", "a@", "@b", "a@b@c", "a b@c", "user@localhost@", "user@localhost/", "USER@LOCALHOST",
    "user@localhost\u200b", "üser@localhost", "u" * 1024 + "@localhost", "x@" + "d" * 1200, "a@b/" + "r" * 2000,
    "a@[::1]", "a@-b", "a@b..c", "\u202e@c", "<a>@b", "user@localhost/\u202e", "xn--a@xn--0", "..", "a@b/\n",
)  # fmt: skip
BAD_DATES: Final = (
    "", "yesterday", "2024-13-45T99:99:99Z", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "99999-01-01T00:00:00Z", "-2024-01-01T00:00:00Z", "2024-01-01", "20240101T000000",
    "2024-01-01T00:00:00." + "9" * 500 + "Z", "1e999", "२०२४-०१-०१T00:00:00Z", "2024-02-30T00:00:00Z",
    "1969-12-31T23:59:59Z", "2262-04-12T00:00:00Z", "2024-01-01T00:00:00+99:99", "2024-06-30T23:59:60Z",
)  # fmt: skip
BAD_NUMBERS: Final = (
    "", "-1", "0", "1.5", "1e999", "NaN", "9" * 20, "9" * 5000, "0x10", "٣", "²", "+1", " 7 ", "2147483648",
    "18446744073709551616", "-9223372036854775809", "1_000", "true",
)  # fmt: skip
TEXTS: Final = ("hello", "a longer text of some words", "*bold* _it_", "https://e.example/a.png", "/me waves")


def value(random: Random, kind: str, number: int) -> str:
    """A value for a field of ``kind``: ``jid date id int text``; one in six is hostile."""
    hostile = random.random() < 0.16
    match kind:
        case "jid":
            return random.choice(BAD_JIDS) if hostile else address(random)
        case "date":
            good = f"20{random.randrange(10, 40)}-0{random.randrange(1, 9)}-1{random.randrange(9)}T12:00:00Z"
            return random.choice(BAD_DATES) if hostile else good
        case "id":
            return (
                random.choice(ODD)
                if hostile
                else f"z{random.choice((number, number - random.randrange(50), 7))}"
            )
        case "int":
            return random.choice(BAD_NUMBERS) if hostile else str(random.randrange(20))
        case _:
            return random.choice(ODD) if hostile else random.choice(TEXTS)


def address(random: Random) -> str:
    """Somebody's good address, full or bare."""
    return random.choice(
        (
            random.choice(CONTACTS), random.choice(CONTACTS) + "/phone", random.choice(STRANGERS),
            random.choice(STRANGERS) + "/x", random.choice(OCCUPANTS), ROOM, OWN, OWN + "/other", DOMAIN,
        )
    )  # fmt: skip
