# SPDX-License-Identifier: AGPL-3.0-or-later
"""Displayed synchronization (XEP-0490): read on one device, read on all. No services of its own."""

from __future__ import annotations

from typing import Final

from salut.api.contract import Contract

CONTRACT: Final = Contract(plugin="mds")
