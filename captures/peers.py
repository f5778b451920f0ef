# SPDX-License-Identifier: BSD-2-Clause
"""Who speaks in a recording: the original, through its adapter, and peers that send what a script says."""
import json
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ADAPTER = os.path.join(ROOT, "conformance", "peers", "pyzo_adapter.py")
DEADLINE = 10.0  # seconds for anything that should happen at once
HEARTBEAT, CLOSE = 0, 1

sys.path.insert(0, os.path.dirname(ADAPTER))
from adapter_protocol import encode  # noqa: E402


class Failed(Exception):
    """Something in a scenario did not go as it must."""


class Original:
    """One context of the original, in a process of its own."""

    command = [ADAPTER]
    adds_one = True  # bind() binds the port after the one it is asked for

    def __init__(self, where=()):
        """`where`: what stands in front of the command, to run it in a box."""
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([*where, *self.command], stdin=pipe, stdout=pipe, stderr=pipe)
        self.said, self.lines, self.events, self.number = [], queue.Queue(), [], 0
        self.slots = set()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()
        self.hello = self.ask("hello", protocol=1)
        self.id = int(self.hello["context_id"], 16)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def _listen(self):
        for line in self.process.stderr:
            self.said.append(line.decode("utf-8", "replace"))

    def _next(self, deadline, what):
        try:
            message = self.lines.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            raise Failed(f"the original: no {what} in time") from None
        if message is None:
            raise Failed(f"the original ended, before its {what}: {''.join(self.said)[-500:]}")
        return message

    def start(self, op, **fields):
        """Sends a request without waiting for the reply."""
        self.number += 1
        self.process.stdin.write(json.dumps({"id": self.number, "op": op, **fields}).encode() + b"\n")
        self.process.stdin.flush()
        return self.number

    def reply(self, number):
        """Waits for the reply to the request of this number, good or bad."""
        deadline = time.monotonic() + DEADLINE
        while True:
            message = self._next(deadline, f"reply {number}")
            if message.get("id") == number:
                return message
            self.events.append(message)

    def ask(self, op, **fields):
        """Sends a request and returns the reply, which must be a good one."""
        message = self.reply(self.start(op, **fields))
        if not message["ok"]:
            raise Failed(f"the original: {op}: {message['error']}")
        return message

    def wait(self, event, **fields):
        """Waits for an event."""
        wanted = {"event": event, **fields}
        deadline = time.monotonic() + DEADLINE
        while True:
            for message in self.events:
                if wanted.items() <= message.items():
                    self.events.remove(message)
                    return message
            self.events.append(self._next(deadline, f"event {event}"))

    def bind(self, host="127.0.0.1"):
        """Listens at a free port and returns it."""
        return self.ask("bind", address=f"{host}:0")["port"]

    def bind_again(self, port, host="127.0.0.1"):
        return self.ask("bind", address=f"{host}:{port - self.adds_one}")["port"]

    def connect(self, port, host="127.0.0.1"):
        return self.ask("connect", address=f"{host}:{port}", timeout=5.0)["connection"]

    def connected(self):
        """Waits until a bound connection has its peer."""
        deadline = time.monotonic() + DEADLINE
        while any(c["state"] == "waiting" for c in self.ask("connections")["connections"]):
            if time.monotonic() > deadline:
                raise Failed("the original: the handshake did not end in time")

    def open(self, channel, kind, slot, type="txt"):
        reply = self.ask("open", channel=channel, kind=kind, slot=slot, type=type)
        self.slots |= {reply["slot_out"], reply["slot_in"]}

    def send(self, channel, *values):
        for value in values:
            self.ask("send", channel=channel, value=encode(value))

    def receive(self, channel, *values):
        """Receives messages, which must be these."""
        for value in values:
            got = self.ask("recv", channel=channel, timeout=DEADLINE / 2)["value"]
            if got != encode(value):
                raise Failed(f"the original: received {got!r:.60} instead of {value!r:.60}")

    def pending(self, channel, count):
        """Waits until so many messages are there."""
        deadline = time.monotonic() + DEADLINE
        while self.ask("pending", channel=channel)["count"] != count:
            if time.monotonic() > deadline:
                raise Failed(f"{count} messages did not come in time")
            time.sleep(0.01)

    def end(self):
        """Lets the process end, with all that it holds."""
        self.process.stdin.close()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed("the original: did not end") from None


class Reference(Original):
    """One context of the reference."""

    command = [os.path.abspath(os.environ.get("YOTON", os.path.join(ROOT, "build", "yoton"))), "agent"]
    adds_one = False


def header(slot, source, seq, dest=0, dest_seq=0, length=0):
    return struct.pack("<8s6Q", b"YOTON   ", slot, source, seq, dest, dest_seq, length)


def signal(seq):
    return header(1, 0, seq)


class Scripted:
    """A peer that sends what it is told, and knows no more of the protocol than that."""

    def __init__(self, connected):
        self.socket = connected
        self.socket.settimeout(DEADLINE)
        self.rest = b""

    @classmethod
    def connect(cls, port):
        return cls(socket.create_connection(("127.0.0.1", port), DEADLINE))

    def send(self, data):
        self.socket.sendall(data)

    def _more(self, what):
        data = self.socket.recv(65536)
        if not data:
            raise Failed(f"the scripted peer: end of stream instead of {what}")
        self.rest += data

    def line(self):
        while b"\r\n" not in self.rest:
            self._more("a line")
        line, _, self.rest = self.rest.partition(b"\r\n")
        return line

    def signal(self, seq):
        """Reads packages until the signal `seq` comes."""
        while True:
            while len(self.rest) < 56:
                self._more("a package")
            source_seq, length = (struct.unpack_from("<Q", self.rest, at)[0] for at in (24, 48))
            self.rest = self.rest[56:]
            while len(self.rest) < length:
                self._more("a payload")
            self.rest = self.rest[length:]
            if length == 0 and source_seq == seq:
                return

    def end_of_stream(self):
        """Reads until the other side has ended; a reset is an end, too."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def close(self):
        self.socket.close()
