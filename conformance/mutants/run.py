#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prove the cases: build each mutant and see the case that claims its rule fail it.

run.py [--build DIR] [--jobs N] [--of reference|pyzo] [NAME…]

A mutant is a patch in this folder, of the reference, or in pyzo, of the original's package as Debian 12 has it, which is
copied for that; the names of these begin with `pyzo/`. Lines before the first `---` tell what it is for:

    Breaks: LINK-1
    Failed-by: LINK-1.1 LINK-1.2
    What: one line in words

Every case named must fail the mutant in at least one role, in which it passes the unmutated peer; the reference passes all
cases that are named in all of their roles. Prints TAP; exit 0 when every mutant was failed as it claims.
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


def judge(build, peer, cases, report):
    """Verdicts of a peer in `cases`, as (id, role) -> (verdict, why). The peer is a program, or the folder of the package."""
    whom = ["--peer", "pyzo"] if peer.is_dir() else ["--command", f"{peer} agent"]
    arguments = [build / "yotonspec", "run", *whom, "--slow", "--report-dir", report]
    for case in cases:
        arguments += ["--case", case]
    done = command(arguments, env={**os.environ, "YOTON_PATH": str(peer)})
    results = Path(report) / "results.json"
    if done.returncode not in (0, 1, 5) or not results.exists():
        raise Broken(f"yotonspec ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    listed = json.loads(results.read_text())["cases"]
    return {(c["id"], c["role"]): (c["verdict"], c.get("why", "")) for c in listed}


def mutate_package(path, build, original):
    """The folder that holds a copy of the package, mutated."""
    folder = build / "mutants" / f"pyzo-{path.stem}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original / "yoton", folder / "yoton")
    shutil.copy2(original / "__init__.py", folder / "__init__.py")  # the version stands there
    patched = command(["patch", "-p1", "-s", "-f", "-F0", "--no-backup-if-mismatch", "-i", path], cwd=folder)
    if patched.returncode:
        raise Broken(f"{path.name} does not apply; it is for the package pyzo of Debian 12:\n{patched.stdout}{patched.stderr}")
    return folder


def name_of(path):
    return str(path.relative_to(HERE).with_suffix(""))


def try_mutant(path, build, original, good_verdicts):
    fields = read_mutant(path)
    cases = fields["Failed-by"].split()
    if path.parent == HERE:
        folder = build_mutant(path, build)
        verdicts = judge(build, folder / "build" / "yoton", cases, folder / "report")
    else:
        folder = mutate_package(path, build, original)
        verdicts = judge(build, folder, cases, folder / "report")
    notes, good = [], True
    for case in cases:
        own = {role: v for (name, role), v in verdicts.items() if name == case and good_verdicts.get((name, role), ("",))[0] == "pass"}
        caught = [f"{case} as {role}: {why}" for role, (verdict, why) in own.items() if verdict in ("fail", "warn")]
        good &= bool(caught)
        notes += caught or [f"{case} does not fail it: {own or 'it was not run, or does not pass the good peer'}"]
    return good, f"{name_of(path)} ({fields['Breaks']}): {fields['What']}", notes


def why_no_original(build, original):
    if (original / "yoton/__init__.py").is_file():
        return None
    reason = build / "peer/pyzo.unavailable"
    return reason.read_text().strip() if reason.is_file() else f"no package `yoton` in {original}; fetch it by `make setup`"


class Tap:
    failed = False

    def say(self, ok, text, notes=()):
        self.failed |= not ok
        print(("ok" if ok else "not ok") + f" - {text}")
        for line in "\n".join(notes).splitlines():
            print(f"# {line}")
        sys.stdout.flush()


def judge_good(tap, build, peer, name, paths):
    """Verdicts of an unmutated peer in the cases that claim one of these mutants."""
    try:
        claimed = sorted({case for path in paths for case in read_mutant(path)["Failed-by"].split()})
        verdicts = judge(build, peer, claimed, build / "mutants" / f"unmutated-{name}")
        bad = [f"{k[0]} as {k[1]}: {v[0]} {v[1]}" for k, v in sorted(verdicts.items()) if v[0] != "pass"]
        if name == "reference":
            tap.say(not bad and bool(verdicts), f"the reference passes the {len(claimed)} cases that claim a mutant", bad)
        else:
            passes = {case for (case, _), (verdict, _) in verdicts.items() if verdict == "pass"}
            tap.say(passes == set(claimed), f"the original passes, in a role or both, the {len(claimed)} cases that claim a mutant of it",
                    sorted(set(claimed) - passes))
        return verdicts
    except Broken as error:
        tap.say(False, f"{name} can be judged", [str(error)])
        return {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--of", choices=("reference", "pyzo"), help="only mutants of this peer")
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants to try (default: all)")
    args = parser.parse_args()
    build = args.build.resolve()
    original = Path(os.environ.get("YOTON_PATH") or build / "peer/pyzo/usr/share/pyzo/pyzo")
    paths = sorted(HERE.glob("*.patch")) + sorted(HERE.glob("pyzo/*.patch"))
    unknown = set(args.names) - {name_of(p) for p in paths}
    if unknown:
        sys.exit(f"run.py: no such mutant: {', '.join(sorted(unknown))}")
    if args.names:
        paths = [p for p in paths if name_of(p) in args.names]
    if args.of:
        paths = [p for p in paths if (p.parent == HERE) == (args.of == "reference")]
    if not paths:
        sys.exit("run.py: there are no mutants")
    tap = Tap()
    own, guests = [p for p in paths if p.parent == HERE], [p for p in paths if p.parent != HERE]
    reason = why_no_original(build, original) if guests else None
    if reason:
        print(f"ok - {len(guests)} mutants of the original # SKIP {' '.join(reason.split())}")
        paths, guests = own, []
    print(f"1..{len(paths) + bool(own) + bool(guests) + bool(reason)}", flush=True)
    good = {HERE: judge_good(tap, build, build / "yoton", "reference", own) if own else {},
            HERE / "pyzo": judge_good(tap, build, original, "pyzo", guests) if guests else {}}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        running = {pool.submit(try_mutant, path, build, original, good[path.parent]): path for path in paths}
        for job in concurrent.futures.as_completed(running):
            try:
                tap.say(*job.result())
            except (Broken, OSError) as error:
                tap.say(False, name_of(running[job]), [str(error)])
    sys.exit(tap.failed)


if __name__ == "__main__":
    main()
