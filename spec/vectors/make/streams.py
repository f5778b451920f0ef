# SPDX-License-Identifier: BSD-2-Clause
"""Whole byte streams with the events they give, for framers and links: read them at every split."""
from .common import LINE_LIMIT, MESSAGE_LIMIT, Parts, Table, as_json, header, header_json, whole
from .handshake import LINE, LONGEST, NO_ID, NOT_YOTON, START
from .original import Feed, fields

A, B = 0x0123456789ABCDEF, 0xC0FFEE01
MAX = 2**64 - 1
SLOT = 17460451874447
HEART, CLOSE = header(1), header(1, source_seq=1)
CONNECTED = {"slot": 2, "source_id": A, "source_seq": 1}


class Stream:
    """Bytes and the events they give, put together piece by piece."""

    def __init__(self):
        self.parts, self.events, self.at = [], [], 0

    def put(self, data):
        self.parts.append(data)
        start, self.at = self.at, self.at + len(whole(Parts(data)))
        return start

    def event(self, kind, start, **more):
        self.events.append({"event": kind, "at": start, "end": self.at} | more)
        return self

    def line(self, data=LINE):
        start = self.put(data)
        return self.event("line", start, id=data[6:22].decode().lower(), pid=str(int(data[23:-2])))

    def package(self, payload, **values):
        size = len(whole(Parts(payload)))
        values = {
            "slot": SLOT,
            "source_id": A,
            "source_seq": 1,
            "dest_id": 0,
            "dest_seq": 0,
        } | values
        start = self.put(header(**values, length=size))
        self.put(payload)
        return self.event(
            "package",
            start,
            header=header_json((*values.values(), size)),
            payload=as_json(Parts(payload)) if isinstance(payload, tuple) else payload.hex(),
        )

    def signal(self, kind, data):
        return self.event(kind, self.put(data))

    def heartbeat(self, times=1):
        for _ in range(times):
            self.signal("heartbeat", HEART)
        return self

    def close(self, data=CLOSE):
        return self.signal("close", data)

    def error(self, data, kind, offset, refusal=None):
        """`offset` within data is what is wrong; nothing is looked at behind it."""
        start = self.put(data)
        self.events.append(
            {"event": "error", "kind": kind, "at": start + offset}
            | ({"refusal": refusal} if refusal else {})
        )
        return self

    def behind(self, data):
        """What comes after the end and is not looked at."""
        self.put(data)
        return self

    def end(self, data=b"", where="boundary", refusal=None):
        start = self.put(data) if data else self.at
        event = {"event": "eof", "at": self.at, "inside": where}
        self.events.append(
            event | ({"since": start} if data else {}) | ({"refusal": refusal} if refusal else {})
        )
        return self

    def input(self):
        joined = []
        for part in self.parts:
            if joined and isinstance(part, bytes) and isinstance(joined[-1], bytes):
                joined[-1] += part
            else:
                joined.append(part)
        return (
            as_json(Parts(*joined))
            if any(isinstance(p, tuple) for p in joined)
            else b"".join(joined).hex()
        )

    def bytes(self):
        return whole(Parts(*self.parts)) if self.parts else b""


def stream():
    return Stream()


def cut(data, size):
    return data[:size]


PACKAGE = header(SLOT, A, 2, length=2) + b"hi"

# name, requirements, stream
LINED = [
    ("line-only", "HS-9", stream().line().end()),
    ("line-longest", "HS-5", stream().line(LONGEST).heartbeat().end()),
    ("line-and-heartbeat", "HS-9 FRAME-13", stream().line().heartbeat().end()),
    (
        "conversation",
        "HS-9 FRAME-1",
        stream()
        .line()
        .package(b"NEW_CONNECTION", **CONNECTED)
        .package(b"hi", source_seq=2)
        .heartbeat()
        .close(),
    ),
    (
        "example",
        "HS-2 FRAME-1 CTX-1 PUB-1 LINK-12",
        stream()
        .line()
        .package(b"NEW_CONNECTION", **CONNECTED)
        .package(b"hi", source_seq=2)
        .close(),
    ),
    ("line-and-package-in-one-segment", "HS-9", stream().line().package(b"hi").end()),
    ("payload-is-a-line", "FRAME-5", stream().line().package(LINE).end()),
    ("two-lines", "HS-9 HS-10 FRAME-3", stream().line().error(LINE + HEART, "control", 5)),
    ("crlf-behind-line", "HS-10 FRAME-3", stream().line().error(b"\r\n" + HEART, "control", 0)),
    ("stranger", "HS-12", stream().error(b"GET / HTTP/1.1\r\n\r\n", "not_yoton", 0, NOT_YOTON)),
    ("package-without-line", "HS-12", stream().error(PACKAGE, "not_yoton", 5, NOT_YOTON)),
    (
        "bad-line",
        "HS-13",
        stream().error(START + b"4242\r\n", "malformed", 22, NO_ID).behind(HEART),
    ),
    ("nothing", "HS-18", stream().end(where="line")),
    ("line-cut", "HS-17", stream().end(LINE[:20], "line", NO_ID)),
    ("line-without-crlf", "HS-17", stream().end(LINE[:-2], "line", NO_ID)),
    ("line-without-line-feed", "HS-17", stream().end(LINE[:-1], "line", NO_ID)),
    ("header-cut", "FRAME-8", stream().line().end(PACKAGE[:30], "header")),
]

