#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# test-deadline: 600
"""`yoton dump` on captures made by hand (reordered, repeated, cut, broken ones), and on the recorded ones against
readers that share no code with it. Prints TAP. Runs the build with sanitizers if it is there, else the plain one."""
import glob
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = os.path.dirname(HERE)
BUILD = os.environ.get("BUILD", os.path.join(CAPTURES, "..", "build"))
sys.path.insert(0, CAPTURES)

import packets  # noqa: E402
from packets import ACK, FIN, SYN, Connection, pcap, pcapng  # noqa: E402

CHECKED = os.path.join(BUILD, "asan", "yoton")
YOTON = CHECKED if os.path.exists(CHECKED) else os.environ.get("YOTON", os.path.join(BUILD, "yoton"))
A_ID, B_ID = 0x0123456789ABCDEF, 0x00000000C0FFEE01
LINE_A, LINE_B = b"YOTON!%016x.4242\r\n" % A_ID, b"YOTON!%016x.77\r\n" % B_ID
CHAT = 17460451874447  # chat.txt.pub-sub


def header(slot, source, seq, length, dest=0, dest_seq=0):
    return struct.pack("<8s6Q", b"YOTON   ", slot, source, seq, dest, dest_seq, length)


def package(payload, slot=CHAT, source=A_ID, seq=1, dest=0, dest_seq=0):
    return header(slot, source, seq, len(payload), dest, dest_seq) + payload


def signal(seq, slot=1, source=0):
    return header(slot, source, seq, 0)


