# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files of ``jp export`` and ``jp import``: one module a format."""
