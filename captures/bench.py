#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How fast captures are read: `yoton dump` beside `cat` of the same file and beside tshark with the dissector.

bench.py [--build DIR] [--size BYTES] [--json FILE]

Two captures are made, each of one conversation: as the loopback interface shows it (segments of 64 KiB, messages of
64 KiB) and as Ethernet does (1448 bytes, messages of 4 KiB). Each reader runs ROUNDS times in turn, and its fastest run
counts; what counts is the processor time, which other work on the machine changes least, and the ratio of two readers.
tshark reads a capture of a tenth of the size once. Memory is the most that `yoton dump` had, for a tenth and for all.
"""
import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROUNDS = 9
GOAL_CAT, GOAL_TSHARK = 0.3, 50
SHAPES = {"loopback": (65000, 65536), "Ethernet": (1448, 4096)}
IDS = (0x1111111111111111, 0x2222222222222222)
SLOT = 17460451874447  # chat.txt.pub-sub


class Writer:
    """A pcap file of one connection, written as fast as may be."""

    def __init__(self, path):
        self.out, self.time, self.next = open(path, "wb", 1 << 20), 0, [1000, 2000]
        self.out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))

    def packet(self, side, flags, data=b""):
        self.time += 10
        size, ports = 54 + len(data), ((40000, 5000), (5000, 40000))[side]
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, min(65535, size - 14), 0, 0x4000, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
        tcp = struct.pack(">HHIIBBHHH", *ports, self.next[side] & 0xFFFFFFFF, self.next[1 - side] & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0)
        self.out.write(struct.pack("<IIII", self.time // 10**6, self.time % 10**6, size, size) + bytes(12) + b"\x08\0" + ip + tcp + data)
        self.next[side] += len(data) + (flags & 2) // 2


def make(path, size, segment, message):
    """A capture of about so many bytes."""
    w = Writer(path)
    w.packet(0, 0x02)
    w.packet(1, 0x12)
    for side in (0, 1):
        w.packet(side, 0x18, b"YOTON!%016x.%d\r\n" % (IDS[side], side + 1))
    payload = (b"The quick brown fox jumps over the lazy dog, and on and on. " * (message // 60 + 1))[:message]
    waiting, number, batch = b"", 0, 16 * segment
    while w.out.tell() < size:
        parts = [waiting]
        while sum(map(len, parts)) < batch:
            number += 1
            parts += [struct.pack("<8s6Q", b"YOTON   ", SLOT, IDS[0], number, 0, 0, message), payload]
        waiting = b"".join(parts)
        for at in range(0, batch, segment):
            w.packet(0, 0x18, waiting[at:at + segment])
        waiting = waiting[batch:]
        w.packet(1, 0x10)
    w.out.close()


def processor_time(command):
    """Seconds of user and system, and the most memory in KiB."""
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(list(map(str, command)), stdout=nowhere, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench.py: error: {command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def measure(options, folder, shape):
    segment, message = SHAPES[shape]
    whole, part = folder / "whole.pcap", folder / "part.pcap"
    make(whole, options.size, segment, message)
    make(part, options.size // 10, segment, message)
    yoton = options.build / "yoton"
    readers = {"cat": ["cat", whole], "yoton dump": [yoton, "dump", whole]}
    found = {name: min(processor_time(command)[0] for _ in range(ROUNDS)) for name, command in readers.items()}
    memory = [processor_time([yoton, "dump", path])[1] for path in (part, whole)]
    rates = {name: whole.stat().st_size / seconds / 1e9 for name, seconds in found.items()}
    if shutil.which("tshark"):
        seconds, _ = processor_time(["tshark", "-X", f"lua_script:{HERE / 'wireshark/yoton.lua'}", "-r", part, "-Y", "yoton", "-T", "fields", "-e", "frame.number"])
        rates["tshark"] = part.stat().st_size / seconds / 1e9
    return {"shape": shape, "bytes": whole.stat().st_size, "GB/s": rates, "to cat": rates["yoton dump"] / rates["cat"],
            "to tshark": rates["yoton dump"] / rates["tshark"] if "tshark" in rates else None, "memory": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--size", type=int, default=10**9, help="bytes of a capture (10^9)")
    parser.add_argument("--json", type=Path, help="write what was found there, too")
    options = parser.parse_args()
    folder = options.build / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    print(f"{'capture':<10}{'cat':>9}{'dump':>9}{'tshark':>9}{'to cat':>9}{'to tshark':>11}   memory of a tenth, of all (KiB)")
    try:
        for shape in SHAPES:
            results.append(r := measure(options, folder, shape))
            rates = r["GB/s"]
            tshark = (f"{rates['tshark']:>9.3f}", f"{r['to tshark']:>11.0f}") if r["to tshark"] else (f"{'-':>9}", f"{'-':>11}")
            print(f"{shape:<10}{rates['cat']:>9.2f}{rates['yoton dump']:>9.2f}{tshark[0]}{r['to cat']:>9.2f}{tshark[1]}   {r['memory'][0]}, {r['memory'][1]}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"GB/s of processor time; goals: {GOAL_CAT} of cat, {GOAL_TSHARK} times tshark")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
