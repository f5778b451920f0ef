#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# test-deadline: 600
"""The commands of `yoton` that talk to networks: brokers, errors, signals, pipes, the original at the other end, and
what is shown of them in documents. As test_network_commands.py, which holds what both need."""
import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

from test_agent import PYZO, Adapter
from test_network_commands import (COMMANDS, NICE, PATIENCE, TOP, YOTON, Program, Raw, broker, expect, free_port,
                                   held_port, host, raw_host, run, run_tests)


# ---- Broker ----

def a_broker_joins_many():
    hub, first, second = broker("127.0.0.1:0", "127.0.0.1:0")
    with hub, contextlib.ExitStack() as stack:
        subs = [stack.enter_context(Program("sub", address, "news")) for address in (first, second, first, second)]
        hub.wait_for("(?s)(has come.*){4}")
        expect(run("pub", second, "news", "hello"), 0, "", "")
        for sub in subs:
            sub.wait_for("hello\n")
        expect(subs[0].stop(), 0, "hello\n")
        gone = hub.wait_for(r"- 127\.0\.0\.1:\d+ has gone: (.*)\n").group(1)
        assert gone == NICE, gone
        subs[1].process.kill()
        lost = hub.wait_for(r"(?s)(?:has gone: .*){2}has gone: ([^\n]*)\n").group(1)
        assert lost != NICE, hub.out
        expect(run("pub", first, "news", "again"), 0, "", "")
        for sub in subs[2:]:
            sub.wait_for("hello\nagain\n")
        stamps = re.findall(r"(?m)^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:waiting|[+-]) ", hub.out)
        assert len(stamps) == hub.out.count("\n") == len(hub.lines["out"]), hub.out
        expect(hub.stop(signal.SIGINT), 0, None, "")
        for sub in subs[2:]:
            expect(sub.end(), 0, "hello\nagain\n", NICE)


def brokers_join_brokers():
    near, near_address = broker("127.0.0.1:0")
    with near, Program("broker", "--json", "--connect", near_address, "127.0.0.1:0") as far:
        far_address = "127.0.0.1:" + far.wait_for('"waiting".*"port":([0-9]+)').group(1)
        far.wait_for('"came"')
        with Program("sub", far_address, "news", "--quiet") as sub:
            far.wait_for('(?s)"came".*"came"')
            expect(run("pub", near_address, "news", "over two"), 0, "", "")
            sub.wait_for("over two\n")
            # The far one comes back by itself when the near one does.
            expect(near.stop(), 0)
            far.wait_for('"went"')
            with Program("broker", near_address) as again:
                again.wait_for("has come")
                far.wait_for('(?s)("came".*){3}')
                expect(run("pub", near_address, "news", "anew"), 0, "", "")
                sub.wait_for("over two\nanew\n")
                expect(far.stop(), 0)
        events = [json.loads(line) for line in far.out.splitlines()]
        came = [e for e in events if e["event"] == "came"]
        assert all(re.fullmatch("[0-9a-f]{16}", e["id"]) and e["port"] and e["pid"] for e in came), came
        assert came[1]["pid"] == sub.process.pid, (came, sub.process.pid)
        assert [e["reason"] for e in events if e["event"] == "went"] == [NICE], events
        assert all(abs(e["time"] - time.time()) < 600 for e in events), events


def a_broker_can_be_quiet_or_chatty():
    with held_port() as nobody:
        expect(run("broker", "--connect", nobody, "--timeout", "0.3"), 1, "", "broker: cannot connect to " + nobody)
    hub, address = broker("127.0.0.1:0", "-v")
    with hub:
        with socket.create_connection(("127.0.0.1", int(address.split(":")[1]))) as connected:
            raw = Raw(connected)
            hub.wait_for("is silent\n")
            raw.send(1, b"", 0)  # a heartbeat
            hub.wait_for("(?s)is silent\n.*is back\n")
        hub.wait_for("has gone")
        expect(hub.stop(), 0)
    port = free_port()
    with Program("broker", "--quiet", "localhost:%d" % port) as hub:
        with Program("sub", "localhost:%d" % port, "x", "--count", "1") as sub:
            expect(run("pub", "--timeout", "20", "localhost:%d" % port, "y", "z"), 0, "", "")
            sub.stop()
        expect(hub.stop(), 0, "", "")


