# SPDX-License-Identifier: AGPL-3.0-or-later
"""Salut: a communication hub on XMPP. One daemon owns the accounts; any number of windows attach to it."""

__version__ = "0.1.0"
