#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Drives the adapter of the original against itself and against raw sockets. Prints TAP."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import traceback

from support import adapter_driver
from support.adapter_driver import CONTROL, HEADER, PATIENCE, PEER_ID, PEER_PID, Raw
from support.adapter_driver import listener, raw_client

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ADAPTER = os.path.join(ROOT, "conformance", "peers", "pyzo_adapter.py")
UNPACKED = os.path.join(ROOT, "build", "peer", "pyzo", "usr", "share", "pyzo", "pyzo")
YOTON_PATH = os.environ.get("YOTON_PATH") or UNPACKED
COMMAND = [sys.executable, "-S", "-E", ADAPTER]


def start(**environment):
    """The adapter of the original as a process."""
    environment = {**os.environ, "YOTON_PATH": YOTON_PATH, **environment}
    return adapter_driver.Driver(COMMAND, environment)


@contextlib.contextmanager
def pair():
    """Two adapters, the second connected to the first; each calls the connection `link`."""
    with start() as host, start() as client:
        bound = host.do("bind", address="127.0.0.1:0", name="h")
        host.link, host.port = bound["connection"], bound["port"]
        address = "127.0.0.1:%d" % bound["port"]
        connected = client.do("connect", address=address, timeout=PATIENCE, name="c")
        client.link = connected["connection"]
        yield host, client


def same(got, wanted):
    assert got == wanted, "%r is not %r" % (got, wanted)


# ---- the tests ----------------------------------------------------------------------------------


CAPABILITIES = """
    hello options bind connect status connections set_timeout flush close
    close_on_problem close_context
    open send recv recv_all pending select recv_selected sync_mode close_channel
    rep_mode call result cancel do_request serve stop_serve txt bin obj host client
"""


def hello():
    with start(PYZO_VERSION="1.2-3") as driver:
        answer = driver.do("hello", protocol=1)
        same(answer["protocol"], 1)
        same(answer["implementation"], "pyzo")
        assert answer["version"].endswith(" (pyzo 1.2-3)"), answer
        same(answer["pid"], driver.process.pid)
        same(len(answer["context_id"]), 16)
        assert int(answer["context_id"], 16) >> 60, "an id with a leading zero digit"
        same(set(CAPABILITIES.split()) - set(answer["capabilities"]), set())
        same(driver.refused("hello", protocol=2), "unsupported")


def options():
    ident = "00000000c0ffee01"
    with start() as driver:
        same(driver.refused("options", queue=[2, "new"], max_message=10), "unsupported")
        same(driver.refused("options", context_id="c0ffee"), "bad-request")
        same(driver.refused("options", context_id="0" * 16), "bad-request")
        same(driver.refused("options", queue=[2, "newest"]), "failed")
        same(driver.do("options", queue=[2, "old"], context_id=ident)["context_id"], ident)
        same(driver.do("hello", protocol=1)["context_id"], ident)
        slot = driver.do("open", channel="s", kind="sub", slot="x")
        same(driver.refused("options", queue=[3, "old"]), "bad-request")
        port = driver.do("bind", address="127.0.0.1:0")["port"]
        with raw_client(port) as peer:
            peer.greet()
            peer.line()
            for seq, payload in enumerate((b"1", b"2", b"3"), 1):
                peer.send(int(slot["slot_in_hash"]), seq, payload)
            end = driver.do("open", channel="end", kind="sub", slot="end")
            peer.send(int(end["slot_in_hash"]), 4, b"end")
            same(driver.value("end"), "end")
            same(driver.do("recv_all", channel="s")["values"], ["2", "3"])


