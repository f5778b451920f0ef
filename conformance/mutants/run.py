#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prove the cases: build each mutant of the reference and see the case that claims its rule fail it.

run.py [--build DIR] [--jobs N] [NAME…]

A mutant is a patch in this folder. Lines before the first `---` tell what it is for:

    Breaks: LINK-1
    Failed-by: LINK-1.1 LINK-1.2
    What: one line in words

Every case named must fail the mutant in at least one role, and pass the unmutated reference in all of its roles.
Prints TAP; exit 0 when every mutant was failed as it claims.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DEADLINE = 300  # seconds for one build or one run; only a hang meets it


class Broken(Exception):
    """The mutant itself is of no use: it does not apply, build or say what it breaks."""


def read_mutant(path):
    head, _, _ = path.read_text().partition("\n--- ")
    fields = dict(re.findall(r"^([A-Z][a-z-]+): (.+)$", head, re.M))
    missing = {"Breaks", "Failed-by", "What"} - fields.keys()
    if missing:
        raise Broken(f"{path.name} does not say {', '.join(sorted(missing))}")
    return fields


def command(arguments, **more):
    try:
        return subprocess.run(
            [str(a) for a in arguments], capture_output=True, text=True, timeout=DEADLINE, check=False, **more
        )
    except subprocess.TimeoutExpired as error:
        raise Broken(f"{arguments[0]} did not end within {DEADLINE} s") from error


def build_mutant(path, build):
    """The mutant's `yoton`, made from a copy of the reference and of its objects, so that little is compiled."""
    folder = build / "mutants" / path.stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "reference", folder / "reference")
    shutil.copy2(ROOT / "Makefile", folder / "Makefile")
    if (build / "obj" / "reference").is_dir():
        shutil.copytree(build / "obj" / "reference", folder / "build" / "obj" / "reference")
        shutil.copy2(build / ".flags", folder / "build" / ".flags")
    patched = command(["patch", "-p1", "-s", "-f", "-F0", "--no-backup-if-mismatch", "-i", path], cwd=folder)
    if patched.returncode:
        raise Broken(f"{path.name} does not apply:\n{patched.stdout}{patched.stderr}")
    made = command(["make", "-C", folder, "-j2", "tools", "BUILD=build"], env=plain_environment())
    if made.returncode:
        raise Broken(f"{path.name} does not build:\n{made.stdout}{made.stderr}")
    return folder


def plain_environment():
    """Without what an outer make hands down: its job server and its variables are not for this build."""
    return {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}


def judge(build, program, cases, report):
    """Verdicts of `program agent` in `cases`, as (id, role) -> (verdict, why)."""
    arguments = [build / "yotonspec", "run", "--command", f"{program} agent", "--slow", "--report-dir", report]
    for case in cases:
        arguments += ["--case", case]
    done = command(arguments)
    results = Path(report) / "results.json"
    if done.returncode not in (0, 1, 5) or not results.exists():
        raise Broken(f"yotonspec ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    listed = json.loads(results.read_text())["cases"]
    return {(c["id"], c["role"]): (c["verdict"], c.get("why", "")) for c in listed}


def try_mutant(path, build):
    fields = read_mutant(path)
    cases = fields["Failed-by"].split()
    folder = build_mutant(path, build)
    verdicts = judge(build, folder / "build" / "yoton", cases, folder / "report")
    notes, good = [], True
    for case in cases:
        own = {role: v for (name, role), v in verdicts.items() if name == case}
        caught = [f"{case} as {role}: {why}" for role, (verdict, why) in own.items() if verdict in ("fail", "warn")]
        good &= bool(caught)
        notes += caught or [f"{case} does not fail it: {own or 'it was not run'}"]
    return good, f"{path.stem} ({fields['Breaks']}): {fields['What']}", notes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants to try (default: all)")
    args = parser.parse_args()
    build = args.build.resolve()
    paths = sorted(HERE.glob("*.patch"))
    unknown = set(args.names) - {p.stem for p in paths}
    if unknown:
        sys.exit(f"run.py: no such mutant: {', '.join(sorted(unknown))}")
    if args.names:
        paths = [p for p in paths if p.stem in args.names]
    if not paths:
        sys.exit("run.py: there are no mutants")

    print(f"1..{len(paths) + 1}", flush=True)
    failed = False

    def say(ok, text, notes):
        nonlocal failed
        failed |= not ok
        print(("ok" if ok else "not ok") + f" - {text}")
        for line in "\n".join(notes).splitlines():
            print(f"# {line}")
        sys.stdout.flush()

    try:
        claimed = sorted({case for path in paths for case in read_mutant(path)["Failed-by"].split()})
        verdicts = judge(build, build / "yoton", claimed, build / "mutants" / "unmutated")
        bad = [f"{k[0]} as {k[1]}: {v[0]} {v[1]}" for k, v in sorted(verdicts.items()) if v[0] != "pass"]
        say(not bad and bool(verdicts), f"the reference passes the {len(claimed)} cases that claim a mutant", bad)
    except Broken as error:
        say(False, "the reference passes the cases that claim a mutant", [str(error)])
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        running = {pool.submit(try_mutant, path, build): path for path in paths}
        for job in concurrent.futures.as_completed(running):
            try:
                say(*job.result())
            except (Broken, OSError) as error:
                say(False, running[job].stem, [str(error)])
    sys.exit(failed)


if __name__ == "__main__":
    main()
