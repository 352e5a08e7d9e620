# SPDX-License-Identifier: AGPL-3.0-or-later
"""What windows share without a toolkit: styling of texts (XEP-0393), /me (XEP-0245), colours of names (XEP-0392)."""
