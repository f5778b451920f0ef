#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares `yoton hash`, `yoton decode` and `yoton encode` with the original on random input.

The seed is new each time and printed; SEED=N in the environment repeats a run. The original is the folder YOTON_PATH
that holds the package `yoton`, or the one the set-up unpacked; the programs are in the folder BUILD (default: build).
"""
import json
import math
import os
import random
import struct
import subprocess
import sys
import unicodedata

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
YOTON = os.path.join(BUILD, "yoton")
ORIGINAL = os.environ.get("YOTON_PATH", os.path.join(TOP, "build/peer/pyzo/usr/share/pyzo/pyzo"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().getrandbits(63))
SLOTS, PORTS, OBJECTS, MALFORMED = 6000, 3000, 5000, 30000
SHOWN = 5  # differences that are printed

SPACES = "\t\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
SIGMAS = "ΣΣςσΑα.·:'\u0345\u0301\u200b\u00ad\u2019 1-"
CASED = "AZaz\u0130\u0131\u1e9e\u212a\u2126\u01c4\u01c5\u01c6\u10a0\u1c90\u13a0\uab70\u24b6\u2c6f\uff21\ufb01\u00df"
ASTRAL = "\U0001f600\U00010400\U00010428\U0001e900\U000118a0\U00016e40\U0010ffff\U00010000"
LENGTHS = (72, 73, 74, 132, 133, 134, 135, 136)  # here the sum outgrows 64 bits


def assigned(point):
    """Whether what lower-casing does with a code point is the same in this Python and in Unicode 14."""
    if 0xD800 <= point <= 0xDFFF:
        return False
    return unicodedata.unidata_version == "14.0.0" or unicodedata.ucd_3_2_0.category(chr(point)) != "Cn"


def any_character(rng):
    while True:
        point = rng.randrange(0x110000) if rng.random() < 0.5 else rng.randrange(0x3000)
        if point != 0x0A and assigned(point):
            return chr(point)


def random_name(rng):
    length = rng.choice((rng.randrange(12), rng.randrange(40), rng.choice(LENGTHS), rng.randrange(200)))
    if rng.random() < 0.05:
        length = rng.randrange(3001)
    kind = rng.randrange(8)
    if kind == 0:
        name = "".join(any_character(rng) for _ in range(length))
    elif kind == 1:
        name = any_character(rng) * length
    else:
        pool = (SPACES, SIGMAS, CASED, ASTRAL, "abcXYZ._-019", SPACES + SIGMAS + CASED + ASTRAL)[kind - 2]
        name = "".join(rng.choice(pool) for _ in range(length))
    if rng.random() < 0.3:
        name = rng.choice(SPACES) * rng.randrange(3) + name + rng.choice(SPACES) * rng.randrange(3)
    if rng.random() < 0.3:
        name += rng.choice((".txt.pub-sub", ".OBJ.REQ-REP", ".bin.state"))
    return "".join(c for c in name if assigned(ord(c)))


def run(arguments, text="", status=(0,)):
    """What `yoton` prints, line by line (it ends lines at LF only)."""
    done = subprocess.run([YOTON, *arguments], input=text.encode(), capture_output=True, check=False)
    if done.returncode not in status:
        raise AssertionError(f"yoton {arguments[0]} exited with {done.returncode}: {done.stderr.decode()[:500]}")
    return done.stdout.decode().split("\n")[:-1]


def compare(inputs, got, wanted):
    """The first differences, as text."""
    if len(got) != len(wanted):
        return [f"{len(wanted)} answers wanted, {len(got)} given"]
    found = [(i, g, w) for i, g, w in zip(inputs, got, wanted) if g != w]
    return [f"{str(i)[:200]!r}: yoton {g}, original {w}" for i, g, w in found[:SHOWN]]


# --- names ---


def slots_from_lines(rng, original):
    """slot names, one per line"""
    names = [random_name(rng) for _ in range(SLOTS)]
    wanted = [str(original.misc.slot_hash(name.strip().lower())) for name in names]
    return compare(names, run(["hash", "slot"], "\n".join(names) + "\n"), wanted)


def slots_from_arguments(rng, original):
    """slot names as arguments, line ends in them"""
    names = []
    while len(names) < 200:
        name = random_name(rng)[:300].replace("\0", "")
        at = rng.randrange(len(name) + 1)
        names.append(name[:at] + rng.choice(("\n", "\r\n", "")) + name[at:])
    wanted = [str(original.misc.slot_hash(name.strip().lower())) for name in names]
    return compare(names, run(["hash", "slot", *names]), wanted)


def every_character(_rng, original):
    """every code point alone, and those that are not all alike next to a sigma"""
    found = []
    for before, after, end in (("", "", 0x110000), ("aΣ", "b", 0x20000), ("A", "Σ", 0x20000), ("aΣ", "", 0x20000)):
        points = [chr(p) for p in (*range(end), *range(0xE0000, 0xE0200)) if p != 0x0A and assigned(p)]
        for start in range(0, len(points), 100000):
            names = [before + c + after for c in points[start : start + 100000]]
            wanted = [str(original.misc.slot_hash(name.strip().lower())) for name in names]
            found += compare(names, run(["hash", "slot"], "\n".join(names) + "\n"), wanted)
    return found[:SHOWN]


def ports(rng, original):
    """port names"""
    names = [random_name(rng) for _ in range(PORTS)]
    wanted = [str(original.misc.port_hash(name)) for name in names]
    return compare(names, run(["hash", "port"], "\n".join(names) + "\n"), wanted)


# --- objects ---


def random_float(rng):
    return rng.choice((
        0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 1e16, 1e-5, float(2**53),
        float(rng.randrange(-1000, 1000)), rng.uniform(-1e3, 1e3), 2.0 ** rng.randrange(-1074, 1024),
        rng.random() * 10.0 ** rng.randrange(-300, 300), struct.unpack("<d", rng.randbytes(8))[0]))


def random_text(rng):
    pool = rng.choice(("abc", "'\"\\\n\r\t\0\x7f", SIGMAS + SPACES + ASTRAL, None))
    length = rng.choice((0, 1, 3, 10, 100, 254, 255, 256)) if rng.random() < 0.3 else rng.randrange(8)
    return "".join(rng.choice(pool) if pool else any_character(rng) for _ in range(length))


def random_scalar(rng):
    return rng.choice((
        lambda: None, lambda: rng.random() < 0.5, lambda: rng.randrange(-3, 4),
        lambda: rng.randrange(-2**63, 2**63), lambda: rng.choice((-2**63, 2**63 - 1, 2**53, 2**53 + 1)),
        lambda: random_float(rng), lambda: random_text(rng)))()


def random_object(rng, depth=0, key=False):
    kind = rng.randrange(7) if depth < 6 else 0
    size = rng.choice((0, 1, 2, 3, 5)) if rng.random() < 0.97 or depth > 1 else rng.choice((253, 254, 255, 300))
    if key:
        return tuple(random_object(rng, depth + 1, True) for _ in range(min(size, 3))) if kind > 5 else random_scalar(rng)
    if kind == 4:
        return [random_object(rng, depth + 1) for _ in range(size)]
    if kind == 5:
        return tuple(random_object(rng, depth + 1) for _ in range(size))
    if kind == 6:
        return {random_object(rng, depth + 1, True): random_object(rng, depth + 1) for _ in range(size)}
    return random_scalar(rng)


def same(a, b):
    """Same types, same values, bit for bit but for NaN; dictionaries in the same order."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (a != a and b != b) or struct.pack("<d", a) == struct.pack("<d", b)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    return a == b


