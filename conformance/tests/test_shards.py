#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shards: every case and role is in exactly one, and what `yotonspec merge` makes of their results is what the whole
run gives. Prints TAP."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from support.spec_run import ADAPTER, PYTHON, SPEC, YOTON, differs, lacks, main, report

TIMES = {"seconds", "started", "scale", "measured"}


class Room:
    """A folder for the reports of several runs against one adapter: it shakes hands, and fails much else."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.command = f"{PYTHON} '{ADAPTER}' none '{folder}'"

    def spec(self, *arguments):
        return subprocess.run([SPEC, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
                              stdin=subprocess.DEVNULL)

    def run(self, name, *arguments, seed="5", command=None):
        done = self.spec("run", "--command", command or self.command, "--case", "HS-*", "--role", "host", "--seed", seed,
                         "--timeout-scale", "0.3", "--report-dir", self.folder / name, *arguments)
        return self.file(name), done.returncode

    def file(self, name):
        return self.folder / name / "results.json"

    def results(self, name):
        return json.loads(self.file(name).read_text())



def partition():
    """By the reference, which takes every case: what a shard has is in its results."""
    with tempfile.TemporaryDirectory() as folder:
        def judged(shard):
            subprocess.run([SPEC, "run", "--command", f"'{YOTON}' agent", "--case", "FRAME-*", "--case", "HS-1*", "--shard", shard,
                            "--report-dir", folder], capture_output=True, timeout=300, check=False, stdin=subprocess.DEVNULL)
            cases = json.loads((Path(folder) / "results.json").read_text())["cases"]
            return [(c["id"], c["role"]) for c in cases]

        whole = judged("1/1")
        for count in (2, 3, 7):
            parts = [judged(f"{i}/{count}") for i in range(1, count + 1)]
            together = sorted(pair for part in parts for pair in part)
            report(f"{count} shards: each case and role is in one of them", differs("all of them", together, sorted(whole)),
                   max(map(len, parts)) - min(map(len, parts)) > 1 and f"sizes {list(map(len, parts))}")
        report("a shard is the same each time", differs("shard 2/3", judged("2/3"), judged("2/3")))


def merging():
    with tempfile.TemporaryDirectory() as folder:
        room = Room(folder)
        room.run("whole")
        shards = [room.run(f"s{i}", "--shard", f"{i}/3")[0] for i in (1, 2, 3)]
        done = room.spec("merge", *reversed(shards), "--report-dir", room.folder / "merged")
        whole, merged = room.results("whole"), room.results("merged")
        parts = [json.loads(shard.read_text()) for shard in shards]
        total = len(whole["cases"])
        dealt = [parts[i % 3]["cases"][i // 3] for i in range(total)]
        pairs = [[(c["id"], c["role"]) for c in r["cases"]] for r in (merged, whole)]
        frame = [{k: v for k, v in r.items() if k not in TIMES | {"cases", "counts", "exit"}} for r in (merged, whole)]
        report("all shards together are the whole run", differs("cases", *pairs), differs("all else", *frame),
               differs("exit code", done.returncode, merged["exit"]), lacks("output", done.stdout, "index.html"),
               differs("kinds of verdict", {"pass", "fail"} <= {c["verdict"] for c in merged["cases"]}, True),
               differs("files", sorted(p.name for p in (room.folder / "merged").iterdir()),
                       ["captures", "index.html", "junit.xml", "results.json", "results.tap"]))
        report("each case is as its shard found it", *(c["id"] for c, d in zip(merged["cases"], dealt) if c != d),
               differs("counts", merged["counts"], {v: sum(p["counts"][v] for p in parts) for v in merged["counts"]}),
               differs("exit code", merged["exit"], max(p["exit"] for p in parts)))

        other_seed = room.run("seed", "--shard", "3/3", seed="6")[0]
        other_peer = room.run("peer", "--shard", "3/3", command=f"'{YOTON}' agent")[0]
        other_cases = room.run("cases", "--shard", "3/3", "--exclude", "HS-1*")[0]
        other_count = room.run("count", "--shard", "2/2")[0]
        broken = {}
        for name, change in (("version", {"harness": {"name": "yotonspec", "version": "0.0"}}), ("interrupted", {"complete": False}),
                             ("short", {"cases": room.results("s3")["cases"][1:]}), ("format", {"format": 2})):
            broken[name] = room.folder / f"{name}.json"
            broken[name].write_text(json.dumps({**room.results("s3"), **change}))
        (room.folder / "text").write_text("shard")
        for name, files, *parts in (
            ("one missing", (shards[0], shards[2]), "missing: 2/3"),
            ("two missing", (shards[2],), "missing: 1/3, 2/3"),
            ("one doubled", (*shards, shards[1]), "shard 2/3 is there twice", "s2"),
            ("another seed", (*shards[:2], other_seed), "seed is \"5\", and \"6\"", "--seed", "seed/results.json"),
            ("another peer", (*shards[:2], other_peer), "peer is", "reference"),
            ("other cases", (*shards[:2], other_cases), "selection is", "HS-1*"),
            ("another number of shards", (*shards[:2], other_count), "one of 3 shards", "one of 2"),
            ("another version", (*shards[:2], broken["version"]), "harness is", "0.0"),
            ("an interrupted one", (*shards[:2], broken["interrupted"]), "interrupted", "interrupted.json"),
            ("one that lacks a case", (*shards[:2], broken["short"]), "of", "cases"),
            ("another format", (*shards[:2], broken["format"]), "format 1"),
            ("one that is no JSON", (*shards[:2], room.folder / "text"), "text", "results.json"),
            ("none at all", (), "every shard"),
        ):
            done = room.spec("merge", *files, "--report-dir", room.folder / "refused")
            report("refused: " + name, differs("exit code", done.returncode, 2), *(lacks("error", done.stderr, p) for p in parts),
                   differs("lines", len(done.stderr.splitlines()), 1), (room.folder / "refused").exists() and "there is a report")


if __name__ == "__main__":
    sys.exit(main(partition, merging))
