# SPDX-License-Identifier: BSD-2-Clause
"""Headers: each field at the ends of its range, wrong control bytes, headers cut short."""
from .common import CONTROL, MESSAGE_LIMIT, Table, header, header_json
from .original import Feed

A = 0x0123456789ABCDEF
MAX = 2**64 - 1
PLAIN = {"slot": 17460451874447, "source_id": A, "source_seq": 2, "length": 2}
EDGES = (
    ("0", 0),
    ("1", 1),
    ("2^8", 2**8),
    ("2^32-1", 2**32 - 1),
    ("2^32", 2**32),
    ("2^63-1", 2**63 - 1),
    ("2^63", 2**63),
    ("2^64-1", MAX),
)
ORDER = ("slot", "source_id", "source_seq", "dest_id", "dest_seq", "length")
WRONG = ((0, b"y"), (1, b"o"), (2, b"t"), (3, b"0"), (4, b"M"), (5, b"!"), (6, b"\0"), (7, b"\n"))


def values(**changes):
    return {**dict.fromkeys(ORDER, 0), **PLAIN, **changes}


def kind_of(fields):
    """FRAME-13, FRAME-14"""
    if fields["length"]:
        return "package"
    return {0: "heartbeat", 1: "close"}.get(fields["source_seq"], "ignored")


def good(original, name, requirement, table, limit=None, **changes):
    fields = values(**changes)
    data = header(**fields)
    in_order = [fields[key] for key in ORDER]
    if original.unpack(data) != tuple(in_order):
        raise ValueError("%s: the original reads other fields" % name)
    if fields["length"] <= 2**16 and original.pack(in_order, bytes(fields["length"]))[0] != data:
        raise ValueError("%s: the original writes another header" % name)
    content = {"input": data.hex()} | ({} if limit is None else {"limit": str(limit)})
    over = fields["length"] > (MESSAGE_LIMIT if limit is None else limit)
    if over:
        content |= {"verdict": "length", "offset": 48, "header": header_json(in_order)}
        table.add(name, requirement, content, next(original.read_packages(Feed(data + b"x"))))
    else:
        content |= {"verdict": "good", "kind": kind_of(fields), "header": header_json(in_order)}
        table.add(name, requirement, content)


def wrong(original, name, data, offset, table, requirement="FRAME-3"):
    """FRAME-3: the original looks when all 56 bytes are there."""
    whole = data.ljust(56, b"\0")
    if original.unpack(whole) is not None:
        raise ValueError("%s: the original takes these control bytes" % name)
    table.add(name, requirement, {"input": data.hex(), "verdict": "control", "offset": offset})


def make(original):
    table = Table()
    good(original, "good.plain", "FRAME-1 FRAME-2", table)
    for field in ORDER[:-1]:
        for label, value in EDGES:
            good(original, "good.%s.%s" % (field, label), "FRAME-1", table, **{field: value})
    all_different = {
        "slot": 0x0807060504030201,
        "source_id": 0x100F0E0D0C0B0A09,
        "source_seq": 0x1817161514131211,
        "dest_id": 0x201F1E1D1C1B1A19,
        "dest_seq": 0x2827262524232221,
        "length": 0x302F2E2D,
    }
    good(original, "good.every-byte-different", "FRAME-1", table, **all_different)
    good(original, "good.all-fields-largest", "FRAME-1", table, **dict.fromkeys(ORDER[:-1], MAX))
    for slot in range(9):
        requirement = "FRAME-11" if slot in (0, 1, 3, 4, 5, 6, 7) else "FRAME-1"
        good(original, "good.slot-%d" % slot, requirement, table, slot=slot)
    lengths(original, table)
    signals(original, table)
    for at, byte in WRONG:
        control = CONTROL[:at] + byte + CONTROL[at + 1 :]
        wrong(original, "control.wrong-at-%d" % at, header(**values(), control=control), at, table)
        wrong(original, "control.wrong-at-%d-cut" % at, control[: at + 1], at, table)
    for name, control, offset in (
        ("all-zero", bytes(8), 0),
        ("all-wrong", b"\xff" * 8, 0),
        ("byte-order-reversed", CONTROL[::-1], 0),
        ("lower-case", b"yoton   ", 0),
        ("handshake-line", b"YOTON!01", 5),
        ("no-break-space", b"YOTON \xa0 ", 6),
        ("tab", b"YOTON\t  ", 5),
        ("one-byte-late", b"\0YOTON  ", 0),
    ):
        wrong(original, "control." + name, header(**values(), control=control), offset, table)
    for at, byte in WRONG:
        control = CONTROL[:at] + byte + CONTROL[at + 1 :]
        wrong(
            original,
            "control.signal-wrong-at-%d" % at,
            header(1, control=control),
            at,
            table,
            "FRAME-3 FRAME-13",
        )
    for size in range(56):
        cut = header(**values())[:size]
        table.add(
            "more.first-%02d" % size, "FRAME-6 FRAME-8", {"input": cut.hex(), "verdict": "more"}
        )
    return {"limit": str(MESSAGE_LIMIT)}, {"vectors": table.vectors}


def lengths(original, table):
    for label, value in (
        ("1", 1),
        ("254", 254),
        ("255", 255),
        ("256", 256),
        ("2^16", 2**16),
        ("2^24", 2**24),
        ("2^30-1", 2**30 - 1),
        ("2^30", 2**30),
    ):
        good(original, "good.length.%s" % label, "FRAME-5 LIMIT-2", table, length=value)
    for label, value in (
        ("2^30+1", 2**30 + 1),
        ("2^32-1", 2**32 - 1),
        ("2^32", 2**32),
        ("2^32+2", 2**32 + 2),
        ("2^63-1", 2**63 - 1),
        ("2^63", 2**63),
        ("2^64-1", MAX),
    ):
        good(original, "length.%s" % label, "FRAME-7 LIMIT-2", table, length=value)
    for limit in (1, 16, 2**24):
        good(original, "limit.%d.at" % limit, "FRAME-7 LIMIT-2", table, limit=limit, length=limit)
        good(
            original,
            "limit.%d.above" % limit,
            "FRAME-7 LIMIT-2",
            table,
            limit=limit,
            length=limit + 1,
        )


def signals(original, table):
    empty = {"slot": 1, "source_id": 0, "source_seq": 0, "length": 0}
    good(original, "signal.heartbeat", "FRAME-12 FRAME-13", table, **empty)
    good(original, "signal.close", "FRAME-12 FRAME-13", table, **(empty | {"source_seq": 1}))
    for label, value in EDGES[2:] + (("2", 2), ("255", 255)):
        good(
            original,
            "signal.ignored.%s" % label,
            "FRAME-14",
            table,
            **(empty | {"source_seq": value})
        )
    for field in ("slot", "source_id", "dest_id", "dest_seq"):
        for what, seq in (("heartbeat", 0), ("close", 1), ("ignored", 7)):
            changed = empty | {"source_seq": seq, field: MAX}
            good(original, "signal.%s.any-%s" % (what, field), "FRAME-13", table, **changed)
    good(original, "signal.heartbeat.slot-0", "FRAME-13", table, **(empty | {"slot": 0}))
    good(
        original,
        "signal.close.all-fields",
        "FRAME-13",
        table,
        **dict.fromkeys(ORDER, MAX) | {"source_seq": 1, "length": 0}
    )
