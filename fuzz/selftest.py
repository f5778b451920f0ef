#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shows what the fuzz targets are worth: plants each bug of planted.py in a copy of the file, builds the target with it, and
sees that it is found. `make fuzz-selftest` calls it.

selftest.py [--build DIR] [--time SECONDS] [--jobs N] [--corpus-only] [--target TARGET] [NAME…]

For each bug it says whether the checked-in corpus finds it, and how long the fuzzer took that began without a corpus, with
its dictionary, on one core; what it finds must pass without the bug. Exits 1 when a bug was not found within the time, or can no longer be planted.
"""
import argparse
import concurrent.futures
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peer import find_original
from planted import PLANTED

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["-std=c17", "-D_POSIX_C_SOURCE=200809L", "-g", "-O1", "-fno-omit-frame-pointer", "-w", *(f"-I{ROOT / 'reference' / part}" for part in ("include", "src", "tools", "tests")),
         f"-I{ROOT / 'conformance'}", f"-I{ROOT / 'fuzz'}"]
SANITIZERS = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
LIBRARIES = ["-pthread", f"@{ROOT / 'fuzz/within.opt'}", "-Wl,--as-needed", "-lunistring", "-lgmp", "-luv", "-ljansson", "-lpcap", "-lm", "-lcmocka"]


class Broken(Exception):
    """The bug cannot be planted, or the target not built with it."""


def run(command, **more):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", check=False, **more)


def build(bug, folder, options):
    """The target with the bug in it."""
    target, _, path, was, becomes = bug
    text = (ROOT / path).read_text()
    if text.count(was) != 1:
        raise Broken(f"{path} has its text {text.count(was)} times")
    source = folder / Path(path).name
    source.write_text(text.replace(was, becomes))
    program = folder / f"fuzz_{target}"
    helpers = [source for source in (ROOT / "fuzz").glob("*.c") if source.stem not in ("runner", "mutate_afl", "calibrate") and not source.stem.startswith("fuzz_")]
    # what is mutated comes first, so that the archives' own file of it is not taken
    archives = [options.build / f"fuzz/lib{name}.a" for name in ("harness", "capture", "sim", "yoton")]
    made = run(["clang", *FLAGS, f"-I{(ROOT / path).parent}", *SANITIZERS, source, ROOT / f"fuzz/fuzz_{target}.c", *helpers, *archives, *LIBRARIES, "-o", program])
    if made.returncode:
        raise Broken(f"it does not build:\n{made.stderr[-1500:]}")
    return program


def judge(bug, options):
    """(found by the corpus, seconds of the fuzzer or None, what was said)."""
    target = bug[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build(bug, folder, options)
        corpus = run([program, "-runs=0", f"-artifact_prefix={folder}/corpus-", ROOT / "fuzz/corpus" / target], timeout=600)
        if options.corpus_only:
            return corpus.returncode != 0, None, corpus.stderr
        dictionary = ROOT / f"fuzz/dict/{target}.dict"
        (folder / "new").mkdir()
        begin = time.monotonic()
        fuzzed = run([program, f"-max_total_time={options.time}", f"-artifact_prefix={folder}/found-", *([f"-dict={dictionary}"] if dictionary.exists() else []), folder / "new"],
                     timeout=options.time + 300)
        seconds = time.monotonic() - begin if fuzzed.returncode else None
        for found in folder.glob("found-*"):
            if run([options.build / f"fuzz/fuzz_{target}", "-runs=0", f"-artifact_prefix={folder}/good-", found], timeout=300).returncode:
                raise Broken(f"what was found fails without the bug, too: {found.read_bytes()[:200]!r}")
        return corpus.returncode != 0, seconds, fuzzed.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--time", type=int, default=60, help="seconds that the fuzzer has for each (60)")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--corpus-only", action="store_true", help="only see whether the corpus finds them")
    parser.add_argument("--json", type=Path, help="write what was found there, too")
    parser.add_argument("--target", help="only bugs for this target")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these bugs")
    options = parser.parse_args()
    bugs = [bug for bug in PLANTED if options.target in (None, bug[0]) and (not options.names or bug[1] in options.names)]
    if not bugs:
        sys.exit("selftest.py: error: no such bug; planted.py has them")
    failed, rows = False, []
    if not find_original(options.build):
        bugs = [bug for bug in bugs if bug[0] != "original"]

    def attempt(bug):
        try:
            return judge(bug, options)
        except Broken as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for number, (bug, result) in enumerate(zip(bugs, pool.map(attempt, bugs)), 1):
            name = f"{number} - {bug[0]}: {bug[1]}"
            if isinstance(result, Broken):
                ok, shows = False, f"cannot be planted: {result}"
            else:
                corpus, seconds, said = result
                ok = corpus if options.corpus_only else seconds is not None
                shows = ("the corpus finds it" if corpus else "the corpus does not find it") + \
                    ("" if options.corpus_only else f", the fuzzer does after {seconds:.1f} s" if ok else f", nor does the fuzzer in {options.time} s")
            failed |= not ok
            rows.append({"target": bug[0], "bug": bug[1], "corpus": not isinstance(result, Broken) and result[0], "found": ok,
                         "seconds": round(result[1], 1) if not isinstance(result, Broken) and result[1] is not None else None})
            print(f"{'ok' if ok else 'not ok'} {name}: {shows}", flush=True)
    print(f"1..{len(bugs)}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