def only_terminals_get_colours():
    for no_colour, term, coloured in (("", "xterm", True), ("1", "xterm", False), ("", "dumb", False)):
        environment = {"NO_COLOR": no_colour, "TERM": term}
        ours, theirs = pty.openpty()
        try:
            with Program("broker", "127.0.0.1:0", stdout=theirs, env=environment) as hub:
                os.close(theirs)
                port = int(read_terminal(ours, rb"waiting at 127\.0\.0\.1:(\d+)").group(1))
                expect(run("pub", "127.0.0.1:%d" % port, "x", "y"), 0, "", "")
                seen = read_terminal(ours, rb"(?s).*has gone[^\n]*\n").group(0)
                assert (b"\x1b[32m+" in seen and b"\x1b[31m-" in seen) == coloured == (b"\x1b" in seen), seen
                expect(hub.stop(), 0)
        finally:
            os.close(ours)


def read_terminal(terminal, pattern):
    seen = b""
    while not re.search(pattern, seen):
        assert select.select([terminal], [], [], PATIENCE)[0], seen
        seen += os.read(terminal, 4096)
    return re.search(pattern, seen)


# ---- Errors, signals, pipes ----

def wrong_use_is_told():
    for arguments, why in (
            (["pub"], "ADDRESS is missing"), (["pub", "localhost:x"], "CHANNEL is missing"),
            (["req", "localhost:x", "y"], "METHOD is missing"), (["sub", "a", "b", "c"], 'one argument too many: "c"'),
            (["state", "a", "b", "c", "d"], 'one argument too many: "d"'),
            (["broker"], "an ADDRESS or --connect is missing"), (["pub", "--loud", "a", "b"], "unknown option --loud"),
            (["sub", "a", "b", "--count"], "--count wants a value"),
            (["sub", "a", "b", "--count", "0"], '--count wants a number from 1 on, not "0"'),
            (["sub", "a", "b", "--timeout", "-1"], '--timeout wants seconds above 0, not "-1"'),
            (["sub", "a", "b", "--timeout=soon"], '--timeout wants seconds above 0, not "soon"'),
            (["sub", "a", "b", "--sync=1"], "--sync takes no value"),
            (["sub", "a", "b", "--type", "int"], '--type wants txt, bin or obj, not "int"'),
            (["rep", "a", "b", "--exec", "add"], '--exec wants NAME=COMMAND, not "add"'),
            (["rep", "a", "b", "--exec", "=x"], '--exec wants NAME=COMMAND, not "=x"'),
            (["broker", "--bind", "a"], "unknown option --bind")):
        expect(run(*arguments), 2, "", why)
        expect(run(*arguments), 2, "", "(see yoton %s --help)" % arguments[0])


def addresses_that_do_not_work():
    rest = {"pub": ["x", "y"], "sub": ["x"], "req": ["x", "y"], "rep": ["x"], "state": ["x"]}
    for command, more in rest.items():
        expect(run(command, "nonsense", *more), 1, "", "yoton %s: cannot connect to nonsense" % command)
        expect(run(command, "127.0.0.1:99999", *more, "--bind"), 1, "", command + ": cannot bind to 127.0.0.1:99999")
        with held_port() as nobody:
            expect(run(command, nobody, *more, "--timeout", "0.2"), 1, "", command + ": cannot connect to " + nobody)
        with socket.create_server(("127.0.0.1", 0)) as server:
            taken = "127.0.0.1:%d" % server.getsockname()[1]
            expect(run(command, taken, *more, "--bind"), 1, "", "cannot bind to %s: Address already in use" % taken)
        got = run(command, "127.0.0.1:0", *more, "--bind", "--timeout", "0.2")
        assert got[0] == 1 and re.fullmatch(
            r"yoton \w+: waiting at 127\.0\.0\.1:(\d+)\nyoton \w+: nobody connected at 127\.0\.0\.1:\1 within 0\.2 s; "
            r"does the other side use that address\?\n", got[2]), got
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = "127.0.0.1:%d" % server.getsockname()[1]
        expect(run("broker", "127.0.0.1:0", taken, "-q"), 1, "", "cannot bind to %s: Address already in use" % taken)
    expect(run("sub", "localhost:" + "1" * 600, "x"), 1, "", "the address has more than")
    expect(run("sub", "localhost:1", "x" * 70000), 1, "", "cannot open a channel")


