# SPDX-License-Identifier: AGPL-3.0-or-later
"""Test servers, demo and benches. Not part of the installed product."""
