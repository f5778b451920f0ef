#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sees that the fuzz targets stay worth running. `make coverage` and `make fuzz-floors` call it.

floors.py --coverage [--build DIR]              the corpora take at least 95 % of the branches of each target's own files
floors.py --speed --unseeded [--build DIR]      targets run fast enough, and find by themselves what the corpora reach
          [--time SECONDS] [--jobs N]

Own files and exclusions, with reasons, are in owned.py. Speed is a ratio to a fixed loop that is timed in the same run by
the processor time it takes, so that neither a slow machine nor a busy one fails it. Exits 1 when something is below its floor.
"""
import argparse
import concurrent.futures
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from owned import EXCLUDED, LOOP, OWN, RATES
from peer import find_original

ROOT = Path(__file__).resolve().parents[1]
BRANCHES = 0.95  # of a target's own files
REACHED = 0.95  # of the edges that the corpus reaches, by a run without
SPEED_SECONDS = 3  # of a run that is as fast as it has to be
UNBOUND = 2000  # executions for each such second where no speed is asked for


class Broken(Exception):
    """Something that is needed does not run."""


def run(command, **more):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", check=False, **more)


# --- branches ---

def excluded(path, line):
    """The reason why the branches of this line do not count, if there is one."""
    return next((reason for part, reason in EXCLUDED.get(path, ()) if part in line), None)


def branches_of(path, entry, taken):
    """Adds the branches of a file, as gcovr tells of them; says which lines have one that was not taken."""
    source, missing = (ROOT / path).read_text().splitlines(), []
    for line in entry["lines"]:
        text = source[line["line_number"] - 1]
        reason = excluded(path, text) if line["branches"] else None
        if reason:
            taken["excluded"].setdefault(reason, []).append(f"{path}:{line['line_number']}")
            continue
        hit = sum(branch["count"] > 0 for branch in line["branches"])
        taken["branches"] += len(line["branches"])
        taken["taken"] += hit
        if hit < len(line["branches"]):
            missing.append(f"{path}:{line['line_number']}: {len(line['branches']) - hit} not taken: {text.strip()}")
    return missing


def coverage_of(target, build):
    """What the corpus of a target takes of the branches of its own files."""
    objects = build / "fuzz/cov/obj"
    for counts in objects.rglob("*.gcda"):
        counts.unlink()
    done = run([build / f"fuzz/cov/fuzz_{target}", ROOT / "fuzz/corpus" / target])
    if done.returncode:
        raise Broken(f"fuzz_{target} does not run its corpus:\n{done.stderr[-1500:]}")
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        filters = [word for path in OWN[target] for word in ("--filter", re.escape(str(ROOT / path)))]
        done = run(["gcovr", "--root", ROOT, "--object-directory", objects, *filters, "--json", "--output", told, objects])
        if done.returncode or not told.exists():
            raise Broken(f"gcovr: {done.stderr[-1500:]}")
        files = {entry["file"]: entry for entry in json.loads(told.read_text())["files"]}
    result, missing = {"target": target, "branches": 0, "taken": 0, "excluded": {}}, []
    for path in OWN[target]:
        if path not in files:
            raise Broken(f"fuzz_{target} has nothing of {path}")
        missing += branches_of(path, files[path], result)
    result["missing"] = missing
    result["good"] = result["taken"] >= BRANCHES * result["branches"]
    return result


def show_coverage(result):
    share = 100 * result["taken"] / max(1, result["branches"])
    print(f"{'ok' if result['good'] else 'not ok'} {result['target']}: the corpus takes {result['taken']} of {result['branches']} branches ({share:.1f} %) of {', '.join(OWN[result['target']])}")
    for reason, lines in result["excluded"].items():
        print(f"  left out: {reason}: {', '.join(lines)}")
    if not result["good"]:
        print("".join(f"  {line}\n" for line in result["missing"]), end="")


# --- speed ---

def processor_seconds(command):
    """The processor time that a command takes, and what it says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done


def calibrated(build):
    """Rounds of the fixed loop for each second of a processor."""
    rounds = 1_500_000
    seconds, done = processor_seconds([build / "fuzz/calibrate", rounds])
    if done.returncode:
        raise Broken(f"calibrate: {done.stderr}")
    return rounds / seconds


