#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the corpora anew: from the vectors of the spec, what was said in the captures, the corpora that are there, and
folders named (what a campaign has found). fuzz/corpus/TARGET holds all short vectors, and of the rest the inputs that add
to the coverage, the smallest first, each named by its SHA-256. `make fuzzers` builds the targets first.
"""
import argparse
import glob
import hashlib
import itertools
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
LARGEST = 4096  # bytes of an input: larger ones are slow to mutate and teach nothing new
LARGEST_OF = {"reports": 1300, "frame": 800}  # of these: JSON is long by itself, and small streams are read fast
SHORT = 400  # bytes of a vector that is kept whether or not it adds to the coverage
sys.path.insert(0, os.path.join(ROOT, "captures"))

from packets import PARTIAL, streams_of  # noqa: E402
from peer import find_original  # noqa: E402


def vectors(name):
    """The vectors of a file, each with the members that the file gives for all."""
    with open(os.path.join(ROOT, "spec", "vectors", name + ".json"), encoding="utf-8") as f:
        content = json.load(f)
    common = {key: value for key, value in content.items() if key not in ("vectors", "sent")}
    for vector in content["vectors"]:
        yield {**common, **vector}


def joined(value):
    """Bytes, which may come as parts that are repeated."""
    parts = value if isinstance(value, list) else [value]
    return b"".join(bytes.fromhex(part) if isinstance(part, str) else bytes.fromhex(part["repeat"]) * part["times"]
                    for part in parts)


def said():
    """What each side said in the captures."""
    for path in sorted(glob.glob(os.path.join(ROOT, "captures", "*.pcapng"))):
        if os.path.basename(path)[:-7] in PARTIAL:
            continue
        for _, sides in streams_of(path):
            yield from sides


def split(data):
    """The line of a side, and what follows it."""
    line, end, rest = data.partition(b"\r\n")
    return line + end, rest


def packages(data):
    while len(data) >= 56 and data.startswith(b"YOTON   "):
        size = 56 + struct.unpack_from("<Q", data, 48)[0]
        yield data[:size]
        data = data[size:]


# The settings of each target stand behind the input: see the first comment of its source.
OBJECT_SETTINGS = [0, 2, 3]
FRAME_SETTINGS = [bytes(9), b"\x12\x34\x56\x78\x9a\xbc\xde\xf0\x09", b"\0\0\0\0\0\0\0\x01\x05"]


def frame_vectors():
    for vector in vectors("headers"):
        yield joined(vector["input"]) + FRAME_SETTINGS[0]
    for vector in vectors("streams"):
        line = next((event["end"] for event in vector["events"] if event["event"] == "line"), 0)
        yield joined(vector["input"])[line:][:LARGEST] + FRAME_SETTINGS[0]


def frame_seeds():
    for side in said():
        for settings in FRAME_SETTINGS:
            yield split(side)[1][:LARGEST] + settings


def handshake_vectors():
    for vector in vectors("handshake"):
        limit = vector["limit"]
        yield joined(vector["input"]) + bytes([0 if limit == 64 else limit + 127 if limit <= 122 else 255])


def handshake_seeds():
    for side in said():
        yield split(side)[0] + b"\0"


# What the vectors do not hold: counts of a size that could be believed, counts that overflow when doubled, every ASCII
# character in a string.
OBJECTS = [kind + b"\xff" + struct.pack("<Q", count) + b"nn"
           for kind in (b"l", b"t", b"d", b"s") for count in (1000, 10**6, 2**32, 2**63 - 1, 2**63, 2**63 + 1)]
OBJECTS.append(b"s\x80" + bytes(range(128)))


def object_vectors():
    for vector in vectors("objects"):
        limit = vector["depth_limit"]
        for setting in [limit + 127] if limit <= 128 else OBJECT_SETTINGS:
            yield joined(vector["input"]) + bytes([setting])
    for data in OBJECTS:
        for setting in OBJECT_SETTINGS:
            yield data + bytes([setting])


def object_seeds():
    for side in said():
        for package in packages(split(side)[1]):
            for setting in OBJECT_SETTINGS:
                yield package[56:] + bytes([setting])


DATA, SNAPPED, FIN = 0, 4 << 1, 5 << 1


def operation(side, kind, at, size):
    """One packet of fuzz_capture."""
    return struct.pack("<BHB", side | kind, at, size)


def packets_of(size, order):
    """What two sides of `size` bytes each say, in packets of 200, in some order."""
    made = [operation(side, DATA, at, 200) for at in range(0, size, 200) for side in (0, 1)]
    yield from order(made)
    yield from (operation(side, FIN, 0, 0) for side in (0, 1))


ORDERS = [lambda made: made, lambda made: made[::-1], lambda made: made + made, lambda made: made[1:],
          lambda made: [bytes([one[0] | SNAPPED]) + one[1:] for one in made]]


TCP = struct.pack(">HHIIBBHHH", 40000, 8000, 1, 2, 0x50, 0x18, 512, 0, 0) + b"YOTON!"
PORTS_4, PORTS_6 = bytes([127, 0, 0, 1] * 2), bytes(15) + b"\1" + bytes(15) + b"\2"


def ipv4(inner, proto=6, total=None, more=b"", fragment=0):
    words = 5 + len(more) // 4
    return struct.pack(">BBHHHBBH", 0x40 | words, 0, 4 * words + len(inner) if total is None else total, 0, fragment, 64, proto, 0) + PORTS_4 + more + inner


def ipv6(inner, kind=6, total=None):
    return struct.pack(">IHBB", 6 << 28, len(inner) if total is None else total, kind, 64) + PORTS_6 + inner


def more_of_ipv6(kinds):
    """Headers between IPv6 and TCP, each with the number of the next; a fragment's has an offset."""
    data = TCP
    for place in range(len(kinds) - 1, -1, -1):
        _, offset = kinds[place]
        following = kinds[place + 1][0] if place + 1 < len(kinds) else 6
        data = struct.pack(">BBHI", following, 0, offset, 0) + data
    return ipv6(data, kinds[0][0])


