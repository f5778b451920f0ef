#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""yoton.ksy, compiled by Kaitai Struct to JavaScript, reads every good vector as it is meant, and refuses what is wrong in form.
Needs node, and in KAITAI or build/kaitai the npm packages that `make kaitai` puts there. Prints TAP."""
import collections
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", ROOT / "build"))
MODULES = Path(os.environ.get("KAITAI", BUILD / "kaitai")).resolve()
REFUSED = {("headers", "control"), ("headers", "more"), ("objects", "type"), ("handshake", "not_yoton"), ("handshake", "more")}
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ci"))
from tap import finish, report  # noqa: E402  (it is no package)


def same(wanted, got):
    """The forms of the vectors; of floats what JavaScript's JSON can say."""
    if isinstance(wanted, bool) or wanted is None or isinstance(wanted, str):
        return wanted == got
    if isinstance(wanted, int):
        return isinstance(got, dict) and near(wanted, int(got["int"]))
    if isinstance(wanted, list):
        return isinstance(got, list) and len(wanted) == len(got) and all(map(same, wanted, got))
    (form, held), = wanted.items()
    if form == "int":
        return near(int(held), int(got["int"]))
    if form == "float":
        value = float.fromhex(held) if "x" in held else float(held)
        return (got["float"] is None) if not math.isfinite(value) else got["float"] == value
    return form in got and same(held, got[form])


def near(a, b):
    return a == b if abs(a) < 1 << 53 else math.isclose(a, b, rel_tol=1e-9)  # JavaScript's runtime makes doubles of them


def beyond(kind, vector):
    """What a reader of the form, or this runtime, does not do: equal keys, a byte order mark, payloads that are not there."""
    return "OBJ-8" in vector["requirement"] or vector["name"] == "string.byte-order-mark" or (kind == "headers" and int(vector["header"]["length"]) >= 10**6)


def judge(kind, vector, got):
    if kind == "objects":
        return got["used"] == vector["used"] and ("value" not in vector or same(vector["value"], got["value"]))
    if kind == "handshake":
        return got["value"]["id"].lower() == vector["id"] and int(got["value"]["pid"]) == int(vector["pid"])
    return all(near(int(got["value"][name]), int(vector["header"][name])) for name in ("slot", "source_seq", "length"))


def main():
    if not shutil.which("node") or not (MODULES / "node_modules/kaitai-struct-compiler").is_dir():
        print("1..0 # SKIP node or the compiler is not there; `make kaitai` fetches it")
        return 0
    done = subprocess.run(["node", ROOT / "spec/tests/kaitai.mjs", MODULES, ROOT / "spec"], capture_output=True, text=True, check=False, timeout=120)
    report("yoton.ksy compiles, and reads the vectors", done.returncode != 0 and done.stderr)
    vectors = {(kind, v["name"]): v for kind in ("objects", "headers", "handshake") for v in json.loads((ROOT / f"spec/vectors/{kind}.json").read_text())["vectors"]}
    good, bad, counts = collections.defaultdict(list), collections.defaultdict(list), collections.Counter()
    for line in done.stdout.splitlines():
        got = json.loads(line)
        kind, vector = got["file"], vectors[got["file"], got["name"]]
        if vector["verdict"] == "good" and vector["input"] and not beyond(kind, vector):
            counts[kind, "good"] += 1
            if not got["good"] or not judge(kind, vector, got):
                good[kind].append(f"{got['name']}: {line}")
        elif (kind, vector["verdict"]) in REFUSED:
            counts[kind, "bad"] += 1
            if got["good"]:
                bad[kind].append(got["name"])
    for kind in ("objects", "headers", "handshake"):
        report(f"{kind}: {counts[kind, 'good']} good vectors are read as they are meant", *good[kind], not counts[kind, "good"] and "none")
        report(f"{kind}: {counts[kind, 'bad']} that are wrong in form are refused", *bad[kind], not counts[kind, "bad"] and "none")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
