#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Records the captures: lets the original speak on the loopback interface and writes down what it said.

Writes NAME.pcapng and its event log NAME.log for every scenario named (default: all), slots.txt with the names of the
slots they use, and the table in README.md. Needs the right to capture (root), `editcap` (Debian: wireshark-common), and
YOTON_PATH, the folder that holds the package `yoton`. `make captures` calls it.
"""
import argparse
import gzip
import http.client
import os
import re
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from peers import CLOSE, DEADLINE, HEARTBEAT, Failed, Original, Reference, Scripted, header, signal

HERE = os.path.dirname(os.path.abspath(__file__))
IDLE = 1.25  # seconds of silence in the scenario `heartbeats`
SCRIPTED_ID = 0x00C0FFEE00C0FFEE
LINE = b"YOTON!%016x.4242\r\n" % SCRIPTED_ID

SCENARIOS = {}


def scenario(name, who, expect, connections=1):
    """Marks a function as a scenario; `expect` are patterns that the log must hold, in this order."""

    def mark(function):
        SCENARIOS[name] = (function, who, expect, connections)
        return function

    return mark


class Stage:
    """What a scenario works with: peers that are ended behind it, and the recording."""

    def __init__(self, recorder, path, connections, snap):
        self.recorder, self.path, self.connections, self.snap = recorder, path, connections, snap
        self.process, self.originals = None, []

    def original(self):
        self.originals.append(Original())
        return self.originals[-1]

    def reference(self):
        self.originals.append(Reference())
        return self.originals[-1]

    def record(self, port):
        """Starts recording, and returns when nothing can be missed any more."""
        command = [self.recorder, "--port", str(port), "--write", self.path, "--connections", str(self.connections),
                   "--deadline", str(int(3 * DEADLINE)), *(["--snap", str(self.snap)] if self.snap else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        if not selector.select(DEADLINE) or self.process.stdout.readline() != "recording\n":
            self.process.kill()
            raise Failed(f"the recorder: {self.process.stderr.read().strip() or 'does not start in time'}")

    def hosted(self):
        """An original that listens, with the recording started."""
        host = self.original()
        self.record(host.bind())
        return host

    def pair(self):
        """Two originals, connected."""
        host, client = self.hosted(), self.original()
        port = host.ask("status", connection="1")["port1"]
        client.connect(port)
        host.connected()
        return host, client

    def scripted(self, host):
        return Scripted.connect(host.ask("status", connection="1")["port1"])

    def end(self):
        """Ends everybody, and waits until the recorder has seen the end of every connection."""
        for original in self.originals:
            if original.process.poll() is None:
                original.end()
        _, trouble = self.process.communicate(timeout=4 * DEADLINE)
        if self.process.returncode != 0:
            raise Failed(trouble.strip())

    def everybody_gone(self):
        """Waits until no context has a connection left."""
        deadline = time.monotonic() + DEADLINE
        while any(o.ask("connections")["connections"] for o in self.originals):
            if time.monotonic() > deadline:
                raise Failed("a connection stays")

    def abandon(self):
        for process in [original.process for original in self.originals] + [self.process]:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


# --- the scenarios: the text of each is what README.md says about it ---


@scenario("handshake", "original, original",
          ["A>B hello", "B>A hello", "A>B package .*NEW_CONNECTION", "A>B (fin|reset)"])
def handshake(stage):
    """The client flushes (a heartbeat) and closes: no close signal, and often a reset instead of an end of stream."""
    host, client = stage.pair()
    client.ask("flush", connection="1")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("refused-http", "HTTP client, original",
          ["A>B bad-line 'GET / HTTP", "B>A refusal 'ERROR: this is Yoton", "unread"])
def refused_http(stage):
    """An HTTP client asks a host for a page. The host leaves the socket open until its process ends."""
    host = stage.hosted()
    web = http.client.HTTPConnection("127.0.0.1", host.ask("status", connection="1")["port1"], timeout=DEADLINE)
    try:
        web.request("GET", "/")
        web.getresponse()
        raise Failed("the original answered in HTTP")
    except http.client.BadStatusLine:
        pass
    web.close()


@scenario("refused-id", "scripted, original; then original, original",
          ["1 A>B bad-line", "1 B>A refusal 'ERROR: could not parse id", "2 A>B hello", "2 B>A hello"], connections=2)
def refused_id(stage):
    """A line with an id that is no number is refused; the next client is accepted at the same bind."""
    host = stage.hosted()
    stranger = stage.scripted(host)
    stranger.send(b"YOTON!nobody.4242\r\n")
    if stranger.line() != b"ERROR: could not parse id.":
        raise Failed("the original did not refuse the id")
    client = stage.original()
    client.connect(host.ask("status", connection="1")["port1"])
    host.connected()
    client.ask("close", connection="1")
    host.wait("closed")
    stranger.close()


@scenario("unterminated-line", "scripted, original", ["A>B bad-line 'YOTON!.*does not end", "B>A hello"])
def unterminated_line(stage):
    """A line without CRLF: after 2 s the original takes it for a whole one and answers."""
    host = stage.hosted()
    peer = stage.scripted(host)
    peer.send(LINE[:-2])
    peer.line()
    peer.close()
    host.wait("closed")


@scenario("own-id", "scripted, original",
          ["1 A>B hello id=([0-9a-f]{16})", r"1 B>A hello id=\1"])
def own_id(stage):
    """A peer announces the host's own id: the host answers with its line and gives the socket up, without ending it."""
    host = stage.hosted()
    peer = stage.scripted(host)
    peer.send(b"YOTON!%016x.4242\r\n" % host.id)
    peer.line()
    peer.close()