PLAIN = [
    ("nothing", "LINK-17", stream().end()),
    ("heartbeat", "FRAME-13", stream().heartbeat().end()),
    ("heartbeats", "FRAME-6 FRAME-13", stream().heartbeat(4).end()),
    ("close", "FRAME-13 LINK-14", stream().close()),
    ("close-then-package", "LINK-15", stream().close().behind(PACKAGE)),
    ("close-then-junk", "LINK-15", stream().close().behind(b"junk" * 20)),
    ("close-twice", "LINK-15", stream().close().behind(CLOSE)),
    ("package", "FRAME-1 FRAME-5", stream().package(b"hi").end()),
    ("package-1-byte", "FRAME-5", stream().package(b"\0").end()),
    (
        "packages",
        "FRAME-6",
        stream().package(b"a").package(b"bb", source_seq=2).package(b"ccc", source_seq=3).end(),
    ),
    (
        "packages-of-many-sizes",
        "FRAME-5 FRAME-6",
        stream()
        .package(b"x" * 55)
        .package(b"y" * 56, source_seq=2)
        .package(b"z" * 57, source_seq=3)
        .package(b"w" * 7, source_seq=4)
        .end(),
    ),
    (
        "all-fields",
        "FRAME-1",
        stream()
        .package(
            b"?", slot=MAX, source_id=MAX - 1, source_seq=MAX - 2, dest_id=MAX - 3, dest_seq=MAX - 4
        )
        .end(),
    ),
    (
        "directed",
        "FRAME-1",
        stream().package(b"req!", source_seq=9, dest_id=B, dest_seq=2**63 + 5).end(),
    ),
    ("context-message", "FRAME-1", stream().package(b"NEW_CONNECTION", **CONNECTED).end()),
    (
        "reserved-slots",
        "FRAME-11",
        stream()
        .package(b"0", slot=0)
        .package(b"1", slot=1, source_seq=2)
        .package(b"3", slot=3, source_seq=3)
        .package(b"7", slot=7, source_seq=4)
        .end(),
    ),
    ("source-seq-0", "FRAME-13", stream().package(b"not a signal", source_seq=0).end()),
    (
        "package-between-heartbeats",
        "FRAME-6",
        stream().heartbeat().package(b"hi").heartbeat().end(),
    ),
    ("payload-is-a-header", "FRAME-5", stream().package(HEART).end()),
    ("payload-is-a-close", "FRAME-5", stream().package(CLOSE).heartbeat().end()),
    (
        "payload-is-a-package",
        "FRAME-5",
        stream().package(PACKAGE).package(b"hi", source_seq=3).end(),
    ),
    ("payload-is-control-bytes", "FRAME-5", stream().package(b"YOTON   ").end()),
    ("payload-all-values", "FRAME-5", stream().package(bytes(range(256))).end()),
    ("payload-zeros", "FRAME-5", stream().package((b"\0", 300)).end()),
    (
        "payload-65536",
        "FRAME-5",
        stream().package((b"ab", 32768)).package(b"behind", source_seq=2).end(),
    ),
    (
        "signal-ignored",
        "FRAME-14",
        stream().signal("ignored", header(1, source_seq=2)).package(b"hi").end(),
    ),
    (
        "signals-ignored",
        "FRAME-14",
        stream()
        .signal("ignored", header(1, source_seq=MAX))
        .signal("ignored", header(1, source_seq=2**32))
        .signal("ignored", header(1, source_seq=2**63))
        .heartbeat()
        .end(),
    ),
    (
        "signal-other-fields",
        "FRAME-13",
        stream()
        .signal("heartbeat", header(MAX, MAX, 0, MAX, MAX))
        .signal("ignored", header(MAX, MAX, 7, MAX, MAX))
        .close(header(MAX, MAX, 1, MAX, MAX)),
    ),
    (
        "signal-slot-0",
        "FRAME-13",
        stream().signal("heartbeat", header(0)).close(header(0, source_seq=1)),
    ),
    ("empty-package", "FRAME-13", stream().signal("ignored", header(SLOT, A, 5)).end()),
    ("empty-package-seq-1", "FRAME-13", stream().close(header(SLOT, A, 1))),
    (
        "control-wrong-first",
        "FRAME-3",
        stream().error(b"X" + HEART[1:], "control", 0).behind(HEART),
    ),
    (
        "control-wrong-last",
        "FRAME-3",
        stream().error(HEART[:7] + b"\0" + HEART[8:], "control", 7).behind(HEART),
    ),
    (
        "control-wrong-after-package",
        "FRAME-3",
        stream().package(b"hi").error(b"yoton   " + HEART[8:], "control", 0),
    ),
    (
        "control-wrong-after-heartbeat",
        "FRAME-3",
        stream().heartbeat().error(b"YOTON!  " + HEART[8:], "control", 5).behind(CLOSE),
    ),
    (
        "one-byte-too-many",
        "FRAME-3 FRAME-5",
        stream().package(b"hi").error(b"!" + HEART, "control", 0),
    ),
    (
        "one-byte-too-few",
        "FRAME-3 FRAME-5",
        stream().package(b"hiY").error(HEART[1:] + b"\0", "control", 0),
    ),
    ("line-among-packages", "FRAME-3", stream().heartbeat().error(LINE + HEART, "control", 5)),
    ("junk", "FRAME-3", stream().error((b"junk", 30), "control", 0)),
    ("zeros", "FRAME-3", stream().error((b"\0", 112), "control", 0)),
    ("header-cut-at-1", "FRAME-8", stream().end(PACKAGE[:1], "header")),
    ("header-cut-in-control", "FRAME-8", stream().package(b"hi").end(PACKAGE[:7], "header")),
    ("header-cut-behind-control", "FRAME-8", stream().end(PACKAGE[:8], "header")),
    ("header-cut-at-55", "FRAME-8", stream().heartbeat().end(PACKAGE[:55], "header")),
    ("heartbeat-cut", "FRAME-8", stream().heartbeat().end(HEART[:-1], "header")),
    ("close-cut", "FRAME-8 LINK-17", stream().end(CLOSE[:-1], "header")),
    ("payload-missing", "FRAME-8", stream().end(PACKAGE[:56], "payload")),
    ("payload-cut", "FRAME-8", stream().package(b"hi").end(PACKAGE[:57], "payload")),
    (
        "payload-cut-long",
        "FRAME-8",
        stream().end(header(SLOT, A, 1, length=1000) + b"x" * 400, "payload"),
    ),
    (
        "payload-cut-at-the-default-limit",
        "FRAME-8 FRAME-9 LIMIT-2",
        stream().end(header(SLOT, A, 1, length=MESSAGE_LIMIT) + b"x" * 10, "payload"),
    ),
    (
        "length-above-the-default-limit",
        "FRAME-7 LIMIT-2",
        stream()
        .error(header(SLOT, A, 1, length=MESSAGE_LIMIT + 1), "length", 48)
        .behind(b"x" * 10),
    ),
    (
        "length-largest",
        "FRAME-7 LIMIT-2",
        stream().heartbeat().error(header(SLOT, A, 1, length=MAX), "length", 48).behind(b"x" * 10),
    ),
    (
        "length-2^63",
        "FRAME-7 LIMIT-2",
        stream().package(b"hi").error(header(SLOT, A, 1, length=2**63), "length", 48),
    ),
    (
        "length-and-control-wrong",
        "FRAME-3",
        stream().error(header(SLOT, A, 1, length=MAX, control=b"YOTON  !"), "control", 7),
    ),
]

