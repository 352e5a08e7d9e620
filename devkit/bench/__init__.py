# SPDX-License-Identifier: AGPL-3.0-or-later
"""The benches: each figure beside a floor that was measured in the same run. See docs/bench.md."""
