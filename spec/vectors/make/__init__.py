# SPDX-License-Identifier: BSD-2-Clause
"""The tables the vectors are made from, and the original that gives the values."""
