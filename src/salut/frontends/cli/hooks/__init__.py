# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `jp hook` is made of: definitions, filter, ledger, programs, runner."""