def bytes_on_the_wire():
    with start() as driver:
        answer = driver.do("hello", protocol=1)
        slots = driver.do("open", channel="p", kind="pub", slot="foo", type="txt")
        same(slots["slot_out"], "foo.txt.pub-sub")
        same(slots["slot_in"], "foo.txt.sub-pub")
        same(slots["slot_out_hash"], "15285871923228")
        bound = driver.do("bind", address="127.0.0.1:0")
        with raw_client(bound["port"]) as peer:
            peer.greet()
            same(peer.line(), b"YOTON!%s.%d\r\n" % (answer["context_id"].encode(), answer["pid"]))
            driver.do("send", channel="p", value="h\u00e9")
            fields, payload = peer.package()
            same(fields, (15285871923228, int(answer["context_id"], 16), 1, 0, 0))
            same(payload, "h\u00e9".encode())
            status = driver.do("status", connection=bound["connection"])
            same((status["id2"], status["pid2"]), ("%016x" % PEER_ID, str(PEER_PID)))
            same(peer.sock.getsockname()[1], status["port2"])


def status_of_both_ends():
    with pair() as (host, client):
        ours, theirs = host.do("hello", protocol=1), client.do("hello", protocol=1)
        # Once a message has come the host knows the client, too.
        client.do("send", channel=open_pair(host, client, "txt", "s"), value="hi")
        same(host.value("s"), "hi")
        first = host.do("status", connection=host.link)
        second = client.do("status", connection=client.link)
        same((first["state"], second["state"]), ("hosting", "connected"))
        same((first["name"], second["name"]), ("h", "c"))
        same((first["port1"], first["port2"]), (host.port, second["port1"]))
        for one, other in ((first, second), (second, first)):
            same(one["hostname1"], "127.0.0.1")
            for field in ("hostname", "port", "id", "pid"):
                same(one[field + "1"], other[field + "2"])
        same((first["id1"], first["pid1"]), (ours["context_id"], ours["pid"]))
        same((second["id1"], second["pid1"]), (theirs["context_id"], theirs["pid"]))
        same(first["timeout"], 0.5)
        host.do("set_timeout", connection=host.link, seconds=3)
        same(host.do("status", connection=host.link)["timeout"], 3)
        listed = host.do("connections")["connections"]
        same(listed, [{"connection": host.link, "name": "h", "state": "hosting"}])
        with start() as lonely:
            waiting = lonely.do("bind", address="localhost:0")["connection"]
            status = lonely.do("status", connection=waiting)
            same((status["state"], status["hostname2"], status["port2"]), ("waiting", "", 0))
            same((status["id2"], status["pid2"]), ("0" * 16, 0))


def open_pair(receiver, sender, kind_of_value, name):
    receiver.do("open", channel=name, kind="sub", slot=name, type=kind_of_value)
    sender.do("open", channel=name, kind="pub", slot=name, type=kind_of_value)
    return name


TEXTS = ["a", "h\u00e9llo", "\u0000", "line\r\nline", "\U0001f600 \uffff", " blank "]
BYTES = [{"hex": "00"}, {"hex": "00ff"}, {"hex": "0d0a" * 1000}]
OBJECTS = [
    None,
    True,
    False,
    0,
    -1,
    (1 << 53) - 1,
    {"int": str(1 << 53)},
    {"int": "-9223372036854775808"},
    {"float": "1.5"},
    {"float": "-0.0"},
    {"float": "1e+300"},
    {"float": "inf"},
    {"float": "-inf"},
    {"float": "nan"},
    "",
    "\U0001f600\u0000",
    [],
    [1, [2, [None]]],
    {"tuple": []},
    {"tuple": [1, [2], {"tuple": [3]}]},
    {"dict": []},
    {"dict": [["b", 1], ["a", {"dict": [[2, None]]}], [{"tuple": [2, 3]}, True], [None, [1]]]},
]
OTHER_FORMS = [
    ({"int": "7"}, 7),
    ({"float": "0x1.8p+0"}, {"float": "1.5"}),
    ({"float": "2"}, {"float": "2.0"}),
]


def values_both_ways():
    with pair() as (host, client):
        for kind, values in (("txt", TEXTS), ("bin", BYTES), ("obj", OBJECTS)):
            for receiver, sender in ((host, client), (client, host)):
                name = open_pair(receiver, sender, kind, kind + str(receiver is host))
                for value in values:
                    sender.do("send", channel=name, value=value)
                    same(receiver.value(name), value)
        for given, wanted in OTHER_FORMS:
            client.do("send", channel="objTrue", value=given)
            same(host.value("objTrue"), wanted)