# name, limit, stream
LIMITED = [
    ("at", 16, stream().package(b"0123456789abcdef").package(b"x", source_seq=2).end()),
    (
        "above",
        16,
        stream().error(header(SLOT, A, 1, length=17), "length", 48).behind(b"0123456789abcdefg"),
    ),
    (
        "above-after-good",
        16,
        stream()
        .package(b"0123456789abcdef")
        .error(header(SLOT, A, 2, length=17), "length", 48)
        .behind(b"x" * 17),
    ),
    (
        "above-by-far",
        16,
        stream()
        .heartbeat()
        .error(header(SLOT, A, 2, length=2**32 + 1), "length", 48)
        .behind(b"x"),
    ),
    ("1-at", 1, stream().package(b"a").package(b"b", source_seq=2).end()),
    (
        "1-above",
        1,
        stream().package(b"a").error(header(SLOT, A, 2, length=2), "length", 48).behind(b"bc"),
    ),
    (
        "signals-have-none",
        1,
        stream().heartbeat(2).signal("ignored", header(1, source_seq=9)).close(),
    ),
    ("65536-at", 65536, stream().package((b"x", 65536)).end()),
    (
        "65536-above",
        65536,
        stream().error(header(SLOT, A, 1, length=65537), "length", 48).behind((b"x", 100)),
    ),
]


