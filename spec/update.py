#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keep the generated parts of the specification true.

update.py [--check] [--yotonspec PATH]

Writes the grammar and the requirement index into wire.md, and ledger.md from wire.md, reasons.txt, the cases that
`yotonspec list --json` names, and the mutants that say they break a requirement. With --check writes nothing, and
fails when something is out of date, when a requirement has neither a case nor a reason, or when one has both, or
when one at MUST has cases and no mutant. ids.txt gets each new id, so that none is ever used for another thing.
"""
import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

SPEC = Path(__file__).resolve().parent
ROOT = SPEC.parent
LINE = re.compile(
    r'^- <a id="(?P<id>[A-Z]+-\d+)"></a>\*\*(?P=id)\*\* '
    r"\((?P<level>MUST|SHOULD|MAY), (?P<origin>manual|observed|hardening)\) (?P<text>.*)$"
)
KEYWORD = re.compile(r"\b(?:MUST|SHOULD|MAY)(?: NOT)?\b")


class Problem(Exception):
    pass


def read_requirements(text):
    """All requirements in order, each with the section it stands in; lints them on the way."""
    found, problems, section = {}, [], ""
    for number, line in enumerate(text.splitlines(), 1):
        where = f"spec/wire.md:{number}"
        if line.startswith("#"):
            section = line.lstrip("# ")
        match = LINE.match(line)
        if match is None:
            if re.match(r"^- <a id=", line) or re.match(r"^- \*\*[A-Z]+-\d", line):
                problems.append(f"{where}: looks like a requirement, but is not of its form")
            elif KEYWORD.search(line) and not allowed_outside(line, section):
                problems.append(f"{where}: RFC 2119 word outside a requirement: {line.strip()[:60]}")
            continue
        item = match.groupdict() | {"section": section, "line": number}
        if item["id"] in found:
            problems.append(f"{where}: {item['id']} is there already")
        words = {w.split()[0] for w in KEYWORD.findall(item["text"])}
        if item["level"] not in words:
            problems.append(f"{where}: {item['id']} is at {item['level']} but does not say {item['level']}")
        if words - {item["level"]}:
            problems.append(f"{where}: {item['id']} mixes levels: {sorted(words)}")
        if (item["origin"] == "hardening") != ("Reason:" in item["text"]):
            problems.append(f"{where}: {item['id']}: hardening needs 'Reason:', and nothing else has it")
        found[item["id"]] = item
    for match in re.finditer(r"\b(?:%s)-\d+\b" % "|".join({i.split("-")[0] for i in found}), text):
        if match.group() not in found:
            problems.append(f"spec/wire.md: {match.group()} is mentioned but does not exist")
    return found, sorted(set(problems))


def allowed_outside(line, section):
    """The conventions explain the words; the index repeats the levels."""
    return section.startswith(("2.", "Appendix B")) or section == "2. Conventions"


def replace_part(text, name, body):
    pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.S)
    if not pattern.search(text):
        raise Problem(f"spec/wire.md has no part 'generated: {name}'")
    return pattern.sub(lambda m: m.group(1) + body + m.group(2), text)


def index_table(requirements):
    rows = ["| id | level | origin | section |", "|---|---|---|---|"]
    for item in requirements.values():
        rows.append(f"| [{item['id']}](#{item['id']}) | {item['level']} | {item['origin']} | {item['section']} |")
    return "\n".join(rows) + "\n"


def read_reasons():
    reasons, path = {}, SPEC / "reasons.txt"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, why = line.partition(":")
        if not colon or not why.strip():
            raise Problem(f"spec/reasons.txt:{number}: expected 'ID: reason'")
        if key.strip() in reasons:
            raise Problem(f"spec/reasons.txt:{number}: {key.strip()} is there already")
        reasons[key.strip()] = why.strip()
    return reasons


def list_cases(program):
    out = subprocess.run([program, "list", "--json"], capture_output=True, text=True)
    if out.returncode != 0:
        raise Problem(f"{program} list --json failed with {out.returncode}: {out.stderr.strip()}")
    listing = json.loads(out.stdout)
    return listing["cases"] if isinstance(listing, dict) else listing


def read_mutants():
    """The names of the mutants that say they break a requirement, by requirement."""
    folder, found = ROOT / "conformance/mutants", {}
    for path in sorted(folder.rglob("*.patch")):
        breaks = re.search(r"^Breaks: (.+)$", path.read_text(), re.M)
        if breaks is None:
            raise Problem(f"{path.relative_to(ROOT)} does not say what it breaks")
        for key in breaks[1].split():
            found.setdefault(key, []).append(str(path.relative_to(folder).with_suffix("")))
    return found


def ledger(requirements, cases, reasons, mutants):
    by_requirement = {}
    for case in cases:
        by_requirement.setdefault(case["requirement"], {})[case["id"]] = case
    problems = []
    for key in sorted(set(by_requirement) - set(requirements)):
        problems.append(f"cases for {key}, which spec/wire.md does not have")
    for key in sorted(set(reasons) - set(requirements)):
        problems.append(f"spec/reasons.txt has {key}, which spec/wire.md does not have")
    for key in sorted(set(mutants) - set(requirements)):
        problems.append(f"{mutants[key][0]} breaks {key}, which spec/wire.md does not have")
    rows, tested = [], 0
    for key, item in requirements.items():
        own = by_requirement.get(key, {})
        if own and key in reasons:
            problems.append(f"{key} has cases and a reason for having none; drop it from spec/reasons.txt")
        if not own and key not in reasons:
            problems.append(f"{key} has no case, and no reason in spec/reasons.txt")
        tested += bool(own)
        what = ", ".join(sorted(own, key=case_order)) if own else "*" + reasons.get(key, "nothing") + "*"
        if own and item["level"] == "MUST" and key not in mutants:
            problems.append(f"{key} has cases, and no mutant that proves them")
        broken = ", ".join(f"[{name}](../conformance/mutants/{name}.patch)" for name in mutants.get(key, ()))
        rows.append(f"| [{key}](wire.md#{key}) | {item['level']} | {item['origin']} | {what} | {broken} |")
    head = (
        "<!-- SPDX-License-Identifier: BSD-2-Clause -->\n<!-- generated by spec/update.py; do not edit -->\n"
        "# Ledger of requirements\n\n"
        f"{len(requirements)} requirements; {tested} have conformance cases ({len({c['id'] for c in cases})} cases), "
        f"{len(requirements) - tested} have a written reason instead.\n"
        f"{len(set().union(*mutants.values()))} mutants break {len(mutants)} of them, each in a peer that is good otherwise.\n"
        "`yotonspec explain CASE` tells what a case does.\n\n"
        "| requirement | level | origin | cases, or why there is none | mutants that break it |\n|---|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n", problems


def ids_ever(current, write):
    """ids.txt has every id that was ever given to a requirement or case; (its text with new ones added, problems)."""
    path, known, problems = SPEC / "ids.txt", {}, []
    text = path.read_text()
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        key, _, note = line.partition(" ")
        if key in known or (note and not note.startswith("retired: ")):
            problems.append(f"spec/ids.txt:{number}: expected an id that is not there yet, alone or with 'retired: WHY'")
        known[key] = note
    for key, note in known.items():
        if note and key in current:
            problems.append(f"{key} is retired ({note.removeprefix('retired: ')}); take an id that was never used")
        if not note and key not in current:
            problems.append(f"{key} is gone; write 'retired: WHY' behind it in spec/ids.txt, it is never used again")
    new = [key for key in current if key not in known]
    if new and not write:
        problems.append(f"{new[0]} and {len(new) - 1} more are not in spec/ids.txt; run spec/update.py")
    return text + "".join(f"{key}\n" for key in new), problems


def case_order(case_id):
    stem, _, number = case_id.partition(".")
    return stem, int(number or 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something is out of date")
    parser.add_argument("--yotonspec", default=str(ROOT / "build" / "yotonspec"), help="the built harness")
    args = parser.parse_args()
    wire = SPEC / "wire.md"
    text = wire.read_text()
    try:
        requirements, problems = read_requirements(text)
        grammar = (SPEC / "grammar.abnf").read_text()
        wanted = replace_part(text, "grammar", "```abnf\n" + grammar.rstrip("\n") + "\n```\n")
        wanted = replace_part(wanted, "index", index_table(requirements))
        cases = list_cases(args.yotonspec)
        table, more = ledger(requirements, cases, read_reasons(), read_mutants())
        ids, gone = ids_ever([*requirements, *dict.fromkeys(c["id"] for c in cases)], not args.check)
    except (Problem, OSError, ValueError) as error:
        sys.exit(f"update.py: {error}")
    problems += more + gone
    for path, content in ((wire, wanted), (SPEC / "ledger.md", table), (SPEC / "ids.txt", ids)):
        if path.exists() and path.read_text() == content:
            continue
        if args.check:
            problems.append(f"spec/{path.name} is out of date; run spec/update.py")
        else:
            path.write_text(content)
    for problem in problems:
        print(f"update.py: {problem}", file=sys.stderr)
    print(f"{len(requirements)} requirements, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
