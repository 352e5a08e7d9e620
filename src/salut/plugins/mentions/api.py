# SPDX-License-Identifier: AGPL-3.0-or-later
"""Mentions: who is named in a message (XEP-0372, XEP-0513). No services of its own."""

from __future__ import annotations

from typing import Final

from salut.api.contract import Contract

CONTRACT: Final = Contract(plugin="mentions")
