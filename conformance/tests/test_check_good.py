#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`yotonspec check` has nothing to say against good peers: random conversations of the reference with itself, seen in the middle.
CONVERSATIONS (8) says how many, SEED which. Prints TAP."""
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.adapter_driver import Driver
from support.spec_run import BUILD, YOTON, differs, main, report
from support.wire_tap import Tap
from test_check_capture import write

COUNT = int(os.environ.get("CONVERSATIONS", "8"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
BASES = ("chat", "calc", "mood")
TEXTS = ("", "hi", "h\u00e9llo \U0001f600", "x" * 70000)
OBJECTS = (None, 7, [1, {"tuple": [True, "x"]}], {"dict": [["key", {"float": "1.5"}]]})


def agent():
    return Driver([YOTON, "agent"], dict(os.environ))


def open_channels(a):
    for name, kind, base, form in (("pub", "pub", "chat", "txt"), ("sub", "sub", "chat", "txt"), ("opub", "pub", "calc", "obj"),
                                   ("state", "state", "mood", "obj"), ("req", "req", "calc", "obj"), ("rep", "rep", "calc", "obj")):
        a.do("open", channel=name, kind=kind, slot=base, type=form)


def act(dice, a):
    """One random thing that a program may do."""
    what = dice.randrange(9)
    if what < 3:
        a.do("send", channel="pub", value=dice.choice(TEXTS))
    elif what == 3:
        a.do("send", channel="opub", value=dice.choice(OBJECTS))
    elif what == 4:
        a.do("send", channel="state", value=dice.choice(OBJECTS))
    elif what == 5:
        a.do("rep_mode", channel="rep", mode=dice.choice(("off", "event", "thread")))
    elif what == 6:
        a.do("call", channel="req", method=dice.choice(("echo", "none_such")), args=[dice.randrange(9)], auto_cancel=dice.choice((0.3, 10)))
    elif what == 7:
        a.do("sync_mode", channel="sub", on=dice.random() < 0.5)
        a.do("recv_all", channel="sub")
    else:
        time.sleep(dice.uniform(0, 0.4))  # so that heartbeats go by


def conversation(dice):
    """What went by on all connections of a small network: a hub and one or two others, each behind a tap."""
    taps, begun = [], time.monotonic()
    with agent() as hub:
        others = [agent() for _ in range(dice.choice((1, 1, 2)))]
        try:
            everybody = [hub, *others]
            for a in everybody:
                open_channels(a)
            for _ in range(dice.randrange(3)):
                act(dice, dice.choice(everybody))  # before there is a connection
            links = []
            for other in others:
                host, client = (hub, other) if dice.random() < 0.5 else (other, hub)
                bound = host.do("bind", address="127.0.0.1:0")
                taps.append(Tap(bound["port"], begun))
                links.append((host, bound["connection"], client, client.do("connect", address=f"127.0.0.1:{taps[-1].port}", timeout=10)["connection"]))
            for _ in range(dice.randrange(4, 25)):
                act(dice, dice.choice(everybody))
            for host, bound, client, connected in links:
                how = dice.randrange(4)
                if how < 2:
                    host.do("close", connection=bound)
                elif how == 2:
                    client.do("close", connection=connected)
                else:
                    client.do("close_on_problem", connection=connected)
        finally:
            for other in others:
                other.__exit__()
    return [{i: step for i, step in enumerate(steps)} for tap in taps for steps in tap.end()]


def good():
    with tempfile.TemporaryDirectory() as folder:
        path, bad, connections = Path(folder) / "seen.pcap", [], 0
        for number in range(COUNT):
            dice = random.Random(SEED + number)
            seen = conversation(dice)
            connections += len(seen)
            write(path, *seen)
            done = subprocess.run([BUILD / "yotonspec", "check", *(word for base in BASES for word in ("--name", base)), "--report-dir", f"{folder}/report",
                                   path], capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)
            if done.returncode != 0 or "warn" in done.stdout:
                bad.append(f"SEED={SEED + number} CONVERSATIONS=1: {done.stdout}{done.stderr}")
        report(f"{COUNT} conversations of good peers, {connections} connections (SEED={SEED})", *bad, differs("too few", connections >= COUNT, True))


if __name__ == "__main__":
    sys.exit(main(good))
