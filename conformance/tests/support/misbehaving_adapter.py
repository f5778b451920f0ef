# SPDX-License-Identifier: BSD-2-Clause
"""An adapter for one case, a host that can do the handshake, and one way to misbehave.

usage: misbehaving_adapter.py FAULT FOLDER [STARTS]   misbehaves in the starts with these numbers, as in 2,3; all
by default. The first start is the one in which yotonspec asks who is there. FOLDER/starts counts them, FOLDER/meetings
those that shook hands."""
import fcntl
import json
import os
import signal
import socket
import sys
import threading
import time

ID = "0123456789abcdef"
HEARTBEAT = b"YOTON   " + (1).to_bytes(8, "little") + bytes(40)


def count(name):
    """How often this was called by all processes, this time included."""
    fd = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, b".")
    size = os.fstat(fd).st_size
    os.close(fd)
    return size


fault, folder = sys.argv[1:3]
number = count("starts")
if len(sys.argv) > 3 and str(number) not in sys.argv[3].split(","):
    fault = ""


def say(**line):
    os.write(1, json.dumps(line).encode() + b"\n")


def host(listener):
    peer, _ = listener.accept()
    data = b""
    while b"\r\n" not in data and (more := peer.recv(100)):
        data += more
    if not data.startswith(b"YOTON!"):
        peer.sendall(b"ERROR: this is Yoton.\r\n")
        peer.close()
        host(listener)
        return
    listener.close()
    peer.sendall(b"YOTON!%s.7\r\n" % ID.encode())
    count("meetings")
    if fault == "tcp-flood":
        while True:
            peer.sendall(HEARTBEAT * 1000)
    if fault == "tcp-bytes":  # one package that never ends
        peer.sendall(HEARTBEAT[:48] + (1 << 29).to_bytes(8, "little"))
        while True:
            peer.sendall(bytes(1 << 20))
    while fault == "tcp-drip":
        peer.sendall(HEARTBEAT)
        time.sleep(0.0005)
    while True:
        time.sleep(0.2)
        peer.sendall(HEARTBEAT)


def bind():
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=host, args=(listener,), daemon=True).start()
    return listener.getsockname()[1]


def eat():
    eaten = []
    while True:
        eaten.append(b"x" * (16 << 20))
        time.sleep(0.01)


def child(work):
    """Runs work in a child, which then stays."""
    if os.fork() == 0:
        work()
        while True:
            time.sleep(3600)


def fork_many():
    for _ in range(100):
        child(lambda: None)
        time.sleep(0.005)


def misbehave():
    """In the middle of the case, when it asks to bind."""
    if fault == "crash":
        os.write(2, b"about to die\n")
        os.kill(os.getpid(), signal.SIGSEGV)
    elif fault == "hang":
        time.sleep(3600)
    elif fault == "flood-lines":
        while True:
            os.write(1, b'{"event":"received","channel":"x"}\n' * 1000)
    elif fault == "flood":
        while True:
            os.write(1, b"x" * 65536)
    elif fault == "flood-stderr":
        threading.Thread(target=lambda: [os.write(2, b"x" * 65536) for _ in iter(int, 1)], daemon=True).start()
    elif fault == "garbage":
        os.write(1, b"Listening now!\n")
    elif fault == "memory":
        eat()
    elif fault == "memory-of-child":
        child(eat)
        time.sleep(3600)
    elif fault == "forks":
        fork_many()
    elif fault == "leaves-child":
        child(os.setsid)
    elif fault == "child-holds-pipes":
        child(os.setsid)
        os._exit(9)
    elif fault == "closes-output":
        os.close(1)
        time.sleep(3600)
    elif fault == "waits-for-three":
        while os.path.getsize(os.path.join(folder, "starts")) < 4:
            time.sleep(0.01)


if fault == "crash-at-start":
    os.write(2, b"cannot find my library\n")
    os._exit(3)
if fault == "alone":  # in this folder no two may run at a time
    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
if fault == "slow":
    time.sleep(2)
if fault == "ignores-term":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for text in sys.stdin:
    request = json.loads(text)
    op, ident = request["op"], request["id"]
    if op == "hello":
        say(id=ident, ok=True, protocol=1, implementation="fake", version="1.0", pid=7, context_id=ID,
            capabilities=["bind", "host", "port0"])
    elif op == "bind":
        misbehave()
        say(id=ident, ok=True, connection="1", port=bind())
    else:
        say(id=ident, ok=False, code="unsupported", error="no op `%s` here" % op)
while fault == "ignores-term":
    time.sleep(3600)
os._exit(0)
