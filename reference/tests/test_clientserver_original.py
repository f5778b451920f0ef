#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Client and server of the reference against those of the original, in both directions. Prints TAP.

Both are driven by their adapters, and by bare sockets; the folder $YOTON_PATH holds the original's package `yoton`.
"""
import os
import random
import socket
import subprocess
import sys
import time
import traceback

from test_agent import AGENT, ORIGINAL, PATIENCE, PYZO, YOTON, Adapter

TEXTS = ["hi", "", " ", "h\u00e9llo \U0001f600", "a\0b", "a\rb\nc\r", "tab\tand \u2028", "x" * 300000, "\u20ac" * 50000]
MODES = ("none", "own", "each")
# What makes decoders differ: beginnings, rests, overlong forms, surrogates, too large ones, and what is good between them.
PIECES = [b"a", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\x80", b"\xbf", b"\xc0", b"\xc1", b"\xc3", b"\xe0", b"\xe2\x82",
          b"\xed\xa0\x80", b"\xef\xbf\xbf", b"\xf0\x80", b"\xf0\x9f\x98", b"\xf4\x90", b"\xf5", b"\xff", b"\r", b"\n", b"\0"]


def serving(adapter, mode="own"):
    return "127.0.0.1:%d" % adapter.call("serve", address="127.0.0.1:0", thread=mode)["port"]


def stop(adapter, address):
    adapter.call("stop_serve", port=int(address.split(":")[1]))


def connect(address):
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), PATIENCE)


def ask_raw(address, data):
    """The bytes of the answer to the bytes of a request, whose sending half is ended."""
    with connect(address) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: s.recv(65536), b""))


def texts_go(server, client):
    def test():
        with Adapter(server) as a, Adapter(client) as b:
            for mode in MODES:
                address = serving(a, mode)
                for text in TEXTS if mode == "own" else TEXTS[:4]:
                    came = b.call("do_request", address=address, text=text, timeout=PATIENCE)["text"]
                    assert came == "Requested: " + text + "\r\n", "%s: %.60r, came %.60r" % (mode, text, came)
                stop(a, address)
                b.refused("failed", "do_request", address=address, text="hi", timeout=PATIENCE)

    return test


def many_at_once(server, client):
    def test():
        with Adapter(server) as a, Adapter(client) as b:
            address = serving(a, "each")
            asked = [b.post("do_request", address=address, text=str(i), timeout=PATIENCE) for i in range(8)]
            for i, ident in enumerate(asked):
                assert b.reply(ident)["text"] == "Requested: %d\r\n" % i
            stop(a, address)

    return test


def crlf_is_added_once(server, client):
    def test():
        with Adapter(server) as a, Adapter(client) as b:
            address = serving(a)
            assert b.call("do_request", address=address, text="hi\r\n", timeout=PATIENCE)["text"] == "Requested: hi\r\n"
            stop(a, address)

    return test


def bytes_are_read_alike(server):
    """What is left of bytes that are not UTF-8: CS-6"""
    def test():
        pick = random.Random(11)
        with Adapter(server) as a:
            address = serving(a, "each")
            for _ in range(150):
                data = b"".join(pick.choices(PIECES, k=pick.randrange(12)))
                text = data[:data.index(b"\r\n") + 2] if b"\r\n" in data else data
                wanted = b"Requested: " + text.decode("utf-8", "ignore").encode()
                wanted += b"" if wanted.endswith(b"\r\n") else b"\r\n"
                came = ask_raw(address, data)
                assert came == wanted, "%r: wanted %r, came %r" % (data, wanted, came)
            stop(a, address)

    return test


def original_waits_and_stops_the_reference():
    with Adapter(AGENT) as a, Adapter(PYZO) as b:
        address = serving(a)
        began = time.monotonic()
        assert b.call("do_request", address=address, text="wait", timeout=PATIENCE)["text"] == "Requested: wait\r\n"
        assert time.monotonic() - began > 0.99
        assert b.call("do_request", address=address, text="stop", timeout=PATIENCE)["text"] == "Requested: stop\r\n"
        end = time.monotonic() + PATIENCE
        while b.reply(b.post("do_request", address=address, text="hi", timeout=PATIENCE)).get("text"):
            assert time.monotonic() < end, "it still answers"
        stop(a, address)  # which has nothing left to stop


def the_original_keeps_serving_after_stop():
    """F34: it compares with the CRLF"""
    with Adapter(PYZO) as a, Adapter(AGENT) as b:
        address = serving(a)
        for text in ("stop", "wait", "hi"):
            assert b.call("do_request", address=address, text=text, timeout=PATIENCE)["text"] == "Requested: " + text + "\r\n"
        stop(a, address)


def no_answer_in_time_is_null():
    """CS-5: the original calls it an empty answer"""
    with socket.create_server(("127.0.0.1", 0)) as silent, Adapter(AGENT) as a, Adapter(PYZO) as b:
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        assert a.call("do_request", address=address, text="hi", timeout=0.05)["text"] is None
        assert b.call("do_request", address=address, text="hi", timeout=0.05)["text"] == ""


def the_answer_is_given_as_it_came():
    with socket.create_server(("127.0.0.1", 0)) as server, Adapter(AGENT) as a, Adapter(PYZO) as b:
        address = "127.0.0.1:%d" % server.getsockname()[1]
        for data, text in ((b"yes\r\n", "yes\r\n"), (b"yes", "yes"), (b"", ""), (b"\r\n", "\r\n"), (b"y\xffes\r\nno", "yes\r\n")):
            for adapter in (a, b):
                asked = adapter.post("do_request", address=address, text="hi", timeout=PATIENCE)
                peer, _ = server.accept()
                with peer:
                    assert b"".join(iter(lambda: peer.recv(100), b"")) == b"hi\r\n"
                    peer.sendall(data)
                assert adapter.reply(asked)["text"] == text, (data, text)


def the_agent_checks_what_it_is_asked():
    with Adapter(AGENT) as a:
        address = serving(a)
        port = int(address.split(":")[1])
        for op, fields in (
            ("do_request", {"address": address}), ("do_request", {"text": "hi"}), ("do_request", {"address": address, "text": 1}),
            ("do_request", {"address": address, "text": "hi", "timeout": "1"}), ("serve", {}), ("stop_serve", {}),
            ("stop_serve", {"port": str(port)}),
            ("stop_serve", {"port": 1}),
        ):
            a.refused("bad-request", op, **fields)
        a.refused("unsupported", "serve", address="127.0.0.1:0", thread="both")
        a.refused("failed", "serve", address=address)
        a.refused("failed", "do_request", address="nowhere", text="hi")
        assert a.call("do_request", address=address, text="hi", timeout=None)["text"] == "Requested: hi\r\n"
        stop(a, address)
        a.refused("bad-request", "stop_serve", port=port)


def the_command_asks_the_original():
    with Adapter(PYZO) as a:
        address = serving(a)
        done = subprocess.run([YOTON, "request", "--timeout", "20", address, "h\u00e9"], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (0, "Requested: h\u00e9\n".encode()), done
        stop(a, address)


WITH_ORIGINAL = [original_waits_and_stops_the_reference, the_original_keeps_serving_after_stop, no_answer_in_time_is_null,
                 the_answer_is_given_as_it_came, the_command_asks_the_original]
PAIRS = {"reference asks reference": (AGENT, AGENT), "original asks reference": (AGENT, PYZO), "reference asks original": (PYZO, AGENT)}


def planned():
    yield "the agent checks what it is asked", the_agent_checks_what_it_is_asked, False
    for name, server in (("reference", AGENT), ("original", PYZO)):
        yield "%s: bytes are read as Python's decoder reads them" % name, bytes_are_read_alike(server), server is PYZO
    for name, pair in PAIRS.items():
        # The original's backlog of 1 has some of many come so late that it takes them for empty.
        for make in (texts_go, crlf_is_added_once) if pair[0] is PYZO else (texts_go, many_at_once, crlf_is_added_once):
            yield "%s: %s" % (name, make.__name__.replace("_", " ")), make(*pair), PYZO in pair
    for test in WITH_ORIGINAL:
        yield test.__name__.replace("_", " "), test, True


def main():
    tests = list(planned())
    there = os.path.isfile(os.path.join(ORIGINAL, "yoton", "__init__.py"))
    failed = 0
    print("1..%d" % len(tests))
    for number, (name, test, wants_original) in enumerate(tests, 1):
        if wants_original and not there:
            print("ok %d - %s # SKIP the original is not there; YOTON_PATH names its folder" % (number, name))
            continue
        try:
            test()
            print("ok %d - %s" % (number, name))
        except Exception:  # whatever it is, the other tests still run
            failed += 1
            print("not ok %d - %s" % (number, name))
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        sys.stdout.flush()
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
