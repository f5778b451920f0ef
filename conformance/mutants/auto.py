#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Automatic mutants of floors 1 to 3 of the reference: small faults, one at a time, made by rule over the source.

Each is compiled and linked into the unit tests that use its file; what these do not notice is judged by yotonspec. A
mutant whose object code is that of the original is no mutant. Survivors stand in survivors.txt with the reason, or
make the run fail, as does a kill rate below 95 %."""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("wire", "link", "channels")
TOPICS = {"wire": "HS FRAME SLOT OBJ ADDR MSG CS", "link": "HS FRAME LINK ROUTE LIMIT CTX", "channels": "SYNC REQREP STATE PUB MSG SLOT LIMIT"}
FLAGS = "-std=c17 -D_POSIX_C_SOURCE=200809L -O1 -fPIC -pthread -w -Ireference/include -Ireference/src -Ireference/tools".split()
LIBS = "-luv -lunistring -lgmp -ljansson -lpcap -lm -lcmocka".split()
WRAP = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc", "free")]
GOAL = 95.0
SEEDS = "300"

# ---- Making mutants ----

SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "+": "-", "-": "+"}
RULES = (
    ("swap", re.compile(r" (<|<=|>|>=|==|!=|&&|\|\||\+|-)(?= |$)"), lambda m: " " + SWAPS[m[1]]),
    ("constant", re.compile(r"(?<![\w.'{])(\d+)(?![\w.'])"), lambda m: str(int(m[1]) + 1)),
    ("negate", re.compile(r"(?<!\w)if \((.*)\)(?= \{$|$)"), lambda m: f"if (!({m[1]}))"),
    ("return", re.compile(r"return (true|false|YOTON_OK|NULL|0|1);"),
     lambda m: "return " + {"true": "false", "false": "true", "YOTON_OK": "YOTON_E_NOMEM", "NULL": "NULL + 1", "0": "1", "1": "0"}[m[1]] + ";"),
    ("drop", re.compile(r"^( +)(?=\S)((?!return |(?:const |static |struct )*\w+ \**\w+ = |case |goto )[\w\->.\[\]*()& ]+?"
                        r"(?: [-+|&^*]?= .*|\(.*\)|\+\+|--));$"), lambda m: f"{m[1]}(void)0;"),
)


def blanked(text):
    """The source with comments, strings and preprocessor lines blanked, so that columns stay what they are."""
    pattern = r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*"
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S | re.M)


class Mutant:
    def __init__(self, path, function, rule, row, column, old, new, times):
        self.path, self.rule, self.row, self.column, self.old, self.new = path, rule, row, column, old, new
        self.line = LINES[path][row].strip()
        self.key = f"{path.relative_to(ROOT / 'reference/src')} {function} {rule} {times}: {self.line} [{old.strip()} -> {new.strip()}]"

    def text(self):
        lines = list(LINES[self.path])
        line = lines[self.row]
        lines[self.row] = line[:self.column] + self.new + line[self.column + len(self.old):]
        return "\n".join(lines) + "\n"


LINES = {}


def mutants_of(path):
    text = path.read_text()
    LINES[path] = text.split("\n")
    function, inside, seen, found = "", False, {}, []
    for row, line in enumerate(blanked(text).split("\n")):
        start = re.match(r"\w.*?(\w+)\(", line)
        if start and not line.endswith(";"):
            function, inside = start[1], True
        if line == "}":
            inside = False
        if not inside or not line.startswith(" "):
            continue
        for rule, pattern, replace in RULES:
            for match in pattern.finditer(line):
                old, new = LINES[path][row][match.start():match.end()], replace(match)
                if rule in ("negate", "drop"):  # they keep what was blanked
                    again = pattern.match(LINES[path][row], match.start()) if rule == "negate" else pattern.match(LINES[path][row])
                    if not again:
                        continue
                    old, new = again[0], replace(again)
                place = (function, rule, line.strip(), new)
                seen[place] = seen.get(place, 0) + 1
                found.append(Mutant(path, function, rule, row, match.start(), old, new, seen[place]))
    return found


def all_mutants(pattern):
    paths = sorted(p for floor in FLOORS for p in (ROOT / "reference/src" / floor).glob("*.c") if p.match(pattern))
    return [m for p in paths for m in mutants_of(p)]


# ---- Building ----


def run(command, **more):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL, **more)


def compile_one(source, out, name=None):
    """`name` is where the source belongs, whose own folder its includes are relative to."""
    return run(["gcc", *FLAGS, f"-I{(name or source).parent}", "-c", "-o", str(out), str(source)])


class Bench:
    """The original's objects, and the tests that use each file."""

    def __init__(self, build, jobs):
        self.build, self.jobs = build, jobs
        self.folder = build / "auto"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        sources = [*(ROOT / "reference/src").glob("*/*.c"), *(ROOT / "reference/tools").glob("*.c"), *(ROOT / "reference/tests").glob("*.c")]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for source, done in zip(sources, pool.map(lambda s: compile_one(s, self.object_of(s)), sources)):
                if done.returncode:
                    sys.exit(f"auto.py: {source} does not compile: {done.stderr}")
        library = [str(self.object_of(s)) for s in sources if s.parent.name != "tests"]
        self.library = self.folder / "libyoton.a"
        run(["ar", "rcs", str(self.library), *library])
        self.agent = [str(self.object_of(s)) for s in sources if s.parent.name == "tools"]
        tests = [s for s in sources if s.parent.name == "tests"]
        self.help = self.folder / "libhelp.a"
        run(["ar", "rcs", str(self.help), *(str(self.object_of(s)) for s in tests if not s.name.startswith("test_"))])
        self.tests = {}
        names = [s for s in tests if s.name.startswith("test_") and not s.name.startswith("test_context")]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for test, uses, seconds in pool.map(self.try_test, names):
                for name in uses:
                    self.tests.setdefault(name, []).append((seconds, test))
        for name in self.tests:
            self.tests[name].sort(key=lambda pair: (pair[0], str(pair[1])))

    def object_of(self, source):
        return self.folder / f"{source.parent.name}_{source.stem}.o"  # stems alone are not unique

    def link(self, test, out, mutated=()):
        return run(["gcc", "-pthread", *WRAP, "-Wl,-t,-t", "-o", str(out), *map(str, mutated), str(self.object_of(test)), str(self.help), str(self.library), *LIBS])

    def try_test(self, test):
        program = self.folder / test.stem
        done = self.link(test, program)
        if done.returncode:
            return test, (), 0
        begin = time.monotonic()
        good = run([str(program)], env={**os.environ, "SEEDS": SEEDS})
        if good.returncode:
            sys.exit(f"auto.py: {test.name} fails without any mutant: {good.stdout[-500:]}{good.stderr[-500:]}")
        uses = re.findall(r"libyoton\.a[()]+(\w+)\.o", done.stdout)  # as ld -t -t names the members it takes
        return test, uses, time.monotonic() - begin


