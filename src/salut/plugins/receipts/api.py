# SPDX-License-Identifier: AGPL-3.0-or-later
"""Receipts (XEP-0184): own messages become ``delivered``. No services of its own."""

from __future__ import annotations

from typing import Final

from salut.api.contract import Contract

CONTRACT: Final = Contract(plugin="receipts")