@scenario("own-id-client", "original, scripted", ["A>B hello id=([0-9a-f]{16})", r"B>A hello id=\1"])
def own_id_client(stage):
    """A host answers with the client's own id: connecting fails."""
    client = stage.original()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        port = listener.getsockname()[1]
        stage.record(port)
        connecting = client.start("connect", address=f"127.0.0.1:{port}", timeout=5.0)
        peer = Scripted(listener.accept()[0])
        peer.send(peer.line() + b"\r\n")
        if client.reply(connecting)["ok"]:
            raise Failed("the original connected to its own id")
        client.end()
        peer.end_of_stream()
        peer.close()


@scenario("heartbeats", "original, original", ["A>B heartbeat", "A>B heartbeat", "A>B heartbeat", "B>A (fin|reset)"])
def heartbeats(stage):
    """Nobody says anything for 1.25 s; then the host closes."""
    host, client = stage.pair()
    time.sleep(IDLE)  # being idle is the scenario
    host.ask("close", connection="1")
    client.wait("closed")


OBJECTS = [
    True, 0, -1, 2**63 - 1, -(2**63), 1.5, -0.0, float("inf"), "", "naïve \U0001f600", [], (), {},
    [1, [2.5, None], ("x", False)], {"key": [1, 2], 3: None, ("a", 1): {}}, "x" * 300, list(range(300)),
]


@scenario("pub-sub", "original, original",
          ["A>B .*chat.txt.pub-sub.* txt 'waited for a connection'", "A>B package .*NEW_CONNECTION",
           "A>B .*chat.txt.pub-sub.* txt 'hi'", "B>A .*news.obj.pub-sub.* obj True", "B>A .*raw.bin.pub-sub.* bin 00"])
def pub_sub(stage):
    """Text one way, objects and bytes the other; one message was sent before there was a connection."""
    host, client = stage.original(), stage.original()
    for peer, kinds in ((host, ("sub", "pub")), (client, ("pub", "sub"))):
        peer.open("chat", kinds[0], "chat", "txt")
        peer.open("news", kinds[1], "news", "obj")
        peer.open("raw", kinds[1], "raw", "bin")
    texts = ["waited for a connection", "hi", "two\nlines and a 'quote'", "naïve \U0001f600", "z" * 300]
    blobs = [bytes(range(256)), header(1, 0, CLOSE), b"\0"]
    client.send("chat", texts[0])
    port = host.bind()
    stage.record(port)
    client.connect(port)
    host.connected()
    client.send("chat", *texts[1:])
    host.send("news", *OBJECTS)
    host.send("raw", *blobs)
    host.receive("chat", *texts)
    client.receive("news", *OBJECTS)
    client.receive("raw", *blobs)
    client.ask("close_context")
    host.wait("closed")


