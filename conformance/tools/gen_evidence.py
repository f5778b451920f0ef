#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes as C what proves each case: the mutants it is known to fail, and the findings about the original it shows.

usage: gen_evidence.py conformance/mutants conformance/findings.md > evidence.c
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gen_requirements import c_string, die, read  # noqa: E402  (one folder, no package)

FINDING = re.compile(r"^\| \[(F\d+)\]\(#F\d+\) \| (.+?) \| (.+?) \| (.+?) \|$", re.M)


def mutants(folder):
    """(case, rules, name, what) for each case that a mutant names, in the order of the names."""
    for path in sorted(folder.rglob("*.patch")):
        head = read(path).partition("\n--- ")[0]
        fields = dict(re.findall(r"^([A-Z][a-z-]+): (.+)$", head, re.M))
        missing = {"Breaks", "Failed-by", "What"} - fields.keys()
        if missing:
            die(f"{path}: it does not say {', '.join(sorted(missing))}")
        for case in fields["Failed-by"].split():
            yield case, fields["Breaks"], str(path.relative_to(folder).with_suffix("")), fields["What"]


def findings(path):
    found = FINDING.findall(read(path))
    if not found:
        die(f"{path}: no table of findings in it")
    for number, what, rules, cases in found:
        for case in re.findall(r"[A-Z]+-\d+\.\d+", cases):
            yield case, rules, number, what


def table(name, rows):
    rows = list(rows)
    print(f"const size_t {name}_count = {len(rows)};")
    print(f"const struct evidence all_{name}s[] = {{")
    for row in rows:
        print("    {" + ", ".join(c_string(field) for field in row) + "},")
    print("};")


def main():
    if len(sys.argv) != 3:
        die("usage: gen_evidence.py conformance/mutants conformance/findings.md > evidence.c")
    print("/* SPDX-License-Identifier: BSD-2-Clause */")
    print("/* Generated from the mutants and the findings by conformance/tools/gen_evidence.py. */")
    print('#include "engine/requirement.h"\n')
    table("mutant", mutants(Path(sys.argv[1])))
    table("finding", findings(Path(sys.argv[2])))


if __name__ == "__main__":
    main()
