#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An adapter that misbehaves costs one case its verdict, and nothing else: the run goes on, and no process is left.
Prints TAP."""
import os
import signal
import sys

from support.spec_run import SPEC, Run, differs, lacks, main, marked, report, wait_for

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

def misbehaviour():
    for fault, code, why, left, arguments in FAULTS:
        for _ in range(5):
            run = Run(fault, SECOND, *arguments, cases=CASES).end()
            if not any("repeated" in case for case in run.cases):  # else the machine stalled, and SECOND was not the second case's start
                break
        if run.results is None:
            report(fault, run.error or "no results")
            continue
        cases = {c["id"]: c for c in run.cases}
        one = cases["HS-7.1"]
        report(f"{fault}: it is the case's, and the run goes on", differs("exit code", run.code, code),
               differs("verdicts", [cases[c]["verdict"] for c in CASES], ["pass", "fail" if code else "pass", "pass"]),
               lacks("why", one["why"], why), lacks("left", one.get("left", ""), left),
               not left and "left" in one and f"left: {one['left']}",
               run.left and f"processes are left: {run.left}")


def floods_of_tcp():
    for fault, why in (("tcp-flood", "the peer floods: over 200000"), ("tcp-bytes", "the peer floods: over 256 MiB")):
        run = Run(fault, "2", "--timeout-scale", "20", cases=("FRAME-8.1",)).end()  # no clock ends it sooner
        one = run.cases[0]
        report(f"{fault}: what comes on a connection without end ends the case",
               differs("exit code", run.code, 5), differs("verdict", one["verdict"], "fail"),
               lacks("why", one["why"], why), run.left and f"processes are left: {run.left}")
    run = Run("tcp-drip", "2", *QUICK, cases=("FRAME-8.1",)).end()
    report("heartbeats without end do not keep a case from its end",
           differs("verdicts", run.verdicts, ["fail"]),
           lacks("why", run.cases[0]["why"], "expected that the peer closes"))


def at_once():
    """The faults of several cases at the same time are told apart."""
    run = Run("memory", "3", "--memory", "200", cases=("HS-5.1", "HS-7.1", "HS-7.2", "HS-8.1"), jobs=4).end()
    verdicts = sorted(run.verdicts)
    report("who eats memory is told from who runs beside", differs("verdicts", verdicts, ["fail", "pass", "pass", "pass"]),
           run.left and f"processes are left: {run.left}")


def interrupted():
    for sent in (signal.SIGINT, signal.SIGTERM):
        run = Run("hang", SECOND, cases=CASES)
        wait_for("second case", lambda: run.counted("starts") == int(SECOND))
        run.process.send_signal(sent)
        run.end()
        report(f"{sent.name}: what was done is reported, and nothing is left", differs("exit", run.code, -sent),
               differs("cases", [(c["id"], c["verdict"]) for c in run.cases], [("HS-5.1", "pass")]),
               run.results and differs("complete", run.results["complete"], False),
               run.results and differs("exit in results.json", run.results["exit"], 128 + sent),
               differs("files", run.files, ["index.html", "junit.xml", "results.json", "results.tap"]),
               lacks("error", run.error, "interrupted: the report holds what was done, 1 of 3 cases"),
               lacks("output", run.output, "was interrupted; this is no verdict"),
               run.left and f"processes are left: {run.left}")

    run = Run("leaves-child", SECOND + ",4", cases=(*CASES, "LINK-2.1"))
    wait_for("second case", lambda: run.counted("starts") >= int(SECOND))
    run.process.kill()
    run.process.communicate()
    wait_for("end of the case and its adapter", lambda: not [p for p in marked(run.mark) if SPEC in p])
    for process in marked(run.mark):
        os.kill(int(process.split()[0]), signal.SIGKILL)  # what left its group is beyond reach when all is killed
    report("SIGKILL of the run ends its cases")


if __name__ == "__main__":
    sys.exit(main(misbehaviour, floods_of_tcp, at_once, interrupted))
