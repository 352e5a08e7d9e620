# SPDX-License-Identifier: AGPL-3.0-or-later
"""The command ``salut``: the daemon in the foreground, the first account, the service, and the doctor."""
