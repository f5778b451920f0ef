#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The corpora find a sample of the planted bugs, and what is not planted, or is none, is told. Prints TAP.
`make fuzz-selftest` tries all, with the fuzzers too."""
import argparse
import os
import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[1]
BUILD = os.environ.get("BUILD") or str(FUZZ.parent / "build")
sys.path.insert(0, str(FUZZ))
import planted  # noqa: E402
import selftest  # noqa: E402
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ci"))
from tap import finish, report  # noqa: E402  (it is no package)


def table():
    targets = {path.stem.removeprefix("fuzz_") for path in FUZZ.glob("fuzz_*.c")}
    report("every target has planted bugs", *sorted(targets ^ {bug[0] for bug in planted.PLANTED}))
    counts = {(target, name): (FUZZ.parent / path).read_text().count(was) for target, name, path, was, _ in planted.PLANTED}
    report("each can still be planted, in one place", *[f"{bug}: {count} places" for bug, count in counts.items() if count != 1])


def sample():
    for target, name in (("frame", "errors do not stick"), ("handshake", "id 0 is good"), ("object", "true is 1 only"), ("capture", "TCP numbers do not wrap")):
        done = subprocess.run([sys.executable, FUZZ / "selftest.py", "--build", BUILD, "--corpus-only", "--target", target, name], capture_output=True, text=True, check=False,
                              timeout=300)
        report(f"the corpus finds it: {target}, {name}", done.returncode and done.stdout + done.stderr)


def no_bug():
    path, options = "reference/src/wire/frame.c", argparse.Namespace(build=Path(BUILD), corpus_only=True)
    found, _, _ = selftest.judge(("frame", "no bug", path, "*consumed = 0;", "*consumed = 0; /* as it was */"), options)
    report("what is no bug is not found", found and "it was")
    try:
        selftest.judge(("frame", "gone", path, "no such text", ""), options)
        report("what cannot be planted is told", "it was not")
    except selftest.Broken as error:
        report("what cannot be planted is told", "0 times" not in str(error) and error)


if __name__ == "__main__":
    if not os.path.exists(os.path.join(BUILD, "fuzz/libcapture.a")):
        report("the fuzz targets # SKIP they are not built; make fuzzers does that")
    else:
        table()
        sample()
        no_bug()
    sys.exit(finish())