def a_port_that_speaks_otherwise():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        with Program("sub", "127.0.0.1:%d" % server.getsockname()[1], "x") as sub:
            connected, _ = server.accept()
            with connected:
                connected.sendall(b"220 mail.example.org\r\n")
                expect(sub.end(), 1, "", "yoton sub: cannot connect to 127.0.0.1:")


def signals_end_it_nicely():
    """the other side is told, and the exit code says whether something was left undone"""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for command, more, code in (("sub", ["x"], 0), ("sub", ["x", "--count", "1"], 1), ("rep", ["x"], 0),
                                    ("state", ["x", "--watch"], 0), ("state", ["x"], 1), ("pub", ["x"], 1),
                                    ("req", ["x", "y"], 1)):
            peer, address = host("sub", "other")
            with peer, Program(command, address, *more, "-v", stdin=subprocess.PIPE) as program:
                program.wait_for("connected at", "err")
                got = program.stop(number)
                said = got[2].splitlines()
                assert got[0] == code, (command, number, got)
                assert ("interrupted" in got[2]) == (code == 1), got
                assert len([line for line in said if line.startswith("yoton %s: " % command)]) == code, got
                expect(peer.end(), 0)
                assert NICE in peer.err, (command, peer.err)


def signals_while_connecting():
    for command, more in (("sub", ["x"]), ("pub", ["x", "y"]), ("rep", ["x"]), ("req", ["x", "y"])):
        ended = 0 if command in ("sub", "rep") else 1
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(PATIENCE)
            with Program(command, "127.0.0.1:%d" % server.getsockname()[1], *more, "--timeout", "300") as program:
                with server.accept()[0]:  # and not a word
                    expect(program.stop(), ended, "", "interrupted" if ended else "")
        waiting, _ = host(command, *more, "--timeout", "300")
        with waiting:
            got = waiting.stop()
            assert got[0] == ended and ("interrupted" in got[2]) == (ended == 1), got


def a_second_signal_ends_it_at_once():
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * (32 << 20))
        file.seek(0)
        with raw_host("pub", "news", stdin=file) as (pub, raw):
            while len(raw.bytes) < 4096:  # the message has begun
                raw.fill()
            while pub.process.poll() is None:  # what it sends is not read, so it would take its time
                pub.process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pub.process.wait(0.01)
            assert pub.end()[0] == 128 + signal.SIGTERM, pub.end()


def readers_that_go():
    """the end of who reads the output is the end of the command, and no error"""
    for command, more in (("sub", ["x"]), ("state", ["x", "--watch"])):
        peer, address = host("sub", "other")
        reading, writing = os.pipe()
        with peer, Program(command, address, *more, "-v", stdout=writing) as program:
            os.close(writing)
            program.wait_for("connected at", "err")
            os.close(reading)
            expect(program.end(), 0, "")
            expect(peer.end(), 0)
            assert NICE in peer.err, peer.err
    pub, address = host("pub", "news", stdin=subprocess.PIPE)
    with pub:
        with subprocess.Popen(["/bin/sh", "-c", '"$0" sub "$1" news | head -n 2', YOTON, address],
                              stdout=subprocess.PIPE) as pipe:
            pub.write("1\n2\n3\n")
            assert pipe.stdout.read() == b"1\n2\n"
        assert pub.end()[0] == 1
        assert "ended after line 3: %s" % NICE in pub.err, pub.err


