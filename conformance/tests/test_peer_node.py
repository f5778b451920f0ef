#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The third implementation, written from the specification alone: what it has conforms, and what it has not is said to be
unsupported. In the host role: `make conformance` judges both. Prints TAP."""
import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from support.spec_run import BUILD, differs, lacks, main, report

HAS = ("ADDR", "HS", "FRAME", "LINK", "ROUTE", "CTX", "SLOT", "MSG", "OBJ", "PUB", "SYNC", "LIMIT")
HAS_NOT = ("REQREP", "STATE", "CS")


def run(command, *arguments, **environment):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([BUILD / "yotonspec", command, "--peer", "node", "--report-dir", folder, *arguments], capture_output=True, text=True,
                              check=False, timeout=280, stdin=subprocess.DEVNULL, env={**os.environ, **environment})
        results = Path(folder) / "results.json"
        return done, json.loads(results.read_text())["cases"] if results.exists() else []


def cases():
    done, found = run("run", "--role", "host", *(word for topic in HAS for word in ("--case", f"{topic}-*")))
    counts = collections.Counter((c["id"].split("-")[0], c["verdict"]) for c in found)
    wrong = [f"{c['id']} as {c['role']}: {c['verdict']} {c['why']}" for c in found if c["verdict"] not in ("pass", "unsupported")]
    report("what it has conforms", differs("exit code", done.returncode, 0), *wrong, *(f"no {topic} passed" for topic in HAS if not counts[topic, "pass"]))
    refused = [c["id"] for c in found if c["verdict"] == "unsupported"]
    report("and all but what needs other channels is there", differs("unsupported", sorted(set(refused)), ["CTX-3.1", "LIMIT-7.1", "LIMIT-9.1", "SLOT-2.2", "SLOT-2.3"]))
    done, found = run("run", "--role", "host", *(word for topic in HAS_NOT for word in ("--case", f"{topic}-*")))
    report("what it has not is unsupported", differs("exit code", done.returncode, 0),
           differs("verdicts", {c["verdict"] for c in found}, {"unsupported"}))


def adapter():
    done, found = run("adapter-check")
    wrong = [f"{c['id']}: {c['verdict']} {c['why']}" for c in found if c["verdict"] not in ("pass", "unsupported")]
    report("its adapter is right", differs("exit code", done.returncode, 0), *wrong)


def missing():
    done, _ = run("run", "--case", "HS-1.1", NODE="/nonexistent/node")
    report("without node it cannot be judged, and one is told what to do", differs("exit code", done.returncode, 4),
           lacks("standard error", done.stderr, "/nonexistent/node"), lacks("standard error", done.stderr, "nodejs"))


if __name__ == "__main__":
    sys.exit(main(cases, adapter, missing))
