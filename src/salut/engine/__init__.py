# SPDX-License-Identifier: AGPL-3.0-or-later
"""The engine: profiles, journal, store, tasks, plugin host, dispatcher. Knows no XMPP library and no window."""
