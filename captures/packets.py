# SPDX-License-Identifier: BSD-2-Clause
"""Captures written byte by byte, for tests: TCP segments, the layers below them, and the two file formats; and a reader
of the recorded captures that shares no code with `yoton dump`."""
import struct

ETHERNET, NULL, LOOP, RAW, SLL, SLL2, IPV4, IPV6 = 1, 0, 108, 101, 113, 276, 228, 229
FIN, SYN, RST, ACK = 1, 2, 4, 16
CLIENT, HOST = ("192.0.2.1", 40000), ("192.0.2.2", 5000)


def address(text):
    if ":" not in text:
        return bytes(int(part) for part in text.split("."))
    head, _, tail = text.partition("::")
    head, tail = ([int(part, 16) for part in half.split(":") if part] for half in (head, tail))
    return struct.pack(">8H", *head, *[0] * (8 - len(head) - len(tail)), *tail)


def tcp(source, dest, seq, ack, flags, data=b"", options=b""):
    return struct.pack(">HHIIBBHHH", source, dest, seq % 2**32, ack % 2**32, (5 + len(options) // 4) << 4, flags,
                       65535, 0, 0) + options + data


def ip(source, dest, payload, total=None, fragment=0, extensions=()):
    """An IPv4 or IPv6 packet. `extensions` are (number, header) pairs, for IPv6 only."""
    if ":" not in source:
        size = 20 + len(payload) if total is None else total
        head = struct.pack(">BBHHHBBH", 0x45, 0, size, 1, fragment, 64, 6, 0)
        return head + address(source) + address(dest) + payload
    numbers = [number for number, _ in extensions] + [6]
    chain = b"".join(bytes([following]) + rest[1:] for (_, rest), following in zip(extensions, numbers[1:]))
    size = len(chain) + len(payload) if total is None else total
    head = struct.pack(">IHBB", 6 << 28, size, numbers[0], 64)
    return head + address(source) + address(dest) + chain + payload


def link(kind, packet, vlans=()):
    """The packet in the frame of a link type."""
    ether = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    tags = b"".join(struct.pack(">HH", tag, 7) for tag in vlans)
    return {
        ETHERNET: bytes(12) + tags + struct.pack(">H", ether),
        NULL: struct.pack("<I", 30 if ether == 0x86DD else 2),
        LOOP: struct.pack(">I", 30 if ether == 0x86DD else 2),
        SLL: struct.pack(">HHH8sH", 0, 1, 6, bytes(8), ether),
        SLL2: struct.pack(">HHIHBB8s", ether, 0, 1, 1, 0, 6, bytes(8)),
    }.get(kind, b"") + packet


def pcap(frames, kind=ETHERNET, order="<", snap=262144, magic=0xA1B2C3D4):
    """`frames` are bytes, or (bytes, length on the wire) where the snap length cut them; one every millisecond."""
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, kind)]
    for number, frame in enumerate(frames):
        data, wire = frame if isinstance(frame, tuple) else (frame, len(frame))
        out.append(struct.pack(order + "IIII", 1000, number * 1000, len(data), wire) + data)
    return b"".join(out)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def pcapng(frames, kind=ETHERNET, order="<", snap=262144):
    out = [block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
           block(order, 1, struct.pack(order + "HHI", kind, 0, snap))]
    for number, frame in enumerate(frames):
        data, wire = frame if isinstance(frame, tuple) else (frame, len(frame))
        time = 1000 * 10**6 + number * 1000
        out.append(block(order, 6, struct.pack(order + "IIIII", 0, time >> 32, time % 2**32, len(data), wire) + data))
    return b"".join(out)


class Connection:
    """A TCP connection whose segments are made as they are asked for. Side 0 connected."""

    def __init__(self, client=CLIENT, host=HOST, isn=(1000, 2**32 - 20), kind=ETHERNET, **layers):
        self.ends, self.isn, self.sent = (client, host), isn, [0, 0]
        self.kind, self.layers = kind, layers

    def segment(self, side, at, data=b"", flags=ACK, ack=None, cut=0):
        """The frame of a segment whose payload starts `at` this offset; `cut` bytes are left off its end."""
        here, there = self.ends[side], self.ends[1 - side]
        seq = self.isn[side] + (0 if flags & SYN else 1 + at)
        ack = 0 if not flags & ACK else self.isn[1 - side] + 1 + (self.sent[1 - side] if ack is None else ack)
        packet = ip(here[0], there[0], tcp(here[1], there[1], seq, ack, flags, data),
                    **{k: v for k, v in self.layers.items() if k in ("total", "fragment", "extensions")})
        frame = link(self.kind, packet, self.layers.get("vlans", ()))
        return (frame[:len(frame) - cut], len(frame)) if cut else frame

    def open(self):
        return [self.segment(0, 0, flags=SYN), self.segment(1, 0, flags=SYN | ACK), self.segment(0, 0)]

    def say(self, side, data, cut=0):
        at = self.sent[side]
        self.sent[side] += len(data)
        return [self.segment(side, at, data, cut=cut)]

    def fin(self, side):
        return [self.segment(side, self.sent[side], flags=FIN | ACK)]

    def reset(self, side):
        return [self.segment(side, self.sent[side], flags=RST | ACK)]


# --- the recorded captures ---


def read_pcapng(path):
    """The Ethernet frames of a capture as editcap writes it."""
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            length = struct.unpack_from("<I", data, at + 20)[0]
            yield data[at + 28:at + 28 + length]
        at += size


# Captures that do not hold all that was said.
PARTIAL = {"lossy", "middle", "one-way", "snap-cut"}


def segment_of(frame):
    """(source, destination, segment) of an Ethernet frame with IPv4 or IPv6 and TCP; ends are (address, port)."""
    six = frame[14] >> 4 == 6
    packet = frame[14:14 + (40 + struct.unpack_from(">H", frame, 18)[0] if six else struct.unpack_from(">H", frame, 16)[0])]
    segment = packet[40 if six else (packet[0] & 15) * 4:]
    ports = struct.unpack_from(">HH", segment)
    here, there = (packet[8:24], packet[24:40]) if six else (packet[12:16], packet[16:20])
    return (here, ports[0]), (there, ports[1]), segment


def streams_of(path):
    """The bytes of each direction, put together in the simplest way: by number, each byte once."""
    streams = {}
    for frame in read_pcapng(path):
        source, dest, segment = segment_of(frame)
        seq, _, offset, flags = struct.unpack_from(">IIBB", segment, 4)
        known = [s for s in reversed(streams.values()) if {source, dest} == set(s["ends"])]
        again = known and known[0]["start"].get(source) == seq + 1
        if flags & SYN and not flags & ACK and not again:
            known = [{"ends": (source, dest), "start": {source: seq + 1}, "bytes": {source: {}, dest: {}}}]
            streams[len(streams) + 1] = known[0]
        stream = known[0]
        if flags & SYN and flags & ACK:
            stream["start"].setdefault(source, seq + 1)
        data = segment[(offset >> 4) * 4:]
        if data:
            at_seq = stream["bytes"][source]  # what is sent again may have grown
            at_seq[seq] = max(at_seq.get(seq, b""), data, key=len)
    for number, stream in streams.items():
        sides = []
        for end in stream["ends"]:
            joined = bytearray()
            for seq, data in sorted(stream["bytes"][end].items(), key=lambda one: (one[0] - stream["start"][end]) % 2**32):
                place = (seq - stream["start"][end]) % 2**32
                joined[place:place + len(data)] = data
            sides.append(bytes(joined))
        yield number, sides
