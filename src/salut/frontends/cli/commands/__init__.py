# SPDX-License-Identifier: AGPL-3.0-or-later
"""The commands, one module each: its declaration (``COMMAND``) and what it does."""
