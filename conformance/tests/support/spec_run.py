# SPDX-License-Identifier: BSD-2-Clause
"""Runs of yotonspec with made-up adapters, for its tests: what came out, and what is left of it. And their TAP."""
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("BUILD") or ROOT / "build")
SPEC = os.environ.get("YOTONSPEC") or str(BUILD / "yotonspec")
YOTON = os.environ.get("YOTON") or str(BUILD / "yoton")
ADAPTER = Path(__file__).resolve().parent / "misbehaving_adapter.py"
PYTHON = f"'{sys.executable}' -S -E"


class Tap:
    number = 0
    failed = False


def report(name, *problems):
    """One TAP line; problems are texts, or falsy."""
    Tap.number += 1
    problems = [p for p in problems if p]
    Tap.failed |= bool(problems)
    print(("not ok" if problems else "ok") + f" {Tap.number} - {name}")
    for problem in problems:
        print("\n".join("# " + line for line in str(problem).splitlines()))
    sys.stdout.flush()


def main(*parts):
    """Runs the parts of a test; its exit status."""
    if not os.access(SPEC, os.X_OK):
        print(f"Bail out! {SPEC} is not built")
        return 1
    for part in parts:
        part()
    print(f"1..{Tap.number}")
    return Tap.failed


def differs(what, got, wanted):
    return None if got == wanted else f"{what} is {got!r}, not {wanted!r}"


def lacks(what, text, part):
    return None if part in text else f"{what} does not say {part!r}: {text[:600]!r}"


def marked(mark):
    """The processes that were started, by whomever, for one run: all inherit its environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(folder.name + " " + (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass  # it has ended, or is another's
    return found


def wait_for(what, look, seconds=60):
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "no " + what
        time.sleep(0.01)


class Run:
    """One run of yotonspec against the misbehaving adapter; what it started is known by a mark in the environment."""

    def __init__(self, fault, starts, *arguments, cases, jobs=1):
        self.folder = tempfile.TemporaryDirectory()
        self.mark = "mark-" + uuid.uuid4().hex
        command = f"{PYTHON} '{ADAPTER}' {fault} '{self.folder.name}' {starts}"
        selection = [word for case in cases for word in ("--case", case)]
        self.process = subprocess.Popen(
            [SPEC, "run", "--command", command, "--role", "host", *selection, "--jobs", str(jobs), "--report-dir",
             self.folder.name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            text=True, env={**os.environ, "YOTONSPEC_TEST": self.mark})

    def counted(self, name):
        """How often the adapter counted something in the folder."""
        path = Path(self.folder.name) / name
        return path.stat().st_size if path.exists() else 0

    def end(self):
        self.output, self.error = self.process.communicate(timeout=120)
        self.code = self.process.returncode
        self.left = marked(self.mark)
        self.starts = self.counted("starts")
        path = Path(self.folder.name) / "results.json"
        self.results = json.loads(path.read_text()) if path.exists() else None
        self.cases = self.results["cases"] if self.results else []
        self.verdicts = [c["verdict"] for c in self.cases]
        self.files = sorted(p.name for p in Path(self.folder.name).iterdir() if p.suffix)
        self.folder.cleanup()
        return self
