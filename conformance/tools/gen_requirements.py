#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the requirements of spec/wire.md, and those of conformance/ADAPTER.md, as C, for the harness to quote.

usage: gen_requirements.py spec/wire.md conformance/ADAPTER.md > requirements.c
"""
import re
import sys

LINE = re.compile(
    r'^- <a id="(?P<anchor>[^"]*)"></a>\*\*(?P<id>[A-Z]+-[1-9]\d*)\*\* '
    r"\((?P<level>MUST|SHOULD|MAY), (?P<origin>manual|observed|hardening|adapter)\) (?P<text>\S.*)$"
)
VERSION = re.compile(r"^Version (\d+\.\d+) of this document", re.M)


def die(text):
    sys.exit("gen_requirements.py: " + text)


def c_string(text):
    """A C string literal; no trigraphs, and no hexadecimal escape that could run on."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
    return '"' + "".join(c if " " <= c < "\x7f" else octal(c) for c in escaped) + '"'


def octal(character):
    return "".join("\\%03o" % byte for byte in character.encode())


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except (OSError, UnicodeDecodeError) as error:
        die(f"{path}: {error}")


def requirements(path, text):
    section, seen = "", {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            section = line.lstrip("#").strip()
        if not line.startswith('- <a id="'):
            continue
        match = LINE.match(line)
        if match is None or match["anchor"] != match["id"]:
            die(f"{path}:{number}: a requirement that is not of the form of the others: {line[:60]}")
        if match["id"] in seen:
            die(f"{path}:{number}: {match['id']} stands already in line {seen[match['id']]}")
        seen[match["id"]] = number
        yield match["id"], match["level"].lower(), match["origin"], section, match["text"], path
    if not seen:
        die(f"{path}: no requirement in it")


def table(count, name, rows):
    rows = list(rows)
    print(f"const size_t {count}_count = {len(rows)};")
    print(f"const struct requirement {name}[] = {{")
    for row in rows:
        print("    {" + ", ".join(c_string(field) for field in row) + "},")
    print("};")


def main():
    if len(sys.argv) != 3:
        die("usage: gen_requirements.py spec/wire.md conformance/ADAPTER.md > requirements.c")
    path = sys.argv[1]
    text = read(path)
    version = VERSION.search(text)
    if version is None:
        die(f"{path}: the line 'Version N.N of this document' is missing")
    print("/* SPDX-License-Identifier: BSD-2-Clause */")
    print("/* Generated from spec/wire.md by conformance/tools/gen_requirements.py. */")
    print('#include "engine/requirement.h"\n')
    print(f"const char spec_version[] = {c_string(version[1])};")
    table("requirement", "all_requirements", requirements(path, text))
    table("adapter_requirement", "adapter_requirements", requirements(sys.argv[2], read(sys.argv[2])))


if __name__ == "__main__":
    main()
