#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A context that is attacked keeps its memory within what the limits allow, and serves its good peers. Prints TAP.
test-deadline: 240

The context is `yoton agent` ($YOTON) with small limits. Two good peers, one that sends and one that only listens, are
connected all the time: what they are sent must come without a gap above LINK-1, and what they send must arrive.
reference/README.md has the formula of the bound.
"""
import os
import select
import socket
import struct
import sys
import threading
import time
import traceback

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "conformance", "tests", "support"))
from adapter_driver import PATIENCE, Driver  # noqa: E402

YOTON = os.environ.get("YOTON") or os.path.join(TOP, os.environ.get("BUILD", "build"), "yoton")
MIB = 1 << 20
PACKAGES, QUEUE_BYTES, SOURCES, MESSAGE = 1000, 4 * MIB, 4096, 64 * MIB
HEADER = struct.Struct("<8s6Q")
CONTROL = b"YOTON   "
SILENCE = 0.5  # LINK-1
GOOD_EVERY = 0.02

# What one of each may cost, in bytes; reference/README.md says where it comes from.
SOURCE, PACKAGE, CONNECTION, BATCH, SOCKET_READ = 64, 160, 16 * 1024, 256 * 1024, 256 * 1024
SLACK = 8 * MIB  # of the allocator, which does not give everything back


def header(slot, source, seq, length, dest=0):
    return HEADER.pack(CONTROL, slot, source, seq, dest, 0, length)


class Peer:
    """A socket that has shaken hands with the context."""

    def __init__(self, victim, ident, receive=None):
        port = victim.do("bind", address="127.0.0.1:0")["port"]
        self.sock = socket.socket()
        if receive:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(("127.0.0.1", port))
        self.ident, self.seq = ident, 0
        self.sock.sendall(b"YOTON!%016x.1\r\n" % ident)
        line = b""
        while not line.endswith(b"\r\n"):
            line += self.sock.recv(1)
        assert line.startswith(b"YOTON!"), line

    def publish(self, slot, payload):
        self.seq += 1
        self.sock.sendall(header(slot, self.ident, self.seq, len(payload)) + payload)


def kept_waiting(pid):
    """Seconds that the threads of a process were ready to run and got no processor, as the kernel counts them."""
    total = 0
    for thread in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as counts:
                total += int(counts.read().split()[1])
        except (OSError, IndexError):
            pass  # it has ended, or this kernel does not count
    return total / 1e9


class Watcher(threading.Thread):
    """Reads all that comes for good peers, and notes the longest silence of each, less what the context waited for a
    processor meanwhile, and how long this machine stood still."""

    def __init__(self, peers, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.last = {peer.sock: self.moment() for peer in peers}
        self.gap, self.stall, self.count, self.over = 0.0, 0.0, 0, False

    def moment(self):
        """Now, on a clock that stands still while the context gets no processor."""
        return time.monotonic() - kept_waiting(self.pid)

    def run(self):
        looked = time.monotonic()
        while not self.over:
            readable, _, _ = select.select(list(self.last), [], [], 0.02)
            self.stall, looked = max(self.stall, time.monotonic() - looked - 0.02), time.monotonic()
            now = self.moment()
            for sock in readable:
                got = sock.recv(1 << 20)
                assert got, "a good peer was dropped"
                self.count += len(got)
                self.last[sock] = now
            for sock, last in self.last.items():
                self.gap = max(self.gap, now - last)


class Sender(threading.Thread):
    """The good peer's messages, numbered, all the time."""

    def __init__(self, peer, slot):
        super().__init__(daemon=True)
        self.peer, self.slot, self.sent, self.over = peer, slot, 0, threading.Event()

    def run(self):
        while not self.over.wait(GOOD_EVERY):
            self.sent += 1
            self.peer.publish(self.slot, b"%d" % self.sent)


class Collector(threading.Thread):
    """Takes the good peer's messages as they come: they must be numbered without a gap."""

    def __init__(self, victim):
        super().__init__(daemon=True)
        self.victim, self.heard, self.wrong, self.over = victim, 0, None, False

    def run(self):
        while not self.over and not self.wrong:
            reply = self.victim.reply(self.victim.ask("recv", channel="good", timeout=0.1))
            if reply["ok"] and int(reply["value"]) != self.heard + 1:
                self.wrong = "message %s came after %d" % (reply["value"], self.heard)
            elif reply["ok"]:
                self.heard += 1


class Shared(Driver):
    """A driver that several threads may ask."""

    def __init__(self, *args):
        self.asking = threading.Lock()
        super().__init__(*args)

    def ask(self, op, **fields):
        with self.asking:
            return super().ask(op, **fields)


