#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make the test vectors from the original, or check that the files say what it does today.

generate.py [--check]

The original is the Python package `yoton`: in the folder YOTON_PATH names, or where the set-up
unpacked it under build/. With --check nothing is written; the exit code is 1 when a file differs,
77 when the original is missing.
"""
import argparse
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from make import addresses, handshake, headers, objects, slots, streams  # noqa: E402
from make.original import Missing, Original  # noqa: E402

FORMAT = 1
WIDE = 320
MISSING = 77
KINDS = {
    "handshake": handshake.make,
    "headers": headers.make,
    "objects": objects.make,
    "slots": slots.make,
    "ports": addresses.ports,
    "addresses": addresses.addresses,
    "streams": streams.make,
}


def line(value):
    return json.dumps(value, ensure_ascii=True, separators=(", ", ": "))


def vector_text(vector):
    """On one line where it is short, else a line for each member and each event."""
    text = line(vector)
    if len(text) <= WIDE:
        return "    " + text
    members = []
    for key, value in vector.items():
        if key == "events" and len(value) > 1:
            shown = "[\n        " + ",\n        ".join(map(line, value)) + "\n      ]"
        else:
            shown = line(value)
        members.append("      %s: %s" % (line(key), shown))
    return "    {\n" + ",\n".join(members) + "\n    }"


def file_text(kind, defaults, lists):
    head = {"$schema": "schema.json", "kind": kind, "format": FORMAT} | defaults
    members = ["  %s: %s" % (line(key), line(value)) for key, value in head.items()]
    for key, vectors in lists.items():
        names = [vector["name"] for vector in vectors]
        if len(set(names)) < len(names):
            raise ValueError("%s.json: a name is used twice in %s" % (kind, key))
        members.append("  %s: [\n%s\n  ]" % (line(key), ",\n".join(map(vector_text, vectors))))
    return "{\n" + ",\n".join(members) + "\n}\n"


def shorten(value):
    text = line(value)
    return text if len(text) <= 120 else text[:117] + "..."


def differences(old, new):
    """What differs between two values, member by member."""
    for key in [*old, *(k for k in new if k not in old)]:
        if key not in new:
            yield "%s is %s in the file and not made now" % (key, shorten(old[key]))
        elif key not in old:
            yield "%s is missing in the file and %s now" % (key, shorten(new[key]))
        elif old[key] != new[key]:
            yield "%s is %s in the file and %s now" % (key, shorten(old[key]), shorten(new[key]))


def by_name(content):
    """The vectors of a file by list and name, taken out of its content."""
    lists = [key for key, value in content.items() if isinstance(value, list)]
    return {(key, vector["name"]): vector for key in lists for vector in content.pop(key)}


def compare(name, text, wanted):
    """Lines that say where the text of a file is not the wanted one."""
    old, new = None, json.loads(wanted)
    now = by_name(new)
    try:
        old = json.loads(text)
        before = by_name(old)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return ["%s: not a file of vectors: %s: %s" % (name, type(error).__name__, error)]
    found = ["%s: %s" % (name, what) for what in differences(old, new)]
    for key in [*before, *(k for k in now if k not in before)]:
        where = "%s: vector %s" % (name, key[1]) + (" of " + key[0] if key[0] != "vectors" else "")
        if key not in now:
            found.append(where + " is in the file and not made now")
        elif key not in before:
            found.append(where + " is missing in the file")
        else:
            found += ["%s: %s" % (where, what) for what in differences(before[key], now[key])]
    return found or ["%s: the same vectors in another order or layout; run generate.py" % name]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    options = parser.parse_args()
    try:
        original = Original()
    except Missing as missing:
        print("generate.py: the original is missing: %s" % missing, file=sys.stderr)
        sys.exit(MISSING)
    problems, count = [], 0
    for kind, make in KINDS.items():
        defaults, lists = make(original)
        count += sum(map(len, lists.values()))
        wanted, path = file_text(kind, defaults, lists), HERE / (kind + ".json")
        if not options.check:
            path.write_text(wanted, encoding="ascii")
        elif not path.exists():
            problems.append("%s: not there; run generate.py" % path.name)
        elif path.read_text(encoding="utf-8", errors="replace") != wanted:
            problems += compare(
                path.name, path.read_text(encoding="utf-8", errors="replace"), wanted
            )
    for problem in problems:
        print("generate.py: " + problem, file=sys.stderr)
    print("%d vectors in %d files, %d differences" % (count, len(KINDS), len(problems)))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
