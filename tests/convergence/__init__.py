# SPDX-License-Identifier: AGPL-3.0-or-later
"""Windows converge: random runs with cuts, restarts, slow readers and restored databases."""
