#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The commands `yoton request` and `yoton serve` as a person meets them. Prints TAP."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
YOTON = os.environ.get("YOTON") or os.path.join(TOP, os.environ.get("BUILD", "build"), "yoton")
PATIENCE = 20.0
MIB = 1 << 20


class Server:
    """A `yoton serve`; `end` gives its exit code and what it said on standard error."""

    def __init__(self, *options):
        self.process = subprocess.Popen([YOTON, "serve", *options, "127.0.0.1:0"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening at port "), (line, self.process.stderr.read())
        self.port = int(line.split()[-1])
        self.address = "127.0.0.1:%d" % self.port

    def end(self, number=signal.SIGTERM):
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert out == "", out
        return self.process.returncode, err

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def request(*arguments, data=b"", out=subprocess.PIPE):
    return subprocess.run([YOTON, "request", *arguments], input=data, stdout=out, stderr=subprocess.PIPE, timeout=PATIENCE * 2, check=False)


def answer(*arguments, data=b""):
    done = request(*arguments, data=data)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout


def refused(done, status, words):
    """One line on standard error with these words, and nothing printed."""
    said = done.stderr.decode()
    assert done.returncode == status and done.stdout in (b"", None), done
    assert said.startswith("yoton request: ") and said.count("\n") == 1 and words in said, said


def a_text_is_asked_and_the_answer_printed():
    with Server() as server:
        for text in ("hi", "", "h\u00e9llo \U0001f600", "two words", "a\nb", "x" * 100000):
            assert answer(server.address, text) == ("Requested: %s\n" % text).encode()
        assert answer("--timeout", "20", server.address, "hi") == b"Requested: hi\n"
        assert answer(server.address, "hi", "--timeout", "20.5") == b"Requested: hi\n"
        assert answer("--", server.address, "--help") == b"Requested: --help\n"
        assert answer(server.address, "hi\r\n") == b"Requested: hi\n"


def the_text_comes_from_standard_input():
    with Server() as server:
        for data, text in ((b"hi", b"hi"), (b"hi\n", b"hi"), (b"hi\n\n", b"hi\n"), (b"hi\r\n", b"hi"), (b"", b""), (b"\n", b""),
                           (b"a\nb\n", b"a\nb"), (b"a\0b", b"a\0b"), (b"x" * (MIB - 11), b"x" * (MIB - 11))):
            assert answer(server.address, data=data) == b"Requested: " + text + b"\n", data[:20]


def no_answer_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "127.0.0.1:%d" % silent.getsockname()[1]
        refused(request("--timeout", "0.1", address, "hi"), 1, "no answer from %s within 0.1 s" % address)
    refused(request(address, "hi"), 1, "cannot ask %s: Connection refused" % address)
    refused(request(address, data=b"a\xff"), 1, "malformed UTF-8 at byte 1")
    refused(request(address, data=b"x" * (MIB + 1)), 1, "has 1048577 bytes, 1048576 are allowed")
    refused(request("nowhere", "hi"), 1, "write it as host:port")
    with Server() as server:
        refused(request(server.address, data=b"x" * MIB), 1, "no answer from")  # what comes back would be above the limit


def wrong_command_lines_are_told():
    for arguments, words in (([], "whom to ask is missing"), (["a:1", "b", "c"], "more than one text"), (["--what", "a:1"], "unknown option --what"),
                             (["--timeout"], "wants a number of seconds"), (["--timeout", "0", "a:1"], "above 0, not \"0\""),
                             (["--timeout", "1x", "a:1"], "not \"1x\""), (["--timeout", "nan", "a:1"], "not \"nan\"")):
        refused(request(*arguments), 2, words)
    for arguments, status, words in (([], 2, "where to serve is missing"), (["a:1", "b:1"], 2, "more than one address"),
                                     (["--exec"], 2, "--exec wants a command"), (["--what", "a:1"], 2, "unknown option --what"),
                                     (["nowhere"], 1, "cannot serve at nowhere"), (["192.0.2.7:5000"], 1, "name an address of this machine")):
        done = subprocess.run([YOTON, "serve", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == status and done.stdout == "" and words in done.stderr and done.stderr.count("\n") == 1, done


def a_taken_port_is_told():
    with Server() as server:
        done = subprocess.run([YOTON, "serve", server.address], capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 1 and "Address already in use" in done.stderr and done.stderr.count("\n") == 1, done


def help_has_an_example():
    for command in ("request", "serve"):
        done = subprocess.run([YOTON, command, "--help"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stderr == "", done
        assert done.stdout.startswith("usage: yoton " + command) and "\nexample: yoton " + command in done.stdout, done.stdout
    listed = subprocess.run([YOTON, "--help"], capture_output=True, text=True, check=False).stdout
    assert "\n  request " in listed and "\n  serve " in listed, listed


def what_cannot_be_written_is_told():
    with Server() as server, open("/dev/full", "wb") as full:
        done = request(server.address, "hi", out=full)
        assert done.returncode == 1 and b"cannot write to standard output" in done.stderr, done
        done = subprocess.run([YOTON, "serve", "127.0.0.1:0"], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        assert done.returncode == 1 and b"cannot write to standard output" in done.stderr, done


def requests_and_signals_end_the_server():
    for threads in ([], ["--threads"]):
        with Server(*threads) as server:
            assert answer(server.address, "stop") == b"Requested: stop\n"
            assert server.end(None) == (0, "")
            refused(request(server.address, "hi"), 1, "Connection refused")
        for number in (signal.SIGTERM, signal.SIGINT):
            with Server(*threads) as server:
                assert answer(server.address, "hi") == b"Requested: hi\n"
                assert server.end(number) == (0, "")


class Meeting:
    """A FIFO in a folder: what opens it to write waits here until it is opened to read, and the other way round."""

    def __init__(self, folder, name):
        self.path = os.path.join(folder, name)
        os.mkfifo(self.path)

    def come(self):
        """Waits for the other side; returns what it says."""
        with open(self.path, encoding="utf-8") as file:
            return file.read()

    def let_go(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("go\n")


def asking(address, text):
    return subprocess.Popen([YOTON, "request", address, text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def in_meeting(folder):
    """A command that says what it was asked, waits to be let go, and answers that."""
    here, go = Meeting(folder, "here"), Meeting(folder, "go")
    return here, go, "read -r x; echo $x >%s; read -r y <%s; echo done $x" % (here.path, go.path)


def a_signal_lets_an_exchange_be_finished():
    with tempfile.TemporaryDirectory() as folder:
        here, go, command = in_meeting(folder)
        with Server("--exec", command) as server:
            with asking(server.address, "hi") as client:
                assert here.come() == "hi\n"
                server.process.send_signal(signal.SIGTERM)
                go.let_go()
                assert client.communicate(timeout=PATIENCE) == ("done hi\n", "") and client.returncode == 0
            assert server.end(None) == (0, "")


def a_second_signal_ends_it_at_once():
    with tempfile.TemporaryDirectory() as folder:
        here, go, command = in_meeting(folder)
        with Server("--threads", "--exec", command) as server:
            with asking(server.address, "hi") as client:
                assert here.come() == "hi\n"
                server.process.send_signal(signal.SIGTERM)
                end = time.monotonic() + PATIENCE
                while listens(server.port):  # until it has taken the first one
                    assert time.monotonic() < end
                assert server.process.poll() is None
                server.process.send_signal(signal.SIGTERM)
                assert server.process.wait(PATIENCE) == 1
                client.communicate(timeout=PATIENCE)
                assert client.returncode == 1
            go.let_go()  # the command is left to itself, and ends


def listens(port):
    """Whether somebody listens there; nobody is connected to find out, who would have a command started."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def a_command_answers():
    cases = (
        ("tr a-z A-Z", "hi there", b"HI THERE\n"), ("cat", "$(touch x); `y` \"'*", b"$(touch x); `y` \"'*\n"), ("cat", "", b"\n"),
        ("cat", "two\nlines", b"two\nlines\n"), ("true", "x" * 500000, b"\n"), ("read -r x; echo \"<$x>\"", "a  b", b"<a  b>\n"),
        ("printf 'a\\n\\n'", "", b"a\n\n"), ("printf '\\377a\\303'", "", b"a\n"), ("printf 'a\\r\\nb'", "", b"a\n"), ("wc -c", "12345", b"6\n"),
        ("head -c 3", "x" * 1000000, b"xxx\n"), ("cat", "x" * 1000000, b"x" * 1000000 + b"\n"), ("exec 1>&-", "hi", b"\n"),
        ("head -c %d /dev/zero | tr '\\0' x" % MIB, "", b"x" * MIB + b"\n"),
    )
    for command, text, wanted in cases:
        for threads in ([], ["--threads"]):
            with Server("--exec", command, *threads) as server:
                came = answer(server.address, data=text.encode())
                assert came == wanted, (command, came[:100])
                assert server.end() == (0, "")


def a_command_that_fails_answers_nothing():
    for command, words in (("echo half; exit 3", "the command ended with exit code 3"), ("nosuchcommand 2>/dev/null", "exit code 127"),
                           ("kill -TERM $$", "ended by signal 15"), ("yes", "prints more than 1 MiB"),
                           ("yes; trap '' PIPE; yes 2>/dev/null; read x <&-", "prints more than 1 MiB")):
        with Server("--exec", command) as server:
            refused(request(server.address, "hi"), 1, "no answer from")
            refused(request(server.address, "hi"), 1, "no answer from")
            status, said = server.end()
            assert status == 0 and said.count("yoton serve: no answer: ") == 2 and said.count("\n") == 2 and words in said, said


def a_command_gets_a_clean_process():
    """Signals as usual, and no descriptor but the usual three."""
    command = "grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd"
    with Server("--threads", "--exec", command) as server:
        with socket.create_connection(("127.0.0.1", server.port)):  # a connection that is not to be inherited
            lines = answer(server.address, "").decode().split("\n")
    usual = subprocess.run(["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"], capture_output=True, text=True, check=True).stdout.split("\n")
    assert lines[:1] == usual[:1], (lines, usual)
    assert int(lines[1].split()[1], 16) & 1 << (signal.SIGPIPE - 1) == 0, lines
    assert lines[2:] == ["0", "1", "2", "3", ""], lines  # 3 is the folder that ls reads


def threads_serve_at_once():
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        # Each waits for the other at the FIFO, so neither would end alone.
        command = "read -r x; if [ $x = a ]; then echo from a >%s; else cat %s; fi" % (fifo, fifo)
        with Server("--threads", "--exec", command) as server:
            with asking(server.address, "a") as a, asking(server.address, "b") as b:
                assert b.communicate(timeout=PATIENCE) == ("from a\n", "")
                assert a.communicate(timeout=PATIENCE) == ("\n", "")


def many_clients_at_once():
    with Server("--threads", "--exec", "cat") as server:
        came = {}

        def ask(i):
            came[i] = answer(server.address, str(i))

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert came == {i: b"%d\n" % i for i in range(20)}, came


def nobody_is_asked_by_itself():
    """The system connects a socket to itself when it chooses the port that is asked; here there is but one to choose."""
    script = ("ip link set lo up && echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range && echo ready && "
              "exec \"$0\" request --timeout 5 127.0.0.1:40000 hi")
    done = subprocess.run(["unshare", "-rn", "sh", "-c", script, YOTON], capture_output=True, text=True, timeout=PATIENCE, check=False)
    if not done.stdout.startswith("ready\n"):
        return "network namespaces are not allowed here: %s" % done.stderr.strip().replace("\n", " ")[:100]
    assert done.returncode == 1 and done.stdout == "ready\n" and "Connection refused" in done.stderr, done
    return None


TESTS = [
    a_text_is_asked_and_the_answer_printed, the_text_comes_from_standard_input, no_answer_is_said_in_one_line,
    wrong_command_lines_are_told, a_taken_port_is_told, help_has_an_example, what_cannot_be_written_is_told,
    requests_and_signals_end_the_server, a_signal_lets_an_exchange_be_finished, a_second_signal_ends_it_at_once, a_command_answers,
    a_command_that_fails_answers_nothing, a_command_gets_a_clean_process, threads_serve_at_once, many_clients_at_once,
    nobody_is_asked_by_itself,
]


def main():
    failed = 0
    print("1..%d" % len(TESTS))
    for number, test in enumerate(TESTS, 1):
        name = test.__name__.replace("_", " ")
        try:
            skipped = test()
            print("ok %d - %s%s" % (number, name, " # SKIP " + skipped if skipped else ""))
        except Exception:  # whatever it is, the other tests still run
            failed += 1
            print("not ok %d - %s" % (number, name))
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        sys.stdout.flush()
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
