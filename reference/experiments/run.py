#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The manual's experiments with sockets, done again with the reference on Linux.

Processes are killed and stopped and a cable is pulled, on one box and between two, to answer the manual's questions:
  1  When and how can we detect that the other process dropped?
  2  When and how can we detect connection problems?
  3  Can we still send if the other end stops receiving, and can we then still detect a drop?
The two boxes are network namespaces of this script's own; where the system gives none, the rest is done.
"""

import argparse
import fnmatch
import json
import os
import platform
import signal
import sys
import time

import boxes
import ends
import situations
import table

REPETITIONS = 5
FORMAT = 1
INTERRUPTED = 130
SYSTEM = ("tcp_congestion_control", "tcp_wmem", "tcp_rmem", "tcp_retries2")


class Progress:
    """One line on a terminal, nothing elsewhere."""

    def __init__(self):
        self.shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, text):
        if self.shown:
            sys.stderr.write("\r\033[K" + text[:78])
            sys.stderr.flush()

    def clear(self):
        self.show("")


class Book:
    """What was measured, and what went wrong."""

    def __init__(self):
        self.values, self.situations = {}, []
        self.violations, self.troubles = [], []

    def repeat(self, situation, made, repetitions, progress):
        values = self.values.setdefault(situation.name, {})
        self.situations.append(situation)
        for number in range(repetitions):
            progress.show("%s (%d of %d)" % (situation.title, number + 1, repetitions))
            try:
                for name, value in situation.run(made, number).items():
                    values.setdefault(name, []).append(value)
            except ends.Violated as e:
                self.violations.append({"situation": situation.name, "requirement": e.args[0], "what": e.args[1]})
            except (AssertionError, OSError, boxes.NotAllowed, boxes.Failed) as e:
                self.troubles.append("%s: %s" % (situation.name, e))

    def rows(self, situation):
        """The rows that can be filled."""
        values = self.values[situation.name]
        return [(row, table.filled(row, values)) for row in situation.rows] if values else []


def arguments():
    names = "".join("  %-18s %s\n" % (situation.name, situation.title) for situation in situations.ALL)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="situations:\n%s\nexample: reference/experiments/run.py --only 'cable-*' --json values.json" % names)
    parser.add_argument("--json", metavar="FILE", help="write the measured values there too")
    parser.add_argument("--repeat", metavar="N", type=int, help="repetitions of each (%d)" % REPETITIONS)
    parser.add_argument("--quick", action="store_true", help="three situations, once each")
    parser.add_argument("--only", metavar="NAME", action="append", default=[],
                        help="only situations whose name fits, as in a shell")
    options = parser.parse_args()
    if options.repeat is None:
        options.repeat = 1 if options.quick else REPETITIONS
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    options.chosen = [s for s in situations.ALL if (s.quick or not options.quick) and
                      (not options.only or any(fnmatch.fnmatch(s.name, name) for name in options.only))]
    if not options.chosen:
        parser.error("no situation fits %s; --help lists them" % " ".join(options.only))
    return options


def system():
    found = {"kernel": "%s %s" % (platform.system(), platform.release())}
    for name in SYSTEM:
        try:
            with open("/proc/sys/net/ipv4/" + name, encoding="ascii") as f:
                found[name] = " ".join(f.read().split())
        except OSError:
            pass
    return found


def measure(book, options, progress):
    """Runs everything; what is known of the namespaces."""
    for situation in options.chosen:
        if not situation.needs_boxes:
            book.repeat(situation, None, options.repeat, progress)
    cabled = [situation for situation in options.chosen if situation.needs_boxes]
    if not cabled:
        return {"allowed": None}
    try:
        made = boxes.Boxes()
    except boxes.NotAllowed as e:
        return {"allowed": False, "why": str(e)}
    with made:
        for situation in cabled:
            book.repeat(situation, made, options.repeat, progress)
        return {"allowed": True, "names": made.names()}


def show(book, namespaces, options, took):
    printer = table.Printer()
    values = system()
    printer.text("Experiments with sockets: the reference on %s (%s), %d repetition%s, %.0f s. Times are the median and "
                 "the range." % (values["kernel"], values.get("tcp_congestion_control", "TCP"), options.repeat,
                                 "" if options.repeat == 1 else "s", took))
    printer.text("Q1 detecting that the other process dropped · Q2 detecting connection problems · Q3 sending to one who "
                 "does not receive, and a drop then")
    print()
    printer.head()
    for situation in book.situations:
        printer.title(situation.title)
        for row, columns in book.rows(situation):
            printer.row(row.question, columns)
    print()
    for question, sentences in situations.ANSWERS.items():
        if said := table.answer(sentences, book.values):
            printer.text("%d. %s" % (question, said), "   ")
    print()
    if namespaces["allowed"] is False:
        printer.text("Two boxes were not tried, as this system gives us no network namespaces: " + namespaces["why"])
    for violation in book.violations:
        printer.text("VIOLATED %(requirement)s in %(situation)s: %(what)s" % violation, "  ")
    for trouble in book.troubles:
        printer.text("NOT DONE " + trouble, "  ")
    if not book.violations and not book.troubles:
        printer.text("What the specification asks for was seen in every repetition.")


def write(path, book, namespaces, options, took):
    listed = [{"name": s.name, "title": s.title, "values": book.values[s.name],
               "rows": [{"question": row.question, "what": c[0], "here": c[1], "manual": c[2], "agrees": c[3]}
                        for row, c in book.rows(s)]} for s in book.situations]
    whole = {"format": FORMAT, "system": system(), "repetitions": options.repeat, "seconds": round(took, 3),
             "namespaces": namespaces, "situations": listed, "violations": book.violations, "troubles": book.troubles}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(whole, f, indent=1, ensure_ascii=False)
        f.write("\n")


def run(options):
    book, progress, start = Book(), Progress(), time.monotonic()
    try:
        namespaces = measure(book, options, progress)
    finally:
        progress.clear()
    took = time.monotonic() - start
    show(book, namespaces, options, took)
    if options.json:
        write(options.json, book, namespaces, options, took)
    return 1 if book.violations or book.troubles else 0


def interrupt(*unused):
    raise KeyboardInterrupt


def main():
    options = arguments()
    if not os.access(ends.YOTON, os.X_OK):
        print("experiments: there is no %s; build it with `make tools`, or name it in YOTON" % ends.YOTON,
              file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    try:
        if options.json:
            with open(options.json, "a", encoding="utf-8"):
                pass  # what cannot be written is better known now
        return run(options)
    except KeyboardInterrupt:
        print("experiments: interrupted; what was made is removed", file=sys.stderr)
        return INTERRUPTED
    except OSError as e:
        print("experiments: %s" % e, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
