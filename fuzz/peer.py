# SPDX-License-Identifier: BSD-2-Clause
"""Where the original is, for fuzz_original."""
import os
from pathlib import Path


def find_original(build):
    """Sets YOTON_PATH to where the set-up unpacked the original, unless it is set. Returns whether it is anywhere."""
    unpacked = Path(build).resolve() / "peer/pyzo/usr/share/pyzo/pyzo"
    if unpacked.is_dir():
        os.environ.setdefault("YOTON_PATH", str(unpacked))
    return "YOTON_PATH" in os.environ
