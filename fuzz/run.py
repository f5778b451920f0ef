#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the fuzz targets and says what came of it. `make fuzz` and `make fuzz-campaign` call it.

run.py [--build DIR] [--target TARGET]… [--engine libfuzzer|afl] [--time SECONDS] [--jobs N] [--json FILE]
run.py --hours H …      a campaign: both engines on every target in turn, over one corpus that grows

New inputs go to build/fuzz/corpus/fuzz_TARGET, findings to build/fuzz/found, made small, with the command that shows each
again. An input that only took long is run again by itself: what ends within SLOW seconds of processor time is no finding,
but a machine that had other work. Exits 1 when there are findings, 2 when a fuzzer itself failed.
"""
import argparse
import concurrent.futures
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from peer import find_original

ROOT = Path(__file__).resolve().parents[1]
SLOW = 20  # seconds of processor time that no input may take
AFL = {"AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_TRY_AFFINITY": "1", "AFL_FAST_CAL": "1",
       "AFL_CMPLOG_ONLY_NEW": "1", "ASAN_OPTIONS": "abort_on_error=1:symbolize=0:detect_leaks=0",
       "UBSAN_OPTIONS": "abort_on_error=1:symbolize=0"}
PACKAGES = ("frame", "link")  # targets with a mutator that knows packages
COLUMNS = ("target", "engine", "execs", "exec/s", "edges", "inputs", "new", "findings")


class Broken(Exception):
    """A fuzzer that does not run."""


def targets():
    return sorted(path.stem.removeprefix("fuzz_") for path in ROOT.glob("fuzz/fuzz_*.c"))


def count(folder):
    return sum(1 for entry in os.scandir(folder)) if folder.is_dir() else 0


def dictionary(target):
    path = ROOT / f"fuzz/dict/{target}.dict"
    return path if path.exists() else None


class Places:
    """The folders of one target."""

    def __init__(self, build, target):
        self.target, self.name = target, f"fuzz_{target}"
        self.seeds, self.corpus, self.found = ROOT / "fuzz/corpus" / target, build / "fuzz/corpus" / self.name, build / "fuzz/found"
        self.program, self.plain = build / "fuzz" / self.name, build / "fuzz" / f"{self.name}.plain"
        self.mutator = build / "fuzz/mutate_afl.so"
        self.afl, self.cmplog, self.afl_out = build / "fuzz/afl" / self.name, build / "fuzz/cmplog" / self.name, build / "fuzz/afl-out" / target
        for folder in (self.corpus, self.found):
            folder.mkdir(parents=True, exist_ok=True)


def shown(path):
    """A path as one types it."""
    path = Path(path).resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def is_wrong(places, path):
    """Whether an input, alone, breaks the target or takes too much of a processor."""
    done = subprocess.run([places.program, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (SLOW, SLOW + 1)))
    return done.returncode != 0


def smaller(places, path):
    """The finding made small, if the fuzzer manages to."""
    made = places.found / f"small-{path.name}"
    subprocess.run([places.program, "-minimize_crash=1", "-max_total_time=20", f"-exact_artifact_path={made}", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=False, timeout=120)
    return made if made.exists() and is_wrong(places, made) else path


def judge(places, paths):
    """Of what a fuzzer kept, what is wrong indeed; the rest goes."""
    findings = []
    for path in paths:
        if is_wrong(places, path):
            findings.append(smaller(places, path))
        else:
            path.unlink()
    return findings


def libfuzzer(places, seconds):
    """One run of libFuzzer: what it did, as numbers."""
    before, known = count(places.corpus), set(places.found.iterdir())
    words = dictionary(places.target)
    command = [places.program, f"-max_total_time={seconds}", "-print_final_stats=1", "-timeout=300", "-rss_limit_mb=4096", "-reload=30",
               f"-artifact_prefix={places.found}/{places.name}-", *([f"-dict={words}"] if words else []), places.corpus, *([places.seeds] if places.seeds.is_dir() else [])]
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=log, check=False)
        log.seek(0)
        said = log.read()
    usage = re.findall(r"stat::number_of_executed_units: *(\d+)", said)
    edges = re.findall(r"cov: (\d+)", said)
    kept = [path for path in set(places.found.iterdir()) - known if path.name.startswith(places.name + "-")]
    if not usage and not kept:
        raise Broken(f"{places.name} did not run:\n{said[-1500:]}")
    execs = int(usage[-1]) if usage else max([int(n) for n in re.findall(r"^#(\d+)", said, re.M)], default=0)
    rate = re.findall(r"stat::average_exec_per_sec: *(\d+)", said)
    return {"target": places.target, "engine": "libfuzzer", "execs": execs, "exec/s": int(rate[-1]) if rate else 0, "edges": int(edges[-1]) if edges else 0,
            "inputs": count(places.corpus) + count(places.seeds), "new": count(places.corpus) - before, "kept": kept, "said": said[-4000:] if kept else ""}


def afl_stats(folder):
    """What AFL++ wrote of one instance."""
    stats = folder / "fuzzer_stats"
    lines = stats.read_text().splitlines() if stats.exists() else []
    return dict(re.split(r"\s*: ", line, maxsplit=1) for line in lines if " : " in line)


def afl(places, seconds, name="main"):
    """One run of AFL++, as main or as the secondary with CMPLOG, over the seeds and all that was found before."""
    with tempfile.TemporaryDirectory() as start:
        for folder in (places.seeds, places.corpus):
            for path in folder.iterdir() if folder.is_dir() else ():
                shutil.copy(path, start)
        if not any(os.scandir(start)):
            (Path(start) / "nothing").write_bytes(b"\0")
        words = dictionary(places.target)
        shutil.rmtree(places.afl_out / name, ignore_errors=True)
        places.afl_out.mkdir(parents=True, exist_ok=True)
        # a time-out of the machine is none: an input has a minute, which it is given with a + so that seeds are only left out
        command = ["afl-fuzz", "-i", start, "-o", places.afl_out, "-M" if name == "main" else "-S", name, "-V", seconds, "-t", "60000+", "-m", "none", *(["-x", words] if words else []),
                   *(["-c", places.cmplog] if name == "cmplog" else []), "--", places.afl]
        # AFL++ mutates streams of packages as libFuzzer does
        knowing = {"AFL_CUSTOM_MUTATOR_LIBRARY": str(places.mutator), "YOTON_FUZZ_TARGET": places.target} if places.target in PACKAGES else {}
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", env={**os.environ, **AFL, **knowing}, check=False)
    stats = afl_stats(places.afl_out / name)
    if "execs_done" not in stats:
        raise Broken(f"afl-fuzz did not run {places.name}:\n{(done.stdout + done.stderr)[-1500:]}")
    kept, new = [], 0
    for path in sorted((places.afl_out / name / "queue").glob("id:*")):
        if "orig:" not in path.name and "sync:" not in path.name:
            target = places.corpus / f"afl-{name}-{path.name.split(',')[0].replace(':', '')}"
            shutil.copy(path, target)
            new += 1
    for kind in ("crashes", "hangs"):
        for path in sorted((places.afl_out / name / kind).glob("id:*")):
            kept.append(Path(shutil.copy(path, places.found / f"{places.name}-afl-{name}-{path.name.split(',')[0].replace(':', '')}")))
    return {"target": places.target, "engine": "afl" if name == "main" else "afl " + name, "execs": int(stats["execs_done"]), "exec/s": int(float(stats["execs_per_sec"])),
            "edges": int(stats.get("edges_found", 0)), "inputs": int(stats.get("corpus_count", 0)), "new": new, "kept": kept, "said": ""}


def shrink(places):
    """Of a grown corpus, what adds to the coverage of the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        shutil.copytree(places.seeds, kept) if places.seeds.is_dir() else kept.mkdir()
        seeds = {path.name for path in kept.iterdir()}
        done = subprocess.run([places.program, "-merge=1", kept, places.corpus], capture_output=True, check=False)
        if done.returncode == 0:
            for path in places.corpus.iterdir():
                path.unlink()
            for path in kept.iterdir():
                if path.name not in seeds:
                    shutil.copy(path, places.corpus)


