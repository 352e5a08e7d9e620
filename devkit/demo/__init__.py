# SPDX-License-Identifier: AGPL-3.0-or-later
"""``make demo``: a private server, the daemon, three accounts, and what they say to each other."""