def bad_values():
    with start() as driver:
        for kind in ("txt", "bin", "obj"):
            driver.do("open", channel=kind, kind="pub", slot="x", type=kind)
        malformed = [1.5, {}, {"x": 1}, {"int": 1}, {"int": "x"}, {"float": "x"}, {"hex": "0"}]
        malformed += [{"tuple": "x"}, {"int": "1", "float": "1"}]
        malformed += [{"dict": [[1]]}, {"dict": [[[], 1]]}]
        for value in malformed:
            same(driver.refused("send", channel="obj", value=value), "bad-request")
        same(driver.refused("send", channel="obj"), "bad-request")
        unfit = [("txt", 1), ("txt", {"hex": "00"}), ("txt", "\ud800"), ("bin", "x")]
        unfit += [("obj", {"hex": "00"}), ("obj", {"int": str(1 << 63)})]
        for channel, value in unfit:
            same(driver.refused("send", channel=channel, value=value), "failed")


def receiving():
    with pair() as (host, client):
        open_pair(host, client, "obj", "o")
        same(host.refused("recv", channel="o"), "timeout")
        asked = time.monotonic()
        same(host.refused("recv", channel="o", timeout=0.2), "timeout")
        assert time.monotonic() - asked >= 0.2
        waiting = [host.ask("recv", channel="o", timeout=None) for _ in range(3)]
        for value in (1, None, 3):
            client.do("send", channel="o", value=value)
        same([host.reply(ident)["value"] for ident in waiting], [1, None, 3])
        event = host.event("received", channel="o")
        assert asked < event["t"] < time.monotonic(), event


def many_at_once():
    with pair() as (host, client):
        for name in ("a", "b"):
            open_pair(host, client, "txt", name)
        for name, value in (("a", "1"), ("a", "2"), ("b", "3"), ("a", "4"), ("b", "5")):
            client.do("send", channel=name, value=value)
        open_pair(host, client, "txt", "end")
        client.do("send", channel="end", value="end")
        same(host.value("end"), "end")
        same(host.do("pending", channel="a")["count"], 3)
        order = []
        while (chosen := host.do("select", channels=["a", "b"])["channel"]) is not None:
            order.append((chosen, host.do("recv_selected", channel=chosen)["values"]))
        same(order, [("a", ["1", "2"]), ("b", ["3"]), ("a", ["4"]), ("b", ["5"])])
        for value in ("6", "7"):
            client.do("send", channel="a", value=value)
        client.do("flush", timeout=PATIENCE)
        client.do("flush", connection=client.link, timeout=PATIENCE)
        client.do("send", channel="end", value="end")
        same(host.value("end"), "end")
        same(host.do("recv_all", channel="a")["values"], ["6", "7"])


def sync_mode():
    with start() as driver:
        slots = driver.do("open", channel="s", kind="sub", slot="x")
        driver.do("sync_mode", channel="s", on=True)
        port = driver.do("bind", address="127.0.0.1:0")["port"]
        with raw_client(port) as peer:
            peer.greet()
            peer.line()
            for seq in range(1, 34):
                peer.send(int(slots["slot_in_hash"]), seq, b"%d" % seq)
            # Its first look at the queue may have come before there were many, and said ok.
            while (word := peer.package())[1] != b"full":
                same(word[1], b"ok")
            same(word[0][0], int(slots["slot_out_hash"]))
            same([driver.value("s") for _ in range(33)], [str(seq) for seq in range(1, 34)])
            same(peer.package()[1], b"ok")


def undecodable():
    with start() as driver:
        slot = int(driver.do("open", channel="s", kind="sub", slot="x", type="obj")["slot_in_hash"])
        port = driver.do("bind", address="127.0.0.1:0")["port"]
        with raw_client(port) as peer:
            peer.greet()
            peer.line()
            peer.send(slot, 1, b"?")
            peer.send(slot, 2, b"n")
            same(driver.refused("recv", channel="s", timeout=PATIENCE), "failed")
            same(driver.value("s"), None)


