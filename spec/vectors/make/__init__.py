# SPDX-License-Identifier: BSD-2-Clause
"""The tables the vectors are made from, one module for each kind, and the original that gives the values."""
