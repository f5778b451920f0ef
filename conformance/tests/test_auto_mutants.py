#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The maker of automatic mutants: what it makes of a small source, and that the unit tests notice nearly all of a sample.
TAP on standard output."""
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "conformance/mutants"))
import auto  # noqa: E402  (it is no package)

SOURCE = """#define LIMIT 7 /* a < b */
static const int table[] = {1, 2};
static int f(int a, int b) {
    const char *text = "a < 3 && b";
    int c = a + b; /* 4 == 5 */
    if (a < b && c != 6)
        c -= 2;
    g(c);
    return 0;
}
"""
WANTED = {
    ("swap", "+", "-"), ("swap", "<", "<="), ("swap", "&&", "||"), ("swap", "!=", "=="), ("constant", "6", "7"), ("constant", "2", "3"),
    ("constant", "0", "1"), ("negate", "if (a < b && c != 6)", "if (!(a < b && c != 6))"), ("drop", "c -= 2;", "(void)0;"),
    ("drop", "g(c);", "(void)0;"), ("return", "return 0;", "return 1;"),
}
number = 0


def report(good, what, why=""):
    global number
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {what}")
    if not good:
        print("\n".join(f"# {line}" for line in str(why).splitlines()))
    return good


def small_source():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference/src/small.c"
        path.parent.mkdir(parents=True)
        path.write_text(SOURCE)
        auto.ROOT = Path(folder)
        made = auto.mutants_of(path)
        auto.ROOT = ROOT
        got = {(m.rule, m.old.strip(), m.new.strip()) for m in made}
        good = report(got == WANTED, "a small source: each rule where it applies, none in comments, texts and tables",
                      f"missing {WANTED - got}, too many {got - WANTED}")
        changed = [m for m in made if sum(a != b for a, b in zip(m.text().split("\n"), SOURCE.split("\n"))) != 1]
        good &= report(not changed, "each changes one line and no other", [m.key for m in changed])
        return good & report(len({m.key for m in made}) == len(made), "each has a key of its own", [m.key for m in made])


def sample():
    with tempfile.TemporaryDirectory() as build:
        done = subprocess.run([sys.executable, ROOT / "conformance/mutants/auto.py", "--build", build, "--jobs", "2", "--tests-only", "--file",
                               "channels/s*.c", "--sample", "16", "--seed", "7", "--floor", "80"], capture_output=True, text=True, check=False,
                              timeout=280, stdin=subprocess.DEVNULL)
    return report(done.returncode == 0 and " killed" in done.stdout, "the unit tests notice a sample of the mutants", done.stdout + done.stderr)


if __name__ == "__main__":
    results = [small_source(), sample()]
    print(f"1..{number}")
    sys.exit(0 if all(results) else 1)