class Folder:
    """Captures in a folder of their own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.count = 0

    def put(self, data):
        self.count += 1
        path = os.path.join(self.folder.name, f"{self.count}.cap")
        with open(path, "wb") as f:
            f.write(data)
        return path


files = Folder()


def run(*arguments, stdin=None):
    done = subprocess.run([YOTON, "dump", *arguments], input=stdin, capture_output=True, timeout=300, check=False)
    out, err = done.stdout.decode(), done.stderr.decode("utf-8", "replace")
    if done.returncode not in (0, 1, 2) or "Sanitizer" in err:
        raise AssertionError(f"exit status {done.returncode}: {err[-2000:]}")
    return out, err, done.returncode


def lines(data, *options):
    """The lines of a capture that must be read without complaint."""
    out, err, status = run("--no-time", *options, files.put(data))
    equal((status, err), (0, ""))
    return out.splitlines()


def events(data, *options):
    return [json.loads(line) for line in lines(data, "--json", "--payload", "all", *options)]


def many(captures, *options):
    """Lines, errors by file, of many captures in one run."""
    paths = [files.put(data) for data in captures]
    out, err, status = run("--no-time", *options, *paths)
    by_path = {path: [] for path in paths}
    for line in filter(None, out.split("\n")):
        if "--json" in options:
            path = json.loads(line).pop("file")
        elif line.startswith("file "):
            path = line[5:]
            continue
        by_path[path].append(line)
    errors = {path: [] for path in paths}
    for line in err.splitlines():
        match = re.match(r"yoton dump: (?:warning: )?(.*?\.cap): (.*)", line)
        assert match, line
        errors[match.group(1)].append(match.group(2))
    return [(by_path[path], errors[path]) for path in paths], status


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"\n  got    {got!r}\n  wanted {wanted!r}")


def matches(got, *patterns):
    """Every line matches its pattern, and there are no others."""
    for line, pattern in zip(got, patterns):
        if not re.fullmatch(pattern, line):
            raise AssertionError(f"\n  got    {line}\n  wanted {pattern}")
    equal(len(got), len(patterns))


STREAM = r"stream 1: A 192\.0\.2\.1:40000 \(client\), B 192\.0\.2\.2:5000 \(host\)"
HELLO_A, HELLO_B = rf"1 A>B hello id={A_ID:016x} pid=4242", rf"1 B>A hello id={B_ID:016x} pid=77"


def chat(seq, text, kind="package", more=""):
    return (f"1 A>B {kind} slot={CHAT} source={A_ID:016x} seq={seq} dest=0 dest_seq=0 length={len(text)}{more} "
            f"txt {re.escape(repr(text))}")


def said(c):
    """A whole conversation, one item in a segment."""
    return (c.open() + c.say(0, LINE_A) + c.say(1, LINE_B) + c.say(0, package(b"one")) + c.say(1, signal(0))
            + c.say(0, package(b"two", seq=2)) + c.say(0, signal(1)) + c.fin(1) + c.fin(0))


WHOLE = [STREAM, HELLO_A, HELLO_B, chat(1, "one"), "1 B>A heartbeat", chat(2, "two"), "1 A>B close", "1 B>A fin",
         "1 A>B fin"]


# --- what is said ---


def test_conversation():
    """a conversation, in both formats and both byte orders, with times in micro- and nanoseconds"""
    frames = said(Connection())
    for data in (pcap(frames), pcap(frames, order=">"), pcapng(frames), pcapng(frames, order=">"),
                 pcap(frames, magic=0xA1B23C4D)):
        matches(lines(data), *WHOLE)


def test_times():
    """times count from the first packet"""
    out, _, _ = run(files.put(pcap(said(Connection()))))
    equal([line.split()[0] for line in out.splitlines()[1:4]], ["0.003000", "0.004000", "0.005000"])


def test_links():
    """every link type, IPv4 and IPv6, tags of virtual networks, extension headers"""
    six = {"client": ("2001:db8::1", 40000), "host": ("2001:db8::2", 5000)}
    stream6 = r"stream 1: A \[2001:db8::1\]:40000 \(client\), B \[2001:db8::2\]:5000 \(host\)"
    ahead = [(0, bytes(8)), (60, b"\0\1" + bytes(14)), (51, b"\0\2" + bytes(14)), (44, bytes(8))]
    for kind in (packets.ETHERNET, packets.NULL, packets.LOOP, packets.RAW, packets.SLL, packets.SLL2, packets.IPV4):
        matches(lines(pcap(said(Connection(kind=kind)), kind)), *WHOLE)
    for kind in (packets.ETHERNET, packets.NULL, packets.RAW, packets.SLL2, packets.IPV6):
        matches(lines(pcap(said(Connection(kind=kind, **six)), kind)), stream6, *WHOLE[1:])
    matches(lines(pcap(said(Connection(vlans=(0x8100,))))), *WHOLE)
    matches(lines(pcap(said(Connection(vlans=(0x88A8, 0x8100))))), *WHOLE)
    matches(lines(pcap(said(Connection(extensions=ahead, **six)))), stream6, *WHOLE[1:])


def test_padding():
    """what a link adds behind the packet is no payload; a length of 0 means all of it"""
    padded = [frame + bytes(9) for frame in said(Connection())]
    matches(lines(pcap(padded)), *WHOLE)
    matches(lines(pcap(said(Connection(total=0)))), *WHOLE)


def test_refusals():
    """lines that are refused, also when the client's has no end"""
    def refused(line, answer, more=b""):
        c = Connection()
        return pcap(c.open() + c.say(0, line) + c.say(0, more) + c.say(1, answer) + c.fin(1) + c.fin(0))
    not_yoton, no_id = b"ERROR: this is Yoton.\r\n", b"ERROR: could not parse id.\r\n"
    matches(lines(refused(b"GET / HTTP/1.1\r\n", not_yoton, b"Host: x\r\n\r\n")), STREAM,
            r"1 A>B bad-line 'GET / HTTP/1\.1\\r\\n' \(byte 0: not a Yoton handshake\)",
            r"1 B>A refusal 'ERROR: this is Yoton\.\\r\\n'", "1 B>A fin", "1 A>B unread offset=16 bytes=11",
            "1 A>B fin")
    matches(lines(refused(b"hello", not_yoton)), STREAM, r"1 A>B bad-line 'hello' \(byte 0: not a Yoton handshake\)",
            "1 B>A refusal .*", "1 B>A fin", "1 A>B fin")
    matches(lines(refused(b"YOTON!00", no_id)), STREAM, r"1 A>B bad-line 'YOTON!00' \(does not end\)",
            "1 B>A refusal 'ERROR: could not .*", "1 B>A fin", "1 A>B fin")
    matches(lines(refused(b"YOTON!0000000000000000.1\r\n", no_id)), STREAM,
            r"1 A>B bad-line .* \(byte 21: malformed handshake line\)", "1 B>A refusal .*", "1 B>A fin", "1 A>B fin")
    matches(lines(refused(b"x" * 100, b"\xff\xfe\r\n")), STREAM, "1 A>B bad-line 'x{64}' .*",
            "1 B>A bad-line fffe0d0a .*", "1 B>A fin", "1 A>B unread offset=64 bytes=36", "1 A>B fin")


