# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fields that ``--json`` shows of accounts, invitations and servers; see ``shapes``."""

from __future__ import annotations

from salut.frontends.cli.shapes import MOMENT, NO_MOMENT, REQUIRED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTRATION: Mapping[str, object] = {
    "id": REQUIRED,
    "server": REQUIRED,
    "form": REQUIRED,
    "url": "",
    "media": (),
    "invited": False,
    "until": MOMENT,
}
INVITE: Mapping[str, object] = {
    "id": REQUIRED,
    "at": MOMENT,
    "until": MOMENT,
    "note": "",
    "used_by": "",
    "used_at": NO_MOMENT,
}
INVITATION: Mapping[str, object] = {
    "link": REQUIRED,
    "kind": REQUIRED,
    "address": REQUIRED,
    "server": REQUIRED,
    "account": False,
    "token": False,
    "name": "",
    "page": "",
    "until": NO_MOMENT,
    "id": "",
}
SOFTWARE: Mapping[str, object] = {"name": REQUIRED, "version": "", "os": ""}
CLOCK: Mapping[str, object] = {"utc": MOMENT, "ahead": REQUIRED}
OUTAGE: Mapping[str, object] = {
    "beginning": MOMENT,
    "expected_end": NO_MOMENT,
    "planned": False,
    "message": "",
    "source": "",
}
PREFERENCES: Mapping[str, object] = {"default": REQUIRED, "always": (), "never": ()}
MOVE: Mapping[str, object] = {"address": REQUIRED, "old": REQUIRED, "at": MOMENT}