def output_that_cannot_be_written():
    pub, address = host("pub", "news", stdin=subprocess.PIPE)
    with pub, open("/dev/full", "wb") as full, Program("sub", address, "news", stdout=full) as sub:
        pub.write("1\n")
        expect(sub.end(), 1, "", "cannot write to standard output: No space left on device")
    pub, address = host("pub", "news", stdin=subprocess.PIPE)
    with pub:
        pub.write("1\n")
        done = subprocess.run(["/bin/sh", "-c", '"$0" sub "$1" news <&- >&-', YOTON, address], stderr=subprocess.PIPE,
                              check=False, timeout=PATIENCE)
        assert done.returncode == 1 and b"standard output: Bad file descriptor\n" in done.stderr, done
    for command in COMMANDS:
        with open("/dev/full", "wb") as full:
            expect(run(command, "--help", stdout=full), 1, "", "cannot write to standard output")


def peers_that_are_lost():
    pub, address = host("pub", "news", stdin=subprocess.PIPE)
    with pub, Program("sub", address, "news") as sub:
        pub.write("1\n")
        sub.wait_for("1\n")
        pub.process.kill()
        expect(sub.end(), 1, "1\n", "yoton sub: the connection is lost: ")
    sub, address = host("sub", "news")
    with sub, Program("pub", address, "news", stdin=subprocess.PIPE) as pub:
        pub.write("1\n")
        sub.wait_for("1\n")
        sub.process.kill()
        expect(pub.end(), 1, "", "yoton pub: ended after line 1: ")


def connections_have_names():
    """--name does no harm, and one that is too long is refused"""
    sub, address = host("sub", "news", "--name", "here")
    with sub:
        expect(run("pub", address, "news", "--name", "there", "x"), 0, "", "")
        expect(sub.end(), 0, "x\n")
    expect(run("sub", "--name", "n" * 300, "localhost:x", "news"), 1, "", "the connection has more than 255 bytes")


# ---- With the original ----

def original_hosts_each_channel():
    with Adapter(PYZO) as pyzo:
        address = "127.0.0.1:%d" % pyzo.call("bind", address="127.0.0.1:0")["port"]
        for kind, value, printed in (("txt", "w\u00f6rld", "w\u00f6rld\n"), ("bin", {"hex": "00ff"}, "00ff\n"),
                                     ("obj", {"tuple": [1, {"float": "2.5"}, None]}, "(1, 2.5, None)\n")):
            pyzo.call("open", channel="p" + kind, kind="pub", slot="news", type=kind)
            with Program("sub", address, "news", "--type", kind, "-v") as sub:
                sub.wait_for("connected at", "err")
                pyzo.call("send", channel="p" + kind, value=value)
                sub.wait_for(re.escape(printed))
                expect(sub.stop(), 0, printed)
            pyzo.event("closed", reason=NICE)
            address = "127.0.0.1:%d" % pyzo.call("bind", address="127.0.0.1:0")["port"]
            pyzo.call("open", channel="s" + kind, kind="sub", slot="news2", type=kind)
            given = printed.rstrip("\n")
            expect(run("pub", address, "news2", "--type", kind, given), 0, "", "")
            got = pyzo.call("recv", channel="s" + kind, timeout=PATIENCE)["value"]
            assert got == value, (got, value)
            pyzo.event("closed", reason=NICE)
            address = "127.0.0.1:%d" % pyzo.call("bind", address="127.0.0.1:0")["port"]
        pyzo.call("open", channel="r", kind="rep", slot="calc")
        pyzo.call("rep_mode", channel="r", mode="thread")
        with Program("broker", "--connect", address, "127.0.0.1:0") as hub:
            address = "127.0.0.1:" + hub.wait_for(r"waiting at 127\.0\.0\.1:(\d+)").group(1)
            hub.wait_for("has come")
            got = run("req", address, "calc", "echo", "['x', 3]", "sleep=0.01")
            expect(got, 0, None, "")
            assert re.fullmatch(r"\(\['x', 3\], '0x[0-9a-f]+'\)\n", got[1]), got
            got = run("req", address, "calc", "echo")
            assert got[0] == 1 and got[2].startswith("yoton req: echo failed: "), got
            pyzo.call("open", channel="t", kind="state", slot="temperature", type="txt")
            expect(run("state", address, "temperature", "20"), 0, "", "")
            wait_value(pyzo, "t", "20")
            expect(run("state", address, "temperature"), 0, "20\n", "")
            with Program("state", address, "temperature", "--watch") as watcher:
                watcher.wait_for("20\n")
                pyzo.call("send", channel="t", value="21")
                watcher.wait_for("21\n")
                expect(watcher.stop(), 0, "20\n21\n")


