# SPDX-License-Identifier: AGPL-3.0-or-later
"""Carbons (XEP-0280): what other devices of the account send and receive. No services of its own."""

from __future__ import annotations

from typing import Final

from salut.api.contract import Contract

CONTRACT: Final = Contract(plugin="carbons")
