#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`yotonspec check` on captures written byte by byte: a good conversation breaks no rule, and one that is wrong in one thing
breaks the rule it should, at the end that did it, with the frame. Prints TAP."""
import json
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from support.spec_run import BUILD, ROOT, differs, lacks, main, report

sys.path.insert(0, str(ROOT / "captures"))
import packets  # noqa: E402  (it is no package)

A, B = 0x0123456789ABCDEF, 0x00000000C0FFEE01
NEGOTIATION = 1 << 63
NAMES = ("chat.txt.pub-sub", "chat.txt.sub-pub", "objects.obj.pub-sub", "calc.obj.req-rep", "calc.obj.rep-req", "mood.txt.state")


def slots():
    """The numbers of the slots, as `yoton hash` says."""
    return {name: int(subprocess.run([BUILD / "yoton", "hash", "slot", name], capture_output=True, text=True, check=True).stdout.split()[0])
            for name in NAMES}


SLOTS = slots()


def package(slot, source, seq, payload, dest=0, dest_seq=0, control=b"YOTON   ", length=None):
    slot = SLOTS.get(slot, slot)
    return control + struct.pack("<6Q", slot, source, seq, dest, dest_seq, len(payload) if length is None else length) + payload


def signal(seq, slot=1):
    return package(slot, 0, seq, b"")


HEARTBEAT, CLOSE = signal(0), signal(1)
REQUEST = b"t\x03s\x03addt\x02i\x03\0\0\0\0\0\0\0b\x01d\0"


def good():
    """name -> (seconds, side, bytes, "fin" or "reset"); side 0 is the client A."""
    return {
        "line A": (0.001, 0, b"YOTON!%016x.4242\r\n" % A), "line B": (0.002, 1, b"YOTON!%016x.77\r\n" % B),
        "new": (0.003, 0, package(2, A, 1, b"NEW_CONNECTION")),
        "text": (0.004, 0, package("chat.txt.pub-sub", A, 2, b"hi")),
        "state": (0.005, 1, package("mood.txt.state", B, 1, b"fine")),
        "object": (0.006, 1, package("objects.obj.pub-sub", B, 2, b"n")),
        "full": (0.007, 1, package("chat.txt.sub-pub", B, 3, b"full")),
        "offer": (0.008, 0, package("calc.obj.req-rep", A, 3, b"req?", 0, 1 + NEGOTIATION)),
        "take": (0.009, 1, package("calc.obj.rep-req", B, 4, b"req!", A, 1 + NEGOTIATION)),
        "request": (0.010, 0, package("calc.obj.req-rep", A, 4, REQUEST, B, 1)),
        "withdraw": (0.011, 0, package("calc.obj.req-rep", A, 5, b"req-", 0, 1 + NEGOTIATION)),
        "reply": (0.012, 1, package("calc.obj.rep-req", B, 5, b"i" + bytes(8), A, 1)),
        "offer 2": (0.013, 0, package("calc.obj.req-rep", A, 6, b"req?", 0, 2 + NEGOTIATION)),
        "far": (0.014, 1, package("chat.txt.pub-sub", 7, 9, b"from afar")),
        **{f"beat {side} {i}": (0.25 * i + 0.012 + 0.001 * side, side, HEARTBEAT) for i in range(1, 5) for side in (0, 1)},
        "close": (1.05, 1, CLOSE), "fin B": (1.051, 1, "fin"), "fin A": (1.052, 0, "fin"),
    }


def write(path, *conversations):
    """Each conversation has an address of its own; frames are in the order of their times."""
    frames = []
    for number, steps in enumerate(conversations):
        c = packets.Connection(client=("192.0.2.1", 40000 + number))
        begin = max(0, min((step[0] for step in steps.values()), default=0) - 0.001)
        frames += [(begin + 0.0001 * (i + 1), frame) for i, frame in enumerate(c.open())]
        for time, side, what in sorted(steps.values(), key=lambda step: step[0]):
            made = c.fin(side) if what == "fin" else c.reset(side) if what == "reset" else c.say(side, what) if what else []
            frames += [(time, frame) for frame in made]
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, packets.ETHERNET)]
    for time, frame in sorted(frames, key=lambda one: one[0]):
        out.append(struct.pack("<IIII", 1000, int(time * 1e6), len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(out))


class Room:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        (self.path / "slots").write_text("\n".join(NAMES) + "\n")
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def check(self, *arguments):
        done = subprocess.run([BUILD / "yotonspec", "check", "--slots", self.path / "slots", "--report-dir", self.path / "report", *arguments],
                              capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)
        results = self.path / "report/results.json"
        return done, json.loads(results.read_text())["cases"] if results.exists() else []

    def judge(self, *conversations):
        write(self.path / "capture.pcap", *conversations)
        done, cases = self.check(self.path / "capture.pcap")
        return done, {(c["requirement"], c["role"]): (c["verdict"], c["why"]) for c in cases}


def changed(**how):
    """The good conversation with steps replaced (None: left out) or added; `_` in a name stands for a blank."""
    steps = good()
    for name, step in how.items():
        name = name.replace("_", " ")
        if step is None:
            del steps[name]
        else:
            old = steps.get(name, (None, None, None))
            steps[name] = tuple(new if new is not ... else was for new, was in zip(step, old)) if isinstance(step, tuple) else (*old[:2], step)
    return steps


def until(last, *ends, **how):
    """The conversation up to a step, then these ends."""
    steps = changed(**how)
    limit = steps[last][0]
    kept = {name: step for name, step in steps.items() if step[0] <= limit}
    return {**kept, **{f"end {i}": end for i, end in enumerate(ends)}}


def lines(a, *more):
    """A handshake and no more."""
    return {"line A": (0.001, 0, a), **{f"step {i}": step for i, step in enumerate(more)}}


LINE_A, LINE_B = b"YOTON!%016x.4242\r\n" % A, b"YOTON!%016x.77\r\n" % B
SAME = b"YOTON!%016x.1\r\n" % A
BOTH = (lines(LINE_A, (0.002, 1, LINE_B), (0.003, 0, package(2, A, 1, b"NEW_CONNECTION")), (0.25, 0, HEARTBEAT), (0.25, 1, HEARTBEAT)))
LATE = 3.0
WRONG = [  # what, rule, role, conversations
    ("the line in upper case", "HS-2", "client", [changed(line_A=b"YOTON!%016X.4242\r\n" % A)]),
    ("a good line refused", "HS-7", "host", [lines(LINE_A, (0.002, 1, b"ERROR: could not parse id.\r\n"), (0.003, 1, "fin"), (0.004, 0, "fin"))]),
    ("a good line not answered", "HS-7", "host", [lines(LINE_A, (2.1, 0, "fin"), (2.2, 1, "fin"))]),
    ("the host speaks first", "HS-8", "host", [changed(line_B=(0.0005, ..., ...))]),
    ("no package behind the line", "HS-10", "client", [until("line B", (0.003, 0, b"hello, who is there? " * 4), (0.004, 1, "fin"), (0.005, 0, "fin"))]),
    ("a package before the host's line", "HS-11", "client", [changed(new=(0.0015, ..., ...))]),
    ("a stranger gets other words", "HS-12", "host", [lines(b"GET / HTTP/1.1\r\n", (0.002, 1, b"ERROR: go away.\r\n"), (0.003, 1, "fin"), (0.004, 0, "fin"))]),
    ("a bad line gets other words", "HS-13", "host",
     [lines(b"YOTON!12.3\r\n", (0.002, 1, b"ERROR: this is Yoton.\r\n"), (0.003, 1, "fin"), (0.004, 0, "fin"))]),
    ("a bad line is answered", "HS-13", "host", [lines(b"YOTON!12.3\r\n", (0.002, 1, LINE_B), (0.003, 1, "fin"), (0.004, 0, "fin"))]),
    ("a line without CRLF is answered", "HS-17", "host", [lines(LINE_A[:-2], (2.0, 1, LINE_B), (2.1, 0, "fin"), (2.2, 1, "fin"))]),
    ("half a line, and the host stays", "HS-17", "host", [lines(LINE_A[:20], (0.5, 0, "fin"), (LATE, 1, "fin"))]),
    ("the host stays after it refused", "HS-20", "host",
     [lines(b"GET / HTTP/1.1\r\n", (0.002, 1, b"ERROR: this is Yoton.\r\n"), (LATE, 1, "fin"), (LATE + 0.1, 0, "fin"))]),
    ("the client stays after it was refused", "HS-23", "client",
     [lines(b"YOTON!12.3\r\n", (0.002, 1, b"ERROR: could not parse id.\r\n"), (0.003, 1, "fin"), (LATE, 0, "fin"))]),
    ("the client waits for ever", "HS-24", "client", [lines(LINE_A, (5.0, 0, "fin"), (5.1, 1, "fin"))]),
    ("the host keeps a peer with its own id", "HS-27", "host", [lines(LINE_A, (0.002, 1, SAME), (0.003, 0, "fin"), (LATE, 1, "fin"))]),
    ("the client keeps a peer with its own id", "HS-28", "client", [lines(LINE_A, (0.002, 1, SAME), (0.003, 1, "fin"), (LATE, 0, "fin"))]),
    ("wrong control bytes", "FRAME-2", "client", [until("beat 0 1", (0.3, 0, package(2, A, 9, b"x", control=b"YOTEN   ")), (0.31, 1, "fin"), (0.32, 0, "fin"))]),
    ("the receiver stays", "FRAME-3", "host", [{**BOTH, "x": (0.3, 0, b"YOTEN   " + bytes(48)), "y": (LATE, 1, "fin"), "z": (LATE, 0, "fin")}]),
    ("a close signal after an error", "FRAME-4", "host", [{**BOTH, "x": (0.3, 0, b"YOTEN   " + bytes(48)), "y": (0.31, 1, CLOSE), "z": (0.32, 1, "fin")}]),
    ("2^40 bytes are waited for", "FRAME-7", "host", [{**BOTH, "x": (0.3, 0, package(2, A, 2, b"x", length=1 << 40)), "y": (LATE, 1, "fin")}]),
    ("the stream ends in a package", "FRAME-8", "host", [{**BOTH, "x": (0.3, 0, package(2, A, 2, b"x", length=20)), "y": (0.31, 0, "fin"), "z": (LATE, 1, "fin")}]),
    ("a package for slot 5", "FRAME-10", "client", [changed(text=package(5, A, 2, b"hi"))]),
    ("a heartbeat at slot 2", "FRAME-12", "host", [changed(beat_1_1=signal(0, 2))]),
    ("signal 2", "FRAME-15", "client", [changed(beat_0_1=signal(2))]),
    ("silence", "LINK-1", "client", [changed(**{f"beat_0_{i}": None for i in range(1, 5)})]),
    ("late heartbeats", "LINK-2", "client", [changed(**{f"beat_0_{i}": (0.012 + 0.4 * i, ..., ...) for i in (1, 2)}, beat_0_3=None, beat_0_4=None)]),
    ("a message behind the close signal", "LINK-13", "host", [changed(after=(1.0505, 1, package("chat.txt.pub-sub", B, 6, b"x")))]),
    ("heartbeats for one who has closed", "LINK-14", "client", [changed(after=(1.3, 0, HEARTBEAT), fin_A=(1.4, ..., ...))]),
    ("one who does not go", "LINK-14", "client", [changed(fin_A=(LATE, ..., ...))]),
    ("a lost connection is kept", "LINK-17", "host", [until("beat 1 4", (1.1, 0, "fin"), (LATE, 1, "fin"))]),
    ("one number twice", "ROUTE-2", "client", [good(), {**lines(LINE_A, (0.002, 1, b"YOTON!%016x.78\r\n" % (B + 1))),
                                                        "new": (0.003, 0, package(2, A, 1, b"NEW_CONNECTION")), "text": (0.004, 0, package("chat.txt.pub-sub", A, 2, b"other"))}]),
    ("own packages out of order", "ROUTE-4", "client", [changed(text=package("chat.txt.pub-sub", A, 1, b"hi"), new=package(2, A, 2, b"NEW_CONNECTION"))]),
    ("a package forwarded twice", "ROUTE-7", "host", [changed(again=(0.015, 1, package("chat.txt.pub-sub", 7, 9, b"from afar")))]),
    ("a package sent back", "ROUTE-14", "host", [changed(back=(0.0045, 1, package("chat.txt.pub-sub", A, 2, b"hi")))]),
    ("a package changed on its way", "ROUTE-15", "client",
     [good(), {**lines(b"YOTON!%016x.5\r\n" % B, (0.002, 1, b"YOTON!%016x.78\r\n" % (B + 1))), "new": (0.003, 0, package(2, B, 6, b"NEW_CONNECTION")),
               "far": (0.02, 0, package("chat.txt.pub-sub", 7, 9, b"from after"))}]),
    ("an own package forwarded", "ROUTE-19", "client", [changed(again=(0.02, 0, package("chat.txt.pub-sub", A, 2, b"hi")))]),
    ("source 0", "ROUTE-20", "host", [changed(far=package("chat.txt.pub-sub", 0, 9, b"x"))]),
    ("no NEW_CONNECTION", "CTX-1", "client", [changed(new=None)]),
    ("another context message", "CTX-5", "client", [changed(new=package(2, A, 1, b"CLOSE_CONNECTION"))]),
    ("a text in Latin-1", "MSG-3", "client", [changed(text=package("chat.txt.pub-sub", A, 2, b"h\xe9"))]),
    ("no object", "MSG-5", "host", [changed(object=package("objects.obj.pub-sub", B, 2, b"zap"))]),
    ("a message for one", "PUB-1", "client", [changed(text=package("chat.txt.pub-sub", A, 2, b"hi", B))]),
    ("a message with a dest_seq", "PUB-2", "client", [changed(text=package("chat.txt.pub-sub", A, 2, b"hi", 0, 1))]),
    ("another word of a sub channel", "SYNC-4", "host", [changed(full=package("chat.txt.sub-pub", B, 3, b"FULL"))]),
    ("request 3 behind request 1", "REQREP-1", "client", [changed(offer_2=package("calc.obj.req-rep", A, 6, b"req?", 0, 3 + NEGOTIATION))]),
    ("a word without 2^63", "REQREP-2", "client", [changed(withdraw=package("calc.obj.req-rep", A, 5, b"req-", 0, 1))]),
    ("an offer for one", "REQREP-4", "client", [changed(offer=package("calc.obj.req-rep", A, 3, b"req?", B, 1 + NEGOTIATION))]),
    ("a request that nobody took", "REQREP-6", "client", [changed(take=None)]),
    ("a request to another than who took it", "REQREP-6", "client", [changed(request=package("calc.obj.req-rep", A, 4, REQUEST, 7, 1))]),
    ("a request that is a list", "REQREP-7", "client", [changed(request=package("calc.obj.req-rep", A, 4, b"l" + REQUEST[1:], B, 1))]),
    ("no req- after a request", "REQREP-8", "client", [until("beat 1 4", withdraw=None)]),
    ("req! to everybody", "REQREP-15", "host", [changed(take=package("calc.obj.rep-req", B, 4, b"req!", 0, 1 + NEGOTIATION))]),
    ("a reply to everybody", "REQREP-18", "host", [changed(reply=package("calc.obj.rep-req", B, 5, b"n", 0, 1))]),
    ("a state for one", "STATE-1", "host", [changed(state=package("mood.txt.state", B, 1, b"fine", A))]),
    ("nothing said, and the host stays", "HS-18", "host", [{"fin": (0.1, 0, "fin"), "late": (LATE, 1, "fin")}]),
]


def judged(room):
    done, verdicts = room.judge(good())
    bad = {key: v for key, v in verdicts.items() if v[0] not in ("pass", "skip")}
    report("a good conversation breaks no rule", differs("exit code", done.returncode, 0), bad)
    shown = {key[0] for key, v in verdicts.items() if v[0] == "pass"}
    rules = {key[0] for key in verdicts}
    report("every rule is broken by one that is wrong", sorted(rules - {rule for _, rule, _, _ in WRONG}))
    report("it shows most of the rules", len(shown) < 30 and f"only {sorted(shown)}")
    for what, rule, role, conversations in WRONG:
        done, verdicts = room.judge(*conversations)
        verdict, why = verdicts.get((rule, role), ("none", ""))
        report(f"{what}: {rule} is broken by the {role}", verdict not in ("fail", "warn") and f"{verdict}: {[k for k, v in verdicts.items() if v[0] in ('fail', 'warn')]}",
               verdict == "fail" and differs("exit code", done.returncode, 1), "frame " not in why and f"no frame in: {why}")


def told(room):
    write(room.path / "capture.pcap", changed(text=package("chat.txt.pub-sub", A, 2, b"h\xe9")), good())
    done, cases = room.check(room.path / "capture.pcap")
    one = next(c for c in cases if c["requirement"] == "MSG-3" and c["role"] == "client")
    report("what is told names file, frame, time and end", lacks("why", one["why"], "capture.pcap: frame 13, 0.003900 s: the client of stream 1 (192.0.2.1:40000, id "
                                                                 "0123456789abcdef): a text that is not UTF-8"),
           lacks("output", done.stdout, "fail MSG-3.0 as client"), lacks("output", done.stdout, "does not conform"))
    page = (room.path / "report/index.html").read_text()
    drawn = 2 * sum(what != HEARTBEAT for _, _, what in good().values())
    report("the page draws the connections, an arrow for each line, package, signal and end, without heartbeats",
           differs("arrows", page.count('class="sq-head"'), drawn), differs("connections", page.count('<details class="stream"'), 2),
           lacks("page", page, "chat.txt.pub-sub #9 txt &#39;from afar&#39;" if "&#39;" in page else "chat.txt.pub-sub #9 txt 'from afar'"))
    done, cases = room.check("--stream", "2", room.path / "capture.pcap")
    report("--stream takes one", differs("exit code", done.returncode, 0))
    done, _ = room.check(room.path / "nothing.pcap")
    report("a capture that is not there", differs("exit code", done.returncode, 4), lacks("error", done.stderr, "nothing.pcap"))
    (room.path / "empty.pcap").write_bytes((room.path / "capture.pcap").read_bytes()[:24])
    done, _ = room.check(room.path / "empty.pcap")
    report("a capture without TCP", differs("exit code", done.returncode, 3), lacks("error", done.stderr, "no conversation"))
    whole = (room.path / "capture.pcap").read_bytes()
    (room.path / "cut.pcap").write_bytes(whole[:-7])
    done, cases = room.check(room.path / "cut.pcap")
    report("of one that is cut, what was readable is judged", differs("exit code", done.returncode, 1), lacks("warning", done.stderr, "cut.pcap: "))
    done, _ = room.check("--slots", room.path / "none", room.path / "capture.pcap")
    report("a file of names that is not there", differs("exit code", done.returncode, 2), lacks("error", done.stderr, "--slots"))


def broken_files(room):
    """A small capture cut anywhere, and with bits turned: never a crash, always a verdict or a word."""
    whole = (ROOT / "captures/own-id-client.pcapng").read_bytes()
    path, dice, bad, codes = room.path / "broken.pcapng", random.Random(5), [], set()
    variants = [whole[:i] for i in range(0, len(whole), 7)]
    for _ in range(150):
        flipped = bytearray(whole)
        for _ in range(dice.choice((1, 1, 4))):
            flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
        variants.append(bytes(flipped))
    for i, data in enumerate(variants):
        path.write_bytes(data)
        done, _ = room.check(path)
        codes.add(done.returncode)
        if done.returncode not in (0, 1, 3, 4) or (done.returncode in (3, 4) and done.stderr.count("\n") not in (1, 2)):
            bad.append(f"variant {i}: exit {done.returncode}: {done.stderr[-300:]}")
    report(f"{len(variants)} broken files: what can be read is judged, the rest is named", *bad[:5], not {0, 4} <= codes and f"codes {codes}")


def many_connections(room):
    """At the limit all are judged; one above it is left out, and that is said."""
    limit = 16384
    frames = []
    for i in range(limit + 1):
        c = packets.Connection(client=(f"10.{i >> 14}.{i >> 7 & 127}.{i & 127}", 2000))
        frames.append(c.open() + c.say(0, LINE_A) + c.fin(0) + c.fin(1))
    for count in (limit, limit + 1):
        (room.path / "many.pcap").write_bytes(packets.pcap([frame for one in frames[:count] for frame in one]))
        done, _ = room.check(room.path / "many.pcap")
        wanted = "1 are not" if count > limit else ""
        report(f"{count} connections", differs("exit code", done.returncode, 0), ("warning" in done.stderr) != (count > limit) and done.stderr,
               lacks("standard error", done.stderr, wanted))


LIBRARY = {  # what the scripted peers of the captures do wrong, and the original where traffic shows it
    "close-signal": {"CTX-1 client"}, "handshake": set(), "heartbeats": set(), "large-message": set(), "own-id": {"HS-27 host", "HS-28 client"}, "own-id-client": set(),
    "lost-track": {"FRAME-2 client", "CTX-1 client", "CTX-5 client"}, "pub-sub": set(), "refused-http": {"HS-20 host"}, "refused-id": {"HS-2 client", "HS-23 client"},
    "relay": set(), "request-reply": set(), "signals": {"CTX-1 client", "FRAME-12 client", "FRAME-15 client"}, "state": set(),
    "unterminated-line": {"HS-2 client", "HS-17 host"},  # F17
    "cable-pulled": set(), "no-yoton-host": set(), "nobody-listens": set(), "pyzo-kernel": set(), "refused-client": {"HS-7 host", "HS-20 host"},
    "silent-client": set(), "silent-host": {"HS-7 host"}, "snap-cut": set(),
    "loop": {"ROUTE-19 client"},  # F22
    "stopped-process": {"LINK-1 client", "LINK-2 client"},
    **{name: set() for name in ("cancelled-request", "client-server", "ipv6", "killed-process", "load-balancing", "lossy", "middle", "mixed", "one-way",
                                "reordered", "repeated", "sync-mode")},
}


def library(room):
    for path in sorted((ROOT / "captures").glob("*.pcapng")):
        _, cases = room.check("--slots", ROOT / "captures/slots.txt", path)
        broken = {f"{c['requirement']} {c['role']}" for c in cases if c["verdict"] in ("fail", "warn")}
        report(f"{path.name}: what is wrong there is found", differs("broken", sorted(broken), sorted(LIBRARY.get(path.stem, {"(say here what is expected)"}))))


def together():
    with Room() as room:
        judged(room)
        told(room)
        library(room)
        broken_files(room)
        many_connections(room)


if __name__ == "__main__":
    sys.exit(main(together))