def nothing_waits_for_another():
    with start() as driver, listener() as (silent, address):
        driver.do("open", channel="s", kind="sub", slot="x")
        driver.do("open", channel="q", kind="req", slot="x")
        future = driver.do("call", channel="q", method="echo", args=[1], auto_cancel=None)["future"]
        held = [
            driver.ask("recv", channel="s", timeout=600),
            driver.ask("result", future=future, timeout=600),
            driver.ask("do_request", address=address, text="x", timeout=600),
        ]
        with silent.accept()[0]:
            driver.do("pending", channel="s")
            link = driver.do("bind", address="127.0.0.1:0")["connection"]
            same(driver.do("status", connection=link)["state"], "waiting")
            same(driver.refused("recv", channel="s", timeout=0), "timeout")
            assert not any(driver.answered(ident) for ident in held)
            ended = time.monotonic()
            same(driver.end(), 0)
            assert time.monotonic() - ended < 3


def end_of_input():
    with start() as driver:
        driver.do("hello", protocol=1)
        driver.write(b'{"id":2,"op":"hello","protocol":1}')
        same(driver.end(), 0)


def bad_lines():
    with start() as driver:
        lines = [b"zork", b"", b"[]", b"7", b'{"op":"hello"}', b'{"id":"1","op":"hello"}']
        lines += [b'{"id":true,"op":"hello"}', b'"\xff"', b"[" * 99999]
        for line in lines:
            driver.write(line + b"\n")
            stray = driver.stray()
            same((stray["ok"], stray["code"]), (False, "bad-request"))
        same(driver.refused("zork"), "unsupported")
        same(driver.refused(7), "bad-request")
        same(driver.refused("hello"), "bad-request")
        same(driver.refused("bind"), "bad-request")
        same(driver.refused("connect", address="127.0.0.1:1", timeout="1"), "bad-request")
        same(driver.refused("status", connection="9"), "bad-request")
        same(driver.refused("recv", channel="s"), "bad-request")
        same(driver.refused("open", channel="s", kind="zork", slot="x"), "unsupported")
        driver.do("open", channel="s", kind="sub", slot="x")
        same(driver.refused("open", channel="s", kind="sub", slot="y"), "bad-request")
        same(driver.refused("send", channel="s", value="x"), "bad-request")
        same(driver.refused("stop_serve", port=1), "bad-request")
        driver.do("hello", protocol=1)


def what_the_original_refuses():
    with start() as driver, listener() as (taken, address):
        same(driver.refused("bind", address="no port"), "failed")
        # The one below, since the original adds 1.
        below = "127.0.0.1:%d" % (taken.getsockname()[1] - 1)
        same(driver.refused("bind", address=below), "failed")
        same(driver.refused("connect", address="zork", timeout=0.1), "failed")
        driver.do("open", channel="s", kind="sub", slot="x")
        same(driver.refused("open", channel="t", kind="sub", slot="X"), "failed")
        link = driver.do("bind", address="127.0.0.1:0")["connection"]
        same(driver.refused("set_timeout", connection=link, seconds=0.1), "failed")
        asked = driver.ask("connect", address=address, timeout=1)
        with taken.accept()[0] as sock:
            peer = Raw(sock)
            assert peer.line().startswith(b"YOTON!")
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n")
            same(driver.reply(asked)["code"], "failed")


def port_in_the_reply():
    with start() as driver, socket.socket() as held:
        # Bound and not listening: nobody else gets the port, and the original's SO_REUSEADDR does.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        bound = driver.do("bind", address="127.0.0.1:%d" % (held.getsockname()[1] - 1))
        same(driver.do("status", connection=bound["connection"])["port1"], bound["port"])
        with raw_client(bound["port"]) as peer:
            peer.greet()
            assert peer.line().startswith(b"YOTON!")


