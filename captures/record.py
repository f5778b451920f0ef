#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Records the captures: lets the original speak on the loopback interface and writes down what it said.

Writes NAME.pcapng and its event log NAME.log for every scenario named (default: all), slots.txt with the names of the
slots they use, and the table in README.md. Needs the right to capture (root), `editcap` (Debian: wireshark-common), and
YOTON_PATH, the folder that holds the package `yoton`. `make captures` calls it.
"""
import argparse
import gzip
import os
import re
import selectors
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from made import MADE, read_frames
from peers import DEADLINE, Failed, Original, Reference, Scripted
from scenarios import SCENARIOS

HERE = os.path.dirname(os.path.abspath(__file__))
SNAP = {"snap-cut": 128}


class Stage:
    """What a scenario works with: peers that are ended behind it, and the recording."""

    def __init__(self, recorder, path, connections, snap):
        self.recorder, self.path, self.connections, self.snap = recorder, path, connections, snap
        self.process, self.originals, self.trouble = None, [], None

    def original(self, where=()):
        self.originals.append(Original(where))
        return self.originals[-1]

    def reference(self):
        self.originals.append(Reference())
        return self.originals[-1]

    def record(self, port, where=(), interface="lo"):
        """Starts recording, and returns when nothing can be missed any more."""
        command = [*where, self.recorder, "--interface", interface, "--port", str(port), "--write", self.path, "--connections", str(self.connections),
                   "--deadline", str(int(12 * DEADLINE)), *(["--snap", str(self.snap)] if self.snap else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        if not selector.select(DEADLINE) or self.process.stdout.readline() != "recording\n":
            self.process.kill()
            raise Failed(f"the recorder: {self.process.stderr.read().strip() or 'does not start in time'}")

    def hosted(self):
        """An original that listens, with the recording started."""
        host = self.original()
        self.record(host.bind())
        return host

    def pair(self):
        """Two originals, connected."""
        host, client = self.hosted(), self.original()
        port = host.ask("status", connection="1")["port1"]
        client.connect(port)
        host.connected()
        return host, client

    def scripted(self, host):
        return Scripted.connect(host.ask("status", connection="1")["port1"])

    def end(self):
        """Ends everybody, and waits until the recorder has seen the end of every connection."""
        self.end_originals()
        self.wait_for_recorder()

    def wait_for_recorder(self):
        if self.trouble is None:  # communicate() takes what it said, and can do so once
            _, self.trouble = self.process.communicate(timeout=13 * DEADLINE)
        if self.process.returncode != 0:
            raise Failed(f"the recorder: {self.trouble.strip() or self.process.returncode}")

    def end_originals(self):
        for original in self.originals:
            if original.process.poll() is None:
                original.end()

    def everybody_gone(self):
        """Waits until no context has a connection left."""
        deadline = time.monotonic() + DEADLINE
        while any(o.ask("connections")["connections"] for o in self.originals):
            if time.monotonic() > deadline:
                raise Failed("a connection stays")

    def abandon(self):
        for process in [original.process for original in self.originals] + [self.process]:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def make(name, options, folder):
    """Writes a capture that is made from another."""
    source, change = MADE[name]
    frames = read_frames(os.path.join(options.into, source + ".pcapng"))
    raw = os.path.join(folder, name + ".pcap")
    begin = frames[0][0]
    with open(raw, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        times = sorted(time for time, _ in change(frames))
        for at, (_, frame) in zip(times, change(frames)):
            f.write(struct.pack("<IIII", at // 10**6, at % 10**6, len(frame), len(frame)) + frame)
    if begin > times[0]:
        raise Failed(f"{name}: times went wrong")
    run(["editcap", "-F", "pcapng", "--capture-comment", f"{name}: {change.__doc__}", raw, os.path.join(options.into, name + ".pcapng")], "writing pcapng")
    return f"| [{name}]({name}.pcapng) | made from {source} | {change.__doc__} |"


# --- writing them down ---


def run(command, what):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise Failed(f"{what}: {command[0]} is not there") from None
    except subprocess.CalledProcessError as error:
        raise Failed(f"{what}: {error.stderr.strip()}") from None


def versions(original, yoton_path):
    """What spoke, and what wrote it down."""
    package = ""
    changes = os.path.join(yoton_path, "../../doc/pyzo/changelog.Debian.gz")
    if os.path.exists(changes):
        with gzip.open(changes, "rt", encoding="utf-8") as f:
            name, version = f.readline().split()[:2]
        package = f" (Debian's {name} {version.strip('()')})"
    python = "Python " + sys.version.split()[0]
    return f"Yoton {original.hello['version'].split()[0]}{package}, {python}, loopback interface of Linux"


def check(name, log, expect):
    at = 0
    for pattern in expect:
        # a pattern with a group is the wanted value of the next one
        found = re.compile(pattern if r"\1" not in pattern else pattern.replace(r"\1", group)).search(log, at)
        if not found:
            raise Failed(f"{name}: the log lacks {pattern!r} behind its byte {at}:\n{log}")
        group = found.group(1) if found.groups() else ""
        at = found.end()


def record(name, options, folder):
    """Plays a scenario and writes its capture and log. Returns its line of the table, and its slot names."""
    play, who, expect, connections = SCENARIOS[name]
    raw = os.path.join(folder, name + ".pcap")
    capture, log = (os.path.join(options.into, name + end) for end in (".pcapng", ".log"))
    stage = Stage(options.recorder, raw, connections, SNAP.get(name))
    try:
        play(stage)
        stage.end()
    finally:
        stage.abandon()
    made_by = versions(stage.originals[0], os.environ["YOTON_PATH"])
    comment = f"{name}: {play.__doc__} A, B: {who}. {made_by}."
    run(["editcap", "-F", "pcapng", "--capture-comment", comment, raw, capture], "writing pcapng")
    slots = set().union(*(original.slots for original in stage.originals))
    return f"| [{name}]({name}.pcapng) | {who} | {play.__doc__} |", slots, made_by


def write_log(name, options, slots):
    capture, log = (os.path.join(options.into, name + end) for end in (".pcapng", ".log"))
    text = run([options.yoton, "dump", "--no-time", "--slots", slots, capture], "yoton dump")
    if name in SCENARIOS:
        check(name, text, SCENARIOS[name][2])
    with open(log, "w", encoding="utf-8") as f:
        f.write(text)


def write_table(options, rows, made_by):
    """Rows of captures that were not made now stay."""
    path = os.path.join(options.into, "README.md")
    with open(path, encoding="utf-8") as f:
        head, _, rest = f.read().partition("<!-- table: written by record.py -->\n")
    old, mark, tail = rest.partition("<!-- end of table -->\n")
    if not mark:
        raise Failed("README.md: has no place for the table")
    by_name = {row.split("]")[0].lstrip("| ["): row for row in [*(line for line in old.splitlines() if line.startswith("| [")), *rows]}
    rows = [by_name[name] for name in [*SCENARIOS, *MADE] if name in by_name]
    made_by = made_by or re.search(r"^Recorded from (.*?)\.$", old, re.M)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{head}<!-- table: written by record.py -->\nRecorded from {made_by}.\n\n"
                "| capture | A, B | what happens |\n|---|---|---|\n" + "\n".join(rows) + f"\n{mark}{tail}")


def record_all(options):
    if not shutil.which("editcap"):
        raise Failed("editcap is not there; on Debian: apt-get install wireshark-common")
    with tempfile.TemporaryDirectory() as folder:
        rows, slots, made_by = [], set(), ""
        wanted = options.scenarios or [*SCENARIOS, *MADE]
        for name in wanted:
            print(f"recording {name}", flush=True)
            if name in MADE:
                rows.append(make(name, options, folder))
                continue
            row, names, made = record(name, options, folder)
            made_by = made if "2.2" in made else made_by
            rows.append(row)
            slots |= names
        names = os.path.join(options.into, "slots.txt")
        if options.scenarios and os.path.exists(names):
            with open(names, encoding="utf-8") as f:
                slots |= set(f.read().splitlines())
        with open(names, "w", encoding="utf-8") as f:
            f.writelines(name + "\n" for name in sorted(slots))
        for name in wanted:
            write_log(name, options, names)
        if not options.scenarios or os.path.exists(os.path.join(options.into, "README.md")):
            write_table(options, rows, made_by)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the folder of `yoton` and `recorder`")
    parser.add_argument("--into", default=HERE, help="where captures and logs are written")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join([*SCENARIOS, *MADE]))
    options = parser.parse_args()
    unknown = sorted(set(options.scenarios) - set(SCENARIOS) - set(MADE))
    if unknown:
        parser.error(f"no scenario {unknown[0]}")
    options.yoton, options.recorder = (os.path.join(options.build, name) for name in ("yoton", "recorder"))
    os.environ.setdefault("YOTON_PATH", os.path.abspath(os.path.join(options.build, "peer/pyzo/usr/share/pyzo/pyzo")))
    try:
        if os.geteuid() != 0:
            raise Failed("recording needs the right to capture; run it as root")
        record_all(options)
    except Failed as error:
        print(f"record.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