def test_late_line():
    """a host that answers before the line has ended; a line that is good, but not as it should be written"""
    c = Connection()
    got = lines(pcap(c.open() + c.say(0, LINE_A[:-2]) + c.say(1, LINE_B) + c.say(0, b"\r\n") + c.say(0, signal(0))))
    matches(got, STREAM, r"1 A>B bad-line 'YOTON!.*4242' \(does not end\)", HELLO_B, HELLO_A, "1 A>B heartbeat")
    c = Connection()
    got = lines(pcap(c.open() + c.say(0, LINE_A.upper()) + c.say(1, b"YOTON!%016x.007\r\n" % B_ID)))
    matches(got, STREAM, HELLO_A + r" line='YOTON!0123456789ABCDEF\.4242\\r\\n'",
            rf"1 B>A hello id={B_ID:016x} pid=7 line='YOTON!{B_ID:016x}\.007\\r\\n'")


def after_lines(*said_by_a, options=(), fin=True):
    """Lines behind the two handshake lines."""
    c = Connection()
    frames = c.open() + c.say(0, LINE_A) + c.say(1, LINE_B)
    for data in said_by_a:
        frames += c.say(0, data)
    got = lines(pcap(frames + (c.fin(0) if fin else [])), *options)
    matches(got[:3], STREAM, HELLO_A, HELLO_B)
    return got[3:]


def test_signals():
    """signals whose fields are not as a sender writes them; what stands behind a close"""
    got = after_lines(signal(0, 9, 5), signal(7), signal(1), signal(0), package(b"late"))
    matches(got, "1 A>B heartbeat slot=9 source=0000000000000005", "1 A>B signal seq=7", "1 A>B close",
            r"1 A>B heartbeat \(after close\)", chat(1, "late") + r" \(after close\)", "1 A>B fin")


def test_errors():
    """bytes that are no header, a length above the limit, an end inside a package"""
    got = after_lines(b"YOTON!  " + bytes(60), package(b"good"))
    matches(got, "1 A>B error offset=34 wrong control bytes: lost track of the stream: 212020(00)+...",
            "1 A>B resumed offset=97 skipped=68", chat(1, "good"), "1 A>B fin")
    got = after_lines(header(CHAT, A_ID, 1, 2**30 + 1) + b"??", package(b"good"))
    matches(got, "1 A>B error offset=77 length 1073741825 is above the limit", "1 A>B resumed offset=87 skipped=58",
            chat(1, "good"), "1 A>B fin")
    got = after_lines(package(b"12345"), package(b"1234"), options=("--max-message", "4"))
    matches(got, "1 A>B error .*length 5 is above.*", "1 A>B resumed offset=90 skipped=61", chat(1, "1234"),
            "1 A>B fin")
    got = after_lines(signal(0), signal(0)[:20])
    matches(got, "1 A>B heartbeat", "1 A>B unfinished header came=20 of 56", "1 A>B fin")
    got = after_lines(package(b"x" * 30)[:-10], fin=False)
    matches(got, rf"1 A>B unfinished slot={CHAT} .* length=30 came=20 txt 'x{{20}}'")


def test_payloads():
    """what a payload is: by the slot's name, or by a guess; how much of it is shown"""
    obj = b"t\x02i" + struct.pack("<q", -5) + b"s\x03a'b"

    def one(payload, *options, slot=CHAT):
        return after_lines(package(payload, slot), options=options)[0].split(f"length={len(payload)} ")[1]

    equal(one(b"plain text"), "txt 'plain text'")
    equal(one("na\u00efve".encode()), "txt 'na\u00efve'")
    equal(one(obj), "obj (-5, \"a'b\")")
    equal(one(b"\x00\x01\xff"), "bin 0001ff")
    equal(one(obj + b"?"), "bin " + (obj + b"?").hex())
    equal(one(obj, "--name", "chat"), "txt (byte 3: malformed UTF-8) " + obj.hex())
    equal(one(b"\xff", "--name", "chat"), "txt (byte 0: malformed UTF-8) ff")
    equal(one(b"abc" * 40, "--payload", "5"), "txt 'abcab'...")
    equal(one("\u00e9".encode() * 9, "--payload", "5"), "txt '\u00e9\u00e9'...")
    equal(one(bytes(9), "--payload", "5"), "bin 0000000000...")
    equal(one(b"x" * 5000, "--payload", "all"), "txt '" + "x" * 5000 + "'")


