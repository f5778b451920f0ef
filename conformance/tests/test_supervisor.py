#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An adapter that misbehaves costs one case its verdict, and nothing else: the run goes on, and no process is left.
Prints TAP."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = os.environ.get("YOTONSPEC") or str(ROOT / "build" / "yotonspec")
ADAPTER = Path(__file__).resolve().parent / "support" / "misbehaving_adapter.py"
CASES = ("HS-5.1", "HS-7.1", "HS-7.2")  # one after another; the second one meets the fault
SECOND = "3"  # the start for it: the first is for the question who is there
QUICK = ("--timeout-scale", "0.3")

# fault, exit code, what `why` says, what `left` says, and options; CASES unless others are named
FAULTS = [
    ("crash", 5, "the peer died: signal 11 (SIGSEGV); it said: about to die", "", ()),
    ("crash-at-start", 5, "the peer died: exit status 3; it said: cannot find my library", "", ()),
    ("hang", 5, "the peer hangs: no answer to `bind`", "the adapter stayed", QUICK),
    ("flood-lines", 5, "the adapter floods: over 100000 events", "the adapter stayed", ()),
    ("flood", 5, "the adapter floods: over 256 MiB of output", "the adapter stayed", ()),
    ("flood-stderr", 0, "", "", ()),
    ("garbage", 1, "no JSON object: \"Listening now!\"", "", ()),
    ("memory", 5, "MiB of memory, over the 200 of --memory", "", ("--memory", "200")),
    ("memory-of-child", 5, "MiB of memory, over the 200 of --memory", "", ("--memory", "200")),
    ("forks", 5, "processes, over the 20 of --processes", "", ("--processes", "20")),
    ("leaves-child", 0, "", "1 process that the adapter left behind was ended", ()),
    ("child-holds-pipes", 5, "the peer died: exit status 9", "1 process that", ()),
    ("closes-output", 5, "it closed its standard output and stays", "the adapter stayed", ()),
    ("ignores-term", 0, "", "the adapter stayed 0.5 s after the end of its input", ()),
]

number = 0
failed = False


def report(name, *problems):
    """One TAP line; problems are texts, or falsy."""
    global number, failed
    number += 1
    problems = [p for p in problems if p]
    failed |= bool(problems)
    print(("not ok" if problems else "ok") + f" {number} - {name}")
    for problem in problems:
        print("\n".join("# " + line for line in str(problem).splitlines()))
    sys.stdout.flush()


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


class Run:
    """One run of yotonspec; what it started is known by a mark in the environment."""

    def __init__(self, fault, starts, *arguments, cases=CASES, jobs=1):
        self.folder = tempfile.TemporaryDirectory()
        self.mark = "mark-" + uuid.uuid4().hex
        command = f"'{sys.executable}' -S -E '{ADAPTER}' {fault} '{self.folder.name}' {starts}"
        selection = [word for case in cases for word in ("--case", case)]
        self.process = subprocess.Popen(
            [SPEC, "run", "--command", command, "--role", "host", *selection, "--jobs", str(jobs), "--report-dir",
             self.folder.name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            text=True, env={**os.environ, "YOTONSPEC_TEST": self.mark})

    def end(self):
        self.output, self.error = self.process.communicate(timeout=120)
        self.left = marked(self.mark)
        path = Path(self.folder.name) / "results.json"
        self.results = json.loads(path.read_text()) if path.exists() else None
        self.files = sorted(p.name for p in Path(self.folder.name).iterdir() if p.name != "starts")
        self.folder.cleanup()
        return self


def misbehaviour():
    for fault, code, why, left, arguments in FAULTS:
        run = Run(fault, SECOND, *arguments).end()
        if run.results is None:
            report(fault, run.error or "no results")
            continue
        cases = {c["id"]: c for c in run.results["cases"]}
        one = cases["HS-7.1"]
        report(f"{fault}: it is the case's, and the run goes on", differs("exit code", run.process.returncode, code),
               differs("verdicts", [cases[c]["verdict"] for c in CASES], ["pass", "fail" if code else "pass", "pass"]),
               lacks("why", one["why"], why), lacks("left", one.get("left", ""), left),
               not left and "left" in one and f"left: {one['left']}",
               run.left and f"processes are left: {run.left}")


def floods_of_tcp():
    for fault, why in (("tcp-flood", "the peer floods: over 200000"), ("tcp-bytes", "the peer floods: over 256 MiB")):
        run = Run(fault, "2", cases=("FRAME-8.1",)).end()
        one = run.results["cases"][0]
        report(f"{fault}: what comes on a connection without end ends the case",
               differs("exit code", run.process.returncode, 5), differs("verdict", one["verdict"], "fail"),
               lacks("why", one["why"], why), run.left and f"processes are left: {run.left}")
    run = Run("tcp-drip", "2", *QUICK, cases=("FRAME-8.1",)).end()
    report("heartbeats without end do not keep a case from its end",
           differs("verdicts", [c["verdict"] for c in run.results["cases"]], ["fail"]),
           lacks("why", run.results["cases"][0]["why"], "expected that the peer closes"))


def at_once():
    """The faults of several cases at the same time are told apart."""
    run = Run("memory", "3", "--memory", "200", cases=("HS-5.1", "HS-7.1", "HS-7.2", "HS-8.1"), jobs=4).end()
    verdicts = sorted(c["verdict"] for c in run.results["cases"])
    report("who eats memory is told from who runs beside", differs("verdicts", verdicts, ["fail", "pass", "pass", "pass"]),
           run.left and f"processes are left: {run.left}")


def wait_for(what, look, seconds=60):
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "no " + what
        time.sleep(0.01)


def interrupted():
    for sent in (signal.SIGINT, signal.SIGTERM):
        run = Run("hang", SECOND)
        starts = Path(run.folder.name) / "starts"
        wait_for("second case", lambda: starts.exists() and starts.stat().st_size == int(SECOND))
        run.process.send_signal(sent)
        run.end()
        cases = run.results["cases"] if run.results else []
        report(f"{sent.name}: what was done is reported, and nothing is left", differs("exit", run.process.returncode, -sent),
               differs("cases", [(c["id"], c["verdict"]) for c in cases], [("HS-5.1", "pass")]),
               run.results and differs("complete", run.results["complete"], False),
               run.results and differs("exit in results.json", run.results["exit"], 128 + sent),
               differs("files", run.files, ["index.html", "junit.xml", "results.json", "results.tap"]),
               lacks("error", run.error, "interrupted: the report holds what was done, 1 of 3 cases"),
               lacks("output", run.output, "was interrupted; this is no verdict"),
               run.left and f"processes are left: {run.left}")

    run = Run("leaves-child", SECOND + ",4", cases=(*CASES, "LINK-2.1"))
    starts = Path(run.folder.name) / "starts"
    wait_for("second case", lambda: starts.exists() and starts.stat().st_size >= int(SECOND))
    run.process.kill()
    run.process.communicate()
    wait_for("end of the case and its adapter", lambda: not [p for p in marked(run.mark) if SPEC in p])
    for process in marked(run.mark):
        os.kill(int(process.split()[0]), signal.SIGKILL)  # what left its group is beyond reach when all is killed
    report("SIGKILL of the run ends its cases")


def main():
    if not os.access(SPEC, os.X_OK):
        print(f"Bail out! {SPEC} is not built")
        return 1
    for part in (misbehaviour, floods_of_tcp, at_once, interrupted):
        part()
    print(f"1..{number}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
