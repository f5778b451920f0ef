#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`yotonspec adapter-check`: good adapters pass it, and each check notices an adapter that is wrong in just that.
Prints TAP."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from support.spec_run import BUILD, ROOT, differs, lacks, main, report
from support.wrong_adapter import FAULTS

WRONG = ROOT / "conformance/tests/support/wrong_adapter.py"
PYZO = os.environ.get("YOTON_PATH") or str(BUILD / "peer/pyzo/usr/share/pyzo/pyzo")


def check(*arguments):
    """(exit code, id -> verdict, whole output) of one adapter-check."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([BUILD / "yotonspec", "adapter-check", "--report-dir", folder, *arguments], capture_output=True, text=True,
                              check=False, timeout=120, stdin=subprocess.DEVNULL, env={**os.environ, "YOTON_PATH": PYZO})
        results = Path(folder) / "results.json"
        cases = json.loads(results.read_text())["cases"] if results.exists() else []
    return done.returncode, {c["id"]: c["verdict"] for c in cases}, done.stdout + done.stderr


def wrong(fault):
    return f"{sys.executable} {WRONG} {fault} {BUILD}/yoton agent"


def listed():
    """Every item of the check-list has a check, and every check a fault that proves it."""
    done = subprocess.run([BUILD / "yotonspec", "list", "--adapter", "--json"], capture_output=True, text=True, check=True, timeout=60)
    checks = json.loads(done.stdout)
    items = re.findall(r'^- <a id="(AD-\d+)">', (ROOT / "conformance/ADAPTER.md").read_text(), re.M)
    report("every item of ADAPTER.md's check-list has a check", differs("items", sorted({c["requirement"] for c in checks}), sorted(items)))
    report("every check has an adapter that is wrong in just that",
           differs("checks", sorted({check for check, _ in FAULTS.values()}), sorted(c["id"] for c in checks)))
    return len(checks)


def good():
    count = listed()
    for whom in (("--peer", "reference"), ("--command", wrong("none"))) + ((("--peer", "pyzo"),) if Path(PYZO).is_dir() else ()):
        code, verdicts, output = check(*whom)
        report(f"{whom[1].split('/')[-1]} passes all", differs("exit code", code, 0), differs("checks", len(verdicts), count),
               differs("verdicts", set(verdicts.values()), {"pass"}) and output)


def bad():
    def one(name):
        return name, *check("--command", wrong(name), "--case", FAULTS[name][0])

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for name, code, verdicts, output in pool.map(one, FAULTS):
            report(f"{FAULTS[name][0]} notices an adapter that is wrong: {name}", differs("exit code", code, 1),
                   differs("verdicts", verdicts, {FAULTS[name][0]: "fail"}) and output)


def told():
    code, _, output = check("--command", wrong("any-protocol"), "--case", "AD-1.2")
    report("a failure shows what was asked, what came and what ADAPTER.md says", differs("exit code", code, 1),
           *(lacks("output", output, part) for part in ("protocol 9999: expected `unsupported`", '"op":"hello"', '"ok": true',
                                                        "`unsupported` to a protocol", "adapter-check --command", "--case AD-1.2")))
    code, _, output = check("--command", wrong("any-protocol"), "--role", "host")
    report("--role is none of its options", differs("exit code", code, 2), lacks("output", output, "--role"))
    code, _, output = check("--address", "127.0.0.1:1")
    report("an address has no adapter", differs("exit code", code, 2), lacks("output", output, "no adapter to judge"))
    code, _, output = check("--command", f"{sys.executable} -c pass")
    report("an adapter that says nothing at all is told so", differs("exit code", code, 4), lacks("output", output, "cannot be judged"))


if __name__ == "__main__":
    sys.exit(main(good, bad, told))
