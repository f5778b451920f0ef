#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mutations that know packages do to a stream what their names say, leave what stands around it alone, stay within
their room, and mostly leave streams that can be read to the end; AFL++ gets them through its interface. Prints TAP."""
import ctypes
import os
import struct
import sys
from collections import Counter
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[1]
BUILD = os.environ.get("BUILD") or str(FUZZ.parent / "build")
LIBRARY = os.path.join(BUILD, "fuzz/mutate_afl.so")
sys.path.insert(0, str(FUZZ.parent / ".ci"))
from tap import finish, report  # noqa: E402  (it is no package)

SWAP, DOUBLE, REMOVE, CUT, SPLICE, MAKE, FIELD, PAYLOAD, KINDS = range(9)
TRIES = 1000


def package(slot, payload):
    return b"YOTON   " + struct.pack("<6Q", slot, 0xB2, slot, 0, 0, len(payload)) + payload


LINE = b"YOTON!00000000000000b2.77\r\n"
OWN = [package(9, b"alpha"), package(10, b""), package(11, b"gamma" * 9)]
THEIRS = [package(77, b"other"), package(78, b"more")]
SETTINGS = bytes(range(9))
THINGS = b"\1\2\3\4" * 3


def taken_apart(stream):
    """Whole packages, and what is left."""
    made = []
    while len(stream) >= 56 and stream.startswith(b"YOTON   ") and len(stream) >= (size := 56 + struct.unpack_from("<Q", stream, 48)[0]):
        made.append(stream[:size])
        stream = stream[size:]
    return made, stream


class Mutator:
    def __init__(self, library):
        self.library = ctypes.CDLL(library)
        self.library.mutate_in.restype = ctypes.c_void_p
        self.library.mutate_kind.restype = ctypes.c_size_t
        self.library.afl_custom_init.restype = ctypes.c_void_p
        self.library.afl_custom_fuzz.restype = ctypes.c_size_t

    def kind(self, target, kind, data, seed, other=None, room=4096):
        """One mutation; a byte behind the room tells when it is left."""
        memory = ctypes.create_string_buffer(data, room + 1)
        memory[room] = 0x5A
        size = self.library.mutate_kind(ctypes.c_void_p(self.library.mutate_in(target)), kind, memory, ctypes.c_size_t(len(data)), ctypes.c_size_t(room), ctypes.c_uint64(seed), other,
                                        ctypes.c_size_t(len(other or b"")))
        assert size <= room and memory.raw[room] == 0x5A, "the room was left"
        return memory.raw[:size]


def payloads_of(made):
    return Counter(one[56:] for one in made)


def headers_of(made):
    return Counter(one[:48] for one in made)


def permuted(made):
    return Counter(made) == Counter(OWN)


def one_more(made):
    return len(made) == 4 and not Counter(OWN) - Counter(made)


# What a stream looks like that a kind of mutation did what it is for to; in brackets, in how many of 100 tries at least.
SIGNS = {
    SWAP: ("two change places", 60, lambda made: permuted(made) and made != OWN),
    DOUBLE: ("one is there twice", 100, lambda made: one_more(made) and len(set(made)) == 3),
    REMOVE: ("one is gone", 100, lambda made: len(made) == 2 and not Counter(made) - Counter(OWN)),
    CUT: ("a payload is shorter", 50, lambda made: len(made) == 3 and headers_of(made) == headers_of(OWN) and sum(map(len, made)) < sum(map(len, OWN))),
    SPLICE: ("one of the other input comes in", 100, lambda made: one_more(made) and len(set(made) & set(THEIRS)) == 1),
    MAKE: ("a new one comes in", 80, lambda made: one_more(made) and len(set(made)) == 4),
    FIELD: ("a field is another", 60, lambda made: len(made) == 3 and payloads_of(made) == payloads_of(OWN) and headers_of(made) != headers_of(OWN)),
    PAYLOAD: ("a payload is another", 80, lambda made: len(made) == 3 and headers_of(made) == headers_of(OWN) and payloads_of(made) != payloads_of(OWN)),
}


def kinds(mutator):
    whole = 0
    for kind, (says, share, sign) in SIGNS.items():
        shown = around = 0
        for seed in range(TRIES):
            made = mutator.kind(b"frame", kind, b"".join(OWN) + SETTINGS, seed, b"".join(THEIRS) + SETTINGS)
            around += not made.endswith(SETTINGS)
            found, rest = taken_apart(made[:-9])
            whole += not rest
            shown += sign(found)
        report(f"{says}: in at least {share} of 100, settings untouched", 100 * shown < share * TRIES and f"in {shown} of {TRIES}", around and f"settings changed in {around}")
    report("most streams can be read to their end", whole < 0.8 * TRIES * KINDS and f"{whole} of {TRIES * KINDS}",
           whole == TRIES * KINDS and "no length is ever wrong, which is worth trying, too")


def link(mutator):
    wrong, lines = [], 0
    for seed in range(TRIES):
        data = THINGS + LINE + b"".join(OWN) + bytes([3, 16])
        made = mutator.kind(b"link", seed % KINDS, data, seed, data)
        if not made.startswith(THINGS) or made[-2:] != bytes([3, 16]):
            wrong.append(f"seed {seed}: {made.hex()}")
        lines += made[len(THINGS):].startswith(LINE)
    report("of a link's input only what is said changes", *wrong[:3])
    report("its line stands in front, mostly", lines < TRIES / 2 and f"in {lines} of {TRIES}")


def anything(mutator):
    """Inputs of any kind, in rooms of just their size and little more."""
    noise, count = b"".join(OWN) + LINE + b"YOTON   " + bytes(range(200)), 0
    for size in range(0, len(noise), 7):
        for more in (0, 1, 60, 5000):
            for kind in range(KINDS):
                mutator.kind(b"link" if size % 2 else b"frame", kind, noise[:size], size * KINDS + kind, noise[size // 2:], size + more)
                count += 1
    report("no input and no room is too small", count == 0)


def afl(mutator):
    library = mutator.library
    os.environ["YOTON_FUZZ_TARGET"] = "text"
    report("a target without streams of packages is refused", library.afl_custom_init(None, 1) and "it was taken")
    os.environ["YOTON_FUZZ_TARGET"] = "frame"
    data, made = b"".join(OWN) + SETTINGS, ctypes.c_void_p()

    def several(seed):
        state = ctypes.c_void_p(library.afl_custom_init(None, seed))
        got = []
        for _ in range(50):
            size = library.afl_custom_fuzz(state, data, ctypes.c_size_t(len(data)), ctypes.byref(made), data, ctypes.c_size_t(len(data)), ctypes.c_size_t(500))
            got.append(ctypes.string_at(made, size))
        library.afl_custom_deinit(state)
        return got

    one, again, other = several(1), several(1), several(2)
    report("AFL++ gets mutations: the same of the same seed", one != again and "others", one == other and "the same of another seed",
           len(set(one)) < 25 and f"{len(set(one))} of 50 differ", max(map(len, one)) > 500 and "the room was left", data in one[:5] and len(set(one[:5])) == 1 and "nothing changed")


if __name__ == "__main__":
    if os.path.exists(LIBRARY):
        tested = Mutator(LIBRARY)
        kinds(tested)
        link(tested)
        anything(tested)
        afl(tested)
    else:
        report("the mutations # SKIP they are not built; make fuzzers does that")
    sys.exit(finish())