# ---- Judging ----


def killed_by_test(bench, mutant, folder, mutated):
    name = f"{mutant.path.parent.name}_{mutant.path.stem}"
    for seconds, test in bench.tests.get(name, ()):
        program = folder / test.stem
        if bench.link(test, program, [mutated]).returncode:
            continue
        try:
            done = run([str(program)], env={**os.environ, "SEEDS": SEEDS}, timeout=max(5, 10 * seconds))
        except subprocess.TimeoutExpired:
            return test.stem
        if done.returncode:
            return test.stem
    return None


def killed_by_harness(bench, mutant, folder, mutated):
    program = folder / "yoton"
    if run(["gcc", "-pthread", "-o", str(program), *bench.agent, str(mutated), str(bench.library), *LIBS]).returncode:
        return None
    cases = [word for topic in TOPICS[mutant.path.parent.name].split() for word in ("--case", f"{topic}-*")]
    report = folder / "report"
    try:
        run([str(bench.build / "yotonspec"), "run", "--command", f"{program} agent", "--report-dir", str(report), *cases], timeout=120)
        cases = json.loads((report / "results.json").read_text())["cases"]
    except (subprocess.TimeoutExpired, OSError):
        return "yotonspec"
    failed = [c["id"] for c in cases if c["verdict"] not in ("pass", "skip", "unsupported")]
    return failed[0] if failed else None