def closing():
    with pair() as (host, client):
        open_pair(host, client, "txt", "s")
        client.do("send", channel="s", value="last")
        same(host.value("s"), "last")
        client.do("close", connection=client.link, reason="enough of it")
        same(client.event("closed")["connection"], client.link)
        same(client.do("status", connection=client.link)["state"], "closed")
        event = host.event("closed", connection=host.link)
        assert event["reason"] and event["t"] < time.monotonic()
        same(host.do("status", connection=host.link)["state"], "closed")
        same(host.do("connections")["connections"], [])
        client.do("close", connection=client.link)
        host.do("close_channel", channel="s")
        client.do("close_channel", channel="s")
        same(client.refused("send", channel="s", value="x"), "closed")
        same(host.refused("recv", channel="s"), "closed")
        same(host.refused("recv", channel="s", timeout=None), "closed")


def closing_all():
    with start() as driver:
        links = [driver.do("bind", address="127.0.0.1:0")["connection"] for _ in range(2)]
        driver.do("close_on_problem", connection=links[0], reason="mine")
        same(driver.event("closed", connection=links[0])["reason"], "mine")
        driver.do("open", channel="p", kind="pub", slot="x")
        driver.do("close_context")
        driver.event("closed", connection=links[1])
        same(driver.refused("send", channel="p", value="x"), "closed")


def closed_before_the_reply():
    with start() as driver, listener() as (sock, address):
        for _ in range(10):
            asked = driver.ask("connect", address=address, timeout=PATIENCE)
            with sock.accept()[0] as accepted:
                peer = Raw(accepted)
                peer.line()
                close = HEADER.pack(CONTROL, 1, 0, 1, 0, 0, 0)
                accepted.sendall(b"YOTON!%016x.77\r\n" % PEER_ID + close)
                link = driver.reply(asked)["connection"]
                same(driver.event("closed", connection=link)["reason"], "Closed from other end.")


def time_out():
    with start() as driver:
        bound = driver.do("bind", address="127.0.0.1:0")
        with raw_client(bound["port"]) as peer:
            peer.greet()
            peer.line()
            first = driver.event("timedout", connection=bound["connection"])
            same(first["value"], True)
            peer.sock.sendall(HEADER.pack(CONTROL, 1, 0, 0, 0, 0, 0))
            second = driver.event("timedout", connection=bound["connection"])
            same(second["value"], False)
            assert first["t"] <= second["t"]


def standard_output_is_clean():
    with start() as driver:
        port = driver.do("bind", address="127.0.0.1:0")["port"]
        with raw_client(port) as stranger:
            stranger.sock.sendall(b"GET / HTTP/1.1\r\n")
            same(stranger.line(), b"ERROR: this is Yoton.\r\n")
        with raw_client(port) as peer:
            peer.greet()
            peer.line()
        driver.end()
        assert "Handshake failed" in driver.errors(), driver.errors()


def requests_and_replies():
    with pair() as (host, client):
        ident = host.do("hello", protocol=1)["context_id"]
        host.do("open", channel="r", kind="rep", slot="x")
        client.do("open", channel="q", kind="req", slot="x", type="obj")
        same(client.refused("open", channel="t", kind="req", slot="y", type="txt"), "unsupported")
        for mode in ("event", "thread"):
            host.do("rep_mode", channel="r", mode=mode)
            sleep = {"sleep": {"float": "0.01"}}
            asked = client.do("call", channel="q", method="echo", args=[[1, None]], kwargs=sleep)
            value = client.do("result", future=asked["future"], timeout=PATIENCE)["value"]
            same(value, {"tuple": [[1, None], hex(int(ident, 16))]})
        future = client.do("call", channel="q", method="zap")["future"]
        reply = client.reply(client.ask("result", future=future, timeout=PATIENCE))
        same((reply["code"], "zap" in reply["remote"]), ("failed", True))
        host.do("rep_mode", channel="r", mode="off")
        same(client.refused("call", channel="q", method="close"), "unsupported")