def large_message():
    """Just over 1 MiB, in which every place can be told from every other, and which packs well."""
    return b"".join(b"%15d\n" % number for number in range((1 << 16) + 1))


@scenario("large-message", "original, original", ["A>B package .*length=1048592 bin", "A>B package .* txt 'behind it'"])
def large(stage):
    """A message of 1 MiB and 16 bytes, and a small one behind it."""
    host, client = stage.pair()
    for peer, kind in ((host, "sub"), (client, "pub")):
        peer.open("large", kind, "large", "bin")
        peer.open("chat", kind, "chat", "txt")
    client.send("large", large_message())
    client.send("chat", "behind it")
    host.receive("large", large_message())
    host.receive("chat", "behind it")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("close-signal", "scripted, original", ["A>B close", "B>A (fin|reset)"])
def close_signal(stage):
    """A peer sends the close signal; the original ends the stream and says nothing back."""
    host = stage.hosted()
    peer = stage.scripted(host)
    peer.send(LINE)
    peer.line()
    peer.signal(HEARTBEAT)
    peer.send(signal(CLOSE))
    host.wait("closed", reason="Closed from other end.")
    peer.end_of_stream()
    peer.close()


@scenario("lost-track", "scripted, original",
          ["A>B package .*txt 'still good'", "A>B error .*control bytes", "B>A (fin|reset)"])
def lost_track(stage):
    """Behind a good package come bytes that are no header: the original drops the connection."""
    host = stage.hosted()
    peer = stage.scripted(host)
    peer.send(LINE)
    peer.line()
    peer.send(header(2, SCRIPTED_ID, 1, length=10) + b"still good")
    peer.send(b"NOTOY   " + bytes(range(48)))
    host.wait("closed", reason="Lost track of the stream.")
    peer.end_of_stream()
    peer.close()


@scenario("signals", "scripted, original",
          ["A>B heartbeat slot=9 ", "A>B signal seq=7", "A>B package", "A>B (fin|reset)"])
def signals(stage):
    """Signals that no sender makes (other fields filled, an unknown number) do no harm; a message comes through."""
    host = stage.hosted()
    host.open("chat", "sub", "chat", "txt")
    slot = int(host.ask("open", channel="same", kind="sub", slot="chat2", type="txt")["slot_in_hash"])
    peer = stage.scripted(host)
    peer.send(LINE)
    peer.line()
    peer.send(header(9, SCRIPTED_ID, HEARTBEAT, 5, 6) + signal(7))
    peer.send(header(slot, SCRIPTED_ID, 1, length=5) + b"hello")
    host.receive("same", "hello")
    peer.close()
    host.wait("closed")


@scenario("request-reply", "original, original",
          ["A>B .*'req[?]'", "B>A .*'req!'", "A>B .*obj [(]'echo', ", "A>B .*'req-'", "B>A .*obj [(]'hello', ",
           "A>B .*'no_such'", "B>A .*yoton_ERROR_HANDLING_REQUEST"])
def request_reply(stage):
    """A request offered, taken, executed and answered; a second one, of an unknown method, ends in an error reply."""
    host, client = stage.pair()
    host.open("work", "rep", "work", "obj")
    host.ask("rep_mode", channel="work", mode="thread")
    client.open("work", "req", "work", "obj")
    future = client.ask("call", channel="work", method="echo", args=["hello"])["future"]
    client.ask("result", future=future, timeout=DEADLINE / 2)
    future = client.ask("call", channel="work", method="no_such")["future"]
    if client.reply(client.start("result", future=future, timeout=DEADLINE / 2)).get("code") != "failed":
        raise Failed("the original did not answer with an error")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("state", "original, original", ["B>A .*mood.txt.state.* txt 'calm'", "B>A .*mood.txt.state.* txt 'calm'",
                                          "A>B .*mood.txt.state.* txt 'busy'"])
