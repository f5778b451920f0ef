#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the models: each as it should be, and each with a fault that must be found. `make model` calls it.

check.py [--folder DIR] [--json FILE] [MODEL…]

spin makes a checker of a model, which visits every state that the model can come to. For each variant two things are
checked: no assertion fails and nothing waits that should not (safety), and no cycle goes on for ever without end, so that
every conversation comes to its end (progress; a fault is looked for by the first alone). spin's checker exits 0 whatever
it finds, so what it prints is read: `errors: 0`, and that the search was not cut.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEPTH, DEADLINE = 500000, 600

# Model, definitions, what it shows; faults: a definition, and the requirement that it breaks.
GOOD = [
    ("link", "", "handshake, packages and close, with every first line and whoever closes when"),
    ("link", "LOSS", "the same, and each end may lose its socket at any time"),
    ("routing", "", "a ring of three, a package each"),
    ("routing", "FIRST=3 OTHERS=0", "a ring of three, three packages of one"),
    ("routing", "LINE FIRST=2 OTHERS=1", "three in a line"),
    ("requests", "", "two requesters, two repliers, offers repeated, cancelled at any time"),
    ("requests", "REPLIERS=3 OFFERS=1", "two requesters, three repliers"),
    ("requests", "DIES", "a requester that goes at any time"),
    ("state", "ALONE", "one setter, nobody new: all have the last state"),
    ("state", "", "one setter and a newcomer: all have a state"),
    ("state", "SETTERS=2", "two setters and a newcomer: all have a state"),
    ("sync", "", "a reader that falls behind"),
    ("sync", "DIES", "a reader that goes at any time"),
    ("sync", "PATIENT", "the same without the second after which a held send goes anyway"),
    ("sync", "PATIENT DIES", "and with a reader that goes"),
]
FAULTS = [
    ("link", "CLOSE_FIRST", "LINK-12"), ("link", "TALKS_ON", "LINK-13"), ("link", "STAYS", "LINK-14"), ("link", "UNSEEN_END", "LINK-17"),
    ("link", "TWICE", "LINK-18"), ("link", "ANSWERS_ALL", "HS-7"), ("link", "NO_REFUSAL", "HS-20"), ("link", "WAITS_FOR_EVER", "HS-18"),
    ("routing", "WITHOUT_MEMORY", "ROUTE-7"), ("routing", "TAKES_OWN", "ROUTE-19"), ("routing", "EVERYBODY_TAKES", "ROUTE-12"),
    ("routing", "LINE DIRECTED_STOPS", "ROUTE-11"), ("routing", "LINE KEEPS_IT", "ROUTE-8"),
    ("requests", "TWICE", "REQREP-6"), ("requests", "NO_WITHDRAWAL", "REQREP-8"), ("requests", "CANCEL_SILENT", "REQREP-11"),
    ("requests", "CANCEL_TAKEN", "REQREP-13"), ("requests", "NOT_STRUCK", "REQREP-17"), ("requests", "BUSY_ANSWERS", "REQREP-16"),
    ("requests", "DIES NO_TIME_OUT", "REQREP-17"),
    ("state", "NO_RESEND", "STATE-5"), ("state", "ALONE KEEPS_FIRST", "STATE-3"), ("state", "ALONE OWN_NOT_TAKEN", "STATE-1"),
    ("sync", "PATIENT NO_OK", "SYNC-2"), ("sync", "PATIENT DIES FOR_EVER", "SYNC-7"),
]
# What the protocol does not guarantee, shown by an assertion that fails: section 14 warns of the first two.
NOT_SO = [
    ("state", "SETTERS=2 AGREE", "two setters: the members may keep different states"),
    ("state", "AGREE", "one setter and a newcomer: an older state may come back"),
    ("sync", "SAYS_FULL", "the queue grows above the threshold, so that `full` is said"),
]


def visit(model, definitions, progress):
    """What the checker prints, of a model built with these definitions."""
    with tempfile.TemporaryDirectory() as folder:
        flags = [f"-D{d}" for d in definitions.split()]
        made = subprocess.run(["spin", "-a", *flags, HERE / f"{model}.pml"], cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False)
        if made.returncode or not (Path(folder) / "pan.c").exists():
            return f"spin: {made.stdout}{made.stderr}"
        built = subprocess.run(["gcc", "-O2", "-w", "-DCOLLAPSE", "-DMEMLIM=4096", "-DNP" if progress else "-DSAFETY", "-o", "pan", "pan.c"], cwd=folder,
                               capture_output=True, text=True, timeout=DEADLINE, check=False)
        if built.returncode:
            return f"gcc: {built.stderr}"
        try:
            return subprocess.run([str(Path(folder) / "pan"), f"-m{DEPTH}", *(["-l"] if progress else [])], cwd=folder, capture_output=True, text=True,
                                  timeout=DEADLINE, check=False).stdout
        except subprocess.TimeoutExpired:
            return f"did not end in {DEADLINE} s"


def read(text):
    """(errors, states, whether all were visited, what failed)."""
    errors, states = re.search(r"errors: (\d+)", text), re.search(r"(\d+) states, stored", text)
    whole = "max search depth too small" not in text and "out of memory" not in text.lower() and "Search not completed" not in text
    failed = re.search(r"pan:1: (.*)", text)
    return int(errors[1]) if errors else None, int(states[1]) if states else 0, whole, failed[1] if failed else ""


def try_variant(kind, model, definitions, what):
    begin = time.monotonic()
    errors, states, whole, failed = read(text := visit(model, definitions, False))
    if kind == "good":
        ok = errors == 0 and whole
        if ok:
            cycles, _, whole, failed = read(text := visit(model, definitions, True))
            ok = cycles == 0 and whole
    else:
        ok = errors is not None and errors > 0 and "assertion violated" in failed
    return {"kind": kind, "model": model, "definitions": definitions, "what": what, "ok": ok, "states": states, "seconds": round(time.monotonic() - begin, 2),
            "failed": failed, "text": "" if ok else text}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write what was found there, too")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="only these")
    options = parser.parse_args()
    if shutil.which("spin") is None:
        sys.exit("check.py: error: spin is not there; on Debian: apt-get install spin")
    variants = [(kind, *one) for kind, table in (("good", GOOD), ("fault", FAULTS), ("not so", NOT_SO)) for one in table
                if not options.models or one[0] in options.models]
    if not variants:
        sys.exit(f"check.py: error: no such model; there are {', '.join(sorted({one[0] for one in GOOD}))}")
    results = []
    for number, variant in enumerate(variants, 1):
        results.append(r := try_variant(*variant))
        shows = {"good": "holds in {states} states", "fault": "breaks {what}, and is found", "not so": "does not hold, and is shown not to"}[r["kind"]].format(**r)
        name = " ".join(filter(None, (r["model"], r["definitions"])))
        print(f"{'ok' if r['ok'] else 'not ok'} {number} - {name}: {shows if r['ok'] else r['what']}" + (f" ({r['what']})" if r["ok"] and r["kind"] != "fault" else "")
              + f", {r['seconds']} s", flush=True)
        if not r["ok"]:
            print("\n".join(f"# {line}" for line in r["text"].splitlines()[-30:]))
    print(f"1..{len(results)}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1))
    return not all(r["ok"] for r in results)


if __name__ == "__main__":
    sys.exit(main())