def speed_of(target, build):
    """Executions of a target for each million rounds of the loop: the same ones each time. Loop and target take turns, and the median counts."""
    ratios, runs = [], RATES.get(target, UNBOUND) * SPEED_SECONDS
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            loop = calibrated(build)
            seconds, done = processor_seconds([build / f"fuzz/fuzz_{target}", f"-runs={runs}", "-seed=1", "-print_final_stats=1", f"-artifact_prefix={folder}/", folder,
                                               ROOT / "fuzz/corpus" / target])
            execs = re.findall(r"number_of_executed_units: *(\d+)", done.stderr)
            if not execs:
                raise Broken(f"fuzz_{target} does not run:\n{done.stderr[-1500:]}")
            ratios.append(int(execs[-1]) / seconds / loop * 1e6)
    return sorted(ratios)[1]


# --- without seeds ---

def edges_of(program, *folders):
    done = run([program, "-runs=0", *folders])
    found = re.findall(r"cov: (\d+)", done.stderr)
    if done.returncode or not found:
        raise Broken(f"{program.name} does not run:\n{done.stderr[-1500:]}")
    return int(found[-1])


def unseeded_of(target, build, seconds):
    """Edges that the corpus reaches, and how many of them a run without it reaches in so many seconds of a processor."""
    program, corpus, words = build / f"fuzz/fuzz_{target}", ROOT / "fuzz/corpus" / target, ROOT / f"fuzz/dict/{target}.dict"
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "own"
        own.mkdir()
        # a busy machine gives less than one processor: the time is that of the process
        command = [program, f"-max_total_time={20 * seconds}", f"-artifact_prefix={folder}/", *([f"-dict={words}"] if words.exists() else []), own]
        with open(os.devnull, "w") as nothing:
            subprocess.run(list(map(str, command)), stdout=nothing, stderr=nothing, check=False,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5)))
        seeded, unseeded, both = edges_of(program, corpus), edges_of(program, own), edges_of(program, corpus, own)
    return seeded, seeded + unseeded - both


def measured(options, targets):
    """The rows of speed and edges, shown one by one."""
    rows = []
    if options.speed:
        loop = calibrated(options.build)
        for target in targets:
            ratio, floor = speed_of(target, options.build), RATES.get(target, 0) / LOOP * 1e6
            rows.append({"target": target, "what": "execs for a million rounds of the loop", "is": round(ratio), "floor": round(floor), "good": ratio >= floor})
            print(f"{'ok' if ratio >= floor else 'not ok'} {target}: {ratio:,.0f} executions for a million rounds of the loop{f', at least {floor:,.0f}' if floor else ''}; "
                  f"here {ratio * loop / 1e6:,.0f} a second of a processor", flush=True)
    if options.unseeded:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for target, (seeded, reached) in zip(targets, pool.map(lambda t: unseeded_of(t, options.build, options.time), targets)):
                floor = int(REACHED * seeded + 0.999)
                good = reached >= floor
                rows.append({"target": target, "what": "edges without seeds", "is": reached, "floor": floor, "good": good})
                print(f"{'ok' if good else 'not ok'} {target}: without seeds {reached} of the {seeded} edges of its corpus in {options.time} s ({100 * reached / seeded:.1f} %), at least {floor}", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--unseeded", action="store_true")
    parser.add_argument("--time", type=int, default=60, help="seconds of a run without seeds (60)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--target", action="append", choices=sorted(OWN), help="only this one; repeatable")
    parser.add_argument("--json", type=Path, help="write what came of it there, too")
    options = parser.parse_args()
    targets = options.target or sorted(OWN)
    if not find_original(options.build) and "original" in targets:
        print("fuzz_original is left out: the original is not there to compare with", file=sys.stderr)
        targets.remove("original")
    try:
        if options.coverage:
            rows = []
            for target in targets:
                rows.append(coverage_of(target, options.build))
                show_coverage(rows[-1])
        else:
            rows = measured(options, targets)
    except Broken as error:
        print(f"floors.py: error: {error}", file=sys.stderr)
        return 2
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(not all(row["good"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
