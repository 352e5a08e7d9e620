# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bindings: how windows reach the engine. Knows no feature."""
