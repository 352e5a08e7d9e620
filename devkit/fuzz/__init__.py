# SPDX-License-Identifier: AGPL-3.0-or-later
"""``make fuzz``: hostile stanzas, bytes and bridge frames against a running daemon."""
