#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Wireshark dissector against `yoton dump`: every line, package and signal of the library and of generated streams has the
same fields in both; and it links requests to replies and marks what breaks the rules. Needs tshark. Prints TAP."""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from pathlib import Path

CAPTURES = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CAPTURES))
import packets  # noqa: E402  (it is no package)

BUILD = Path(os.environ.get("BUILD", CAPTURES.parent / "build"))
YOTON = os.environ.get("YOTON", str(BUILD / "yoton"))
SCRIPT = CAPTURES / "wireshark/yoton.lua"
STREAMS = int(os.environ.get("STREAMS", "200"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ci"))
from tap import finish, report  # noqa: E402  (it is no package)


def tshark(path, *options):
    home = {**os.environ, "HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"}  # no plugins or preferences of the user
    done = subprocess.run(["tshark", "-r", path, "-X", f"lua_script:{SCRIPT}", *options], capture_output=True, text=True, errors="replace",
                          check=False, timeout=280, env=home)
    trouble = [line for line in done.stderr.splitlines() if "lua" in line.lower() or "rror" in line]
    return done.stdout, trouble or done.returncode


def dumped(path):
    """(stream, side) -> what `yoton dump` says, as far as a dissector can; nothing behind an error in the stream."""
    out = subprocess.run([YOTON, "dump", "--json", "--payload", "all", path], capture_output=True, text=True, check=False, timeout=280).stdout
    found, ports, lost = {}, {}, set()
    for line in out.splitlines():
        e = json.loads(line)
        if e["kind"] == "stream":
            ports[e["stream"]] = {e[side].rpartition(":")[2]: side for side in "AB"}
        where = (e["stream"], e.get("from"))
        if e["kind"] == "error":
            lost.add(where)
        if where in lost:
            continue
        if e["kind"] == "hello":
            found.setdefault(where, []).append(("line", int(e["id"], 16), int(e["pid"])))
        elif e["kind"] == "refusal":
            found.setdefault(where, []).append(("refusal",))
        elif e["kind"] in ("package", "heartbeat", "close", "signal"):
            head = tuple(int(e.get(key, "0"), base) for key, base in (("slot", 10), ("source", 16), ("seq", 10), ("dest", 16), ("dest_seq", 10)))
            found.setdefault(where, []).append((*head, e.get("payload", "")))
    return found, ports, lost


def one(proto):
    """A line, package or signal as the dissector shows it."""
    shown = {f.get("name"): f for f in proto.iter("field")}
    value = lambda name, base: int(shown[name].get("show").removeprefix("0x"), base)
    if "yoton.id" in shown:
        return ("line", value("yoton.id", 16), int(shown["yoton.pid"].get("show")))
    if "yoton.refusal" in shown:
        return ("refusal",)
    if "yoton.slot" not in shown:
        return None
    head = tuple(value(f"yoton.{name}", base) for name, base in (("slot", 10), ("source", 16), ("seq", 10), ("dest", 16), ("dest_seq", 10)))
    return (*head, shown["yoton.payload"].get("value") if "yoton.payload" in shown else "")


def dissected(path):
    """The same from tshark."""
    late = ("-o", "tcp.reassemble_out_of_order:TRUE") if Path(path).stem == "reordered" else ()
    out, trouble = tshark(path, "-T", "pdml", "-Y", "yoton", *late)
    found = {}
    for packet in xml.etree.ElementTree.fromstring(out).iter("packet"):
        tcp = next(p for p in packet.iter("proto") if p.get("name") == "tcp")
        shown = {f.get("name"): f.get("show") for f in tcp.iter("field")}
        where = (int(shown["tcp.stream"]) + 1, shown["tcp.srcport"])
        for proto in packet.iter("proto"):
            if proto.get("name") == "yoton" and one(proto) is not None:
                found.setdefault(where, []).append(one(proto))
    return found, trouble


def compare(path):
    """Problems, and how many things were compared."""
    wanted, ports, lost = dumped(path)
    found, trouble = dissected(path)
    problems, count = [trouble and f"tshark: {trouble}"], 0
    for (stream, side), things in wanted.items():
        port = next(port for port, name in ports[stream].items() if name == side)
        got = found.pop((stream, port), [])
        if not got and {t[0] for s, all_of in wanted.items() if s[0] == stream for t in all_of} == {"refusal"}:
            count += 1  # what a stranger was told: another dissector may have taken hold of it, as that of HTTP
            continue
        if (stream, side) in lost:
            got = got[:len(things)]
        count += len(things)
        if got != things:
            at = next((i for i, (a, b) in enumerate(zip(got, things)) if a != b), min(len(got), len(things)))
            problems.append(f"stream {stream} {side}, thing {at} of {len(things)}: dump {str(things[at:at + 1])[:200]}, tshark {str(got[at:at + 1])[:200]}")
    return problems + [f"only tshark has {where}: {str(things)[:200]}" for where, things in found.items() if things and where[0] not in {s for s, _ in lost}], count


# ---- Generated streams ----


def package(dice):
    payload = dice.choice((b"", b"x", b"n", b"t\x02i" + bytes(8) + b"s\x03abc", bytes(dice.randrange(3000)), "h\u00e9".encode()))
    fields = [dice.choice((1, 2, 8, 1 << 63, dice.randrange(1 << 64))) for _ in range(5)]
    if not payload:
        fields = [1, 0, dice.choice((0, 0, 0, 1, 7)), 0, 0]
    return b"YOTON   " + struct.pack("<6Q", *fields, len(payload)) + payload


def stream(dice, port):
    """Frames of one connection: two lines, then packages, cut anywhere but inside the first six bytes."""
    c = packets.Connection(client=("192.0.2.1", port))
    frames, said = c.open(), [b"YOTON!%016x.%d\r\n" % (dice.randrange(1, 1 << 64), dice.randrange(1 << 64)) for _ in range(2)]
    for side in range(2):
        frames += c.say(side, said[side])
    for side in (dice.randrange(2) for _ in range(dice.randrange(1, 6))):
        data = b"".join(package(dice) for _ in range(dice.randrange(1, 4)))
        while data:
            size = dice.choice((1, 55, 56, 57, 700, 1400))
            frames += c.say(side, data[:size])
            data = data[size:]
    return frames + c.fin(0) + c.fin(1)


def generated():
    dice = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "streams.pcap"
        all_frames = [stream(dice, 41000 + i) for i in range(STREAMS)]
        path.write_bytes(packets.pcap([frame for frames in all_frames for frame in frames]))
        problems, count = compare(path)
        report(f"{STREAMS} generated streams, {count} lines, packages and signals (SEED={SEED})", *problems[:5], count < STREAMS and "too few")


# ---- What it adds ----


def rows(path, names, *more, where="yoton"):
    out, trouble = tshark(path, "-T", "fields", "-E", "separator=|", "-Y", where, *(w for n in names for w in ("-e", n)), *more)
    return [line.split("|") for line in out.splitlines()], trouble


def links():
    path = CAPTURES / "request-reply.pcapng"
    found, trouble = rows(path, ("frame.number", "yoton.request", "yoton.request_in", "yoton.take_in", "yoton.offer_in", "yoton.time", "yoton.slot_name"),
                          "-o", "yoton.names:work", where="yoton.time")
    problems = [trouble, len(found) != 2 and f"{len(found)} replies, not 2"]
    for i, row in enumerate(found):
        frames = [int(row[k]) for k in (4, 3, 2, 0)]  # offered, taken, asked, answered
        problems += [row[1] != str(i + 1) and f"request {row[1]}", frames != sorted(set(frames)) and f"frames {frames}",
                     not 0 < float(row[5]) < 5 and f"time {row[5]}", row[6] != "work.obj.rep-req" and f"slot {row[6]}"]
    report("a reply leads to its request, what it was taken and offered by, and the time between", *problems)
    found, _ = rows(path, ("yoton.object",), "-o", "yoton.names:work", where="yoton.object")
    report("objects are shown in words", *[f"no {text} in {found}" for text in ("('echo', ('hello',), {})", "('no_such', (), {})")
                                           if [text] not in [[part] for row in found for part in row[0].split(",(")] and not any(text in row[0] for row in found)])


def marks():
    """Each expert of the dissector, seen on what breaks that rule."""
    line = [b"YOTON!%016x.1\r\n" % 7, b"YOTON!%016x.1\r\n" % 9]

    def head(slot=8, source=7, seq=1, dest=0, dest_seq=0, payload=b"x", length=None):
        return b"YOTON   " + struct.pack("<6Q", slot, source, seq, dest, dest_seq, len(payload) if length is None else length) + payload

    wrong = {
        "bad_line": [b"YOTON!12.3\r\n"], "control": [line[0], b"YOTEN   " + bytes(48)], "too_long": [line[0], head(length=1 << 40)],
        "reserved": [line[0], head(slot=5)], "odd_signal": [line[0], head(slot=2, source=0, seq=0, payload=b"")],
        "unknown_signal": [line[0], head(slot=1, source=0, seq=3, payload=b"")], "no_source": [line[0], head(source=0)],
        "late": [line[0], head(seq=5), head(seq=5)], "after_close": [line[0], head(slot=1, source=0, seq=1, payload=b""), head()],
    }
    with tempfile.TemporaryDirectory() as folder:
        path, frames, names = Path(folder) / "wrong.pcap", [], [*wrong, "refused"]
        for i, name in enumerate(names):
            c = packets.Connection(client=("192.0.2.1", 41000 + i))
            frames += c.open()
            if name == "refused":
                frames += c.say(0, b"YOTON!12.3\r\n") + c.say(1, b"ERROR: could not parse id.\r\n")
            for data in wrong.get(name, ()):
                frames += c.say(0, data)
        path.write_bytes(packets.pcap(frames))
        found, trouble = rows(path, ("tcp.stream", *(f"yoton.expert.{name}" for name in names)))
        for i, name in enumerate(names):
            marked = [row for row in found if row[1 + i]]
            wanted = [str(i)] + ([str(names.index("refused"))] if name == "bad_line" else [])
            report(f"it marks {name}, once and nothing else", trouble, [row[0] for row in marked] != wanted and f"streams {[row[0] for row in marked]}")


EMPTY = {"client-server", "nobody-listens", "silent-client"}  # nothing of Yoton in them
BEYOND = {  # what Wireshark itself does not hand to a dissector
    "cable-pulled": "bytes that come with a segment sent again (tshark 4.0: `ACKed unseen segment`)",
    "snap-cut": "packages of which the snap length cut something",
}


def library():
    for path in sorted(CAPTURES.glob("*.pcapng")):
        problems, count = compare(path)
        if path.stem in BEYOND:
            report(f"{path.name}: not compared: {BEYOND[path.stem]}", not problems and "it is the same, and could be compared")
            continue
        report(f"{path.name}: {count} lines, packages and signals are the same in both", *problems, not count and path.stem not in EMPTY and "nothing to compare")


if __name__ == "__main__":
    if not shutil.which("tshark"):
        print("1..0 # SKIP tshark is not there")
        sys.exit(0)
    library()
    generated()
    links()
    marks()
    sys.exit(finish())
