#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The corpora find a sample of the planted bugs, and what is not planted, or is none, is told. Prints TAP.
`make fuzz-selftest` tries all, with the fuzzers too."""
import argparse
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[1]
BUILD = os.environ.get("BUILD") or str(FUZZ.parent / "build")
sys.path.insert(0, str(FUZZ))
import floors  # noqa: E402
import owned  # noqa: E402
import planted  # noqa: E402
import selftest  # noqa: E402
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ci"))
from tap import finish, report  # noqa: E402  (it is no package)


def table():
    targets = {path.stem.removeprefix("fuzz_") for path in FUZZ.glob("fuzz_*.c")}
    report("every target has planted bugs", *sorted(targets ^ {bug[0] for bug in planted.PLANTED}))
    counts = {(target, name): (FUZZ.parent / path).read_text().count(was) for target, name, path, was, _ in planted.PLANTED}
    report("each can still be planted, in one place", *[f"{bug}: {count} places" for bug, count in counts.items() if count != 1])


def floors_and_findings():
    targets = {path.stem.removeprefix("fuzz_") for path in FUZZ.glob("fuzz_*.c")}
    report("every target has files of its own", *sorted(targets ^ set(owned.OWN)))
    report("what is left out of them is there", *[f"{path} has no line with {part!r}" for path, parts in owned.EXCLUDED.items() for part, _ in parts
                                                 if part not in (FUZZ.parent / path).read_text()])
    path, taken = "fuzz/owned.py", {"branches": 0, "taken": 0, "excluded": {}}
    lines = (FUZZ.parent / path).read_text().splitlines()
    number, other = lines.index("OWN = {") + 1, lines.index("EXCLUDED = {") + 1
    owned.EXCLUDED[path] = [("EXCLUDED =", "a reason")]
    missing = floors.branches_of(path, {"lines": [{"line_number": number, "branches": [{"count": 3}, {"count": 0}]}, {"line_number": other, "branches": [{"count": 0}]}]}, taken)
    report("branches are counted, and what is left out is told", (taken["branches"], taken["taken"]) != (2, 1) and taken, taken["excluded"] != {"a reason": [f"{path}:{other}"]} and taken,
           len(missing) != 1 and missing)
    names = re.findall(r"^\| (\w+) \|.*`([0-9a-f]{64})` \|$", (FUZZ / "FINDINGS.md").read_text(), re.M)
    report("every finding is in the corpus of its target", *[f"{target}: {name}" for target, name in names if not (FUZZ / "corpus" / target / name).exists()], not names and "no findings")
    inputs = [path for path in (FUZZ / "corpus").glob("*/*")]
    report("inputs are named by their SHA-256", *[str(path) for path in inputs if hashlib.sha256(path.read_bytes()).hexdigest() != path.name])
    size = sum(path.stat().st_size for path in inputs)
    report("the corpora have at most 1 MB", size > 1_000_000 and f"{size} bytes")


def sample():
    for target, name in (("frame", "errors do not stick"), ("handshake", "id 0 is good"), ("object", "true is 1 only"), ("capture", "TCP numbers do not wrap"), ("adapter", "an answer may come twice"),
                         ("reports", "an id that leads out of the folder")):
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
        floors_and_findings()
        sample()
        no_bug()
    sys.exit(finish())
