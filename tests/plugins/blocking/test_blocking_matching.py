# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which addresses an entry covers (XEP-0191 section 5)."""

from __future__ import annotations

import pytest

from salut.plugins.blocking.matching import covers


@pytest.mark.parametrize(
    ("entry", "covered", "free"),
    [
        ("a@x.example/d", ["a@x.example/d", "A@X.example/d"], ["a@x.example", "a@x.example/e", "b@x.example/d"]),
        ("a@x.example", ["a@x.example", "a@x.example/d", "A@x.Example/d"], ["x.example", "b@x.example"]),
        ("x.example/d", ["x.example/d", "a@x.example/d"], ["x.example", "x.example/e"]),
        ("x.example", ["x.example", "x.example/d", "a@x.example", "a@x.example/d"],
         ["y.x.example", "a@y.x.example", "a@evilx.example", "x.example@y.example", "a@y.example/x.example"]),
    ],
)  # fmt: skip
def test_matching(entry: str, covered: list[str], free: list[str]) -> None:
    assert [address for address in covered if not covers({entry}, address)] == []
    assert [address for address in free if covers({entry}, address)] == []
