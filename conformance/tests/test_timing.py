#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The options of `yotonspec run` that have to do with time and number do what they say; and a machine that stands
still in the middle of a case changes no verdict. Prints TAP."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.spec_run import BUILD, ROOT, YOTON, Run, differs, lacks, main, marked, report, wait_for

HEARTBEATS = ("LINK-2.1",)  # takes 1.6 s
SHORT = ("HS-5.1", "HS-7.1", "HS-7.2")


def repeat():
    run = Run("none", "1", "--repeat", "5", cases=("HS-7.1",), jobs=2).end()
    again = sum(c.get("repeated", 0) for c in run.cases)
    report("--repeat runs a case so often, each time with a new adapter", differs("exit code", run.code, 0),
           differs("runs", [c["runs"] for c in run.cases], [5]), differs("starts", run.starts, 1 + 5 + again))


def jobs():
    run = Run("alone", "1,2,3,4", cases=SHORT, jobs=1).end()
    report("--jobs 1 never has two adapters at a time", differs("verdicts", run.verdicts, ["pass"] * 3))
    run = Run("waits-for-three", "2,3,4", cases=SHORT, jobs=3).end()
    report("--jobs 3 has three at a time", differs("verdicts", run.verdicts, ["pass"] * 3))
    run = Run("waits-for-three", "2,3,4", "--timeout-scale", "0.2", cases=SHORT, jobs=2).end()
    report("--jobs 2 has not", differs("exit code", run.code, 5))


def scale_of(results, option):
    """What deadlines are to be multiplied by, from what was measured."""
    slow = max(results["measured"]["start"] / 1.0, results["measured"]["trip"] / 0.05)
    return min(max(slow, 1), 10) * option


def scale():
    for option in (0.2, 0.4):  # it hangs in every start but the first: on a busy machine the case is run again
        run = Run("hang", "2,3,4,5,6,7", "--timeout-scale", str(option), cases=("HS-7.1",)).end()
        wanted = scale_of(run.results, option)
        report(f"--timeout-scale {option} is what deadlines are multiplied by",
               not abs(run.results["scale"] - wanted) < 0.001 and f"scale {run.results['scale']}, not {wanted}",
               lacks("why", run.cases[0]["why"], f"within {6 * run.results['scale']:.1f} s"),
               lacks("output", run.output, f"deadlines are times {run.results['scale']:.3g}"))
    run = Run("slow", "1", cases=("HS-7.1",)).end()
    report("a slow adapter stretches them", run.results["scale"] < 2 and f"scale {run.results['scale']}",
           not run.results["measured"]["start"] >= 2 and f"measured {run.results['measured']}",
           differs("verdicts", run.verdicts, ["pass"]))


def standstill():
    run = Run("none", "1", cases=HEARTBEATS)
    wait_for("handshake", lambda: run.counted("meetings") == 1)
    time.sleep(0.3)  # the case lasts longer; nothing depends on where in it this is
    family = [int(process.split()[0]) for process in marked(run.mark)]
    for process in family:
        os.kill(process, signal.SIGSTOP)
    time.sleep(1)
    for process in family:
        os.kill(process, signal.SIGCONT)
    run.end()
    report("a case in which the machine stood still is run again", differs("exit code", run.code, 0),
           differs("verdicts", run.verdicts, ["pass"]), not family and "nothing was stopped",
           not any(c.get("repeated") for c in run.cases) and "the case did not fail, or was not run again")


CLOCKS = re.compile(r"\b(?:slack\(|run_for\(|expect_silence\(|arrivals\(|event_time\()|->(?:first|last)\b")


SLOW_SENDER = r"""
import json, subprocess, sys, threading, time
child = subprocess.Popen([sys.argv[1], "agent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
sends = set()
def up():
    for line in child.stdout:
        if json.loads(line).get("id") in sends:
            time.sleep(0.4)
            begin = time.process_time()
            while time.process_time() - begin < 0.3:  # works, so that it needs a processor
                pass
        print(line, end="", flush=True)
threading.Thread(target=up, daemon=True).start()
for line in sys.stdin:
    if '"send"' in line:
        sends.add(json.loads(line)["id"])
    child.stdin.write(line)
    child.stdin.flush()
child.kill()
"""


def starved():
    """A peer that is too late because others had the processor is judged again, and one that is just slow is not."""
    with tempfile.TemporaryDirectory() as folder:
        adapter = Path(folder) / "adapter.py"
        adapter.write_text(SLOW_SENDER)
        command = [BUILD / "yotonspec", "run", "--command", f"'{sys.executable}' -S -E '{adapter}' '{YOTON}'", "--role", "host", "--case", "SYNC-5.1",
                   "--report-dir", folder, "--jobs", "1"]
        place = min(os.sched_getaffinity(0))
        done = {}
        for name, others in (("alone", 0), ("among others", 4)):
            loops = [subprocess.Popen([sys.executable, "-S", "-E", "-c", "while True: pass"], preexec_fn=lambda: os.sched_setaffinity(0, {place})) for _ in range(others)]
            try:
                subprocess.run(command, capture_output=True, check=False, timeout=300, preexec_fn=lambda: os.sched_setaffinity(0, {place}) if others else None)
            finally:
                for loop in loops:
                    loop.kill()
                    loop.wait()
            done[name] = json.loads((Path(folder) / "results.json").read_text())["cases"][0]
    notes = [e["what"] for e in done["among others"].get("transcript", []) if "for a processor" in e["what"]]
    report("a peer that waits for a processor is judged again", differs("verdict", done["among others"]["verdict"], "fail"),
           differs("repeated", done["among others"].get("repeated"), 3), lacks("why", done["among others"]["why"], "the machine stood still"), not notes and "no note of it")
    report("a slow peer is too slow", differs("verdict", done["alone"]["verdict"], "fail"), lacks("why", done["alone"]["why"], "a send took"))


def timed_in_source():
    """The ids of the cases whose source reads a clock, by itself or in a function of its file."""
    for path in sorted((ROOT / "conformance/cases").glob("*.c")):
        parts = re.split(r"(?m)^(?=CASE\(|static |void |bool )", path.read_text())
        names = [re.match(r"(?:static |void |bool )[^;{]*?(\w+)\(", part) for part in parts]
        readers = [name[1] for name, part in zip(names, parts) if name and CLOCKS.search(part)]
        reads = re.compile("|".join([CLOCKS.pattern, *(rf"\b{name}\(" for name in readers)]))
        for part in parts:
            head = re.match(r"CASE\((\w+), (\d+), (\d+),", part)
            if head and reads.search(part):
                yield f"{head[1]}-{head[2]}.{head[3]}"


def selection():
    done = subprocess.run([BUILD / "yotonspec", "list", "--timed", "--json"], capture_output=True, text=True, check=True, timeout=60)
    listed = {c["id"] for c in json.loads(done.stdout)}
    wanted = set(timed_in_source())
    report("--timed selects every case that reads a clock", not wanted and "none was found", sorted(wanted - listed))


if __name__ == "__main__":
    sys.exit(main(selection, repeat, jobs, scale, standstill, starved))