def state(stage):
    """A state set while nobody was there goes to the first peer, and again at NEW_CONNECTION; then the peer sets it."""
    host, client = stage.original(), stage.original()
    host.open("mood", "state", "mood", "txt")
    host.send("mood", "calm")
    port = host.bind()
    stage.record(port)
    client.open("mood", "state", "mood", "txt")
    client.connect(port)
    client.wait("received", channel="mood")
    client.wait("received", channel="mood")
    client.send("mood", "busy")
    host.wait("received", channel="mood")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("relay", "original, original; original, original",
          ["1 A>B .*chat.txt.pub-sub.* txt 'through the hub'", "2 B>A .*chat.txt.pub-sub.* txt 'through the hub'"],
          connections=2)
def relay(stage):
    """Two clients of one hub, which binds twice: what one publishes reaches the other unchanged."""
    hub, one, other = stage.original(), stage.original(), stage.original()
    port = hub.bind()
    stage.record(port)
    one.open("chat", "pub", "chat", "txt")
    other.open("chat", "sub", "chat", "txt")
    one.connect(port)
    hub.connected()
    hub.bind_again(port)
    other.connect(port)
    hub.connected()
    one.send("chat", "through the hub")
    other.receive("chat", "through the hub")
    one.ask("close", connection="1")
    hub.wait("closed")
    other.ask("close", connection="1")
    hub.wait("closed")


@scenario("sync-mode", "original, original", ["B>A .*chat.txt.sub-pub.* 'full'", "B>A .*chat.txt.sub-pub.* 'ok'", "A>B .*'behind'"])
def sync_mode(stage):
    """A sub channel in sync mode has not read 40 messages: at its next look it says full; it reads on, and says ok below 16."""
    host, client = stage.pair()
    host.open("chat", "sub", "chat", "txt")
    client.open("chat", "pub", "chat", "txt")
    host.ask("sync_mode", channel="chat", on=True)
    client.send("chat", *(f"message {i}" for i in range(1, 41)))
    host.pending("chat", 40)
    host.receive("chat", *(f"message {i}" for i in range(1, 41)))
    client.send("chat", "behind")
    host.receive("chat", "behind")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("cancelled-request", "original, original", ["A>B .*'req[?]'", "A>B .*'req[?]'", "A>B .*'req-'"])
def cancelled_request(stage):
    """A request that nobody takes is offered again and again, and cancelled when its time is over."""
    host, client = stage.pair()
    client.open("work", "req", "work", "obj")
    future = client.ask("call", channel="work", method="echo", args=["anybody?"], auto_cancel=1.4)["future"]
    if client.reply(client.start("result", future=future, timeout=DEADLINE / 2)).get("code") != "cancelled":
        raise Failed("the request was not cancelled")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("load-balancing", "2 requesters, 2 repliers; the hub, another replier (all original)",
          ["'req[?]'", "'req!'", "'req-'", "'req!'", "'req-'"], connections=4)
def load_balancing(stage):
    """Two requesters and three repliers at one hub: each request goes to the first who is free, and the others hear that it is gone."""
    hub, others = stage.original(), [stage.original() for _ in range(4)]
    port = hub.bind()
    stage.record(port)
    for i, other in enumerate(others):
        other.open("work", "req" if i < 2 else "rep", "work", "obj")
        other.connect(port)
        hub.connected()
        if i < 3:
            hub.bind_again(port)
    hub.open("work", "rep", "work", "obj")
    for replier in [hub, *others[2:]]:
        replier.ask("rep_mode", channel="work", mode="thread")
    calls = [(o, o.ask("call", channel="work", method="echo", args=[f"request {i}"], kwargs={"sleep": {"float": "0.2"}})["future"])
             for i in range(3) for o in others[:2]]
    for requester, future in calls:
        requester.ask("result", future=future, timeout=DEADLINE)
    for other in others:
        other.ask("close", connection="1")
        hub.wait("closed")


@scenario("loop", "original each; three contexts, each connected to both others",
          ["chat.txt.pub-sub.* txt 'once around'", "chat.txt.pub-sub.* txt 'once around'"], connections=3)