def requests_without_replier():
    with start() as driver:
        driver.do("open", channel="q", kind="req", slot="x")
        future = driver.do("call", channel="q", method="echo", args=[1])["future"]
        same(driver.refused("result", future=future, timeout=0.05), "timeout")
        same(driver.do("cancel", future=future)["cancelled"], True)
        same(driver.refused("result", future=future), "cancelled")
        asked = driver.do("call", channel="q", method="echo", args=[1], auto_cancel=0.1)
        same(driver.refused("result", future=asked["future"]), "cancelled")


def states():
    with pair() as (host, client):
        for driver in (host, client):
            driver.do("open", channel="s", kind="state", slot="x")
        same(host.do("recv", channel="s")["value"], "")
        client.do("send", channel="s", value="blue")
        host.event("received", channel="s")
        same(host.do("recv", channel="s", timeout=5)["value"], "blue")
        same(client.do("recv", channel="s")["value"], "blue")


def client_and_server():
    with start() as driver:
        for mode in ("none", "own", "each"):
            port = driver.do("serve", address="127.0.0.1:0", thread=mode)["port"]
            address = "127.0.0.1:%d" % port
            answer = driver.do("do_request", address=address, text="hi", timeout=PATIENCE)
            same(answer["text"], "Requested: hi\r\n")
            driver.do("stop_serve", port=port)
            same(driver.refused("do_request", address=address, text="hi", timeout=1), "failed")


def wrong_environment():
    for name, value in (("YOTON_PATH", "/dev/null"), ("YOTON_ADAPTER_MEMORY", "much")):
        environment = {**os.environ, "YOTON_PATH": YOTON_PATH, name: value}
        done = subprocess.run(
            COMMAND, env=environment, input=b"", capture_output=True, timeout=PATIENCE
        )
        same((done.returncode, done.stdout), (2, b""))
        assert done.stderr.startswith(b"pyzo_adapter: %s=" % name.encode()), done.stderr
        same(done.stderr.count(b"\n"), 1)


TESTS = [
    ("hello says who it is and what it can", hello),
    ("options make the context, before anything else", options),
    ("handshake and package are the original's, byte by byte", bytes_on_the_wire),
    ("status, connections and set_timeout agree at both ends", status_of_both_ends),
    ("txt, bin and obj arrive as they are, both ways", values_both_ways),
    ("malformed values are bad-request, unfit ones failed", bad_values),
    ("recv waits, times out, tells None from nothing, keeps order", receiving),
    ("select, recv_selected, recv_all, pending, flush", many_at_once),
    ("a sub channel in sync mode says full and ok", sync_mode),
    ("a message that cannot be decoded fails alone", undecodable),
    ("an op that waits holds up no other, nor the end", nothing_waits_for_another),
    ("end of input ends the process, a cut line too", end_of_input),
    ("malformed lines and requests are answered", bad_lines),
    ("what the original refuses is failed", what_the_original_refuses),
    ("bind tells the port really bound", port_in_the_reply),
    ("close is seen at both ends; closed channels say so", closing),
    ("close_on_problem and close_context", closing_all),
    ("a peer that closes at once is not missed", closed_before_the_reply),
    ("timedout comes and goes", time_out),
    ("what the original prints goes to standard error", standard_output_is_clean),
    ("requests are answered and refused", requests_and_replies),
    ("requests nobody takes time out and are cancelled", requests_without_replier),
    ("state channels", states),
    ("client and server", client_and_server),
    ("a wrong environment is one line and exit status 2", wrong_environment),
]


def main():
    if not os.path.isfile(os.path.join(YOTON_PATH, "yoton", "__init__.py")):
        advice = "set YOTON_PATH or run .ci/setup.sh"
        print("1..1\nok 1 # SKIP the original is not at %s; %s" % (YOTON_PATH, advice))
        return 0
    print("1..%d" % len(TESTS))
    failed = 0
    for number, (name, test) in enumerate(TESTS, 1):
        try:
            test()
            print("ok %d - %s" % (number, name), flush=True)
        except Exception:
            failed += 1
            print("not ok %d - %s" % (number, name))
            print("# " + traceback.format_exc().rstrip().replace("\n", "\n# "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