def wait_value(adapter, channel, value):
    deadline = time.monotonic() + PATIENCE
    while True:
        reply = adapter.reply(adapter.post("recv", channel=channel, timeout=0))
        if reply.get("value") == value:
            return
        assert time.monotonic() < deadline, reply
        time.sleep(0.01)


def original_connects_to_each_command():
    with Adapter(PYZO) as pyzo:
        sub, address = host("sub", "news", "--count", "2")
        with sub:
            pyzo.call("open", channel="p", kind="pub", slot="news", type="txt")
            pyzo.call("connect", address=address, timeout=PATIENCE)
            pyzo.call("send", channel="p", value="one")
            pyzo.call("send", channel="p", value="two")
            expect(sub.end(), 0, "one\ntwo\n")
            pyzo.event("closed", reason=NICE)
        pyzo.call("open", channel="s", kind="sub", slot="news", type="obj")
        pub, address = host("pub", "news", "--type", "obj", "{'a': None}")
        with pub:
            pyzo.call("connect", address=address, timeout=PATIENCE)
            got = pyzo.call("recv", channel="s", timeout=PATIENCE)["value"]
            assert got == {"dict": [["a", None]]}, got
            expect(pub.end(), 0, "")
            pyzo.event("closed", reason=NICE)
        rep, address = host("rep", "calc", "--literal", "--exec", 'add=expr "$1" + "$2" + "$YOTON_ARG_more"',
                            "--exec", "fail=echo no >&2; exit 1")
        with rep:
            pyzo.call("open", channel="q", kind="req", slot="calc")
            pyzo.call("connect", address=address, timeout=PATIENCE)
            future = pyzo.call("call", channel="q", method="add", args=[3, 4], kwargs={"more": 5})["future"]
            assert pyzo.call("result", future=future, timeout=PATIENCE)["value"] == 12
            future = pyzo.call("call", channel="q", method="fail", args=[], kwargs={})["future"]
            reply = pyzo.reply(pyzo.post("result", future=future, timeout=PATIENCE))
            assert not reply["ok"] and "no" in reply["error"], reply
            expect(rep.stop(), 0, "")
            pyzo.event("closed", reason=NICE)


