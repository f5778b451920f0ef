# SPDX-License-Identifier: BSD-2-Clause
"""Lines, headers and streams of packages."""

HEX = b"0123456789abcdefABCDEF"
DIGITS = b"0123456789"
THIS_IS_YOTON = "ERROR: this is Yoton.\r\n"
COULD_NOT_PARSE = "ERROR: could not parse id.\r\n"
FIELDS = ("slot", "source_id", "source_seq", "dest_id", "dest_seq", "length")


def can_begin_line(data):
    """Whether some continuation of data is a good line: HS-2, HS-5, HS-6, HS-14, HS-15."""
    mark, rest = data[:6], data[6:]
    if not b"YOTON!".startswith(mark):
        return False
    digits, rest = rest[:16], rest[16:]
    if any(byte not in HEX for byte in digits) or digits == b"0" * 16:
        return False
    if rest[:1] not in (b"", b"."):
        return False
    pid, cr, end = rest[1:].partition(b"\r")
    if any(byte not in DIGITS for byte in pid) or len(pid) > 20 or int(pid or b"0") >= 2**64:
        return False
    return not cr or (pid != b"" and end in (b"", b"\n"))


def read_line(data, limit):
    """The members that a vector of a line has, found by trying one byte more each time."""
    for size in range(1, len(data) + 1):
        if size > limit:
            break
        if not can_begin_line(data[:size]):
            kind = "malformed" if data[:6] == b"YOTON!" and size > 6 else "not_yoton"
            return {"verdict": kind, "offset": size - 1, "refusal": refusal(data)}
        if data[size - 1 : size] == b"\n":
            return {
                "verdict": "good",
                "consumed": size,
                "id": "%016x" % int(data[6:22], 16),
                "pid": str(int(data[23 : size - 2])),
            }
    if len(data) >= limit:
        return {"verdict": "too_long", "offset": limit, "refusal": refusal(data)}
    return {"verdict": "more", "cut_refusal": refusal(data)}


def refusal(data):
    """HS-12, HS-13; nothing when nothing came, HS-18"""
    if not data:
        return None
    return COULD_NOT_PARSE if data[:6] == b"YOTON!" else THIS_IS_YOTON


def read_header(data, limit):
    control = b"YOTON   "
    for at, byte in enumerate(data[:8]):
        if byte != control[at]:
            return {"verdict": "control", "offset": at}
    if len(data) < 56:
        return {"verdict": "more"}
    numbers = [int.from_bytes(data[at : at + 8], "little") for at in range(8, 56, 8)]
    fields = {
        key: ("%016x" if key.endswith("_id") else "%d") % value
        for key, value in zip(FIELDS, numbers)
    }
    if numbers[5] > limit:
        return {"verdict": "length", "offset": 48, "header": fields}
    if numbers[5] > 0:
        return {"verdict": "good", "kind": "package", "header": fields}
    kind = {0: "heartbeat", 1: "close"}.get(numbers[2], "ignored")
    return {"verdict": "good", "kind": kind, "header": fields}


def write_header(fields):
    numbers = [int(fields[key], 16 if key.endswith("_id") else 10) for key in FIELDS]
    return b"YOTON   " + b"".join(number.to_bytes(8, "little") for number in numbers)


class Reader:
    """Takes a stream in pieces of any size; ends by itself at a close or an error."""

    def __init__(self, start, limit, line_limit):
        self.in_line, self.limit, self.line_limit = start == "line", limit, line_limit
        self.held, self.at, self.events, self.over = b"", 0, [], False

    def feed(self, piece):
        self.held += piece
        while not self.over and (self.take_line() if self.in_line else self.take_package()):
            pass

    def event(self, kind, size, **more):
        self.events.append({"event": kind, "at": self.at, "end": self.at + size, **more})
        self.held, self.at = self.held[size:], self.at + size
        return True

    def error(self, found):
        event = {"event": "error", "kind": found["verdict"], "at": self.at + found["offset"]}
        self.events.append(event | ({"refusal": found["refusal"]} if "refusal" in found else {}))
        self.over = True

    def take_line(self):
        found = read_line(self.held, self.line_limit)
        if found["verdict"] == "good":
            self.in_line = False
            return self.event("line", found["consumed"], id=found["id"], pid=found["pid"])
        if found["verdict"] != "more":
            self.error(found)
        return False

    def take_package(self):
        found = read_header(self.held[:56], self.limit)
        if found["verdict"] in ("control", "length"):
            self.error({key: found[key] for key in ("verdict", "offset")})
        if found["verdict"] != "good":
            return False
        size = 56 + int(found["header"]["length"])
        if found["kind"] != "package":
            self.over = found["kind"] == "close"
            return self.event(found["kind"], size)
        if len(self.held) < size:
            return False
        return self.event("package", size, header=found["header"], payload=self.held[56:size])

    def end(self):
        if self.over:
            return
        event = {"event": "eof", "at": self.at + len(self.held), "inside": "boundary"}
        if self.in_line:
            event["inside"] = "line"
            event |= {"refusal": refusal(self.held)} if self.held else {}
        elif self.held:
            event["inside"] = "header" if len(self.held) < 56 else "payload"
        self.events.append(event | ({"since": self.at} if self.held else {}))
