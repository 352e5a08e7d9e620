# SPDX-License-Identifier: AGPL-3.0-or-later
"""Client state (XEP-0352): while no window is looked at, the server may hold back what can wait. No services of its
own."""

from __future__ import annotations

from typing import Final

from salut.api.contract import Contract

CONTRACT: Final = Contract(plugin="csi")