class Scene:
    def __init__(self):
        self.victim = Shared([YOTON, "agent"], dict(os.environ))
        v = self.victim
        v.do("options", queue=[PACKAGES, "old"], queue_bytes=QUEUE_BYTES, max_sources=SOURCES, max_message=MESSAGE)
        self.slots = {}
        for name, kind in (("open", "txt"), ("obj", "obj"), ("good", "txt")):
            self.slots[name] = int(v.do("open", channel=name, kind="sub", slot=name, type=kind)["slot_in_hash"])
        v.do("open", channel="rep", kind="rep", slot="rep")
        v.do("open", channel="out", kind="pub", slot="out", type="txt")
        self.good = [Peer(v, 0x600D0001), Peer(v, 0x600D0002)]
        self.watcher, self.sender = Watcher(self.good, self.victim.process.pid), Sender(self.good[0], self.slots["good"])
        self.collector = Collector(v)
        self.before = self.memory("VmRSS")
        self.attackers = []
        for thread in (self.watcher, self.sender, self.collector):
            thread.start()

    def memory(self, field):
        with open("/proc/%d/status" % self.victim.process.pid) as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))

    def attacker(self, ident, **more):
        peer = Peer(self.victim, ident, **more)
        self.attackers.append(peer)
        return peer

    def still_good(self):
        """What the good peer has sent until now comes, in order and complete."""
        until, deadline = self.sender.sent + 1, time.monotonic() + PATIENCE
        while self.collector.heard < until and not self.collector.wrong and time.monotonic() < deadline:
            time.sleep(0.005)
        assert not self.collector.wrong, self.collector.wrong
        assert self.collector.heard >= until, "message %d of %d did not come" % (self.collector.heard + 1, until)
        assert self.watcher.is_alive(), "the watcher has failed"

    def end(self):
        self.sender.over.set()
        self.watcher.over = self.collector.over = True
        for thread in (self.watcher, self.sender, self.collector):
            thread.join(PATIENCE)
        self.victim.process.kill()
        self.victim.process.wait()


def dropped(peer):
    """Waits for the end of the stream."""
    try:
        while peer.sock.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass


def settled(scene, peer, slot):
    """All that the attacker sent has been worked off: what it sends at last arrives."""
    while scene.victim.do("recv_all", channel="open")["values"]:
        pass
    peer.sock.sendall(header(slot, 0xBA44, 1, 4) + b"last")
    while scene.victim.value("open") != "last":
        pass


