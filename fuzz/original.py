#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The original, asked by fuzz_original.c: on standard input a byte that says what, the size as 4 bytes, the bytes; on
standard output the size of the answer as 4 bytes, and the answer: `-` and why, or `+` and what it is.

o  an object: how many bytes of it were read (8 bytes), and the object written anew
s  a full slot name, as the original makes a slot of it: 8 bytes
p  a port name: 2 bytes
"""
import os
import struct
import sys
from pathlib import Path

sys.path[:0] = [os.environ["YOTON_PATH"], str(Path(__file__).resolve().parents[1] / "reference/tests")]
from test_differential import assigned  # noqa: E402
from yoton.channels.message_types import OBJECT, Unpacker  # noqa: E402
from yoton.misc import port_hash, slot_hash  # noqa: E402


def read_object(data):
    unpacker = Unpacker(data)
    value = unpacker.unpack_object() if data else OBJECT.message_from_bytes(data)
    return struct.pack("<Q", unpacker._pos) + OBJECT.message_to_bytes(value)


class Unassigned(Exception):
    """A character whose lower case may be another one in this Python's Unicode."""


def hash_slot(data):
    name = data.decode()
    if not all(assigned(ord(c)) for c in name):
        raise Unassigned
    return struct.pack("<Q", slot_hash(name.strip().lower()))


ANSWERS = {b"o": read_object,
           b"s": hash_slot,
           b"p": lambda data: struct.pack("<H", port_hash(data.decode()))}


def main():
    read, write = sys.stdin.buffer.read, sys.stdout.buffer
    while len(head := read(5)) == 5:
        what, size = struct.unpack("<cI", head)
        try:
            answer = b"+" + ANSWERS[what](read(size))
        except Exception as error:
            answer = b"-" + type(error).__name__.encode()
        write.write(struct.pack("<I", len(answer)) + answer)
        write.flush()


if __name__ == "__main__":
    main()
