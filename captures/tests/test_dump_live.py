#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`yoton dump` shows only what is asked for, watches an interface or a file while things happen, and takes no more memory for
more connections. Prints TAP."""
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

CAPTURES = Path(__file__).resolve().parents[1]
YOTON = os.environ.get("YOTON", str(CAPTURES.parent / "build/yoton"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ci"))
from tap import finish, report  # noqa: E402  (it is no package)


def dump(*arguments):
    return subprocess.run([YOTON, "dump", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)


def lines(*arguments):
    done = dump("--no-time", *arguments)
    return done.stdout.splitlines() if done.returncode == 0 else [f"exit {done.returncode}: {done.stderr}"]


def filters():
    mixed = CAPTURES / "mixed.pcapng"
    everything = lines("--slots", CAPTURES / "slots.txt", mixed)

    def like(*parts, without=()):
        return [line for line in everything if all(part in line for part in parts) and not any(part in line for part in without)]

    source = next(line for line in everything if "from the reference" in line).split("source=")[1].split()[0]
    for what, wanted, *arguments in (
            ("a kind", like(" hello "), "--kind", "hello"),
            ("two kinds", [line for line in everything if " hello " in line or line.endswith(" close")], "--kind", "hello", "--kind", "close"),
            ("a slot by its name", like("(chat.txt.pub-sub)"), "--slot", "chat.txt.pub-sub"),
            ("a slot by its number", like("slot=17460451874447"), "--slot", "17460451874447"),
            ("a source", like(" package ", f"source={source}"), "--source", source),
            ("a slot and a source", like("(chat.txt.pub-sub)", f"source={source}"), "--slot", "chat.txt.pub-sub", "--source", source),
            ("a kind that a slot excludes", [], "--kind", "hello", "--slot", "chat.txt.pub-sub"),
            ("a stream, a kind", [line for line in like(" package ") if line.startswith("2 ")], "--stream", "2", "--kind", "package")):
        got = lines("--slots", CAPTURES / "slots.txt", *arguments, mixed)
        report(f"only {what}: {len(wanted)} of {len(everything)} lines", got != wanted and f"got {got}\nwanted {wanted}", "excludes" not in what and not wanted and "nothing")
    for option, value in (("--kind", "zap"), ("--source", "nobody"), ("--source", "-1"), ("--slot", "x" * 70000)):
        done = dump(option, value, mixed)
        report(f"{option} {value[:10]} is refused", done.returncode != 2 and f"exit {done.returncode}", option not in done.stderr and done.stderr[:200])
    done = dump("--interface", "lo", mixed)
    report("a capture and an interface are too much", done.returncode != 2 and f"exit {done.returncode}", "not both" not in done.stderr and done.stderr)
    done = dump("--interface", "absent0")
    report("an interface that is not there is named", done.returncode != 1 and f"exit {done.returncode}", "absent0" not in done.stderr and done.stderr)


def can_capture():
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except (PermissionError, AttributeError, OSError):
        return False
    return os.geteuid() == 0


def live():
    if not can_capture():
        report("an interface is watched # SKIP no right to capture here")
        return
    for end in (signal.SIGINT, signal.SIGTERM):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with subprocess.Popen([YOTON, "dump", "--interface", "lo", "--port", str(port), "--no-time"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True) as process:
                first = process.stderr.readline()
                with socket.create_connection(("127.0.0.1", port)) as client:
                    accepted, _ = listener.accept()
                    client.sendall(b"YOTON!0123456789abcdef.1\r\n")
                    seen = [process.stdout.readline() for _ in range(2)]  # while the connection goes on
                    accepted.close()
                process.send_signal(end)
                rest, trouble = process.communicate(timeout=60)
        report(f"an interface is watched as things happen, and {end.name} ends it", first != "watching\n" and first, not seen[0].startswith("stream 1: A 127.0.0.1:") and seen[0],
               seen[1] != "1 A>B hello id=0123456789abcdef pid=1\n" and seen[1], process.returncode != 0 and f"exit {process.returncode}: {trouble}")


def growing():
    data = (CAPTURES / "relay.pcapng").read_bytes()
    wanted = lines(CAPTURES / "relay.pcapng")
    for end, cut in ((signal.SIGINT, len(data)), (signal.SIGTERM, len(data) - 10)):  # once in the middle of a packet
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "growing.pcapng"
            with path.open("wb") as out:
                out.write(data[:1000])
                out.flush()
                with subprocess.Popen([YOTON, "dump", "--follow", "--no-time", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                    got = [process.stdout.readline().rstrip("\n")]  # it has read up to here, and waits
                    for at in range(1000, cut, 700):
                        out.write(data[at:min(at + 700, cut)])
                        out.flush()
                    got += [process.stdout.readline().rstrip("\n") for _ in wanted[2:]]
                    process.send_signal(end)
                    rest, trouble = process.stdout.read().splitlines(), process.stderr.read()
        report(f"a file is followed as it grows, and {end.name} ends it", got != wanted[:-1] and f"got {got}\nwanted {wanted[:-1]}",
               cut == len(data) and rest != wanted[-1:] and f"then {rest}", trouble != "watching\n" and trouble, process.returncode != 0 and f"exit {process.returncode}")
    done = dump("--follow", CAPTURES / "relay.pcapng", CAPTURES / "loop.pcapng")
    report("two files cannot be followed", done.returncode != 2 and f"exit {done.returncode}", "one capture" not in done.stderr and done.stderr)


def many_streams(count):
    """A capture with so many connections, each of which says its line when all others have begun: long forgotten by then."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for number, flags, data in ((0, 2, b""), (1, 0x18, b"YOTON!0123456789abcdef.1\r\n")):
        frame = 54 + len(data)
        head = struct.pack("<IIII", number, 0, frame, frame) + bytes(12) + b"\x08\0" + struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0)
        tail = struct.pack(">HIIBBHHH", 5000, 1000 + number, 0, 0x50, flags, 65535, 0, 0) + data
        out += [head + struct.pack(">IIH", 0x0A000000 + i // 50000, 0x0B000000, 10000 + i % 50000) + tail for i in range(count)]
    return b"".join(out)


def memory_of(path, count):
    """(exit status, lines, KiB that it had at most) of reading so many connections."""
    with subprocess.Popen([YOTON, "dump", "--follow", "--no-time", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        lines_read = hellos = 0
        while hellos < count:  # behind the last one it waits for more
            line = process.stdout.readline()
            lines_read += 1
            hellos += " hello " in line
            if not line:
                return 1, lines_read, 0
        peak = next(int(line.split()[1]) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
        process.terminate()
        lines_read += sum(1 for _ in process.stdout)
    return process.returncode, lines_read, peak


def many():
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for count in (10000, 100000):
            path = Path(folder) / f"{count}.pcap"
            path.write_bytes(many_streams(count))
            found[count] = memory_of(path, count)
    few, more = found[10000], found[100000]
    report(f"100000 connections at once: {more[2]} KiB, {few[2]} KiB for 10000", few[0] and f"exit {few[0]}", more[0] and f"exit {more[0]}",
           more[1] < 200000 and f"{more[1]} lines", more[2] > few[2] * 1.2 and "memory grows with them")


if __name__ == "__main__":
    filters()
    live()
    growing()
    many()
    sys.exit(finish())
