# SPDX-License-Identifier: BSD-2-Clause
"""TAP for the tests that are scripts: report() says one result, finish() how many there were."""

LINES, WIDTH = 40, 600  # of what is wrong, so that a whole capture does not end up in a log
number, failed = 0, False


def report(name, *problems):
    """One line; problems are texts or exceptions, or falsy."""
    global number, failed
    number += 1
    problems = [str(p) for p in problems if p]
    failed |= bool(problems)
    print(f"{'not ok' if problems else 'ok'} {number} - {name}")
    print("".join(f"# {line[:WIDTH]}\n" for problem in problems for line in problem.splitlines()[-LINES:]), end="", flush=True)


def finish():
    """The last line; whether anything was wrong, for the exit status."""
    print(f"1..{number}")
    return failed
