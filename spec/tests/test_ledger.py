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
        shutil.copytree(ROOT / "conformance/mutants", Path(temp) / "conformance/mutants")
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


def drop_mutant(folder):
    (folder.parent / "conformance/mutants/address-without-host.patch").unlink()


def retire(folder):
    ids = folder / "ids.txt"
    ids.write_text(ids.read_text().replace("\nFRAME-3.1\n", "\nFRAME-3.1 retired: it was another case\n"))


def forget(folder):
    with (folder / "ids.txt").open("a") as ids:
        ids.write("FRAME-3.99\n")


print("1..7")
code, output = update(ROOT / "spec")
report(code == 0, "the specification, its index and the ledger agree", output)
code, output = spoiled(add_requirement)
report(code == 1 and "FRAME-999 has no case" in output, "a requirement without case or reason is refused", output)
code, output = spoiled(add_stray_word)
report(code == 1 and "RFC 2119 word outside" in output, "a normative sentence without an id is refused", output)
code, output = spoiled(add_stale_reason)
report(code == 1 and "FRAME-3 has cases and a reason" in output, "a stale reason is refused", output)
code, output = spoiled(drop_mutant)
report(code == 1 and "ADDR-1 has cases, and no mutant" in output, "a MUST that no mutant proves is refused", output)
code, output = spoiled(retire)
report(code == 1 and "FRAME-3.1 is retired (it was another case)" in output, "a retired id is refused", output)
code, output = spoiled(forget)
report(code == 1 and "FRAME-3.99 is gone" in output, "an id that goes without a word is noticed", output)
sys.exit(failed)
