# SPDX-License-Identifier: AGPL-3.0-or-later
"""See DESIGN: floor client."""
