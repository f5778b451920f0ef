#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`yoton dump` shows only what is asked for, and watches an interface while things happen. Prints TAP."""
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

CAPTURES = Path(__file__).resolve().parents[1]
YOTON = os.environ.get("YOTON", str(CAPTURES.parent / "build/yoton"))
number, failed = 0, False


def report(name, *problems):
    global number, failed
    number += 1
    problems = [str(p) for p in problems if p]
    failed |= bool(problems)
    print(f"{'not ok' if problems else 'ok'} {number} - {name}")
    print("".join(f"# {line[:300]}\n" for problem in problems for line in problem.splitlines()), end="", flush=True)


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


if __name__ == "__main__":
    filters()
    live()
    print(f"1..{number}")
    sys.exit(failed)
