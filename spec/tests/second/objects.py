# SPDX-License-Identifier: BSD-2-Clause
"""Objects: read without recursion into nested tuples of Python, written by recursion."""
import struct


class Malformed(Exception):
    def __init__(self, kind, offset):
        super().__init__(kind, offset)
        self.kind, self.offset = kind, offset


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size > len(self.data) - self.at:
            raise Malformed("length", len(self.data))
        self.at += size
        return self.data[self.at - size : self.at]

    def count(self):
        byte = self.take(1)[0]
        return byte if byte < 255 else int.from_bytes(self.take(8), "little")


def scalar(source, kind):
    if kind == b"n":
        return None
    if kind == b"b":
        return source.take(1) != b"\0"
    if kind == b"i":
        return int.from_bytes(source.take(8), "little", signed=True)
    if kind == b"f":
        return struct.unpack("<d", source.take(8))[0]
    if kind != b"s":
        raise Malformed("type", source.at - 1)
    size = source.count()
    start, data = source.at, source.take(size)
    bad = utf8_error(data)
    if bad is not None:
        raise Malformed("utf8", start + bad)
    return data.decode()


def utf8_error(data):
    """Offset of the first sequence that is not well-formed (Unicode, table 3-7), or None."""
    at = 0
    while at < len(data):
        first = data[at]
        low, high, more = 0x80, 0xBF, 0
        if first < 0x80:
            pass
        elif 0xC2 <= first <= 0xDF:
            more = 1
        elif 0xE0 <= first <= 0xEF:
            more, low, high = 2, 0xA0 if first == 0xE0 else low, 0x9F if first == 0xED else high
        elif 0xF0 <= first <= 0xF4:
            more, low, high = 3, 0x90 if first == 0xF0 else low, 0x8F if first == 0xF4 else high
        else:
            return at
        tail = data[at + 1 : at + 1 + more]
        if len(tail) < more or any(not 0x80 <= byte <= 0xBF for byte in tail):
            return at
        if tail and not low <= tail[0] <= high:
            return at
        at += 1 + more
    return None


class Open:
    """A container whose items still come."""

    def __init__(self, kind, count, in_key):
        self.kind, self.left, self.items, self.in_key = (
            kind,
            count * 2 if kind == b"d" else count,
            [],
            in_key,
        )

    def at_key(self):
        return self.in_key or (self.kind == b"d" and len(self.items) % 2 == 0)

    def value(self):
        if self.kind == b"l":
            return self.items
        if self.kind == b"t":
            return tuple(self.items)
        return dict(zip(self.items[::2], self.items[1::2]))


def read(data, depth_limit):
    """(value, bytes used); raises Malformed."""
    if not data:
        return None, 0
    source, stack = Bytes(data), []
    while True:
        kind = source.take(1)
        if kind in (b"l", b"t", b"d"):
            in_key = bool(stack) and stack[-1].at_key()
            if in_key and kind != b"t":
                raise Malformed("key", source.at - 1)
            if len(stack) == depth_limit:
                raise Malformed("depth", source.at - 1)
            stack.append(Open(kind, source.count(), in_key))
        else:
            value = scalar(source, kind)
            if not stack:
                return value, source.at
            stack[-1].items.append(value)
        while stack and stack[-1].left == len(stack[-1].items):
            value = stack.pop().value()
            if not stack:
                return value, source.at
            stack[-1].items.append(value)


def count(number):
    return bytes([number]) if number < 255 else b"\xff" + number.to_bytes(8, "little")


def write(value):
    """OBJ-1, OBJ-2"""
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"b\1" if value else b"b\0"
    if isinstance(value, int):
        return b"i" + value.to_bytes(8, "little", signed=True)
    if isinstance(value, float):
        return b"f" + struct.pack("<d", value)
    if isinstance(value, str):
        return b"s" + count(len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return (
            b"d"
            + count(len(value))
            + b"".join(write(key) + write(item) for key, item in value.items())
        )
    return (
        (b"l" if isinstance(value, list) else b"t")
        + count(len(value))
        + b"".join(map(write, value))
    )


def from_json(value):
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((form, held),) = value.items()
    if form == "dict":
        return {from_json(key): from_json(item) for key, item in held}
    if form == "tuple":
        return tuple(map(from_json, held))
    return {"int": int, "float": float}[form](held)


class Names(dict):
    """What a literal may name: each `nan` is one of its own, as it is off the wire."""

    def __missing__(self, name):
        if name != "nan":
            raise KeyError(name)
        return float("nan")


def from_literal(text):
    return eval(text, {"__builtins__": {}}, Names())  # the literals of our own files


def shown(value):
    """A text that tells values apart by type, sign of zero, NaN and order of dictionaries."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "(" + ",".join(map(shown, value)) + ")"
    if isinstance(value, dict):
        return "dict(" + ",".join(shown(k) + ":" + shown(v) for k, v in value.items()) + ")"
    return type(value).__name__ + " " + ascii(value)