class Names:
    """What names in a literal mean: every nan is another one, as every one that was decoded is."""

    def __getitem__(self, name):
        if name != "nan":
            raise KeyError(name)
        return float("nan")


def read_literal(line):
    return eval(line, {"__builtins__": {}}, Names())  # it is our own program's output


def pack(original, value):
    return original.types.OBJECT.message_to_bytes(value)


def as_json(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**31 else {"int": str(value)}
    if isinstance(value, float):
        return {"float": value.hex() if math.isfinite(value) else repr(value)}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [as_json(item) for item in value]}
    return {"dict": [[as_json(key), as_json(item)] for key, item in value.items()]}


def check_lines(encoded, wanted, lines):
    if len(lines) != len(wanted):
        return [f"{len(wanted)} objects, {len(lines)} lines"]
    found = []
    for data, value, line in zip(encoded, wanted, lines):
        if line.startswith("!") or not same(read_literal(line), value):
            found.append(f"{data.hex()[:200]}: yoton {line[:200]}, original {repr(value)[:200]}")
    return found[:SHOWN]


def decoding(rng, original):
    """objects, decoded"""
    values = [random_object(rng) for _ in range(OBJECTS)]
    encoded = [pack(original, value) for value in values]
    text = "".join(data.hex() + "\n" for data in encoded)
    return check_lines(encoded, values, run(["decode", "--hex", "--keep-going"], text))


def encoding(rng, original):
    """objects, encoded"""
    value = read_literal(repr([random_object(rng) for _ in range(OBJECTS)]).replace("inf", "1e999"))  # one kind of NaN
    wanted = pack(original, value)
    got = bytes.fromhex(run(["encode", "--hex"], json.dumps(as_json(value)))[0])
    if got == wanted:
        return []
    at = next((i for i, (x, y) in enumerate(zip(got, wanted)) if x != y), min(len(got), len(wanted)))
    return [f"at byte {at}: yoton {got[at : at + 20].hex()}, original {wanted[at : at + 20].hex()}"]


