#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the names that the library exports: the functions declared in its public headers, and no others.

usage: exports.py --map HEADER... > libyoton.map        a version script, for libyoton.so
       exports.py --list HEADER... > libyoton.names     one a line, for objcopy and libyoton.a
"""
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", re.M)
LINKAGE = re.compile(r'extern\s+"C"\s*\{')
BRACES = re.compile(r"\{[^{}]*\}")
# The name stands before the first parenthesis; in a type that points to a function that is never a bare name.
FUNCTION = re.compile(r"^(?!typedef\b)[\w\s*]+?\b(\w+)\s*\(", re.S)


def functions(text):
    """Names of the functions that a header declares; a body, of a struct or an inline function, declares none."""
    text = LINKAGE.sub("", DIRECTIVE.sub("", COMMENT.sub(" ", text)))
    while BRACES.search(text):
        text = BRACES.sub(" ", text)
    found = (FUNCTION.match(statement.strip(" \t\n}")) for statement in text.split(";"))
    return [match.group(1) for match in found if match]


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("--map", "--list"):
        return __doc__
    names = set()
    for header in arguments[1:]:
        with open(header, encoding="utf-8") as f:
            names.update(functions(f.read()))
    foreign = sorted(name for name in names if not name.startswith("yoton_"))
    if foreign or not names:
        return "exports.py: error: public functions are called yoton_*, and not " + (", ".join(foreign) or "nothing at all")
    if arguments[0] == "--list":
        print("\n".join(sorted(names)))
    else:
        print("YOTON_0 {\n    global:")
        print("".join("        %s;\n" % name for name in sorted(names)) + "    local:\n        *;\n};")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