def slot_number(name):
    done = subprocess.run([YOTON, "hash", "slot", name], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_names():
    """names of slots, from base names and from a file; the type they tell"""
    obj = b"t\x01n"
    news, work, ok = (slot_number(name) for name in ("news.obj.pub-sub", "work.obj.req-rep", "news.obj.sub-pub"))
    names = files.put(b"Work.OBJ.req-rep\n\n")
    frames = [package(obj, news), package(b"ttt", news, seq=2), package(obj + b"tail", news, seq=3),
              package(b"req?", work, seq=4), package(b"n", work, seq=5), package(b"full", ok, seq=6),
              package(b"n", 2, seq=7)]
    got = [re.sub(" source=.*length=", " ", line) for line in
           after_lines(*frames, options=("--name", "News", "--slots", names))]
    equal(got, [f"1 A>B package slot={news} (news.obj.pub-sub) 3 obj (None,)",
                f"1 A>B package slot={news} (news.obj.pub-sub) 3 obj (byte 3: length above the limit or past the end) "
                "747474",
                f"1 A>B package slot={news} (news.obj.pub-sub) 7 obj (None,) and 4 bytes behind it",
                f"1 A>B package slot={work} (work.obj.req-rep) 4 txt 'req?'",
                f"1 A>B package slot={work} (work.obj.req-rep) 1 obj None",
                f"1 A>B package slot={ok} (news.obj.sub-pub) 4 txt 'full'",
                "1 A>B package slot=2 (context) 1 txt 'n'", "1 A>B fin"])


def test_json():
    """JSON: 64-bit numbers as strings, ids as 16 hexadecimal digits, the same events as the text"""
    c = Connection()
    big = package(b"d\x01s\x01kf" + struct.pack("<d", 0.5), 2**64 - 1, seq=2**64 - 2, dest=B_ID, dest_seq=2**63 + 1)
    got = events(pcap(c.open() + c.say(0, LINE_A) + c.say(1, LINE_B) + c.say(0, big) + c.say(0, signal(1)) + c.fin(0)))
    equal(got[0], {"stream": 1, "kind": "stream", "A": "192.0.2.1:40000", "B": "192.0.2.2:5000", "roles_known": True})
    equal(got[1], {"stream": 1, "kind": "hello", "from": "A", "offset": "0", "line": LINE_A.hex(), "id": f"{A_ID:016x}",
                   "pid": "4242"})
    equal(got[3], {"stream": 1, "kind": "package", "from": "A", "offset": str(len(LINE_A)), "slot": str(2**64 - 1),
                   "source": f"{A_ID:016x}", "seq": str(2**64 - 2), "dest": f"{B_ID:016x}", "dest_seq": str(2**63 + 1),
                   "length": "14", "payload": big[56:].hex(), "type": "obj",
                   "value": {"dict": [["k", {"float": "0.5"}]]}})
    equal([event["kind"] for event in got[4:]], ["close", "fin"])
    equal(got[5]["after_close"], True)


def test_filters():
    """streams chosen by port and by number, heartbeats left out, several files, standard input"""
    one, two = Connection(), Connection(("192.0.2.1", 40001), ("192.0.2.2", 5001))
    both = pcap(said(one) + said(two))
    first = [line for line in lines(both) if re.match("stream 1|1 ", line)]
    equal(lines(both, "--port", "5000"), first)
    equal(lines(both, "--stream", "1"), first)
    equal(lines(both, "--port", "40001"), [re.sub(r"40000|\b5000|^1 |stream 1", lambda m: {
        "40000": "40001", "5000": "5001", "1 ": "1 ", "stream 1": "stream 1"}[m.group()], line) for line in first])
    equal(lines(both, "--no-heartbeats"), [line for line in lines(both) if "heartbeat" not in line])
    (parts, status) = many([both, both])
    equal((parts[0], status), (parts[1], 0))
    equal(run("--no-time", "-", stdin=both)[0].splitlines(), lines(both))


# --- streams put together ---


def by_side(got):
    """The events of each direction: between the two, the order of the capture decides, and also whether a line had
    ended when the other end answered."""
    all_events = [json.loads(line) for line in got]
    return [[{**event, "file": ""} for event in all_events
             if event.get("from") == side and event.get("error") != "does not end"] for side in "AB"]


def talk(rng):
    """What two ends say, cut into pieces of random places."""
    sides = []
    for line, source in ((LINE_A, A_ID), (LINE_B, B_ID)):
        items = [line]
        for seq in range(1, rng.randrange(2, 12)):
            payload = rng.randbytes(rng.choice([1, 7, 56, 100, 2000]))
            items.append(rng.choice([signal(0), package(payload, rng.randrange(8, 99), source, seq)]))
        sides.append(b"".join(items))
    return sides


def cuts(rng, data):
    places = sorted({0, len(data), *(rng.randrange(len(data)) for _ in range(rng.randrange(1, 12)))})
    return [(at, data[at:end]) for at, end in zip(places, places[1:])]


def test_disorder():
    """segments in any order, repeated and overlapping: the events are those of the stream in order"""
    rng = random.Random(20)
    plain, disturbed = [], []
    for _ in range(150):
        isn = (rng.randrange(2**32), 2**32 - rng.randrange(1, 3000))
        sides, c = talk(rng), Connection(isn=isn)
        plain.append(pcap(c.open() + [c.segment(side, at, piece) for side in (0, 1)
                                      for at, piece in cuts(rng, sides[side])]))
        frames = []
        for side in (0, 1):
            pieces = cuts(rng, sides[side])
            for _ in range(rng.randrange(6)):
                at = rng.randrange(len(sides[side]))
                pieces.append((at, sides[side][at:at + rng.randrange(1, 3000)]))
            rng.shuffle(pieces)
            frames.append([c.segment(side, at, piece, ack=0) for at, piece in pieces])
        mixed = []
        while frames[0] or frames[1]:
            mixed.append(rng.choice([side for side in frames if side]).pop(0))
        disturbed.append(pcap(c.open() + mixed))
    options = ("--json", "--payload", "all")
    wanted, _ = many(plain, *options)
    got, _ = many(disturbed, *options)
    for (want, _), (have, trouble) in zip(wanted, got):
        equal(trouble, [])
        equal(by_side(have), by_side(want))


def test_repeated_ends():
    """repeated SYN and FIN, keep-alive probes and bytes behind the end change nothing"""
    c = Connection()
    frames = said(c)
    frames.insert(1, frames[0])
    frames.insert(6, c.segment(0, len(LINE_A) - 1, b"\0"))
    frames += c.fin(0) + [c.segment(0, c.sent[0] + 1, b"behind the end")]
    matches(lines(pcap(frames)), *WHOLE)


def test_reset():
    """a reset ends one direction; what the other end had sent is still read"""
    c = Connection()
    got = lines(pcap(c.open() + c.say(0, LINE_A) + c.say(1, LINE_B) + c.reset(0) + c.say(1, signal(0)) + c.reset(1)))
    matches(got, STREAM, HELLO_A, HELLO_B, "1 A>B reset", "1 B>A heartbeat", "1 B>A reset")
    c = Connection()
    matches(lines(pcap([c.segment(0, 0, flags=SYN)] + c.reset(1))), STREAM, "1 B>A reset")


def test_reused_port():
    """a new connection between the same two ports is a stream of its own, whether or not the old one had ended"""
    for count in (99, 7):
        got = lines(pcap(said(Connection())[:count] + said(Connection(isn=(777777, 888888)))))
        second = got.index(next(line for line in got if line.startswith("stream 2")))
        matches([re.sub("^(stream )?2", r"\g<1>1", line) for line in got[second:]], *WHOLE)


def lossy(*items, drop, ack_all=True):
    """A says the items, one a segment; those numbered in `drop` are not in the capture."""
    c = Connection()
    frames = c.open() + c.say(0, LINE_A) + c.say(1, LINE_B)
    for number, item in enumerate(items):
        sent = c.say(0, item)
        frames += [] if number in drop else sent
    if ack_all:
        frames += [c.segment(1, c.sent[1]) for _ in range(40)]
    got = lines(pcap(frames + c.fin(0)))
    matches(got[:3], STREAM, HELLO_A, HELLO_B)
    return got[3:]


def test_gaps():
    """bytes that are not in the capture: inside a payload, over its end, a whole package, a header, the last one"""
    long = package(b"x" * 300)
    got = lossy(long[:100], long[100:200], long[200:], package(b"next", seq=2), drop=[1])
    matches(got, "1 A>B gap offset=129 bytes=100", rf"1 A>B package .* length=300 missing=100 txt 'x{{44}}'",
            chat(2, "next"), "1 A>B fin")
    got = lossy(long[:100], long[100:], signal(0), package(b"next", seq=2), drop=[1, 2])
    matches(got, "1 A>B gap offset=129 bytes=312", "1 A>B unfinished .* length=300 came=44 txt 'x{44}'",
            "1 A>B resumed offset=441 skipped=0", chat(2, "next"), "1 A>B fin")
    got = lossy(package(b"one"), package(b"two", seq=2), package(b"three", seq=3), drop=[1])
    matches(got, chat(1, "one"), "1 A>B gap offset=88 bytes=59", "1 A>B resumed offset=147 skipped=0", chat(3, "three"),
            "1 A>B fin")
    got = lossy(long[:20], long[20:40], long[40:], package(b"next", seq=2), drop=[1])
    matches(got, "1 A>B gap offset=49 bytes=20", "1 A>B unfinished header came=20 of 56",
            "1 A>B resumed offset=385 skipped=316", chat(2, "next"), "1 A>B fin")
    got = lossy(package(b"one"), package(b"two", seq=2), drop=[1])
    matches(got, chat(1, "one"), "1 A>B gap offset=88 bytes=59", "1 A>B fin")
    got = lossy(package(b"one"), package(b"two", seq=2), package(b"three", seq=3), drop=[1], ack_all=False)
    matches(got, chat(1, "one"), "1 A>B gap offset=88 bytes=59", "1 A>B resumed .*", chat(3, "three"), "1 A>B fin")


def test_lost_line():
    """the handshake line, or its first half, is not in the capture"""
    for begin in (0, 9):
        c = Connection()
        frames = c.open() + ([c.segment(0, 0, LINE_A[:begin])] if begin else [])
        frames += [c.segment(0, len(LINE_A), package(b"one")), c.segment(0, len(LINE_A) + 59, flags=FIN | ACK)]
        begun = [r"1 A>B bad-line 'YOTON!012' \(does not end\)"] if begin else []
        matches(lines(pcap(frames)), STREAM, rf"1 A>B gap offset={begin} bytes={len(LINE_A) - begin}", *begun,
                rf"1 A>B resumed offset={len(LINE_A)} skipped=0", chat(1, "one"), "1 A>B fin")


def test_patience():
    """missing bytes are given up once they were acknowledged and 32 more packets have passed, not before"""
    for quiet, early in ((32, False), (33, True)):
        c = Connection()
        frames = c.open() + c.say(0, LINE_A) + c.say(1, LINE_B)
        late = c.say(0, package(b"one"))
        frames += c.say(0, package(b"two", seq=2))
        frames += [c.segment(1, c.sent[1]) for _ in range(quiet)]
        got = lines(pcap(frames + late))[3:]
        equal(["gap" in line for line in got][:1], [early])
        if not early:
            matches(got, chat(1, "one"), chat(2, "two"))


def test_missing_start():
    """captures that begin in the middle of a conversation"""
    began = r"stream 1: A 192\.0\.2\.1:40000, B 192\.0\.2\.2:5000 \(began before the capture\)"
    c = Connection()
    c.open()
    matches(lines(pcap(c.say(0, LINE_A) + c.say(0, package(b"one")))), began, HELLO_A, chat(1, "one"))
    matches(lines(pcap(c.say(0, package(b"one")) + c.say(0, signal(0)))), began, chat(1, "one"), "1 A>B heartbeat")
    matches(lines(pcap(c.say(0, b"of a package" + package(b"one")[:3]) + c.say(0, package(b"one")[3:]))), began,
            "1 A>B resumed offset=12 skipped=12", chat(1, "one"))
    c = Connection()
    for cut in range(1, 8):
        data = package(b"one")
        matches(lines(pcap(c.say(0, data[:cut]) + c.say(0, data[cut:]))), began, chat(1, "one"))
        matches(lines(pcap(c.say(0, LINE_A[:cut]) + c.say(0, LINE_A[cut:]))), began, HELLO_A)
        matches(lines(pcap(c.say(0, b"YOTON?YOTON"[:cut]) + c.say(0, b"YOTON?YOTON"[cut:]))), began,
                "1 A>B unread offset=0 bytes=11")
    refusal = b"ERROR: this is Yoton.\r\n"
    matches(lines(pcap(c.say(0, refusal))), began, "1 A>B refusal .*")
    # the answer to a SYN that was not seen tells who listened, and where the other side's bytes start
    c = Connection()
    matches(lines(pcap(c.open()[1:] + c.say(1, LINE_B) + c.say(0, LINE_A))), STREAM, HELLO_B, HELLO_A)


def test_snap_length():
    """payloads cut by the snap length: what is known of them is shown, and the next package is found"""
    c = Connection()
    frames = c.open() + c.say(0, LINE_A) + c.say(0, package(b"x" * 90), cut=50) + c.say(0, package(b"two", seq=2))
    matches(lines(pcap(frames)), STREAM, HELLO_A, "1 A>B cut offset=125 bytes=50",
            "1 A>B package .* length=90 missing=50 txt 'x{40}'", chat(2, "two"))
    c = Connection()
    frames = c.open() + c.say(0, LINE_A) + c.say(0, package(b"one"), cut=40) + c.say(0, package(b"two", seq=2))
    matches(lines(pcap(frames)), STREAM, HELLO_A, "1 A>B cut offset=48 bytes=40",
            "1 A>B unfinished header came=19 of 56", "1 A>B resumed offset=88 skipped=0", chat(2, "two"))
    out, err, status = run(files.put(pcap([(frame[:40], len(frame)) for frame in said(Connection())])))
    equal((out, status), ("", 1))
    assert re.fullmatch(r".*: warning: .*: 11 packets were passed over, because the snap length cut their headers\n"
                        r"yoton dump: .*: no TCP in its 11 packets\n", err), err


def test_fragments():
    """fragments of IP packets are passed over, and it is said"""
    c, broken = Connection(), Connection(fragment=0x2000)
    frames = c.open() + c.say(0, LINE_A)
    out, err, status = run("--no-time", files.put(pcap(frames + broken.say(0, b"x"))))
    equal((len(out.splitlines()), status), (2, 0))
    assert re.fullmatch(r"yoton dump: warning: .*: 1 fragments of IP packets were passed over\n", err), err


# --- limits ---


def test_many_streams():
    """more streams than are followed at once: the oldest are given up"""
    frames = []
    for port in range(5000):
        c = Connection(("192.0.2.1", 10000 + port))
        frames += c.open()[:1] + c.say(0, LINE_A)
    got = lines(pcap(frames))
    forgotten = [line for line in got if line.endswith("forgotten")]
    equal(forgotten, [f"{number} A>B forgotten" for number in range(1, 5000 - 4096 + 1)])
    equal(sum("hello" in line for line in got), 5000)


def test_held_back():
    """no more than 8 MiB, or 4096 segments, wait for bytes that are missing"""
    c = Connection()
    frames = c.open() + c.say(0, LINE_A)
    at = len(LINE_A) + 59
    payload = package(bytes(60000))
    for _ in range(9 * 2**20 // len(payload) + 1):
        frames.append(c.segment(0, at, payload, ack=0))
        at += len(payload)
    got = lines(pcap(frames))
    matches(got[:4], STREAM, HELLO_A, f"1 A>B gap offset={len(LINE_A)} bytes=59", "1 A>B resumed .*")
    equal(sum("package" in line for line in got), 9 * 2**20 // len(payload) + 1)
    c = Connection()
    frames = c.open() + [c.segment(0, 2 * n + 1, b"x", ack=0) for n in range(5000)]
    got = lines(pcap(frames))
    equal(sum(" gap " in line for line in got), 5000)


# --- bad files ---


def test_truncated():
    """a capture cut at any byte: what was read before is kept, and one line says where it ends"""
    frames = said(Connection())
    for write in (pcap, pcapng):
        whole = write(frames)
        ends = [len(write(frames[:count])) for count in range(len(frames) + 1)]
        wanted, _ = many([write(frames[:count]) for count in range(len(frames) + 1)])
        got, status = many([whole[:size] for size in range(len(whole))])
        equal(status, 1)
        for size, (text, trouble) in enumerate(got):
            count = sum(end <= size for end in ends) - 1
            if count < 0:
                equal((text, len(trouble)), ([], 1))
                assert re.match("byte 0: not a |the capture file has no Interface ", trouble[0]), (size, trouble)
                continue
            equal((size, text), (size, wanted[count][0]))
            if size in ends:
                equal(trouble, wanted[count][1])
            else:
                equal([line.split(":")[0] for line in trouble], [f"after byte {ends[count]}"])


def test_damaged():
    """a capture with any one byte changed: no crash, and never more than one line of complaint a file"""
    rng = random.Random(3)
    for write in (pcap, pcapng):
        whole = write(said(Connection()))
        damaged = [whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1:] for at in range(len(whole))]
        for _, trouble in many(damaged)[0]:
            assert len([line for line in trouble if "passed over" not in line]) <= 1, trouble


def test_second_link():
    """a capture whose second interface has another link type: what was read before is kept"""
    whole = pcapng(said(Connection()))
    second = packets.block("<", 1, struct.pack("<HHI", packets.RAW, 0, 262144))
    out, err, status = run("--no-time", files.put(whole + second))
    matches(out.splitlines(), *WHOLE)
    equal(status, 1)
    assert re.fullmatch(rf"yoton dump: .*: after byte {len(whole)}: .*type.*\n", err), err


def refuses(path, pattern):
    out, err, status = run(path)
    equal((out, status), ("", 1))
    assert re.fullmatch(f"yoton dump: {re.escape(path)}: {pattern}\n", err), err


def test_no_capture():
    """what is no capture: one line with the name of the file and the reason"""
    refuses(files.put(b""), "byte 0: not a capture.*")
    refuses(files.put(b"#!/bin/sh\necho a text file, and longer than a header\n"), "byte 0: not a pcap or pcapng .*")
    refuses(files.put(b"\x1f\x8b\x08" + bytes(60)), "byte 0: not a pcap or pcapng .*unpacked first.*")
    refuses(os.path.join(files.folder.name, "absent.cap"), "cannot open it: No such file or directory")
    refuses(files.folder.name, ".*[Dd]irectory.*")
    refuses(files.put(pcap([b"\x08\0" + bytes(30)], kind=105)), "header before byte 24: link type 105 .*IEEE802_11.*")
    refuses(files.put(pcap([])), "no TCP in its 0 packets")
    refuses(files.put(pcap([packets.link(1, packets.ip("192.0.2.1", "192.0.2.2", b"")[:9] + b"\x11" + bytes(40))])),
            "no TCP in its 1 packets")


def test_usage():
    """wrong usage: exit status 2 and one line"""
    good = files.put(pcap(said(Connection())))
    for arguments in ([], ["--nosuch", good], ["--port", "0", good], ["--port", "65536", good], ["--port"],
                      ["--payload", "some", good], ["--stream", "-1", good], ["--name", b"\xff", good], ["-x", good]):
        out, err, status = run(*arguments)
        equal((arguments, out, status, err.count("\n")), (arguments, "", 2, 1))
    out, err, status = run("--slots", os.path.join(files.folder.name, "absent"), good)
    equal((out, status, err.count("\n")), ("", 1, 1))
    out, _, status = run("--help")
    equal(status, 0)
    assert "example: " in out
    with open("/dev/full", "wb") as full:
        done = subprocess.run([YOTON, "dump", good], stdout=full, stderr=subprocess.PIPE, check=False)
    equal(done.returncode, 1)
    assert b"cannot write to standard output" in done.stderr, done.stderr


# --- the recorded captures, read by others ---


def tshark_streams(path):
    """The same from tshark."""
    number = 0
    while True:
        done = subprocess.run(["tshark", "-r", path, "-q", "-z", f"follow,tcp,raw,{number}"], capture_output=True,
                              text=True, check=True)
        sides, client = [b"", b""], re.search(r"^Node 0: (\S+)", done.stdout, re.M)
        if client is None or client.group(1) == ":0":
            return
        for line in done.stdout.splitlines():
            if re.fullmatch(r"\t?[0-9a-f]+", line):
                sides[line.startswith("\t")] += bytes.fromhex(line.strip())
        number += 1
        yield number, sides


def read_side(data):
    """What one side said, read without the reference: the line, then (header fields, payload) of every package."""
    line, end, rest = data.partition(b"\r\n")
    if not re.fullmatch(rb"YOTON!([0-9a-f]{16})\.(\d+)", line) or not end:
        return None
    found = [line + end]
    while len(rest) >= 56 and rest[:8] == b"YOTON   ":
        fields = struct.unpack_from("<6Q", rest, 8)
        found.append((fields, rest[56:56 + fields[5]]))
        rest = rest[56 + fields[5]:]
    return found


def read_by_dump(path):
    """What `yoton dump` says of each side, in the same form."""
    out, err, status = run("--json", "--payload", "all", path)
    equal((err, status), ("", 0))
    sides = {}
    for event in map(json.loads, out.splitlines()):
        if event["kind"] == "hello":
            sides.setdefault((event["stream"], event["from"]), []).append(bytes.fromhex(event["line"]))
        elif "slot" in event:
            fields = tuple(int(event[name], base) for name, base in
                           (("slot", 10), ("source", 16), ("seq", 10), ("dest", 16), ("dest_seq", 10), ("length", 10)))
            sides[event["stream"], event["from"]].append((fields, bytes.fromhex(event.get("payload", ""))))
    return sides


def compare_library(reader):
    paths = [path for path in sorted(glob.glob(os.path.join(CAPTURES, "*.pcapng"))) if os.path.basename(path)[:-7] not in packets.PARTIAL]
    assert paths, "no captures"
    packages = 0
    for path in paths:
        dumped = read_by_dump(path)
        for number, sides in reader(path):
            for side, data in zip("AB", sides):
                wanted = read_side(data)
                if wanted is not None:
                    equal((path, number, side, dumped.get((number, side))), (path, number, side, wanted))
                    packages += len(wanted) - 1
    assert packages > 50, packages


def test_library():
    """the recorded captures, byte by byte as another reader finds them"""
    compare_library(packets.streams_of)


def test_library_tshark():
    """the recorded captures, byte by byte as tshark puts them together"""
    if not shutil.which("tshark"):
        return "tshark is not installed"
    compare_library(tshark_streams)
    return None


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            skipped = test()
            print(f"ok {number} - {test.__doc__}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except (AssertionError, subprocess.SubprocessError, KeyError, ValueError, StopIteration, OSError) as error:
            failed += 1
            print(f"not ok {number} - {test.__doc__}", flush=True)
            why = f"{type(error).__name__} {error}"[:4000]
            print("\n".join(f"# {name}: {line}" for line in why.splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
