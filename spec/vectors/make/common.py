# SPDX-License-Identifier: BSD-2-Clause
"""What all tables share: parts for long inputs, headers, the mark of what differs."""
import struct

CONTROL = b"YOTON   "
LINE_LIMIT = 64
MESSAGE_LIMIT = 1 << 30


class Table:
    """The vectors of one file; `observed` are those where the original does the same."""

    def __init__(self):
        self.vectors = []

    def add(self, name, requirement, content, original=None, hardening=False):
        """`original` is what the original does where that is something else."""
        differs = original is not None
        vector = {"name": name, "requirement": requirement.split()}
        vector["origin"] = "hardening" if hardening or differs else "observed"
        vector.update(content)
        if differs:
            vector["original"] = original
        self.vectors.append(vector)


class Parts:
    """Bytes or text with long repeats: Parts(b"ab", (b"c", 1000), b"d")."""

    def __init__(self, *parts):
        self.parts = parts

    def whole(self):
        return type(self.unit(self.parts[0]))().join(
            self.unit(p) * self.times(p) for p in self.parts
        )

    def json(self):
        return [
            {"repeat": as_text(p[0]), "times": p[1]} if isinstance(p, tuple) else as_text(p)
            for p in self.parts
        ]

    @staticmethod
    def unit(part):
        return part[0] if isinstance(part, tuple) else part

    @staticmethod
    def times(part):
        return part[1] if isinstance(part, tuple) else 1


def as_text(part):
    return part.hex() if isinstance(part, bytes) else part


def whole(value):
    return value.whole() if isinstance(value, Parts) else value


def as_json(value):
    return value.json() if isinstance(value, Parts) else as_text(value)


def header(slot=0, source_id=0, source_seq=0, dest_id=0, dest_seq=0, length=0, control=CONTROL):
    return control + struct.pack("<6Q", slot, source_id, source_seq, dest_id, dest_seq, length)


def header_json(values):
    slot, source_id, source_seq, dest_id, dest_seq, length = values
    return {
        "slot": str(slot),
        "source_id": format(source_id, "016x"),
        "source_seq": str(source_seq),
        "dest_id": format(dest_id, "016x"),
        "dest_seq": str(dest_seq),
        "length": str(length),
    }