class Progress:
    """A line on a terminal that says how far it is; nothing elsewhere."""

    def __init__(self, what, seconds):
        self.what, self.seconds, self.begin, self.done, self.over = what, seconds, time.monotonic(), [], threading.Event()
        self.thread = threading.Thread(target=self.show, daemon=True)
        if sys.stderr.isatty():
            self.thread.start()

    def show(self):
        while not self.over.wait(1):
            print(f"\r{self.what}: {time.monotonic() - self.begin:.0f} of about {self.seconds:.0f} s, {len(self.done)} done ", end="", file=sys.stderr, flush=True)
        print("\r" + " " * 70 + "\r", end="", file=sys.stderr, flush=True)

    def stop(self):
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()


def table(results):
    rows = [COLUMNS, *[tuple(f"{r[c]:,}" if isinstance(r[c], int) else str(r[c]) for c in COLUMNS) for r in results]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip())


def finish(results, build):
    """Judges what was kept, and says all. Returns whether there are findings."""
    wrong = False
    for r in results:
        places = Places(build, r["target"])
        r["findings"] = len(found := judge(places, r.pop("kept")))
        r["found"] = [shown(path) for path in found]
        wrong |= bool(found)
    table(results)
    for r in results:
        for path in r["found"]:
            print(f"\nfinding of fuzz_{r['target']}; to see it again:\n    {shown(build / 'fuzz')}/fuzz_{r['target']} {path}")
            print("".join(f"    {line}\n" for line in r["said"].splitlines() if re.search(r"does not hold|ERROR|runtime error|SUMMARY", line)), end="")
        r.pop("said")
    return wrong


