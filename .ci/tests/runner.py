#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tests' runner, given tests that pass, fail, crash, hang and lie. Prints TAP."""
import os
import subprocess
import sys
import tempfile
import time

RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run-tests.py")

# What is tried: kind and text of each test, the runner's exit status and last line, and words of its output.
TRIALS = (
    ("TAP lines are counted", [("script", "echo 1..2; echo ok 1 - a; echo ok 2 - b")], 0, "2 passed, 0 failed", ""),
    ("a test without TAP counts as one", [("script", "echo fine")], 0, "1 passed, 0 failed", ""),
    ("an exit status that is not 0 is a failure", [("script", "exit 3")], 1, "0 passed, 1 failed", "exit status 3"),
    ("`not ok` is a failure whatever the exit status", [("script", "echo ok 1; echo not ok 2 - b")], 1,
     "1 passed, 1 failed", "not ok 2 - b"),
    ("a crash after passed tests is one failure", [("unit", "echo 1..1; echo ok 1 - a; kill -SEGV $$")], 1,
     "1 passed, 1 failed", "killed by signal 11"),
    ("fewer results than announced is a failure", [("unit", "echo 1..3; echo ok 1 - a")], 1, "1 passed, 1 failed",
     "announced 3 results and printed 1"),
    ("a unit test program without tests is a failure", [("unit", "true")], 1, "0 passed, 1 failed", "ran no test"),
    ("a skipped test counts as neither, and is named", [("unit", "echo 1..2; echo ok 1 - a; echo 'not ok 2 # SKIP b'")],
     0, "1 passed, 0 failed", "SKIP b"),
    ("a test past its deadline is a failure", [("script", "echo ok 1; sleep 60")], 1, "1 passed, 1 failed", "no end after 1 s"),
    ("a script may ask for more time", [("script", "# test-deadline: 30\nsleep 1.5")], 0, "1 passed, 0 failed", ""),
    ("the output of a failing test is shown", [("script", "echo seen; echo and this >&2; exit 1")], 1,
     "0 passed, 1 failed", "  | and this"),
    ("all tests are added up", [("script", "true"), ("script", "false"), ("unit", "echo 1..1; echo ok 1")], 1,
     "2 passed, 1 failed", ""),
    ("nothing passed is not a success", [("script", "echo '1..0 # SKIP no network'")], 1, "0 passed, 0 failed", "no network"),
)


def call(folder, tests, deadline="1"):
    arguments = []
    for number, (kind, text) in enumerate(tests):
        path = os.path.join(folder, f"t{number}")
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o755)
        arguments.append(f"{kind}:{path}")
    command = [sys.executable, RUNNER, "--timeout", deadline, "--summary", os.path.join(folder, "summary"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def leaves_nothing_behind(folder):
    """A test that hangs goes with all it started."""
    sign = os.path.join(folder, "child")
    call(folder, [("script", f"sh -c 'echo $$ >{sign}; exec sleep 60' & sleep 60")], "5")
    with open(sign, encoding="utf-8") as f:
        pid = int(f.read())
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def main():
    print(f"1..{len(TRIALS) + 2}")
    bad = 0

    def say(number, good, name, text=""):
        nonlocal bad
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            bad += 1
            print("".join(f"# {line}\n" for line in text.splitlines()), end="")

    for number, (name, tests, status, last, words) in enumerate(TRIALS, 1):
        with tempfile.TemporaryDirectory() as folder:
            got, text = call(folder, tests)
            say(number, got == status and text.splitlines()[-1] == last and words in text, name, f"exit status {got}\n{text}")
    with tempfile.TemporaryDirectory() as folder:
        call(folder, [("script", "true")])
        with open(os.path.join(folder, "summary"), encoding="utf-8") as f:
            say(len(TRIALS) + 1, f.read() == "1 passed, 0 failed\n", "the last line is kept in the summary file")
    with tempfile.TemporaryDirectory() as folder:
        say(len(TRIALS) + 2, leaves_nothing_behind(folder), "a test that hangs goes with all that it started")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
