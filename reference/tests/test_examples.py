#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds the examples against the library in the folder $BUILD (build unless said) and lets them talk. The kernel is
that of the original in the folder YOTON_PATH. Prints TAP."""
import contextlib
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
EXAMPLES = os.path.join(TOP, "reference", "examples")
INCLUDE = "-I" + os.path.join(TOP, "reference", "include")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", INCLUDE]
LIBRARY = [os.path.join(BUILD, "libyoton.a"), "-luv", "-lunistring", "-lgmp", "-lm", "-pthread"]
ORIGINAL = os.environ.get("YOTON_PATH") or os.path.join(TOP, "build/peer/pyzo/usr/share/pyzo/pyzo")
COMPILER = shlex.split(os.environ.get("CC", "cc"))
PATIENCE = 60


class Skip(Exception):
    """Says why a test cannot be run here."""


def build(folder, name):
    program = os.path.join(folder, name)
    source = os.path.join(EXAMPLES, name + ".c")
    subprocess.run(COMPILER + ["-std=c17"] + STRICT + ["-o", program, source] + LIBRARY, check=True, timeout=PATIENCE)
    return program


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def chat_goes_from_one_to_the_other(folder):
    pub, sub = build(folder, "chat_pub"), build(folder, "chat_sub")
    address = "localhost:%d" % free_port()
    with subprocess.Popen([pub, address], stdin=subprocess.PIPE) as talker:
        with subprocess.Popen([sub, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as listener:
            talker.stdin.write(b"hello\nw\xc3\xb6rld\n\nlast\n")
            talker.stdin.flush()
            # Only once it has connected may the other end finish: it closes behind what it has sent.
            first = listener.stdout.readline()
            talker.stdin.close()
            rest, errors = listener.communicate(timeout=PATIENCE)
            assert first + rest == b"hello\nw\xc3\xb6rld\nlast\n", (first, rest)
            assert errors == b"chat_sub: Closed from other end.\n", errors
            assert listener.returncode == 0
        assert talker.wait(PATIENCE) == 0


def four_contexts_form_a_network(folder):
    printed = subprocess.run([build(folder, "network")], capture_output=True, check=True, timeout=PATIENCE)
    assert printed.stderr == b"", printed.stderr
    assert printed.stdout.decode().splitlines() == [
        "stream: message 1", "stream: message 2", "stream: message 3",
        "data: capital of Peru: 'Lima'", "data: capital of Kenya: 'Nairobi'", "data: capital of Atlantis: None"]


def a_client_asks_a_server(folder):
    server, client = build(folder, "simple_server"), build(folder, "simple_client")
    for numbers, printed, complaint, left in (
            (("3", "4"), "3 + 4 = 7\nlog: added 3 and 4\n", "", "Closed from other end."),
            (("3", "four"), "", "simple_client: the request on calc.obj.req-rep failed: add takes two integers\n", "")):
        with subprocess.Popen([server, "localhost:0"], stdout=subprocess.PIPE, text=True) as serving:
            try:
                words = serving.stdout.readline().split()
                assert words[:2] == ["serving", "at"], words
                asked = subprocess.run([client, words[2], *numbers], capture_output=True, text=True, check=False,
                                       timeout=PATIENCE)
                assert (asked.stdout, asked.stderr) == (printed, complaint), asked
                assert asked.returncode == (complaint != ""), asked
                rest, _ = serving.communicate(timeout=PATIENCE)
                assert rest.startswith("the client left: " + left) and serving.returncode == 0, rest
            finally:
                serving.kill()


def free_workers_get_the_work(folder):
    printed = subprocess.run([build(folder, "workers")], capture_output=True, text=True, check=True, timeout=PATIENCE)
    head, *table, last = [line.split() for line in printed.stdout.splitlines()]
    assert head == ["answered", "ann", "bob", "all"], printed
    counts = {name: [int(n) for n in numbers] for name, *numbers in table}
    assert list(counts) == ["slow", "quick", "brisk"], printed
    assert all(ann + bob == both for ann, bob, both in counts.values()), printed
    assert [sum(column) for column in zip(*counts.values())] == [40, 40, 80], printed
    assert " ".join(last) == "80 requests, 80 answered, 80 done exactly once", printed
    assert counts["slow"][2] < min(counts["quick"][2], counts["brisk"][2]), printed


class Node:
    """A node of the chat: what it prints is read line by line."""

    def __init__(self, stack, program, name, *links):
        self.name = name
        self.process = stack.enter_context(subprocess.Popen([program, name, *links], stdin=subprocess.PIPE, bufsize=0,
                                                            stdout=subprocess.PIPE))
        stack.callback(self.process.kill)

    def read(self):
        assert select.select([self.process.stdout], [], [], PATIENCE)[0], "%s prints nothing more" % self.name
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), (self.name, line)
        return line.decode().rstrip("\n")

    def read_address(self):
        words = self.read().split()
        assert words[:3] == ["*", "waiting", "at"], words
        return words[3]

    def say(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())


NAMES = ("ann", "bob", "cem", "dea")


def line_of_nodes(stack, program, ring):
    """Each node has connected to the one before it, in a ring the last one to the first, too."""
    nodes = [Node(stack, program, NAMES[0], "bind", "localhost:0", *(["bind", "localhost:0"] if ring else []))]
    address = nodes[0].read_address()
    closing = nodes[0].read_address() if ring else None
    for name in NAMES[1:]:
        last = name == NAMES[-1]
        more = ["bind", "localhost:0"] if not last else ["connect", closing] if ring else []
        node = Node(stack, program, name, "connect", address, *more)
        if not last:
            address = node.read_address()
        # Both ends know that they are connected before anybody speaks.
        for end, word in ((node, "connected"), (nodes[-1], "hosting")):
            assert end.read().startswith("* %s with 127.0.0.1:" % word)
        nodes.append(node)
    if ring:
        for end, word in ((nodes[-1], "connected"), (nodes[0], "hosting")):
            assert end.read().startswith("* %s with 127.0.0.1:" % word)
    return nodes


def everybody_sees_everything_once(folder, ring):
    with contextlib.ExitStack() as stack:
        nodes = line_of_nodes(stack, build(folder, "chat_node"), ring)
        for number in range(20):
            for node in nodes:
                node.say("line %d \u00e9" % number)
        # What everybody says last comes behind all that came from him before: then nothing is under way any more.
        for node in nodes:
            node.say("bye")
        for node in nodes:
            seen = {other: [] for other in NAMES if other != node.name}
            while any(lines[-1:] != ["bye"] for lines in seen.values()):
                name, line = node.read().split(": ", 1)
                seen[name].append(line)
            for lines in seen.values():
                assert lines == ["line %d \u00e9" % number for number in range(20)] + ["bye"], (node.name, seen)
        for node in nodes:
            node.process.stdin.close()
        for node in nodes:
            rest = node.process.stdout.read().decode().splitlines()
            assert all(line.startswith("* ") for line in rest), (node.name, rest)
            assert node.process.wait(PATIENCE) == 0


def everybody_in_a_line_sees_everything_once(folder):
    everybody_sees_everything_once(folder, ring=False)


def everybody_in_a_ring_sees_everything_once(folder):
    everybody_sees_everything_once(folder, ring=True)


def start_ide(folder):
    if not os.path.isfile(os.path.join(ORIGINAL, "pyzokernel", "start.py")):
        raise Skip("the original is not there; YOTON_PATH names its folder")
    command = [build(folder, "ide_kernel"), ORIGINAL, sys.executable]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


SILENCE = ("kernel is busy", "kernel is back")  # on a machine that is busy itself it may be noticed more often


def kernel_of(first_line):
    head, _, number = first_line.rpartition(" ")
    assert head == "kernel has connected: process", first_line
    return int(number)


def is_running(process):
    try:
        with open("/proc/%d/stat" % process, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def a_real_kernel_works_is_busy_and_is_lost(folder):
    with start_ide(folder) as ide:
        try:
            printed = ide.communicate(timeout=PATIENCE)[0].splitlines()
        finally:
            ide.kill()
    assert ide.returncode == 0, printed
    kernel = kernel_of(printed[0])
    start, stop = printed.index("ide: print(6*7)"), printed.index("ide: kill the kernel")
    between = printed.index("ide: two seconds in extension code, then print('done')")
    assert printed[1].startswith("    Python "), printed
    assert "    This is the Pyzo interpreter." in printed[:start], printed
    assert [line for line in printed[start:between] if line not in SILENCE] == [
        "ide: print(6*7)", "    42", "signature of area: 'area(width, height=2)'"], printed
    done = printed.index("    done")
    heard = printed[between + 1:done]
    assert heard.count(SILENCE[0]) >= 1 and heard == list(SILENCE) * (len(heard) // 2), printed
    assert [line for line in printed[done + 1:stop] if line not in SILENCE] == [], printed
    assert printed[stop + 1:] == ["kernel is lost: Other end dropped the connection."], printed
    assert not is_running(kernel)


def a_kernel_does_not_outlive_the_program(folder):
    with start_ide(folder) as ide:
        try:
            kernel = kernel_of(ide.stdout.readline().rstrip("\n"))
            assert is_running(kernel)
            os.kill(kernel, signal.SIGSTOP)  # it cannot notice by itself that the program is gone
        finally:
            ide.kill()
    deadline = time.monotonic() + PATIENCE
    while is_running(kernel) and time.monotonic() < deadline:
        time.sleep(0.01)
    if is_running(kernel):
        os.kill(kernel, signal.SIGKILL)
        raise AssertionError("process %d still ran" % kernel)


def each_header_stands_alone(folder):
    headers = sorted(os.listdir(os.path.join(TOP, "reference", "include", "yoton")))
    assert "yoton.h" in headers
    for name in headers:
        source = os.path.join(folder, "alone.c")
        with open(source, "w", encoding="ascii") as file:
            file.write("#include <yoton/%s>\n#include <yoton/%s>\nint main(void) { return 0; }\n" % (name, name))
        for language in (["-std=c17"], ["-x", "c++", "-std=c++17"]):
            if language[0] == "-x" and not has_cxx(folder):
                continue
            command = COMPILER + language + STRICT + ["-fsyntax-only", source]
            subprocess.run(command, check=True, timeout=PATIENCE)


def has_cxx(folder):
    source = os.path.join(folder, "empty.cc")
    with open(source, "w", encoding="ascii"):
        pass
    return subprocess.run(COMPILER + ["-fsyntax-only", source], stderr=subprocess.DEVNULL, check=False).returncode == 0


def main():
    tests = [chat_goes_from_one_to_the_other, four_contexts_form_a_network, a_client_asks_a_server,
             free_workers_get_the_work, everybody_in_a_line_sees_everything_once,
             everybody_in_a_ring_sees_everything_once, a_real_kernel_works_is_busy_and_is_lost,
             a_kernel_does_not_outlive_the_program, each_header_stands_alone]
    failed = 0
    print("1..%d" % len(tests))
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                print("ok %d - %s" % (number, test.__name__.replace("_", " ")))
            except Skip as why:
                print("ok %d - %s # SKIP %s" % (number, test.__name__.replace("_", " "), why))
            except Exception:  # whatever it is, the other tests still run
                failed += 1
                print("not ok %d - %s\n# %s" % (number, test.__name__.replace("_", " "),
                                                traceback.format_exc().replace("\n", "\n# ")))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
