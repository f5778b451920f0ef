#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# test-deadline: 600
"""The commands of `yoton` that talk to networks, each at its task; more of them is in test_network_life.py.

Runs the build with sanitizers if it is there, else $YOTON or the plain one; the original is the folder $YOTON_PATH that
holds the package `yoton`, driven by the adapter in conformance/peers. With arguments only the tests named. Prints TAP.
"""
import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from test_agent import ORIGINAL

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
CHECKED = os.path.join(BUILD, "asan", "yoton")
YOTON = CHECKED if os.path.exists(CHECKED) else os.environ.get("YOTON") or os.path.join(BUILD, "yoton")
PATIENCE = 20.0
COMMANDS = ("pub", "sub", "req", "rep", "state", "broker")
NICE = "Closed from other end."


class Program:
    """One running command; threads collect what it writes, line by line."""

    def __init__(self, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=None):
        self.arguments = arguments
        self.process = subprocess.Popen([YOTON, *arguments], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                        env={**os.environ, **(env or {})})
        self.news = threading.Condition()
        self.lines = {"out": [], "err": []}
        self.readers = []
        for name, stream in (("out", self.process.stdout), ("err", self.process.stderr)):
            if stream:
                self.readers.append(threading.Thread(target=self.read, args=(name, stream), daemon=True))
        for reader in self.readers:
            reader.start()

    def read(self, name, stream):
        for line in stream:
            with self.news:
                self.lines[name].append(line.decode("utf-8", "replace"))
                self.news.notify_all()

    @property
    def out(self):
        return "".join(self.lines["out"])

    @property
    def err(self):
        return "".join(self.lines["err"])

    def wait_for(self, pattern, stream="out"):
        """The first match of the pattern in what was written."""
        found = lambda: re.search(pattern, "".join(self.lines[stream]))
        with self.news:
            assert self.news.wait_for(found, PATIENCE), "%s: no %r in %r (errors: %r)" % (
                self.arguments, pattern, self.lines[stream], self.err)
            return found()

    def write(self, text):
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        self.process.stdin.flush()

    def end(self):
        """Waits for the end; (exit code, output, errors)."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("%s does not end: %r, %r" % (self.arguments, self.out, self.err)) from None
        for reader in self.readers:
            reader.join(PATIENCE)
        return self.process.returncode, self.out, self.err

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.end()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()


def host(*arguments, **more):
    """A command that hosts at a free port, and its address."""
    program = Program(*arguments[:1], "--bind", "127.0.0.1:0", *arguments[1:], **more)
    return program, "127.0.0.1:" + program.wait_for(r"waiting at 127\.0\.0\.1:(\d+)\n", "err").group(1)


def broker(*arguments):
    program = Program("broker", *arguments)
    ports = [int(program.wait_for(r"(?s)(?:.*?waiting at 127\.0\.0\.1:(\d+)\n){%d}" % i).group(1))
             for i in range(1, sum("--" not in a and a.endswith(":0") for a in arguments) + 1)]
    return [program] + ["127.0.0.1:%d" % port for port in ports]


def run(*arguments, **more):
    with Program(*arguments, **more) as program:
        return program.end()


def expect(got, code, out=None, err=None):
    """err is a part of the one line that is said; "" for silence."""
    assert got[0] == code, "exit code %r, wanted %d: %r" % (got[0], code, got[1:])
    if out is not None:
        assert got[1] == out, "output %r, wanted %r" % (got[1], out)
    if err is not None:
        assert err in got[2] and got[2].count("\n") == bool(err), "said %r, wanted one line with %r" % (got[2], err)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def held_port():
    """A port at which nobody listens, and nobody else can."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield "127.0.0.1:%d" % holder.getsockname()[1]


