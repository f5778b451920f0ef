#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One end of a plain TCP connection, without Yoton, told what to do in the lines of the adapter protocol
(conformance/ADAPTER.md) but with words of its own:

listen   address: answers {"port"}
accept   answers when a peer is there
connect  address
read     on (boolean): whether it receives what comes; it does unless told
send     size: answers {"sent"} (less when the system does not take it), or {"sent":0,"error":NAME}
settle   answers when the other system has acknowledged all that was sent
fill     limit: sends until that many bytes are taken, or nothing is for QUIET seconds: answers {"sent"}

Events: {"event":"received","bytes":TOTAL,"t":T} and, once, {"event":"ended","how":"EOF" or the error's name,"t":T}.
"""

import errno
import fcntl
import json
import os
import select
import socket
import sys
import termios
import time

QUIET = 0.3
PATIENCE = 20.0
CHUNK = 65536


class End:
    def __init__(self):
        self.listening = self.socket = None
        self.reading, self.ended, self.received = True, False, 0

    def listen(self, address):
        self.listening = socket.create_server(split(address))
        return {"port": self.listening.getsockname()[1]}

    def accept(self):
        self.take(self.listening.accept()[0])
        self.listening.close()
        return {}

    def connect(self, address):
        self.take(socket.create_connection(split(address), PATIENCE))
        return {}

    def take(self, connected):
        self.socket = connected
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, on):
        self.reading = on
        return {}

    def send(self, size):
        try:
            return {"sent": self.socket.send(b"x" * size)}
        except BlockingIOError:
            return {"sent": 0}
        except OSError as e:
            return {"sent": 0, "error": errno.errorcode[e.errno]}

    def settle(self):
        while int.from_bytes(fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0" * 4), sys.byteorder):
            time.sleep(0.001)
        return {}

    def fill(self, limit):
        sent, last = 0, time.monotonic()
        while sent < limit and time.monotonic() < last + QUIET:
            if select.select([], [self.socket], [], QUIET)[1]:
                done = self.send(min(CHUNK, limit - sent))
                if "error" in done:
                    return {"sent": sent, "error": done["error"]}
                sent += done["sent"]
                last = time.monotonic()
        return {"sent": sent}

    def receive(self):
        """Reads once, and says what came."""
        try:
            count = len(self.socket.recv(CHUNK))
            how = None if count else "EOF"
        except BlockingIOError:
            return
        except OSError as e:
            count, how = 0, errno.errorcode[e.errno]
        self.received += count
        self.ended = how is not None
        news = {"event": "ended", "how": how} if how else {"event": "received", "bytes": self.received}
        say({**news, "t": time.monotonic()})

    def sources(self):
        return [self.socket] if self.socket is not None and self.reading and not self.ended else []


def split(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def answer(end, line):
    fields = json.loads(line)
    ident, op = fields.pop("id"), fields.pop("op")
    try:
        say({"id": ident, "ok": True, **getattr(end, op)(**fields)})
    except OSError as e:
        say({"id": ident, "ok": False, "code": "failed", "error": str(e)})


def main():
    end, rest = End(), b""
    while True:
        ready = select.select([0, *end.sources()], [], [])[0]
        if 0 in ready:
            data = os.read(0, CHUNK)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                answer(end, line)
        else:
            end.receive()


if __name__ == "__main__":
    main()