def loop(stage):
    """Three contexts in a ring: what one publishes comes to the others over two ways, and once each to their channels."""
    one, two, three = stage.original(), stage.original(), stage.original()
    port = one.bind("127.0.0.1")
    stage.record(port)
    for peer, kind in ((one, "pub"), (two, "sub"), (three, "sub")):
        peer.open("chat", kind, "chat", "txt")
    two.connect(port)
    one.connected()
    one.bind_again(port, "127.0.0.2")
    three.connect(port, "127.0.0.2")
    one.connected()
    two.bind_again(port, "127.0.0.3")
    three.connect(port, "127.0.0.3")
    two.connected()
    one.send("chat", "once around", "and again")
    for peer in (two, three):
        peer.receive("chat", "once around", "and again")
    for peer in (three, two, one):
        peer.ask("close_context")
    stage.everybody_gone()


@scenario("killed-process", "original, original", ["A>B .*txt 'last words'", "A>B (fin|reset)"])
def killed_process(stage):
    """The client's process is killed: no close signal, and the other end notices at once."""
    host, client = stage.pair()
    host.open("chat", "sub", "chat", "txt")
    client.open("chat", "pub", "chat", "txt")
    client.send("chat", "last words")
    host.receive("chat", "last words")
    client.process.kill()
    host.wait("closed")


@scenario("stopped-process", "original, original", ["A>B heartbeat", "A>B .*txt 'awake'"])
def stopped_process(stage):
    """The client's process stands still for 1.5 s: the host reports a time-out, keeps the connection, and all goes on."""
    host, client = stage.pair()
    host.open("chat", "sub", "chat", "txt")
    client.open("chat", "pub", "chat", "txt")
    client.process.send_signal(19)  # SIGSTOP
    host.wait("timedout", value=True)
    time.sleep(1.0)  # standing still is the scenario
    client.process.send_signal(18)  # SIGCONT
    host.wait("timedout", value=False)
    client.send("chat", "awake")
    host.receive("chat", "awake")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("client-server", "original, original", ["A>B bad-line 'hello", "B>A"])
def client_server(stage):
    """A request to the default server of the original, and its answer: text, no packages, no handshake."""
    server, client = stage.original(), stage.original()
    port = server.ask("serve", address="127.0.0.1:0")["port"]
    stage.record(port)
    answer = client.ask("do_request", address=f"127.0.0.1:{port}", text="hello", timeout=DEADLINE / 2)["text"]
    if not answer.startswith("Requested: hello"):
        raise Failed(f"the answer was {answer!r}")
    server.ask("stop_serve", port=port)


@scenario("mixed", "original, reference; original, reference",
          ["A>B hello", "'from the original'", "B>A .*'from the reference'", "obj [(]'echo', ", "B>A close"], connections=2)
def mixed(stage):
    """A hub that is the reference, with two originals: messages both ways, a request to the hub, a state; the hub closes in the nice way."""
    hub, one, other = stage.reference(), stage.original(), stage.original()
    port = hub.bind()
    stage.record(port)
    for peer in (hub, one, other):
        peer.open("chat", "sub" if peer is other else "pub", "chat", "txt")
        peer.open("mood", "state", "mood", "txt")
    hub.open("work", "rep", "work", "obj")
    hub.ask("rep_mode", channel="work", mode="thread")
    one.open("work", "req", "work", "obj")
    one.connect(port)
    hub.connected()
    hub.bind_again(port)
    other.connect(port)
    hub.connected()
    one.send("chat", "from the original")
    other.receive("chat", "from the original")
    hub.send("chat", "from the reference")
    other.receive("chat", "from the reference")
    hub.send("mood", "good")
    one.wait("received", channel="mood")
    future = one.ask("call", channel="work", method="echo", args=["hello"])["future"]
    one.ask("result", future=future, timeout=DEADLINE / 2)
    hub.ask("close_context")
    one.wait("closed")
    other.wait("closed")


@scenario("ipv6", "reference, reference", [r"stream 1: A \[::1\]", "A>B hello", "A>B .*'over six'", "A>B close"])
def ipv6(stage):
    """Two contexts of the reference over IPv6, which the original does not know."""
    host, client = stage.reference(), stage.reference()
    host.open("chat", "sub", "chat", "txt")
    client.open("chat", "pub", "chat", "txt")
    port = host.bind("[::1]")
    stage.record(port)
    client.connect(port, "[::1]")
    host.connected()
    client.send("chat", "over six")
    host.receive("chat", "over six")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("snap-cut", "reference, reference", ["A>B package .*length=1048576", "A>B package"])