class Raw:
    """A peer made of bytes: a context of the test's own."""

    def __init__(self, connected):
        self.socket, self.bytes = connected, b""
        self.socket.settimeout(PATIENCE)
        self.socket.sendall(b"YOTON!%016x.%d\r\n" % (0xC0FFEE, os.getpid()))
        while b"\n" not in self.bytes:
            self.fill()
        self.bytes = self.bytes.split(b"\n", 1)[1]

    def fill(self):
        piece = self.socket.recv(65536)
        assert piece, "the other end has closed"
        self.bytes += piece

    def package(self):
        """The next one that is no heartbeat: slot, source_seq, payload."""
        while True:
            while len(self.bytes) < 56:
                self.fill()
            slot, _, seq, _, _, size = struct.unpack("<8x6Q", self.bytes[:56])
            while len(self.bytes) < 56 + size:
                self.fill()
            payload, self.bytes = self.bytes[56:56 + size], self.bytes[56 + size:]
            if slot != 1 or seq != 0:
                return slot, seq, payload

    def send(self, slot, payload, seq):
        self.socket.sendall(struct.pack("<8s6Q", b"YOTON   ", slot, 0xC0FFEE, seq, 0, 0, len(payload)) + payload)


@contextlib.contextmanager
def raw_host(*arguments, **more):
    """A command that connects to a raw peer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        address = "127.0.0.1:%d" % server.getsockname()[1]
        with Program(*arguments[:1], address, *arguments[1:], **more) as program:
            connected, _ = server.accept()
            with connected:
                yield program, Raw(connected)


def slot_of(name):
    return int(subprocess.run([YOTON, "hash", "slot", name], stdout=subprocess.PIPE, check=True).stdout)


# ---- Publish and subscribe ----

def arguments_are_published():
    sub, address = host("sub", "news")
    with sub:
        expect(run("pub", address, "news", "hello", "", "w\u00f6rld", "two words"), 0, "", "")
        expect(sub.end(), 0, "hello\nw\u00f6rld\ntwo words\n")
        assert sub.err.endswith("yoton sub: %s\n" % NICE), sub.err


def lines_are_published():
    pub, address = host("pub", "news", stdin=subprocess.PIPE)
    with pub, Program("sub", address, "news", "--quiet") as sub:
        pub.write("first\n\nsec")
        sub.wait_for("first\n")
        pub.write("ond\nx\ry\nlast without end")
        pub.process.stdin.close()
        expect(pub.end(), 0, "")
        expect(sub.end(), 0, "first\nsecond\nx\ry\nlast without end\n", "")


def much_is_published():
    """more than pipes and sockets hold, in order, nothing lost when the reader is in sync mode"""
    lines = ["%06d %s" % (i, "x" * (i % 300)) for i in range(20000)]
    sub, address = host("sub", "news", "--sync")
    with sub, tempfile.TemporaryFile() as file:
        file.write("\n".join(lines).encode())
        file.seek(0)
        expect(run("pub", address, "news", stdin=file), 0, "", "")
        expect(sub.end(), 0)
        assert sub.out.splitlines() == lines, (len(sub.out.splitlines()), len(lines))


def each_type_has_its_form():
    for kind, given, printed, value in (
            ("txt", ["a\tb"], "a\tb\n", ["a\tb"]),
            ("bin", ["00ff", "DE ad"], "00ff\ndead\n", [{"hex": "00ff"}, {"hex": "dead"}]),
            ("obj", ["None", "{'k': (1, -2.50)}", "\"it's\"", "0x10"], "None\n{'k': (1, -2.5)}\n\"it's\"\n16\n",
             [None, {"dict": [["k", {"tuple": [1, {"float": "-2.5"}]}]]}, "it's", 16])):
        hub, address = broker("127.0.0.1:0")
        with hub, Program("sub", address, "news", "--type=" + kind) as plain, \
                Program("sub", address, "NEWS", "-t", kind, "--json") as parsed:
            hub.wait_for("(?s)has come.*has come")
            expect(run("pub", address, "news", "--type", kind, *given), 0, "", "")
            plain.wait_for(re.escape(printed))
            parsed.wait_for("(.*\n){%d}" % len(given))
            hub.stop()
            expect(plain.end(), 0, printed)
            expect(parsed.end(), 0)
            objects = [json.loads(line) for line in parsed.out.splitlines()]
            assert [o["value"] for o in objects] == value, objects
            assert len({o["source"] for o in objects}) == 1, objects
            assert re.fullmatch("[0-9a-f]{16}", objects[0]["source"]), objects
            assert all(set(o) == {"source", "value"} for o in objects), objects
        # What was printed as JSON is taken as JSON.
        sub, address = host("sub", "news", "--type", kind)
        with sub:
            with Program("pub", "--json", address, "news", "--type", kind, stdin=subprocess.PIPE) as pub:
                pub.write(parsed.out)
                pub.write(json.dumps(value[0]) + "\n")
                pub.process.stdin.close()
                expect(pub.end(), 0, "", "")
            expect(sub.end(), 0, printed + printed.split("\n")[0] + "\n", None)


def bad_values_are_refused():
    with Program("broker", "127.0.0.1:0", "--json") as hub:
        address = "127.0.0.1:" + hub.wait_for('"port":([0-9]+)').group(1)
        for arguments, data, why in (
                (["--type", "bin", "0"], b"", "message 1, column 1: not a pair of hexadecimal digits"),
                (["--type", "bin", "00", "0g"], b"", "message 2, column 2: not a pair of hexadecimal digits"),
                (["--type", "obj", "[1, 2"], b"", "message 1, column 6: a comma or the end of the brackets is missing"),
                (["--type", "obj", "hello"], b"", "message 1, column 1: neither a number"),
                (["--type", "obj", "{1}"], b"", "objects hold no sets"),
                (["--type", "obj"], b"1\n2\nx\n", "line 3, column 1: neither a number"),
                (["--json", "hello"], b"", "message 1, column 5: not JSON"),
                (["--json", "1"], b"", "message 1: a JSON string is wanted; see --type"),
                (["--json", "--type", "bin", "1"], b"", "message 1: bytes want"),
                (["--json", "--type", "obj", '{"int":"x"}'], b"", 'message 1: "int" wants a decimal number'),
                ([], b"good\nbad \xff\n", "line 2: "),
                (["ok", b"\xff"], b"", "message 2: ")):
            with tempfile.TemporaryFile() as file:
                file.write(data)
                file.seek(0)
                expect(run("pub", address, "news", *arguments, stdin=file), 1, "", "yoton pub: ")
                file.seek(0)
                expect(run("pub", address, "news", *arguments, stdin=file), 1, "", why)


def a_malformed_message_is_passed_over():
    slot = slot_of("news.txt.pub-sub")
    with raw_host("sub", "news") as (sub, raw):
        for seq, payload in enumerate((b"one", b"bad \xff", b"two"), 1):
            raw.send(slot, payload, seq)
        sub.wait_for("one\ntwo\n")
        sub.wait_for("UTF-8.*\n", "err")
        raw.socket.close()
        expect(sub.end(), 1, "one\ntwo\n")
        assert "yoton sub: the connection is lost: " in sub.err, sub.err


def counts_and_times_end_it():
    pub, address = host("pub", "news", stdin=subprocess.PIPE)
    with pub, Program("sub", address, "news", "--count", "2") as sub:
        pub.write("1\n2\n3\n4\n")
        expect(sub.end(), 0, "1\n2\n", "")
    pub, address = host("pub", "news", "only")
    with pub, Program("sub", address, "news", "-n", "3") as sub:
        expect(pub.end(), 0)
        expect(sub.end(), 1, "only\n", "yoton sub: ended after 1 of 3 messages: %s" % NICE)
    pub, address = host("pub", "news", stdin=subprocess.PIPE)
    with pub:
        start = time.monotonic()
        expect(run("sub", address, "news", "--timeout", "0.4"), 1, "", "no message came within 0.4 s")
        assert time.monotonic() - start >= 0.4


def sync_mode_speaks():
    """a sub that cannot print tells so, and that it goes on"""
    incoming, outgoing = slot_of("news.txt.pub-sub"), slot_of("news.txt.sub-pub")
    reading, writing = os.pipe()
    with open(reading, "rb") as output, raw_host("sub", "news", "--sync", stdout=writing) as (sub, raw):
        os.close(writing)
        said = []
        for seq in range(1, 101):  # a pipe holds 16 of them
            raw.send(incoming, b"%04d" % seq + b"x" * 4096, seq)
        while b"full" not in said:
            slot, _, payload = raw.package()
            said += [payload] if slot == outgoing else []
        lines = [output.readline()[:4] for _ in range(100)]
        assert lines == [b"%04d" % i for i in range(1, 101)], lines
        while said[-1] != b"ok":
            slot, _, payload = raw.package()
            said += [payload] if slot == outgoing else []
        raw.send(1, b"", 1)  # the close signal
        expect(sub.end(), 0)


def keeping_on():
    """--keep takes one after the other and several at once, and connects again"""
    sub, address = host("sub", "news", "--keep")
    with sub:
        for text in ("one", "two"):
            expect(run("pub", address, "news", text), 0, "", "")
            sub.wait_for(text + "\n")
        with Program("pub", address, "news", stdin=subprocess.PIPE) as first, \
                Program("pub", address, "news", stdin=subprocess.PIPE) as second:
            first.write("three\n")
            sub.wait_for("three\n")
            second.write("four\n")
            sub.wait_for("four\n")
            expect(second.stop(), 1, "", "ended after line 1: interrupted")
            expect(first.stop(), 1, "", "ended after line 1: interrupted")
        sub.wait_for("(?s)(has gone: %s.*){4}" % NICE, "err")
        expect(sub.stop(), 0, "one\ntwo\nthree\nfour\n")
    address = "127.0.0.1:%d" % free_port()
    with Program("sub", address, "news", "--keep") as sub:
        for text in ("one", "two"):
            expect(run("pub", "--bind", address, "news", "--quiet", text), 0, "", "")
            sub.wait_for(text + "\n")
        expect(sub.stop(), 0, "one\ntwo\n")


# ---- Requests and replies ----

def methods_are_called():
    rep, address = host("rep", "calc", "-e", 'add=expr "$1" + "$2"', "-e", 'show=printf "%s|" "$0" "$@"',
                        "-e", "named=echo $YOTON_ARG_x-$YOTON_ARG_long_name", "--exec", "fail=echo gone >&2; exit 3",
                        "--exec", "quiet=exit 4", "--exec", "killed=kill -9 $$", "--exec", "bytes=printf '\\377'",
                        "--exec", "lines=printf 'a\\nb\\n\\n'", "--exec", "nothing=:",
                        "--exec", "warn=echo careful >&2; echo fine", "--exec", "read=cat; echo end")
    with rep:
        for arguments, code, out, err in (
                (["add", "3", "4"], 0, "'7'\n", ""),
                (["add", "3", "four"], 1, "", "add failed: expr: non-integer argument"),
                (["show", "1", "1.50", "None", "true", "'a b'", "it's", "[1,'x']", "(1,)", "", "{'k': True}", "-1"],
                 0, repr("show|1|1.5|None|true|a b|it's|[1, 'x']|(1,)||{'k': True}|-1|") + "\n", ""),
                (["show", "--", "--quiet", "-q", "a b=c", "1=2"], 0, "'show|--quiet|-q|a b=c|1=2|'\n", ""),
                (["named", "x=5", "long_name='6'"], 0, "'5-6'\n", ""),
                (["fail"], 1, "", "yoton req: fail failed: gone\n"),
                (["quiet", "-q"], 1, "", "quiet failed: the command ended with exit code 4"),
                (["killed"], 1, "", "killed failed: the command ended with exit code 137"),
                (["bytes"], 1, "", "bytes failed: the command printed no UTF-8"),
                (["show", "'\\0'"], 1, "", "an argument holds a NUL character"),
                (["lines"], 0, "'a\\nb\\n'\n", ""),
                (["nothing"], 0, "''\n", ""),
                (["warn"], 0, "'fine'\n", ""),
                (["read"], 0, "'end'\n", ""),
                (["missing"], 1, "", "missing failed: "),
                (["close"], 1, "", "close failed: "),
                (["--json", "lines"], 0, '{"value":"a\\nb\\n"}\n', ""),
                (["add", "9" * 20], 1, "", "argument 1, column 1: objects hold integers of 64 bits only")):
            expect(run("req", address, "calc", *arguments), code, out, err)
        echoed = run("req", address, "calc", "echo", "{'a': [1, (2.5, None)]}", "sleep=0.0")
        expect(echoed, 0, None, "")
        assert re.fullmatch(r"\(\{'a': \[1, \(2\.5, None\)\]\}, '0x[0-9a-f]+'\)\n", echoed[1]), echoed
        parsed = json.loads(run("req", address, "calc", "echo", "{'a': 2.5}", "--json")[1])
        assert parsed["value"]["tuple"][0] == {"dict": [["a", {"float": "2.5"}]]}, parsed
        rep.wait_for("careful\n", "err")
        expect(rep.stop(signal.SIGINT), 0, "")


def replies_can_be_literals():
    rep, address = host("rep", "calc", "--literal", "--json", "-e", 'add=expr "$1" + "$2"',
                        "-e", "pair=echo '(1,[None])'", "-e", "word=echo word")
    with rep:
        expect(run("req", address, "calc", "add", "3", "4"), 0, "7\n", "")
        expect(run("req", address, "calc", "pair", "x=1"), 0, "(1, [None])\n", "")
        expect(run("req", address, "calc", "word"), 1, "", "word failed: the command printed no Python literal: ")
        expect(rep.stop(), 0)
        calls = [json.loads(line) for line in rep.out.splitlines()]
        assert calls[0] == {"method": "add", "args": {"tuple": [3, 4]}, "kwargs": {"dict": []}, "value": 7}, calls
        assert calls[1]["kwargs"] == {"dict": [["x", 1]]} and calls[1]["value"] == {"tuple": [1, [None]]}, calls
        assert calls[2]["error"].startswith("the command printed no Python literal"), calls


def requests_that_get_no_reply():
    hub, address = broker("127.0.0.1:0")
    with hub:
        expect(run("req", address, "calc", "add", "--timeout", "0.5"), 1, "",
               'nobody took the request within 0.5 s; does a replier offer "calc" there')
        # A replier that has begun is not waited for longer than asked; it ends with all it has started.
        with tempfile.TemporaryDirectory() as folder:
            where = os.path.join(folder, "pid")
            waits = 'wait=echo $$ >"$1".new; mv "$1".new "$1"; exec sleep 1000'
            with Program("rep", address, "calc", "--exec", waits) as rep:
                hub.wait_for("(?s)has come.*has come")
                with Program("req", address, "calc", "wait", where, "--timeout", "2") as req:
                    expect(req.end(), 1, "", "though a replier has the request, within 2 s")
                with open(where, encoding="ascii") as file:
                    pid = int(file.read())
                os.kill(pid, 0)
                start = time.monotonic()
                expect(rep.stop(), 0, "")
                assert time.monotonic() - start < PATIENCE / 2
                expect_gone(pid)
        with Program("req", address, "calc", "add") as req:
            hub.wait_for("(?s)(has come.*){4}")
            hub.stop()
            expect(req.end(), 1, "", ": %s" % NICE)


def expect_gone(pid):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < deadline, "process %d is there still" % pid
        time.sleep(0.01)


# ---- State ----

def states_are_shared():
    hub, address = broker("127.0.0.1:0")
    with hub:
        with Program("state", address, "temperature", "20", "--watch") as keeper, \
                Program("state", address, "temperature", "--watch", "--json") as watcher:
            keeper.wait_for("20\n")
            watcher.wait_for('"20"')
            expect(run("state", address, "temperature"), 0, "20\n", "")
            expect(run("state", address, "temperature", "21.5"), 0, "", "")
            keeper.wait_for("21.5\n")
            watcher.wait_for('"21.5"')
            expect(run("state", address, "temperature", "21.5"), 0, "", "")  # no change
            expect(run("state", address, "temperature", "--json", '{"value":"22"}'), 0, "", "")
            keeper.wait_for("22\n")
            watcher.wait_for('"22"')
            got = json.loads(run("state", address, "temperature", "--json")[1])
            assert got["value"] == "22" and re.fullmatch("[0-9a-f]{16}", got["source"]), got
            expect(run("state", address, "temperature", ""), 1, "", "an empty state cannot be set")
            expect(keeper.stop(signal.SIGINT), 0, "20\n21.5\n22\n", "")
            expect(watcher.stop(), 0)
            assert [json.loads(line)["value"] for line in watcher.out.splitlines()] == ["20", "21.5", "22"], watcher.out
        for kind, value, printed in (("obj", "{'a':1.50}", "{'a': 1.5}\n"), ("bin", "00FF", "00ff\n")):
            with Program("state", address, "s", value, "--type", kind, "--watch") as keeper:
                keeper.wait_for(re.escape(printed))
                expect(run("state", address, "s", "--type", kind), 0, printed, "")
        expect(run("state", address, "s", "-t", "obj", "1 2"), 1, "", "the value, column 3: something follows the value")
        expect(run("state", address, "nothing", "--timeout", "0.5"), 1, "",
               'no state came within 0.5 s; has somebody set "nothing" there?')


def a_state_that_hosts():
    keeper, address = host("state", "s", "1", "--watch", "--keep")
    with keeper:
        keeper.wait_for("1\n")  # before anybody has come
        for value in ("1", "2", "3"):
            expect(run("state", address, "s"), 0, value + "\n", "")
            expect(run("state", address, "s", str(int(value) + 1)), 0, "", "")
            keeper.wait_for("%d\n" % (int(value) + 1))
        expect(keeper.stop(), 0, "1\n2\n3\n4\n")
    getter, address = host("state", "s")
    with getter:
        expect(run("state", address, "s", "7"), 0, "", "")
        expect(getter.end(), 0, "7\n")


TESTS = [arguments_are_published, lines_are_published, much_is_published, each_type_has_its_form,
         bad_values_are_refused, a_malformed_message_is_passed_over, counts_and_times_end_it, sync_mode_speaks,
         keeping_on, methods_are_called, replies_can_be_literals, requests_that_get_no_reply, states_are_shared,
         a_state_that_hosts]


def run_tests(tests, with_original=()):
    """Those named on the command line, or all. Returns the exit code."""
    tests = [test for test in tests if len(sys.argv) == 1 or test.__name__ in sys.argv[1:]]
    original = os.path.isdir(os.path.join(ORIGINAL, "yoton"))
    failed = 0
    for number in (signal.SIGINT, signal.SIGHUP):  # what is ignored here, as in the background, would be in the commands
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    print("1..%d" % len(tests))
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", " ")
        if test in with_original and not original:
            print("ok %d - %s # SKIP the original is not there; set YOTON_PATH" % (number, name))
            continue
        try:
            test()
            print("ok %d - %s" % (number, name))
        except Exception:  # whatever it is, the other tests still run
            failed += 1
            print("not ok %d - %s\n# %s" % (number, name, traceback.format_exc().replace("\n", "\n# ")))
        sys.stdout.flush()
    return failed > 0


if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
