# SPDX-License-Identifier: BSD-2-Clause
"""A second opinion on the vectors: readers written from wire.md alone, not from the generator."""


def joined(value, unit):
    """Bytes or text, in one piece or in parts."""
    parts = value if isinstance(value, list) else [value]
    return unit("").join(
        unit(p) if isinstance(p, str) else unit(p["repeat"]) * p["times"] for p in parts
    )


def to_bytes(value):
    parts = value if isinstance(value, list) else [value]
    return b"".join(
        bytes.fromhex(p) if isinstance(p, str) else bytes.fromhex(p["repeat"]) * p["times"]
        for p in parts
    )


def to_text(value):
    return joined(value, str)