def snap_cut(stage):
    """A hundred messages of 1 MiB, of which the capture holds the first 128 bytes of every packet."""
    host, client = stage.reference(), stage.reference()
    port = host.bind()
    stage.record(port)
    client.connect(port)
    host.open("large", "sub", "large", "bin")
    client.open("large", "pub", "large", "bin")
    for i in range(100):
        client.send("large", bytes([i]) * (1 << 20))
        host.receive("large", bytes([i]) * (1 << 20))
    client.ask("close", connection="1")
    host.wait("closed")


# --- made from recorded ones: what a capture may look like that was not taken under the best of conditions ---


def reordered(frames):
    """Neighbouring packets of pub-sub change places: what they carry is the same."""
    return [frames[i + 1 - 2 * (i % 2)] if i + 1 - 2 * (i % 2) < len(frames) - 4 and i > 3 else frame for i, frame in enumerate(frames)]


def repeated(frames):
    """Every packet of pub-sub is there twice, as where a mirror port shows it coming and going."""
    return [frame for frame in frames for _ in range(2)]


def middle(frames):
    """A capture of relay that begins in the middle: no packet that sets a connection up, no handshake line."""
    return frames[len(frames) // 2:]


def one_way(frames):
    """One direction only of request-reply: what the requester sent."""
    port = frames[0][1][34:36]
    return [frame for frame in frames if frame[1][34:36] == port]


def lossy(frames):
    """One packet with data of pub-sub was not captured: a gap, and reading goes on behind it."""
    data = [i for i, (_, frame) in enumerate(frames) if len(frame) > 500]
    return [frame for i, frame in enumerate(frames) if i != data[0]]


MADE = {"reordered": ("pub-sub", reordered), "repeated": ("pub-sub", repeated), "middle": ("relay", middle), "one-way": ("request-reply", one_way),
        "lossy": ("pub-sub", lossy)}
SNAP = {"snap-cut": 128}


def make(name, options, folder):
    """Writes a capture that is made from another."""
    source, change = MADE[name]
    frames = read_frames(os.path.join(options.into, source + ".pcapng"))
    raw = os.path.join(folder, name + ".pcap")
    begin = frames[0][0]
    with open(raw, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        times = sorted(time for time, _ in change(frames))
        for at, (_, frame) in zip(times, change(frames)):
            f.write(struct.pack("<IIII", at // 10**6, at % 10**6, len(frame), len(frame)) + frame)
    if begin > times[0]:
        raise Failed(f"{name}: times went wrong")
    run(["editcap", "-F", "pcapng", "--capture-comment", f"{name}: {change.__doc__}", raw, os.path.join(options.into, name + ".pcapng")], "writing pcapng")
    return f"| [{name}]({name}.pcapng) | made from {source} | {change.__doc__} |"


def read_frames(path):
    """(microseconds, bytes) of the packets of a capture that editcap wrote."""
    with open(path, "rb") as f:
        data = f.read()
    at, found = 0, []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            high, low, length = struct.unpack_from("<III", data, at + 12)
            found.append((high << 32 | low, data[at + 28:at + 28 + length]))
        at += size
    return found


# --- writing them down ---


def run(command, what):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise Failed(f"{what}: {command[0]} is not there") from None
    except subprocess.CalledProcessError as error:
        raise Failed(f"{what}: {error.stderr.strip()}") from None


def versions(original, yoton_path):
    """What spoke, and what wrote it down."""
    package = ""
    changes = os.path.join(yoton_path, "../../doc/pyzo/changelog.Debian.gz")
    if os.path.exists(changes):
        with gzip.open(changes, "rt", encoding="utf-8") as f:
            name, version = f.readline().split()[:2]
        package = f" (Debian's {name} {version.strip('()')})"
    python = "Python " + sys.version.split()[0]
    return f"Yoton {original.hello['version'].split()[0]}{package}, {python}, loopback interface of Linux"


def check(name, log, expect):
    at = 0
    for pattern in expect:
        # a pattern with a group is the wanted value of the next one
        found = re.compile(pattern if r"\1" not in pattern else pattern.replace(r"\1", group)).search(log, at)
        if not found:
            raise Failed(f"{name}: the log lacks {pattern!r} behind its byte {at}:\n{log}")
        group = found.group(1) if found.groups() else ""
        at = found.end()


def record(name, options, folder):
    """Plays a scenario and writes its capture and log. Returns its line of the table, and its slot names."""
    play, who, expect, connections = SCENARIOS[name]
    raw = os.path.join(folder, name + ".pcap")
    capture, log = (os.path.join(options.into, name + end) for end in (".pcapng", ".log"))
    stage = Stage(options.recorder, raw, connections, SNAP.get(name))
    try:
        play(stage)
        stage.end()
    finally:
        stage.abandon()
    made_by = versions(stage.originals[0], os.environ["YOTON_PATH"])
    comment = f"{name}: {play.__doc__} A, B: {who}. {made_by}."
    run(["editcap", "-F", "pcapng", "--capture-comment", comment, raw, capture], "writing pcapng")
    slots = set().union(*(original.slots for original in stage.originals))
    return f"| [{name}]({name}.pcapng) | {who} | {play.__doc__} |", slots, made_by


def write_log(name, options, slots):
    capture, log = (os.path.join(options.into, name + end) for end in (".pcapng", ".log"))
    text = run([options.yoton, "dump", "--no-time", "--slots", slots, capture], "yoton dump")
    if name in SCENARIOS:
        check(name, text, SCENARIOS[name][2])
    with open(log, "w", encoding="utf-8") as f:
        f.write(text)


def write_table(options, rows, made_by):
    """Rows of captures that were not made now stay."""
    path = os.path.join(options.into, "README.md")
    with open(path, encoding="utf-8") as f:
        head, _, rest = f.read().partition("<!-- table: written by record.py -->\n")
    old, mark, tail = rest.partition("<!-- end of table -->\n")
    if not mark:
        raise Failed("README.md: has no place for the table")
    by_name = {row.split("]")[0].lstrip("| ["): row for row in [*(line for line in old.splitlines() if line.startswith("| [")), *rows]}
    rows = [by_name[name] for name in [*SCENARIOS, *MADE] if name in by_name]
    made_by = made_by or re.search(r"^Recorded from (.*?)\.$", old, re.M)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{head}<!-- table: written by record.py -->\nRecorded from {made_by}.\n\n"
                "| capture | A, B | what happens |\n|---|---|---|\n" + "\n".join(rows) + f"\n{mark}{tail}")


def record_all(options):
    if not shutil.which("editcap"):
        raise Failed("editcap is not there; on Debian: apt-get install wireshark-common")
    with tempfile.TemporaryDirectory() as folder:
        rows, slots, made_by = [], set(), ""
        wanted = options.scenarios or [*SCENARIOS, *MADE]
        for name in wanted:
            print(f"recording {name}", flush=True)
            if name in MADE:
                rows.append(make(name, options, folder))
                continue
            row, names, made = record(name, options, folder)
            made_by = made if "2.2" in made else made_by
            rows.append(row)
            slots |= names
        names = os.path.join(options.into, "slots.txt")
        if options.scenarios and os.path.exists(names):
            with open(names, encoding="utf-8") as f:
                slots |= set(f.read().splitlines())
        with open(names, "w", encoding="utf-8") as f:
            f.writelines(name + "\n" for name in sorted(slots))
        for name in wanted:
            write_log(name, options, names)
        if not options.scenarios or os.path.exists(os.path.join(options.into, "README.md")):
            write_table(options, rows, made_by)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the folder of `yoton` and `recorder`")
    parser.add_argument("--into", default=HERE, help="where captures and logs are written")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join([*SCENARIOS, *MADE]))
    options = parser.parse_args()
    unknown = sorted(set(options.scenarios) - set(SCENARIOS) - set(MADE))
    if unknown:
        parser.error(f"no scenario {unknown[0]}")
    options.yoton, options.recorder = (os.path.join(options.build, name) for name in ("yoton", "recorder"))
    os.environ.setdefault("YOTON_PATH", os.path.abspath(os.path.join(options.build, "peer/pyzo/usr/share/pyzo/pyzo")))
    try:
        if os.geteuid() != 0:
            raise Failed("recording needs the right to capture; run it as root")
        record_all(options)
    except Failed as error:
        print(f"record.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
