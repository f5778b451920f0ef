#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every case is proved by a mutant that names it, every rule and case that a mutant names is there, and every patch applies to
its peer as it is. Whether the cases fail them is for `make mutants`. TAP on standard output."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from spec_run import BUILD, ROOT, SPEC, main, report  # noqa: E402


def named_by(text):
    """The rules and cases in the head of a patch."""
    head = text.split("\n--- ", 1)[0]
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    return set(fields.get("Breaks", "").split()), set(fields.get("Failed-by", "").split())


def problems(cases, rules, mutants):
    """`mutants` are texts of patches by name."""
    proved, found = set(), []
    for name, text in sorted(mutants.items()):
        breaks, failed = named_by(text)
        found += [f"{name} breaks {rule}, which is no rule" for rule in sorted(breaks - rules)]
        found += [f"{name} is to be failed by {case}, which is no case" for case in sorted(failed - cases)]
        found += [f"{name} is failed by no case of {rule}" for rule in sorted(breaks) if not any(case.split(".")[0] == rule for case in failed)]
        proved |= failed
    return found + [f"no mutant is to be failed by {case}" for case in sorted(cases - proved)]


def applies(path, folder):
    return subprocess.run(["patch", "-p1", "--dry-run", "-s", "-f", "-F0", "-i", path], cwd=folder, capture_output=True, check=False).returncode == 0


def proofs():
    listed = json.loads(subprocess.run([SPEC, "list", "--json"], capture_output=True, text=True, check=True, timeout=60).stdout)
    cases = {case["id"] for case in (listed if isinstance(listed, list) else listed["cases"])}
    rules = set(re.findall(r'<a id="([A-Z]+-[0-9]+)"></a>\*\*', (ROOT / "spec/wire.md").read_text()))
    folder = ROOT / "conformance/mutants"
    paths = sorted(folder.rglob("*.patch"))
    mutants = {str(path.relative_to(folder).with_suffix("")): path.read_text() for path in paths}
    found = problems(cases, rules, mutants)
    report(f"{len(mutants)} mutants and {len(cases)} cases fit", "\n".join(found))
    stale = [path.stem for path in paths if path.parent == folder and not applies(path, ROOT)]
    report("every patch applies to the reference", stale and f"make anew: {stale}")
    original = Path(os.environ.get("YOTON_PATH") or BUILD / "peer/pyzo/usr/share/pyzo/pyzo")
    if (original / "yoton").is_dir():
        stale = [path.stem for path in paths if path.parent != folder and not applies(path, original)]
        report("and to the original", stale and f"they are for the package of Debian 12: {stale}")
    good = "Breaks: HS-1\nFailed-by: HS-1.1\nWhat: x\n\n--- a/x\n"
    for name, spoiled in (("a case without a mutant", ({"HS-1.1", "HS-1.2"}, {"HS-1"}, {"m": good})), ("a case that is none", (set(), {"HS-1"}, {"m": good})),
                          ("a rule that is none", ({"HS-1.1"}, set(), {"m": good})),
                          ("a rule without its case", ({"HS-1.1"}, {"HS-1", "HS-2"}, {"m": good.replace("Breaks: HS-1", "Breaks: HS-1 HS-2")}))):
        report("it would notice " + name, not problems(*spoiled) and "it did not")


if __name__ == "__main__":
    sys.exit(main(proofs))