def judge(bench, mutant):
    with tempfile.TemporaryDirectory(dir=bench.folder) as name:
        folder = Path(name)
        source, mutated = folder / mutant.path.name, folder / "m.o"
        source.write_text(mutant.text())
        if compile_one(source, mutated, mutant.path).returncode:
            return "does not compile", None
        if mutated.read_bytes() == bench.object_of(mutant.path).read_bytes():
            return "equivalent", None
        by = killed_by_test(bench, mutant, folder, mutated)
        if by is None and not bench.tests_only:
            by = killed_by_harness(bench, mutant, folder, mutated)
        return ("killed", by) if by else ("survived", None)


# ---- Telling ----


def reasons():
    path = Path(__file__).with_name("survivors.txt")
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split(" => ", 1) for line in lines if line and not line.startswith("#"))


def table(results):
    print(f"{'file':<28}{'mutants':>9}{'killed':>8}{'by tests':>10}{'by cases':>10}{'survived':>10}{'rate':>8}")
    rows = {}
    for r in results:
        if r["result"] in ("killed", "survived"):
            rows.setdefault(r["file"], []).append(r)
    for name, rs in [*sorted(rows.items()), ("all", [r for rs in rows.values() for r in rs])]:
        killed = [r for r in rs if r["result"] == "killed"]
        tests = sum(r["by"].startswith("test_") for r in killed)
        print(f"{name:<28}{len(rs):>9}{len(killed):>8}{tests:>10}{len(killed) - tests:>10}{len(rs) - len(killed):>10}"
              f"{100 * len(killed) / max(1, len(rs)):>7.1f}%")


def conclude(results, whole, floor):
    known = reasons()
    survivors = [r for r in results if r["result"] == "survived"]
    unexplained = [r for r in survivors if r["key"] not in known]
    table(results)
    count = {what: sum(r["result"] == what for r in results) for what in ("equivalent", "does not compile", "killed")}
    judged = count["killed"] + len(unexplained)
    rate = 100 * count["killed"] / max(1, judged)
    print(f"{len(results)} mutants: {count['does not compile']} do not compile, {count['equivalent']} are the original's object code, "
          f"{count['killed']} killed, {len(survivors)} survived, {len(survivors) - len(unexplained)} of these explained: {rate:.1f} %")
    for r in unexplained:
        print(f"  survived: {r['key']}")
    stale = set(known) - {r["key"] for r in survivors} if whole else ()
    for key in stale:
        print(f"  explained, and not among the survivors: {key}")
    return rate < floor or bool(stale)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--file", default="*.c", help="only files that match, as wire/frame.c")
    parser.add_argument("--sample", type=int, help="only so many, chosen by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="name the mutants and do nothing else")
    parser.add_argument("--show", metavar="KEY", help="print the line of a mutant as it was and as it is")
    parser.add_argument("--tests-only", action="store_true", help="leave out yotonspec, which takes 10 s for each that the tests miss")
    parser.add_argument("--floor", type=float, default=GOAL, help="the kill rate that is wanted, in per cent")
    options = parser.parse_args()
    options.build = options.build.resolve()
    mutants = all_mutants(options.file)
    if options.show:
        for m in mutants:
            if options.show in m.key:
                print(f"{m.path.relative_to(ROOT)}:{m.row + 1}\n- {m.line}\n+ {m.text().splitlines()[m.row].strip()}")
        return 0
    whole = options.sample is None and options.file == "*.c"
    if options.sample is not None:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))
    if options.list:
        print("\n".join(m.key for m in mutants))
        return 0
    bench = Bench(options.build, options.jobs)
    bench.tests_only = options.tests_only
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for number, (m, (result, by)) in enumerate(zip(mutants, pool.map(lambda m: judge(bench, m), mutants)), 1):
            results.append({"key": m.key, "file": str(m.path.relative_to(ROOT / "reference/src")), "rule": m.rule, "row": m.row + 1,
                            "result": result, "by": by})
            if sys.stderr.isatty():
                print(f"\r{number}/{len(mutants)}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    report = options.build / "report"
    report.mkdir(parents=True, exist_ok=True)
    (report / "mutants.json").write_text(json.dumps(results, indent=1))
    return conclude(results, whole, options.floor)


if __name__ == "__main__":
    sys.exit(main())
