# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finding a server and explaining what stands in the way, for ``salut setup`` and ``salut doctor``."""
