#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The generated parts of the specification are up to date, and an uncovered requirement is noticed."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
failed = False


def report(ok, name, output=""):
    global failed
    failed |= not ok
    print(("ok" if ok else "not ok") + f" - {name}")
    if not ok:
        print("\n".join("# " + line for line in output.splitlines()))


def update(folder, *more):
    done = subprocess.run(
        [sys.executable, str(folder / "update.py"), "--check", "--yotonspec", str(BUILD / "yotonspec"), *more],
        capture_output=True, text=True, timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def spoiled(edit):
    """Runs the check on a copy of the specification that `edit` has spoiled."""
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp) / "spec"
        shutil.copytree(ROOT / "spec", folder)
        edit(folder)
        return update(folder)


def add_requirement(folder):
    wire = folder / "wire.md"
    line = '- <a id="FRAME-999"></a>**FRAME-999** (MUST, observed) A test MUST notice this line.\n'
    wire.write_text(wire.read_text().replace("### 6.3 Signals\n", "### 6.3 Signals\n\n" + line))


def add_stray_word(folder):
    wire = folder / "wire.md"
    wire.write_text(wire.read_text().replace("## 7. Link\n", "## 7. Link\n\nA peer MUST do this.\n"))


def add_stale_reason(folder):
    with (folder / "reasons.txt").open("a") as reasons:
        reasons.write("\nFRAME-3: nobody knows\n")


print("1..4")
code, output = update(ROOT / "spec")
report(code == 0, "the specification, its index and the ledger agree", output)
code, output = spoiled(add_requirement)
report(code == 1 and "FRAME-999 has no case" in output, "a requirement without case or reason is refused", output)
code, output = spoiled(add_stray_word)
report(code == 1 and "RFC 2119 word outside" in output, "a normative sentence without an id is refused", output)
code, output = spoiled(add_stale_reason)
report(code == 1 and "FRAME-3 has cases and a reason" in output, "a stale reason is refused", output)
sys.exit(failed)
