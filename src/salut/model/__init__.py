# SPDX-License-Identifier: AGPL-3.0-or-later
"""The vocabulary that all features share: frozen structs and pure functions, no I/O.

Import the module that holds the word you need; this package imports nothing by itself, so that the
command line pays only for what it uses.
"""