def a_million_sources(scene):
    peer = scene.attacker(0xBAD0001)
    deaf = scene.attacker(0xBAD0002, receive=4096)  # everything is forwarded to it, and it reads nothing
    plan = ((scene.slots["open"], 0, 400000), (12345, 0, 300000), (scene.slots["open"], 0xE15E, 300000))
    size = HEADER.size + 1
    block = bytearray(size * 10000)
    source = 1 << 32
    for slot, dest, count in plan:
        for i in range(10000):
            block[i * size:(i + 1) * size] = header(slot, 0, 1, 1, dest) + b"x"
        for _ in range(count // 10000):
            for i in range(10000):
                source += 1
                struct.pack_into("<Q", block, i * size + 16, source)
            peer.sock.sendall(block)
    settled(scene, peer, scene.slots["open"])
    deaf.sock.close()  # as long as it is there every send of the program is held for a second: LIMIT-4


def lengths_that_lie(scene):
    for number, length in enumerate((1 << 63, (1 << 64) - 1, MESSAGE + 1)):
        peer = scene.attacker(0xBAD1000 + number)
        peer.sock.sendall(header(scene.slots["open"], 1, 1, length) + b"x" * 1000)
        dropped(peer)
    for number in range(100):  # each claims all that is allowed, and sends a little of it
        peer = scene.attacker(0xBAD2000 + number)
        peer.sock.sendall(header(scene.slots["open"], 1, 1, MESSAGE) + b"x" * 1000)


def a_thousand_handshakes(scene):
    port = scene.victim.do("bind", address="127.0.0.1:0")["port"]
    lines = (b"", b"YOTON!0123", b"GET / HTTP/1.1\r\n\r\n", b"YOTON!0000000000000000.1\r\n", b"x" * 5000)
    held = []
    for number in range(1000):
        sock = socket.socket()
        sock.settimeout(0.05)
        try:
            sock.connect(("127.0.0.1", port))
            sock.sendall(lines[number % len(lines)])
        except OSError:
            pass  # refused in the middle of it, or more at once than the backlog takes: abandoned even earlier
        if number % 3 == 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        if number % 10 == 0 and len(held) < 6:
            held.append(sock)  # stays, and says no more
        else:
            sock.close()
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
    sock.sendall(b"YOTON!%016x.1\r\n" % 0xBAD3001)
    sock.settimeout(PATIENCE)
    assert sock.recv(6) == b"YOTON!"  # the bind still takes a good one
    for each in held + [sock]:
        each.close()


def peers_that_read_nothing(scene):
    for number in range(5):
        scene.attacker(0xBAD4000 + number, receive=4096)
    for _ in range(12):
        scene.victim.do("send", channel="out", value="y" * MIB)


def one_byte_at_a_time(scene):
    peer = scene.attacker(0xBAD5000)
    for byte in header(scene.slots["open"], 0xBAD5000, 1, 5) + b"slow!":
        peer.sock.sendall(bytes([byte]))
    while scene.victim.value("open") != "slow!":
        pass


def objects_that_lie(scene):
    peer = scene.attacker(0xBAD6000)
    many = b"l\xff" + b"\xff" * 8
    for payload in (b"l\x01" * 1000000, many, many * 1000, b"s\xff" + b"\xff" * 8, b"d\xff" + b"\xff" * 8 + b"n"):
        peer.publish(scene.slots["obj"], payload)
        code = scene.victim.refused("recv", channel="obj", timeout=PATIENCE)
        assert code == "failed", code
    peer.publish(scene.slots["obj"], b"s\x02ok")
    assert scene.victim.value("obj") == "ok"


def offers_without_end(scene):
    """A replier is offered 100,000 requests by as many sources, and answers somebody honest afterwards."""
    slot = int(scene.victim.do("open", channel="rep2", kind="rep", slot="rep2")["slot_in_hash"])
    scene.victim.do("rep_mode", channel="rep2", mode="thread")
    peer = scene.attacker(0xBAD7000)
    block = bytearray()
    for source in range(100000):
        block += HEADER.pack(CONTROL, slot, (2 << 32) + source, 1, 0, 1 << 63 | 1, 4) + b"req?"
    peer.sock.sendall(block)
    settled(scene, peer, scene.slots["open"])


ATTACKS = [a_million_sources, lengths_that_lie, a_thousand_handshakes, peers_that_read_nothing, one_byte_at_a_time,
           objects_that_lie, offers_without_end]


def bound(scene):
    """What the limits allow: before, sources, queues of channels and connections, what is half read, sockets' work."""
    connections = len(scene.attackers) + len(scene.good)
    channels = 4
    queue = QUEUE_BYTES + PACKAGES * PACKAGE
    offers = 10000 * 64 + (1 << 14) * 8
    half_read = 100 * 4096 + 2 * MIB
    stalled = 6 * (queue + 2 * MIB)
    return (scene.before + 2 * SOURCES * SOURCE + channels * queue + offers + stalled + half_read +
            connections * CONNECTION + BATCH * 8 + SOCKET_READ + SLACK)


def main():
    print("1..%d" % (len(ATTACKS) + 3))
    scene, failed = Scene(), 0
    for number, attack in enumerate(ATTACKS, 1):
        name, begun = "%d - %s" % (number, attack.__name__.replace("_", " ")), time.monotonic()
        try:
            attack(scene)
            scene.still_good()
            print("ok %s" % name)
            print("# %.1f s, resident %.1f MiB" % (time.monotonic() - begun, scene.memory("VmRSS") / MIB), flush=True)
        except Exception:
            failed += 1
            print("not ok %s" % name)
            print("".join("# %s\n" % line for line in traceback.format_exc().splitlines()), flush=True)
    peak, allowed = scene.memory("VmHWM"), bound(scene)
    gap, stall = scene.watcher.gap, scene.watcher.stall
    scene.end()
    checks = [
        ("memory stays within the bound", peak <= allowed,
         "peak %.1f MiB, bound %.1f MiB, before %.1f MiB" % (peak / MIB, allowed / MIB, scene.before / MIB)),
        ("no good peer waits longer than LINK-1 allows", gap <= SILENCE + stall,
         "longest silence %.3f s; this test itself stood still for %.3f s" % (gap, stall)),
        ("the good peer's messages arrived", scene.collector.heard > 50, "%d messages" % scene.collector.heard),
    ]
    for number, (name, good, figures) in enumerate(checks, len(ATTACKS) + 1):
        failed += not good
        print("%s %d - %s\n# %s" % ("ok" if good else "not ok", number, name, figures), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
