#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Automatic mutants of floors 1 to 3 of the reference: small faults, one at a time, made by rule over the source.

Each is compiled and linked into the unit tests that use its file, and, if these do not notice, into the same under
sanitizers; what is still there is judged by yotonspec. A mutant with the object code of the original is no mutant. A
survivor stands in survivors.txt with the reason (`KEY => reason`), or makes the whole run fail, as does a kill rate below
95 %, in which the explained ones count as survivors."""
import argparse
import concurrent.futures
import hashlib
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
SANITIZERS = "-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer".split()
LIBS = "-luv -lunistring -lgmp -ljansson -lpcap -lm -lcmocka".split()
WRAP = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc", "free")] + ["-Wl,--undefined=__wrap_malloc"]
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
    pattern = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*"
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
DIGESTS = {}


def mutants_of(path):
    text = path.read_text()
    LINES[path] = text.split("\n")
    DIGESTS[path] = hashlib.sha256(text.encode()).hexdigest()[:16]
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
                place = (function, rule, LINES[path][row].strip(), new.strip())
                seen[place] = seen.get(place, 0) + 1
                found.append(Mutant(path, function, rule, row, match.start(), old, new, seen[place]))
    return found


def all_mutants(pattern):
    paths = sorted(p for floor in FLOORS for p in (ROOT / "reference/src" / floor).glob("*.c") if p.match(pattern))
    return [m for p in paths for m in mutants_of(p)]


# ---- Building ----


def run(command, **more):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL, **more)


def every(jobs, function, items):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(function, items))


class Variant:
    """The original's objects, built with some flags, and the tests that use each file."""

    def __init__(self, folder, jobs, more=()):
        self.folder, self.more = folder, list(more)
        folder.mkdir(parents=True)
        sources = [*(ROOT / "reference/src").glob("*/*.c"), *(ROOT / "reference/tools").glob("*.c"), *(ROOT / "reference/tests").glob("*.c")]
        for source, done in zip(sources, every(jobs, lambda s: self.compile(s, self.object_of(s)), sources)):
            if done.returncode:
                sys.exit(f"auto.py: {source} does not compile: {done.stderr}")
        self.library, self.help = folder / "libyoton.a", folder / "libhelp.a"
        tests = [s for s in sources if s.parent.name == "tests"]
        run(["ar", "rcs", str(self.library), *(str(self.object_of(s)) for s in sources if s not in tests)])
        run(["ar", "rcs", str(self.help), *(str(self.object_of(s)) for s in tests if not s.name.startswith("test_"))])
        self.agent = [str(self.object_of(s)) for s in sources if s.parent.name == "tools"]
        self.tests = {}
        names = [s for s in tests if s.name.startswith("test_") and not s.name.startswith("test_context")]
        for test, uses, seconds in every(jobs, self.try_test, names):
            for name in uses:
                self.tests.setdefault(name, []).append((seconds, test))
        for name in self.tests:
            self.tests[name].sort(key=lambda pair: (pair[0], str(pair[1])))

    def compile(self, source, out, name=None, more=()):
        """`name` is where the source belongs, whose own folder its includes are relative to."""
        return run(["gcc", *FLAGS, *self.more, *more, f"-I{(name or source).parent}", "-c", "-o", str(out), str(source)])

    def object_of(self, source):
        return self.folder / f"{source.parent.name}_{source.stem}.o"  # stems alone are not unique

    def link(self, test, out, mutated=()):
        return run(["gcc", "-pthread", *self.more, *WRAP, "-Wl,-t,-t", "-o", str(out), *map(str, mutated), str(self.object_of(test)),
                    str(self.help), str(self.library), *LIBS])

    def try_test(self, test):
        program = self.folder / test.stem
        done = self.link(test, program)
        if done.returncode:
            sys.exit(f"auto.py: {test.name} does not link: {done.stderr[-2000:]}")
        begin = time.monotonic()
        good = run([str(program)], env={**os.environ, "SEEDS": SEEDS})
        if good.returncode:
            sys.exit(f"auto.py: {test.name} fails without any mutant: {good.stdout[-500:]}{good.stderr[-500:]}")
        uses = re.findall(r"libyoton\.a[()]+(\w+)\.o", done.stdout)  # as ld -t -t names the members it takes
        return test, uses, time.monotonic() - begin

    def killer(self, mutant, folder, mutated):
        """The test that notices, or None."""
        for seconds, test in self.tests.get(f"{mutant.path.parent.name}_{mutant.path.stem}", ()):
            program = folder / test.stem
            done = self.link(test, program, [mutated])
            if done.returncode:
                raise Broken(f"{test.name} does not link with it: {done.stderr[-500:]}")
            try:
                done = run([str(program)], env={**os.environ, "SEEDS": SEEDS}, timeout=max(10, 20 * seconds))
            except subprocess.TimeoutExpired:
                return test.stem
            if done.returncode:
                return test.stem
        return None


