# SPDX-License-Identifier: BSD-2-Clause
"""The two ends a test of an adapter holds: its standard input and output, and the wire."""

import contextlib
import json
import socket
import struct
import subprocess
import threading
import time

PATIENCE = 20.0
HEADER = struct.Struct("<8s6Q")
CONTROL = b"YOTON   "
PEER_ID = 0x0123456789ABCDEF
PEER_PID = (1 << 64) - 1


class Driver:
    """One adapter process; a thread collects what it writes."""

    def __init__(self, command, environment):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment
        )
        self._news = threading.Condition()
        self._replies, self._events, self._strays, self._ended = {}, [], [], False
        self._last_id = 0
        self._errors = []
        self._threads = [threading.Thread(target=f) for f in (self._read, self._read_errors)]
        for thread in self._threads:
            thread.start()

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            with self._news:
                if "event" in message:
                    self._events.append(message)
                elif message["id"] is None:
                    self._strays.append(message)
                else:
                    assert message["id"] not in self._replies, "answered twice: %s" % message
                    self._replies[message["id"]] = message
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _read_errors(self):
        self._errors.extend(self.process.stderr)

    def errors(self):
        """What went to standard error; after end()."""
        return b"".join(self._errors).decode()

    def _until(self, look, what):
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while (found := look()) is None:
                left = deadline - time.monotonic()
                assert left > 0, "no %s within %g s" % (what, PATIENCE)
                assert not self._ended, "no %s: the adapter ended" % what
                self._news.wait(left)
            return found

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, op, **fields):
        self._last_id += 1
        self.write(json.dumps({"id": self._last_id, "op": op, **fields}).encode() + b"\n")
        return self._last_id

    def reply(self, ident):
        return self._until(lambda: self._replies.get(ident), "reply to %d" % ident)

    def answered(self, ident):
        with self._news:
            return ident in self._replies

    def do(self, op, **fields):
        reply = self.reply(self.ask(op, **fields))
        assert reply["ok"], "%s %s: %s" % (op, fields, reply)
        return reply

    def refused(self, op, **fields):
        reply = self.reply(self.ask(op, **fields))
        assert not reply["ok"], "%s %s: %s" % (op, fields, reply)
        assert "\n" not in reply["error"] and reply["error"], reply
        return reply["code"]

    def stray(self):
        take = lambda: self._strays.pop(0) if self._strays else None
        return self._until(take, "reply without id")

    def event(self, name, **fields):
        """The first event that fits, not given out before."""
        wanted = {"event": name, **fields}.items()

        def look():
            for event in self._events:
                if wanted <= event.items():
                    self._events.remove(event)
                    return event
            return None

        return self._until(look, "event %s %s" % (name, fields))

    def left(self, name, **fields):
        """The events like that which came so far and were not given out."""
        wanted = {"event": name, **fields}.items()
        with self._news:
            return [event for event in self._events if wanted <= event.items()]

    def value(self, channel):
        return self.do("recv", channel=channel, timeout=PATIENCE)["value"]

    def end(self):
        """Ends standard input; the exit status."""
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *what):
        if self.process.stdin.closed:
            return
        try:
            self.end()
        finally:
            self.process.kill()


class Raw:
    """The other end, by hand."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(PATIENCE)

    def line(self):
        text = b""
        while not text.endswith(b"\r\n"):
            byte = self.sock.recv(1)
            assert byte, "end of stream after %r" % text
            text += byte
        return text

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            assert part, "end of stream after %d bytes" % len(data)
            data += part
        return data

    def package(self):
        """The next package that is no signal: (slot, source, seq, dest, dest_seq), payload."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            control, *fields, length = HEADER.unpack(self.exactly(HEADER.size))
            assert control == CONTROL, control
            if length:
                return tuple(fields), self.exactly(length)
        raise AssertionError("nothing but signals for %g s" % PATIENCE)

    def send(self, slot, seq, payload, dest=0, dest_seq=0):
        header = HEADER.pack(CONTROL, slot, PEER_ID, seq, dest, dest_seq, len(payload))
        self.sock.sendall(header + payload)

    def greet(self):
        self.sock.sendall(b"YOTON!%016x.%d\r\n" % (PEER_ID, PEER_PID))


@contextlib.contextmanager
def raw_client(port):
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        yield Raw(sock)


@contextlib.contextmanager
def listener():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(PATIENCE)
        yield sock, "127.0.0.1:%d" % sock.getsockname()[1]