def rounds(options):
    """A campaign: each target has its share of the time, in rounds of at most ten minutes."""
    chosen, left = options.target, options.hours * 3600
    totals = {}
    while left > 0:
        share = max(20, min(600, left / len(chosen)))
        for target in chosen:
            if left <= 0:
                break
            places = Places(options.build, target)
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                jobs = [pool.submit(libfuzzer, places, int(share))]
                if shutil.which("afl-fuzz") and places.afl.exists():
                    jobs += [pool.submit(afl, places, int(share)), pool.submit(afl, places, int(share), "cmplog")]
                for job in jobs:
                    r = job.result()
                    key = (target, r["engine"])
                    total = totals.setdefault(key, {**r, "execs": 0, "new": 0, "kept": []})
                    total.update({k: r[k] for k in ("exec/s", "edges", "inputs")})
                    total["execs"] += r["execs"]
                    total["new"] += r["new"]
                    total["kept"] += r["kept"]
                    total["said"] = total["said"] or r["said"]
            shrink(places)
            left -= share
            print(f"{time.strftime('%H:%M:%S')} {target}: {sum(t['execs'] for k, t in totals.items() if k[0] == target):,} executions so far, "
                  f"{sum(t['execs'] for t in totals.values()):,} of all; corpus {count(places.corpus) + count(places.seeds)}", flush=True)
    return [totals[key] for key in sorted(totals)]


def once(options):
    chosen = options.target
    runs = -(-len(chosen) // options.jobs)
    progress = Progress("fuzz", runs * options.time)
    engine = libfuzzer if options.engine == "libfuzzer" else afl

    def run(target):
        result = engine(Places(options.build, target), options.time)
        progress.done.append(target)
        return result

    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            return list(pool.map(run, chosen))
    finally:
        progress.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--target", action="append", choices=targets(), metavar="TARGET", help=f"only this one, of {', '.join(targets())}; repeatable")
    parser.add_argument("--engine", choices=("libfuzzer", "afl"), default="libfuzzer")
    parser.add_argument("--time", type=int, default=60, help="seconds for each target (60)")
    parser.add_argument("--hours", type=float, help="run a campaign for so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="targets at once")
    parser.add_argument("--json", type=Path, help="write what came of it there, too")
    options = parser.parse_args()
    options.target = options.target or targets()
    if not find_original(options.build) and "original" in options.target:
        print("fuzz_original is left out: the original is not there to compare with", file=sys.stderr)
        options.target.remove("original")
    try:
        results = rounds(options) if options.hours else once(options)
        wrong = finish(results, options.build)
    except Broken as error:
        print(f"run.py: error: {error}", file=sys.stderr)
        return 2
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"seconds": options.hours * 3600 if options.hours else options.time, "targets": results}, indent=1) + "\n")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