class Broken(Exception):
    """Nothing can be said about this mutant: what should judge it did not work."""


# ---- Judging ----


def harness(build, variant, topics, folder, mutated=()):
    """What yotonspec says of the agent: (case, role) -> verdict."""
    program = folder / "yoton"
    done = run(["gcc", "-pthread", "-o", str(program), *variant.agent, *map(str, mutated), str(variant.library), *LIBS])
    if done.returncode:
        raise Broken(f"the agent does not link: {done.stderr[-500:]}")
    cases = [word for topic in topics.split() for word in ("--case", f"{topic}-*")]
    report = folder / "report"
    try:
        done = run([str(build / "yotonspec"), "run", "--command", f"{program} agent", "--report-dir", str(report), *cases], timeout=600)
        found = json.loads((report / "results.json").read_text())["cases"]
    except (subprocess.TimeoutExpired, OSError, ValueError, KeyError) as error:
        raise Broken(f"yotonspec gave no results: {error}") from error
    if done.returncode not in (0, 1, 5):
        raise Broken(f"yotonspec ended with {done.returncode}: {done.stderr[-500:]}")
    return {(c["id"], c["role"]): c["verdict"] for c in found}


class Bench:
    def __init__(self, options):
        self.build, self.tests_only, self.explained = options.build, options.tests_only, reasons()
        self.folder = Path(tempfile.mkdtemp(prefix="auto-", dir=options.build))  # two runs may go on at once
        self.plain = Variant(self.folder / "plain", options.jobs)
        self.sanitized = None if options.plain else Variant(self.folder / "sanitized", options.jobs, SANITIZERS)
        self.baseline = {}
        for floor, topics in () if self.tests_only else TOPICS.items():
            folder = self.folder / f"baseline-{floor}"
            folder.mkdir()
            self.baseline[floor] = harness(self.build, self.plain, topics, folder)

    def by_harness(self, mutant, folder, mutated):
        floor = mutant.path.parent.name
        verdicts = harness(self.build, self.plain, TOPICS[floor], folder, [mutated])
        worse = [f"{case} as {role}" for (case, role), v in verdicts.items() if v in ("fail", "warn") and v != self.baseline[floor].get((case, role))]
        return worse[0] if worse else None

    def judge(self, mutant):
        """(result, by), as of judge_once. A kill that is a surprise, or that judges times, has to be seen twice: what a busy
        machine does to a test is no kill."""
        result, by = self.judge_once(mutant)
        if result == "killed" and (mutant.key in self.explained or not by.startswith("test_")):
            result, by = self.judge_once(mutant)
        return result, by

    def judge_once(self, mutant):
        """(result, by): `by` is the test or the case that noticed, or why nothing can be said."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            folder = Path(name)
            source, mutated, original = folder / mutant.path.name, folder / "m.o", folder / "o.o"
            source.write_text(mutant.text())
            try:
                if self.plain.compile(source, mutated, mutant.path).returncode:
                    return "does not compile", None
                if mutated.read_bytes() == self.plain.object_of(mutant.path).read_bytes():
                    return "equivalent", None
                by = self.plain.killer(mutant, folder, mutated)
                if by:
                    return "killed", by
                # the optimizer proves some to be the same that -O1 leaves different; two compilations tell
                best = folder / "best.o"
                self.plain.compile(source, best, mutant.path, ["-O3"])
                self.plain.compile(mutant.path, original, None, ["-O3"])
                if best.read_bytes() == original.read_bytes():
                    return "equivalent", None
                if self.sanitized and not by:
                    if self.sanitized.compile(source, best, mutant.path).returncode:
                        raise Broken("it does not compile with sanitizers")
                    by = self.sanitized.killer(mutant, folder, best)
                if not self.tests_only and not by:
                    by = self.by_harness(mutant, folder, mutated)
            except Broken as error:
                return "unjudged", str(error)
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
    unjudged = [r for r in results if r["result"] == "unjudged"]
    unexplained = [r for r in survivors if r["key"] not in known]
    table(results)
    count = {what: sum(r["result"] == what for r in results) for what in ("equivalent", "does not compile", "killed")}
    rate = 100 * count["killed"] / max(1, count["killed"] + len(survivors))
    print(f"{len(results)} mutants: {count['does not compile']} do not compile, {count['equivalent']} are the original's object code, "
          f"{count['killed']} killed, {len(survivors)} survived, {len(survivors) - len(unexplained)} of these explained: {rate:.1f} %")
    for r in unexplained:
        print(f"  survived: {r['key']}")
    for r in unjudged:
        print(f"  could not be judged: {r['key']}: {r['by']}")
    stale = set(known) - {r["key"] for r in survivors} if whole else set()
    for key in sorted(stale):
        print(f"  explained, and not among the survivors: {key}")
    if unexplained and whole:
        print("See one by `conformance/mutants/auto.py --show KEY`, judge it by `--only KEY`; kill it by a test or a case, or explain it in survivors.txt.")
    return bool(rate < floor or stale or unjudged or (unexplained and whole))


def taken_over(path, mutants):
    """What an earlier run found killed, of files that are still the same. Tests that changed since are not asked again."""
    old = {r["key"]: r for r in json.loads(path.read_text())} if path.exists() else {}
    return {m.key: old[m.key] for m in mutants if m.key in old and old[m.key]["result"] not in ("survived", "unjudged") and old[m.key]["source"] == DIGESTS[m.path]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--file", default="*.c", help="only files that match, as wire/frame.c")
    parser.add_argument("--only", metavar="KEY", default="", help="only mutants whose key has this text in it")
    parser.add_argument("--sample", type=int, help="only so many, chosen by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="name the mutants and do nothing else")
    parser.add_argument("--show", metavar="KEY", help="print the line of a mutant as it was and as it is, and do nothing else")
    parser.add_argument("--resume", action="store_true", help="do not judge again what the last report says was killed, in files that did not change")
    parser.add_argument("--plain", action="store_true", help="leave out the tests under sanitizers")
    parser.add_argument("--tests-only", action="store_true", help="leave out yotonspec, which takes 10 s for each that the tests miss")
    parser.add_argument("--floor", type=float, default=GOAL, help="the kill rate that is wanted, in per cent")
    options = parser.parse_args()
    options.build = options.build.resolve()
    mutants = [m for m in all_mutants(options.file) if options.only in m.key]
    if options.show:
        for m in mutants:
            if options.show in m.key:
                print(f"{m.path.relative_to(ROOT)}:{m.row + 1}\n- {m.line}\n+ {m.text().splitlines()[m.row].strip()}")
        return 0
    whole = options.sample is None and options.file == "*.c" and not options.only
    if options.sample is not None:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))
    if options.list:
        print("\n".join(m.key for m in mutants))
        return 0
    path = options.build / "report/mutants.json" if whole else options.build / "report/mutants-part.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = taken_over(path, mutants) if options.resume else {}
    bench = Bench(options)
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        judged = pool.map(lambda m: (known[m.key]["result"], known[m.key]["by"]) if m.key in known else bench.judge(m), mutants)
        for number, (m, (result, by)) in enumerate(zip(mutants, judged), 1):
            results.append({"key": m.key, "file": str(m.path.relative_to(ROOT / "reference/src")), "rule": m.rule, "row": m.row + 1,
                            "source": DIGESTS[m.path], "result": result, "by": by})
            if number % 50 == 0 or number == len(mutants):
                write(path, results + [r for key, r in known.items() if key not in {r["key"] for r in results}])
            if sys.stderr.isatty():
                print(f"\r{number}/{len(mutants)}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    write(path, results)
    shutil.rmtree(bench.folder)
    return conclude(results, whole, options.floor)


def write(path, results):
    new = path.with_suffix(".new")
    new.write_text(json.dumps(results, indent=1))
    new.replace(path)  # a run that is cut leaves the last whole report


if __name__ == "__main__":
    sys.exit(main())
