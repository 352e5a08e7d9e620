# SPDX-License-Identifier: AGPL-3.0-or-later
"""Displayed markers (XEP-0333): own messages become ``read``. No services of its own."""

from __future__ import annotations

from typing import Final

from salut.api.contract import Contract

CONTRACT: Final = Contract(plugin="markers")
