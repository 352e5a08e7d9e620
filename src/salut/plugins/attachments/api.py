# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files and links that come with messages (XEP-0066, XEP-0447): kept as data, nothing is fetched. No services of its
own."""

from __future__ import annotations

from typing import Final

from salut.api.contract import Contract

CONTRACT: Final = Contract(plugin="attachments")
