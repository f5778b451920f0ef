#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The capture of a failed case: Wireshark's own reader finds nothing wrong with it, and it holds what the transcript says.
TAP on standard output."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ADAPTER = HERE / "support/misbehaving_adapter.py"
SPEC = os.environ.get("YOTONSPEC", "build/yotonspec")
YOTON = os.environ.get("YOTON", "build/yoton")
number = 0


def report(good, what, why=""):
    global number
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {what}")
    if not good:
        print("\n".join(f"# {line}" for line in str(why).splitlines()[:20]))
    return good


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)


def judge(folder, *cases):
    names = [word for case in cases for word in ("--case", case)]
    done = run(SPEC, "run", "--command", f"'{sys.executable}' -S -E '{ADAPTER}' none '{folder}'", "--role", "host", "--timeout-scale", "0.3",
               "--report-dir", folder, *names)
    return done.stdout, json.loads((Path(folder) / "results.json").read_text())["cases"]


def said(transcript, end, direction):
    return "".join(e["hex"] for e in transcript if e["who"] == end and e["direction"] == direction and "hex" in e)


def main():
    good = []
    with tempfile.TemporaryDirectory() as folder:
        out, cases = judge(folder, "HS-13.1", "HS-12.1", "HS-7.1")
        failed = [c for c in cases if c["verdict"] == "fail"]
        good.append(report([c["id"] for c in failed] == ["HS-13.1"], "one of three cases fails", cases))
        path = Path(folder) / failed[0].get("capture", "missing")
        good.append(report(path.name == "HS-13.1-host.pcapng" and path.exists(), "the failed case has its capture", failed[0].get("capture")))
        good.append(report(sum("capture" in c for c in cases) == 1, "those that passed have none", [c.get("capture") for c in cases]))
        good.append(report(f"see    {path}" in out and "──────▶" in out, "the terminal shows the conversation and names the file", out))
        good.append(report(f'href="{failed[0]["capture"]}"' in (Path(folder) / "index.html").read_text(), "the page links it"))
        done = run(YOTON, "dump", path)
        good.append(report(done.returncode == 0 and "stream 1" in done.stdout, "`yoton dump` reads it", done.stdout + done.stderr))
        if shutil.which("tshark"):
            bad = run("tshark", "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y",
                      "tcp.checksum.status==0 || ip.checksum.status==0 || _ws.malformed || tcp.analysis.flags")
            good.append(report(bad.returncode == 0 and not bad.stdout, "no checksum, length or sequence number is wrong in it", bad.stdout + bad.stderr))
            comments = run("tshark", "-r", path, "-T", "fields", "-e", "frame.comment").stdout
            good.append(report("HERE" in comments, "the packet that failed has a comment", comments))
            data = run("tshark", "-r", path, "-T", "fields", "-e", "tcp.srcport", "-e", "tcp.payload", "-Y", "tcp.len > 0 && tcp.stream == 0").stdout
            first = run("tshark", "-r", path, "-T", "fields", "-e", "tcp.srcport", "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0").stdout.split()[0]
            for direction in ("sent", "received"):
                bytes_there = "".join(line.split("\t")[1].replace(":", "") for line in data.splitlines() if (line.split("\t")[0] == first) == (direction == "sent"))
                wanted = said(failed[0]["transcript"], "end 1", direction)
                good.append(report(bytes_there == wanted, f"what end 1 {direction} is there byte by byte", f"{bytes_there}\n{wanted}"))
        else:
            print("# tshark is not there: its checks are left out")
        _, cases = judge(folder, "HS-7.1")
        good.append(report(not path.exists() and not path.parent.exists(), "captures of an earlier run are removed"))
    print(f"1..{number}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