def a_broker_among_all():
    """three of ours and two contexts of the original"""
    hub, address = broker("127.0.0.1:0")
    with hub, Adapter(PYZO) as one, Adapter(PYZO) as two, Program("sub", address, "news") as sub:
        hub.wait_for("has come")
        for number, adapter in enumerate((one, two), 2):
            adapter.call("open", channel="s", kind="sub", slot="news", type="txt")
            adapter.call("open", channel="p", kind="pub", slot="news", type="txt")
            adapter.call("connect", address=address, timeout=PATIENCE)
            hub.wait_for("(?s)(has come.*){%d}" % number)
        expect(run("pub", address, "news", "from c"), 0, "", "")
        for adapter in (one, two):
            assert adapter.call("recv", channel="s", timeout=PATIENCE)["value"] == "from c"
        one.call("send", channel="p", value="from python")
        assert two.call("recv", channel="s", timeout=PATIENCE)["value"] == "from python"
        sub.wait_for("from c\nfrom python\n")
        one.call("open", channel="r", kind="rep", slot="calc")
        one.call("rep_mode", channel="r", mode="thread")
        with Program("rep", address, "calc2", "--exec", "hi=echo hi") as rep:
            hub.wait_for("(?s)(has come.*){5}")
            got = run("req", address, "calc", "echo", "1")
            expect(got, 0, None, "")
            assert got[1].startswith("(1, '0x"), got
            two.call("open", channel="q", kind="req", slot="calc2")
            future = two.call("call", channel="q", method="hi", args=[], kwargs={})["future"]
            assert two.call("result", future=future, timeout=PATIENCE)["value"] == "hi"
            expect(rep.stop(), 0)
        expect(hub.stop(), 0)
        expect(sub.end(), 0, "from c\nfrom python\n")
        for adapter in (one, two):
            adapter.event("closed", reason=NICE)


# ---- Help and documents ----

def each_has_its_help():
    listed = run("--help")[1]
    for command in COMMANDS:
        code, out, err = run(command, "--help")
        assert code == 0 and err == "" and out.startswith("usage: yoton %s " % command), (code, out, err)
        assert "\nexample:\n  $ yoton " in out and re.search("(?m)^  %s +\\S" % command, listed), command
        assert max(map(len, out.splitlines())) <= 100, command


def examples_work():
    """what is shown in --help and in the README, is what happens"""
    with open(os.path.join(TOP, "reference", "README.md"), encoding="utf-8") as file:
        section = file.read().split("## The command\n", 1)[1].split("\n## ", 1)[0]
    shown = [("README", block) for block in re.findall(r"(?m)(?:^    .*\n)+", section)]
    shown = [(name, block) for name, block in shown if "$ yoton " in block]
    assert all(any("$ yoton %s " % command in block for _, block in shown) for command in COMMANDS), shown
    for command in COMMANDS:
        shown.append((command, run(command, "--help")[1].split("\nexample:\n", 1)[1]))
    for name, block in shown:
        lines = [line.strip() for line in block.splitlines()]
        script = [line[2:] for line in lines if line.startswith("$ ")]
        example(name, "\n".join(script), "".join(line + "\n" for line in lines if not line.startswith("$ ")))


def example(name, script, output):
    port = free_port()
    script = re.sub(r"localhost:[a-z]+", "127.0.0.1:%d" % port, script) + "\nwait\n"
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(YOTON, os.path.join(folder, "yoton"))
        environment = {**os.environ, "PATH": folder + ":" + os.environ["PATH"]}
        with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
                              env=environment, start_new_session=True) as shell:
            try:
                seen = b""
                while seen.count(b"\n") < output.count("\n"):
                    assert select.select([shell.stdout], [], [], PATIENCE)[0], (name, script, seen)
                    piece = os.read(shell.stdout.fileno(), 4096)
                    assert piece, (name, script, seen, shell.stderr.read())
                    seen += piece
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(shell.pid, signal.SIGTERM)
            seen += shell.stdout.read()
            assert seen.decode() == output, (name, script, seen, shell.stderr.read())


TESTS = [a_broker_joins_many, brokers_join_brokers, a_broker_can_be_quiet_or_chatty, only_terminals_get_colours,
         wrong_use_is_told, addresses_that_do_not_work, a_port_that_speaks_otherwise, signals_end_it_nicely,
         signals_while_connecting, a_second_signal_ends_it_at_once, readers_that_go, output_that_cannot_be_written,
         peers_that_are_lost, connections_have_names, original_hosts_each_channel, original_connects_to_each_command,
         a_broker_among_all, each_has_its_help, examples_work]
WITH_ORIGINAL = {original_hosts_each_channel, original_connects_to_each_command, a_broker_among_all}


if __name__ == "__main__":
    sys.exit(run_tests(TESTS, WITH_ORIGINAL))