def seen(original, data, lined):
    """What the original makes of a stream, in the same form as far as it goes."""
    feed, events = Feed(data), []
    if lined:
        answer = original.shake(feed)
        if answer["verdict"] != "good":
            return [
                {"event": "error", "refusal": answer["refusal"]}
                if answer["verdict"] == "refused"
                else {"event": "eof"}
            ]
        events.append(
            {"event": "line", "at": 0, "end": feed.at, "id": answer["id"], "pid": answer["pid"]}
        )
    for found in original.read_packages(feed):
        package = found.pop("package", None)
        if package is not None:
            payload = package._data
            found["header"] = header_json(fields(package) + (len(payload),))
            found["payload"] = payload
        events.append(found)
    return events


def simplified(events):
    """Our events in what the original can tell apart: no kinds of signals, no offsets."""
    out = []
    for event in events:
        kind = event["event"]
        if kind in ("heartbeat", "ignored"):
            out.append({"event": "signal", "at": event["at"], "end": event["end"]})
        elif kind == "close":
            out.append({"event": "close", "at": event["at"]})
        elif kind == "package":
            parts = event["payload"]
            data = (
                bytes.fromhex(parts)
                if isinstance(parts, str)
                else b"".join(bytes.fromhex(p["repeat"]) * p["times"] for p in parts)
            )
            out.append({**event, "payload": data})
        elif "refusal" in event:
            out.append({"event": "error", "refusal": event["refusal"]})
        elif kind == "error":
            out.append({"event": event["kind"], "at": event["at"]})
        elif kind == "eof":
            start = event.get("since", event["at"])
            out.append(
                {"event": "eof"} if event["inside"] == "line" else {"event": "eof", "at": start}
            )
        else:
            out.append(event)
    return out


def same(ours, theirs):
    """Where control bytes are wrong the original names the start of the header."""
    if len(ours) != len(theirs):
        return False
    for one, other in zip(ours, theirs):
        if one["event"] == other["event"] == "control" and 0 <= one["at"] - other["at"] < 8:
            continue
        if one != other:
            return False
    return True


def add(original, table, name, requirement, made, limit=None, lined=False):
    data = made.bytes()
    content = {"start": "line" if lined else "package"} | (
        {} if limit is None else {"limit": str(limit)}
    )
    content |= {
        "input": made.input() if made.parts else "",
        "size": len(data),
        "events": made.events,
    }
    theirs = seen(original, data, lined)
    agree = same(simplified(made.events), theirs)
    table.add(name, requirement, content, None if agree else last(theirs))


def last(events):
    event = dict(events[-1])
    event.pop("payload", None)
    return event


def make(original):
    table = Table()
    for name, requirement, made in LINED:
        add(original, table, "line." + name, requirement, made, lined=True)
    for name, requirement, made in PLAIN:
        add(original, table, "package." + name, requirement, made)
    for name, limit, made in LIMITED:
        requirement = (
            "FRAME-7 LIMIT-2" if "error" in [e["event"] for e in made.events] else "FRAME-5 LIMIT-2"
        )
        add(original, table, "limit." + name, requirement, made, limit)
    return {"limit": str(MESSAGE_LIMIT), "line_limit": LINE_LIMIT}, {"vectors": table.vectors}