def equal_keys(rng, original):
    """dictionaries whose keys come more than once"""
    pool = [None, 0, 1, 2, False, True, 0.0, -0.0, 1.0, 2.0, math.nan, math.inf, 2**53, 2**53 + 1, float(2**53),
            2**63 - 1, float(2**63), -2**63, -float(2**63), "", "1", (), (1,), (True,), (1.0, ()), (1, ((),)), (math.nan,)]
    encoded = []
    for _ in range(OBJECTS // 5):
        keys = [rng.choice(pool) for _ in range(rng.randrange(1, 40))]
        encoded.append(bytes([ord("d"), len(keys)]) +
                       b"".join(pack(original, key) + pack(original, i) for i, key in enumerate(keys)))
    wanted = [original.types.OBJECT.message_from_bytes(data) for data in encoded]
    text = "".join(data.hex() + "\n" for data in encoded)
    return check_lines(encoded, wanted, run(["decode", "--hex", "--keep-going"], text))


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(data)) if data else 0
        kind = rng.randrange(6)
        if kind == 0:
            del data[at:]
        elif kind == 1 and data:
            data[at] = rng.randrange(256)
        elif kind == 2 and data:
            data[at] = rng.choice(b"nbifsltd\0\1\2\3\xfe\xff")
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(4))
        elif kind == 4:
            data[at:at] = b"\xff" + struct.pack("<Q", rng.choice((0, 1, 2, 2**32, 2**63, 2**64 - 1)))
        else:
            data[at:at] = rng.choice((b"d\1l\0", b"d\1t\1d\0", b"d\1t\1", b"l\1", b"s\2\xc3\xa9", b"s\1\xff", b"s\3\xed\xa0\x80"))
    return bytes(data)


def verdict(original, data):
    """(kind of error, its offset where the original tells it, value)"""
    unpacker = original.types.Unpacker(data)
    try:
        return ("good", None, unpacker.unpack_object() if data else None)
    except UnicodeDecodeError as error:
        return ("malformed UTF-8", unpacker._pos - len(error.object) + error.start, None)
    except ValueError:
        return ("unknown object type", unpacker._pos - 1, None)
    except EOFError:
        return ("length above the limit or past the end", len(data), None)
    except TypeError:
        return ("list or dict used as a dictionary key", None, None)


def difference(line, kind, offset, value):
    """What is wrong with a line that `yoton decode` printed, or None."""
    if kind == "good" or not line.startswith("!"):
        agreed = kind == "good" and not line.startswith("!") and same(read_literal(line), value)
        return None if agreed else "one takes it, the other does not, or they read it otherwise"
    got_at, got = line[1:].split(" ", 1)
    if got == "list or dict used as a dictionary key":
        # The original looks at a key only when key and value are read, and then may have met another error.
        return None if offset is None or int(got_at) <= offset else "a key is blamed behind an earlier error"
    if got != kind:
        return "another error"
    return None if int(got_at) == offset else "another offset"


def malformed(rng, original):
    """damaged objects: taken or refused alike, for the same reason at the same offset"""
    encoded = [mutate(rng, pack(original, random_object(rng, depth=2))) for _ in range(MALFORMED)]
    text = "".join(data.hex() + "\n" for data in encoded)
    lines = run(["decode", "--hex", "--keep-going"], text, status=(0, 1))
    if len(lines) != len(encoded):
        return [f"{len(encoded)} objects, {len(lines)} lines"]
    found, refused = [], 0
    for data, line in zip(encoded, lines):
        kind, offset, value = verdict(original, data)
        refused += kind != "good"
        why = difference(line, kind, offset, value)
        if why:
            found.append(f"{data.hex()[:300]}: {why}: yoton {line[:100]}, original {kind} {offset} {repr(value)[:100]}")
    if not MALFORMED // 4 < refused < MALFORMED:
        found.append(f"{refused} of {MALFORMED} refused: the damage is not what this test is for")
    return found[:SHOWN]


class Original:
    def __init__(self):
        sys.path.insert(0, ORIGINAL)
        import yoton.misc
        import yoton.channels.message_types

        self.misc, self.types = yoton.misc, yoton.channels.message_types


def main():
    tests = (slots_from_lines, slots_from_arguments, every_character, ports, decoding, encoding, equal_keys, malformed)
    if not os.path.isfile(os.path.join(ORIGINAL, "yoton", "__init__.py")):
        print(f"1..0 # SKIP no package yoton in {ORIGINAL}; set YOTON_PATH to the folder that holds it")
        return 0
    original = Original()
    print(f"1..{len(tests)}")
    print(f"# SEED={SEED} repeats this run")
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            found = test(random.Random(f"{SEED} {number}"), original)
        except AssertionError as error:
            found = [str(error)]
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {test.__doc__}")
        for line in found:
            print(f"# {line}")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
