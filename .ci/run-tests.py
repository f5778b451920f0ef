#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the tests named on the command line and ends with the line `N passed, N failed`.

A test is KIND:PATH, where KIND is
  unit    a cmocka program; each of its test functions counts
  script  a program that prints TAP, each `ok` or `not ok` line counts, or else just exits 0 or not, and counts as one
  replay  PROGRAM@FOLDER: the plain build of a fuzz target, run over its corpus; counts as one
A test that crashes, prints fewer results than it announced, or passes its deadline counts one failure more.
A script says in its first lines, in a comment, when it needs more time than the rest: `test-deadline: SECONDS`.
"""
import argparse
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

RESULT = re.compile(r"^(ok|not ok)\b(.*)$", re.M)
PLAN = re.compile(r"^1\.\.(\d+)\b(.*)$", re.M)
SKIP = re.compile(r"#\s*skip\S*\s*(.*)$", re.I)
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")  # a make that a test calls is not part of ours
OWN_DEADLINE = re.compile(r"test-deadline:\s*(\d+)")

groups = set()
lock = threading.Lock()
stopping = threading.Event()


class Outcome:
    """What one test program did."""

    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0
        self.skips, self.why, self.output, self.seconds = [], [], "", 0.0


def count(outcome, text, status, kind):
    """Counts the results in a test's standard output; what does not add up becomes a failure."""
    plan = PLAN.search(text)
    results = RESULT.findall(text)
    for word, rest in results:
        skip = SKIP.search(rest)
        if skip:
            outcome.skips.append(rest.strip(" -"))
        elif word == "ok":
            outcome.passed += 1
        else:
            outcome.failed += 1
            outcome.why.append("not ok" + rest)
    if plan and plan.group(1) == "0" and SKIP.search(plan.group(2)):
        outcome.skips.append(SKIP.search(plan.group(2)).group(1))
        results.append(("skip", ""))
    elif plan and int(plan.group(1)) != len(results):
        outcome.failed += 1
        outcome.why.append(f"announced {plan.group(1)} results and printed {len(results)}")
    if status != 0 and not outcome.failed:
        outcome.failed += 1
        outcome.why.append(f"killed by signal {-status}" if status < 0 else f"exit status {status}")
    elif not results and not outcome.failed:
        if kind == "unit":
            outcome.failed += 1
            outcome.why.append("ran no test")
        else:
            outcome.passed += 1


def kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def deadline_of(path, default):
    with open(path, "rb") as f:
        found = OWN_DEADLINE.search(f.read(2048).decode("utf-8", "replace"))
    return max(default, int(found.group(1))) if found else default


def launch(command, **more):
    """Starts it; what the kernel does not run, as it has 32 bits, by qemu."""
    try:
        return subprocess.Popen(command, **more)
    except OSError as e:
        if e.errno != errno.ENOEXEC or not shutil.which("qemu-i386"):
            raise
        return subprocess.Popen(["qemu-i386", *command], **more)


def command_of(kind, path):
    if kind == "replay":
        program, _, folder = path.partition("@")
        return program, [os.path.abspath(program), folder]
    return path, [os.path.abspath(path)]


def run(test, options, environment):
    kind, _, path = test.partition(":")
    program, command = command_of(kind, path)
    outcome = Outcome(program)
    if stopping.is_set():
        return outcome
    start = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        status = None
        try:
            limit = deadline_of(program, options.timeout) if kind == "script" else options.timeout
            with lock:
                child = launch(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True)
                groups.add(child.pid)
            try:
                status = child.wait(limit)
            except subprocess.TimeoutExpired:
                outcome.why.append(f"no end after {limit} s")
            kill_group(child.pid)  # what the test left running goes with it
            child.wait()
            with lock:
                groups.discard(child.pid)
        except OSError as e:
            outcome.why.append(f"cannot be started: {e}")
        out.seek(0)
        err.seek(0)
        text = out.read().decode("utf-8", "replace")
        outcome.output = text + err.read().decode("utf-8", "replace")
    outcome.seconds = time.monotonic() - start
    if status is None:
        outcome.failed += 1
        outcome.passed += sum(word == "ok" for word, _ in RESULT.findall(text))
    else:
        count(outcome, text, status, kind)
    return outcome


class Screen:
    """Progress on a terminal, nothing but failures and skips elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.tty = total, 0, sys.stdout.isatty()
        self.colour = self.tty and "NO_COLOR" not in os.environ

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def clear(self):
        if self.tty:
            sys.stdout.write("\r\033[K")

    def show(self, outcome):
        self.done += 1
        self.clear()
        for skip in outcome.skips:
            print(f"{self.paint('33', 'skipped')} {outcome.name}: {skip}")
        if outcome.failed:
            print(f"{self.paint('31', 'FAILED')} {outcome.name} ({outcome.seconds:.1f} s)")
            for why in outcome.why:
                print(f"  why: {why}")
            print("".join(f"  | {line}\n" for line in outcome.output.splitlines()), end="")
        if self.tty:
            sys.stdout.write(f"[{self.done}/{self.total}] {outcome.name}"[:78])
        sys.stdout.flush()


def test_environment(build, peers):
    environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    environment.update(CMOCKA_MESSAGE_OUTPUT="TAP", BUILD=build, YOTON=os.path.join(build, "yoton"),
                       YOTONSPEC=os.path.join(build, "yotonspec"), PYTHONDONTWRITEBYTECODE="1")
    environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1")
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    environment.setdefault("TSAN_OPTIONS", "halt_on_error=1:second_deadlock_stack=1")
    original = os.path.abspath(os.path.join(peers, "pyzo/usr/share/pyzo/pyzo"))
    if os.path.isdir(original):
        environment.setdefault("YOTON_PATH", original)
    return environment


def stop(_signal, _frame):
    stopping.set()
    for pid in list(groups):
        kill_group(pid)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder, given to the tests as BUILD")
    parser.add_argument("--peers", default="build/peer", help="where the set-up unpacked the original")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many tests run at once")
    parser.add_argument("--timeout", type=int, default=300, help="seconds a test may take")
    parser.add_argument("--summary", help="a file that gets the last line, too")
    parser.add_argument("tests", nargs="+", metavar="KIND:PATH")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    environment = test_environment(os.path.abspath(options.build), options.peers)
    screen = Screen(len(options.tests))
    passed = failed = 0
    start = time.monotonic()
    slowest = []
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(run, test, options, environment) for test in options.tests]
        for job in as_completed(jobs):
            outcome = job.result()
            screen.show(outcome)
            passed += outcome.passed
            failed += outcome.failed
            slowest.append((outcome.seconds, outcome.name))
    screen.clear()
    if stopping.is_set():
        failed += 1
        print("stopped by a signal before all tests had run")
    names = ", ".join(f"{name} {seconds:.0f} s" for seconds, name in sorted(slowest, reverse=True)[:3])
    print(f"{len(options.tests)} test programs in {time.monotonic() - start:.0f} s; the slowest: {names}")
    line = f"{passed} passed, {failed} failed"
    if options.summary:
        with open(options.summary, "w", encoding="utf-8") as f:
            f.write(line + "\n")
    print(line, flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