def raw_packets():
    inside = [ipv4(TCP), ipv4(TCP, total=0), ipv4(TCP, more=b"\1\1\1\0"), ipv4(TCP, total=10), ipv4(TCP, fragment=7), ipv4(TCP, proto=17), ipv6(TCP), ipv6(TCP, total=0), ipv6(TCP, 17),
              *(more_of_ipv6(kinds) for kinds in ([(0, 0)], [(43, 0)], [(60, 0)], [(51, 0)], [(44, 0)], [(44, 8)], [(44, 1)], [(0, 0), (60, 0), (44, 0)])), ipv6(struct.pack(">BBHI", 17, 0, 8, 0), 44),
              ipv6(b"\6\xff" + bytes(6), 0), ipv6(b"\6", 0)]
    for packet in inside:
        yield packet
        yield bytes(12) + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0") + packet
    for tags in (b"\x81\0\0\1", b"\x88\xa8\0\1\x81\0\0\2", b"\x91\0\0\1"):
        yield bytes(12) + tags + b"\x08\0" + ipv4(TCP)
        yield bytes(12) + tags[:3]
    yield bytes(12) + b"\x08\6" + bytes(20)


def capture_vectors():
    """The library, one connection an input, on every link type, with and without its beginning."""
    for packet in raw_packets():
        yield packet + b"\0\0"
    pairs = list(itertools.islice((sides for path in sorted(glob.glob(os.path.join(ROOT, "captures", "*.pcapng")))
                                   if os.path.basename(path)[:-7] not in PARTIAL for _, sides in streams_of(path)), 40))
    for number, sides in enumerate(pairs):
        size = min(1200, max(map(len, sides)))
        said = b"".join(side[:size].ljust(size, b"\0") for side in sides)
        for order in ORDERS:
            made = b"".join(packets_of(size, order))
            if len(made) <= 4 * 64:
                yield made + said + bytes([len(made) // 4, number % 8 | (number % 3 and 0x10) | (number % 5 and 0x20)])


# What happens to a link, 4 bytes a thing: see fuzz_link.c.
FEED, DUE, WAIT, SEND, TAKE, TAKE_ALL, CLOSE, END = (bytes([kind]) for kind in (0, 2, 3, 5, 7, 9, 10, 11))


def thing(kind, number=0, more=0):
    return kind + struct.pack("<HB", number, more)


PLANS = [[thing(FEED, 599), thing(TAKE_ALL)] * 3,
         [thing(FEED, 599), thing(TAKE_ALL), thing(SEND, 40), thing(SEND, 0x8000), thing(TAKE, 70), thing(TAKE_ALL), thing(CLOSE, 0, 1), thing(TAKE_ALL)],
         [thing(FEED, 45), thing(TAKE_ALL), thing(DUE), thing(TAKE_ALL), thing(DUE), thing(DUE), thing(FEED, 200), thing(TAKE_ALL)],
         [thing(FEED, 10), thing(WAIT, 2400), thing(TAKE_ALL)], [thing(TAKE_ALL), thing(FEED, 7), thing(END), thing(TAKE_ALL)],
         [thing(SEND, 30), thing(SEND, 31), thing(SEND, 32), thing(SEND, 33), thing(FEED, 90), thing(TAKE, 20)] * 4,
         [thing(FEED, 100), thing(TAKE_ALL), thing(CLOSE, 0, 2), thing(FEED, 300), thing(WAIT, 1100)],
         [thing(FEED, 30), thing(SEND, 9), thing(CLOSE, 0, 0), thing(FEED, 30), thing(DUE)], [thing(CLOSE, 600, 99), thing(FEED, 60), thing(DUE, 0, 1), thing(DUE)]]


def link_vectors():
    lines = [joined(vector["input"]) for vector in vectors("handshake")]
    streams = [joined(vector["input"])[:1000] for vector in vectors("streams")]
    for number, (plan, said_there) in enumerate(itertools.product(PLANS, [b"", lines[0], b"YOTON!00000000000000a1.4242\r\n", *streams[:6]])):
        yield b"".join(plan) + said_there + bytes([len(plan), number % 32])


def link_seeds():
    for number, data in enumerate(itertools.chain(said(), (joined(vector["input"])[:1000] for name in ("handshake", "streams") for vector in vectors(name)))):
        for plan in PLANS:
            yield b"".join(plan) + data[:1500] + bytes([len(plan), number % 16])


def drawn(number, size):
    """Bytes that depend on nothing but the number."""
    return b"".join(hashlib.sha256(b"%d.%d" % (number, part)).digest() for part in range(size // 32 + 1))[:size]


def network_vectors():
    for number in range(24):
        yield drawn(number, 8 + 12 * number)


def network_seeds():
    return (drawn(number, 8 + number % 40 * 10) for number in range(24, 1500))


def text_vectors():
    for number, text in enumerate((b"hello\r\n", b"hello", b"", b"\r\n", b"\r", b"a\rb\r\nc", b"\r\r\n", "h\u00e4 \U0001f600\r\n".encode(), b"a\xffb\xe2\x82c\xed\xa0\x80d",
                                   b"x" * 60 + b"\r\n", b"x" * 61)):
        for limit in (0, 5, 60, 210, 255):
            yield text + struct.pack("<HBB", number * 5113, limit, number % 2)


def original_vectors():
    for vector in vectors("objects"):
        yield joined(vector["input"]) + b"\2"
    for name, setting in (("slots", b"\0"), ("ports", b"\1")):
        for vector in vectors(name):
            if isinstance(vector.get("text"), str):
                yield vector["text"].encode("utf-8", "surrogatepass") + setting


HELLO = b'{"id":\x01,"ok":true,"context_id":"00000000000000a1","capabilities":["host","bind"]}\n'
DONE, REFUSED = b'{"id":\x01,"ok":true}\n', b'{"id":\x01,"ok":false,"code":"%s","error":"no"}\n'
OPENED = b'{"id":\x01,"ok":true,"slot_out_hash":"1","slot_in_hash":"18446744073709551615"}\n'
CLOSED = b'{"event":"closed","connection":"1","reason":"gone"}\n'
# What fuzz_adapter's case asks, by the numbers of its things, and what an adapter says to it.
TALKS = [([0, 1, 2, 3], [DONE, DONE, OPENED, DONE]),
         ([2, 4, 5, 6], [OPENED, b'{"id":\x01,"ok":true,"value":"abc"}\n', b'{"id":\x01,"ok":true,"value":{"hex":"00ff"}}\n', REFUSED % b"timeout"]),
         ([7, 13, 8, 9, 10, 11, 12], [CLOSED, b'{"id":null,"ok":false}\n', DONE, REFUSED % b"failed"]), ([14, 0], [REFUSED % b"unsupported"]), ([0], [b"no\n"]),
         ([0], [DONE, DONE]), ([0], [b"[1]\n"]), ([0], [b"7\n"]), ([7], [CLOSED.replace(b"}", b',"found":true}')]), ([0], [b'{"id":\x01}\n']), ([0], [b'{"id":9,"ok":true}\n']), ([7], []), ([12], []),
         ([0], [b"\3oh\n\3no  \n", DONE]), ([1, 0], [b"\3" + b"far " * 80 + b"\n"]), ([11], [REFUSED % b"closed"]), ([14, 0], [b'{"id":\x01,"ok":true,"context_id":"00000000000000a2"}\n', DONE]),
         ([7], [b'{"event":"received","connection":"1"}\n{"event":"closed","connection":"2"}\n{"event":"closed"}\n']), ([9, 10], [b'{"id":\x01,"ok":true}'])]


def adapter_vectors():
    for things, lines in TALKS:
        for way, end in ((0, 0), (128, 0), (192, 1), (0, 0x84), (0, 0x48), (2, 1), (3, 3), (67, 4), (6, 8), (0, 5)):
            yield bytes(things) + HELLO + b"".join(lines) + bytes([len(things), way, end])
    for hello in (HELLO.replace(b"000000000000a1", b"0x0000000000a1"), HELLO.replace(b'"00', b'"0x'), HELLO.replace(b'["host"', b'[1,"x","host"'), HELLO.replace(b'"host",', b""), b'{"id":\x01,"ok":true}\n', REFUSED % b"failed"):
        yield hello + bytes(3)


def results(shard, cases, **more):
    return json.dumps({"format": 1, "complete": True, "harness": 0, "spec": 0, "peer": {"name": "command", "command": shard}, "seed": "1", "shard": shard, "selected": 3, "role": "both",
                       "repeat": 1, "selection": 0, "started": "2026-01-02T03:04:05Z", "cases": cases, **more}, separators=(",", ":")).encode()


def a_case(number, verdict, **more):
    return {"id": f"LINK-{number}.1", "requirement": f"LINK-{number}", "level": "must", "origin": "manual", "role": "host", "verdict": verdict, "why": "<b>&", "title": "",
            "about": "", "section": "", "text": "", "rerun": "", **more}


ENTRIES = [{"t": 0.1, "who": "end 1", "direction": way, "what": "<i>", "hex": "594f544f4e", "size": 5, "wrong": 2, "field": "slot"} for way in ("sent", "received", "note")]


def reports_vectors():
    known = [b'{"case":"FRAME-1.1","role":"host","reason":"x"}', b'{"case":"FRAME-1.1","role":"client","reason":"x","peer_version":"2*","message":"m","expires":"2031-12-31"}']
    lists = [known[0], b"# why\n\n" + known[1] + b"\n" + known[0] + b"\n", known[0] + b"\n" + known[0], known[0].replace(b"host", b"both"), known[1].replace(b"12-31", b"02-29"),
             known[1].replace(b"12-31", b"13-01"), known[0].replace(b"reason", b"cause"), known[0].replace(b"FRAME-1.1", b"FRAME-999.1"), b"[]", b"{", b""]
    for text in lists:
        yield text + b"\0"
    verdicts = ("pass", "fail", "warn", "skip", "unsupported", "flaky", "xfail", "xpass", "error")
    one, two = results("1/2", [a_case(1, "pass"), a_case(3, "fail", transcript=ENTRIES, expected="e", got="g")]), results("2/2", [a_case(2, "skip")])
    wrong = [{"id": "LINK-1"}, {"id": "LINK-1.1/x:1"}, {"id": "LINK-1.a b:1"}, {"requirement": "LINK-"}, {"requirement": "LINK-1x"}, {"level": "most"}, {"why": 1}, {"why": "\0"}, {"transcript": {}},
             {"transcript": []}, *({"transcript": [{**ENTRIES[0], **bad}]} for bad in ({"t": "1"}, {"what": 1}, {"direction": "up"}, {"hex": 7}, {"hex": "abc"}, {"hex": "zz"}, {"size": 1.5},
                                                                                  {"size": 1}, {"size": 1 << 40}))]
    for bad in wrong:
        yield results("1/1", [a_case(1, "pass", **bad)], selected=1) + b"\2"
    for text in (b"1", b"{", results("1/1", [7]), results("1/1", {}), results("1/1", [], format=2), results("1/1", [], streams=[{"transcript": [1]}]), results("1/1", [], complete=False)):
        yield text + b"\1"
        yield text + b"\2"
    parts = [results(f"{n}/2", [a_case(n, "pass")], selected=2, measured={"start": n, "trip": 1}, started=f"2026-01-0{3 - n}T03:04:05Z") for n in (1, 2)]
    for bad in ({}, {"seed": "2"}, {"spec": 1}, {"shard": "2/3"}, {"selected": 3}, {"shard": "02/2"}, {"shard": "3/2"}):
        yield parts[0] + b"\x1e" + json.dumps({**json.loads(parts[1]), **bad}, separators=(",", ":")).encode() + b"\1"
    for parts in ([one, two], [two, one], [one], [one, one], *([results("1/1", [a_case(n, v, transcript=ENTRIES[:1], stderr="s", left="l")], selected=1)] for n, v in enumerate(verdicts, 1)),
                  [results("1/1", [a_case(1, "xfail", differences=[{"frame": 1, "time": 1, "stream": 1, "what": "w", "recorded": "r", "live": "l"}])], selected=1, streams=[
                      {"title": "t", "client": "c", "host": "h", "transcript": ENTRIES}])]):
        for which in b"\1\2":
            yield b"\x1e".join(parts) + bytes([which])


def no_seeds():
    return iter(())


SEEDS = {"adapter": (adapter_vectors, no_seeds), "reports": (reports_vectors, no_seeds), "link": (link_vectors, link_seeds), "network": (network_vectors, network_seeds), "text": (text_vectors, no_seeds), "original": (original_vectors, object_seeds),
         "capture": (capture_vectors, no_seeds), "frame": (frame_vectors, frame_seeds), "handshake": (handshake_vectors, handshake_seeds),
         "object": (object_vectors, object_seeds)}


def write(folder, data):
    with open(os.path.join(folder, hashlib.sha256(data).hexdigest()), "wb") as f:
        f.write(data)


def contents(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        with open(path, "rb") as f:
            yield f.read()


def found_once(corpus):
    """The inputs that FINDINGS.md names."""
    with open(os.path.join(HERE, "FINDINGS.md"), encoding="utf-8") as f:
        names = re.findall(r"`([0-9a-f]{64})`", f.read())
    for path in (os.path.join(corpus, name) for name in names):
        if os.path.exists(path):
            with open(path, "rb") as f:
                yield f.read()


def renew(target, build, more):
    """Replaces a corpus. Nothing is lost when something fails before the last step."""
    program = os.path.join(build, "fuzz", "fuzz_" + target)
    corpus = os.path.join(HERE, "corpus", target)
    most = LARGEST_OF.get(target, 2 * LARGEST)
    with tempfile.TemporaryDirectory() as folder:
        offered, kept = os.path.join(folder, "offered"), os.path.join(folder, "kept")
        os.mkdir(offered)
        os.mkdir(kept)
        vectors_of, seeds_of = SEEDS[target]
        found = [contents(os.path.join(path, "fuzz_" + target)) for path in more]
        for data in vectors_of():
            if len(data) > most:
                continue
            write(kept if len(data) <= SHORT else offered, data)
        for data in found_once(corpus):
            write(kept, data)
        for data in itertools.chain(seeds_of(), contents(corpus), *found):
            if len(data) <= most:
                write(offered, data)
        subprocess.run([program, "-merge=1", kept, offered], check=True, capture_output=True)
        inputs = set(contents(kept))
        shutil.rmtree(corpus, ignore_errors=True)
        os.makedirs(corpus)
        for data in inputs:
            write(corpus, data)
    print(f"{target}: {len(inputs)} inputs, {sum(map(len, inputs))} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="where the targets are built")
    parser.add_argument("--target", action="append", choices=sorted(SEEDS), help="only this one; repeatable")
    parser.add_argument("folders", nargs="*", metavar="FOLDER",
                        help="more inputs, in a folder for each target, such as build/fuzz/corpus")
    options = parser.parse_args()
    chosen = options.target or SEEDS
    if not find_original(options.build) and "original" in chosen:
        print("seed.py: error: the original is not there, which fuzz_original compares with; make setup fetches it", file=sys.stderr)
        return 1
    for target in chosen:
        try:
            renew(target, options.build, options.folders)
        except FileNotFoundError as error:
            print(f"seed.py: error: {error.filename}: not there; run make fuzzers first", file=sys.stderr)
            return 1
        except subprocess.CalledProcessError as error:
            print(f"seed.py: error: {target}: {error.stderr.decode(errors='replace')[-2000:]}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
