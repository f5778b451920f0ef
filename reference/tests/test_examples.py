#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds the examples against the library in the folder $BUILD (build unless said) and lets them talk. Prints TAP."""
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import traceback

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
ORIGINAL = os.environ.get("YOTON_PATH") or os.path.join(TOP, "build/peer/pyzo/usr/share/pyzo/pyzo")
EXAMPLES = os.path.join(TOP, "reference", "examples")
INCLUDE = "-I" + os.path.join(TOP, "reference", "include")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", INCLUDE]
LIBRARY = [os.path.join(BUILD, "libyoton.a"), "-luv", "-lunistring", "-lgmp", "-lm", "-pthread"]
COMPILER = shlex.split(os.environ.get("CC", "cc"))
PATIENCE = 60


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


class Skip(Exception):
    """This test cannot be done here."""


KERNEL_SESSION = """\
the kernel is ready
>>> print(6*7)
42
>>> square = lambda number, offset=0: number ** 2 + offset
signature(square): 'square(number, offset=0)'
eval(square(7)): 49
>>> import ctypes; _ = ctypes.PyDLL(None).sleep(2)
the kernel is busy: it says nothing, and the connection stands
the kernel is back
>>> print('still', 'here')
still here
the kernel is lost: Other end dropped the connection.
"""


def a_real_pyzo_kernel_works_for_the_ide(folder):
    if not os.path.isdir(os.path.join(ORIGINAL, "pyzokernel")):
        raise Skip("no Pyzo kernel at %s" % ORIGINAL)
    program = build(folder, "ide_kernel")
    done = subprocess.run([program, ORIGINAL, sys.executable], capture_output=True, text=True, timeout=PATIENCE, check=False)
    # A machine that stands still may make the kernel seem busy more often than it is.
    lines = [line for line in done.stdout.splitlines() if not line.startswith(("the kernel is busy", "the kernel is back"))]
    wanted = [line for line in KERNEL_SESSION.splitlines() if not line.startswith(("the kernel is busy", "the kernel is back"))]
    assert lines == wanted and done.returncode == 0, (done.stdout, done.stderr, done.returncode)
    busy = KERNEL_SESSION.splitlines()[7]
    assert busy in done.stdout[done.stdout.index("sleep(2)"):done.stdout.index(">>> print('still'")], done.stdout


def output_of(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0 and done.stderr == "", (done.returncode, done.stdout, done.stderr)
    return done.stdout


def four_contexts_form_a_network(folder):
    lines = output_of(build(folder, "network")).splitlines()
    assert lines == ["stream: message 1", "stream: message 2", "stream: message 3", "data: capital of Peru: 'Lima'",
                     "data: capital of Kenya: 'Nairobi'", "data: capital of Atlantis: None"], lines


def a_client_uses_a_server(folder):
    server, client = build(folder, "simple_server"), build(folder, "simple_client")
    with subprocess.Popen([server, "localhost:0"], stdout=subprocess.PIPE, text=True) as serving:
        address = serving.stdout.readline().split()[-1]
        assert output_of(client, address, "3", "4") == "3 + 4 = 7\nlog: added 3 and 4\n"
        rest, _ = serving.communicate(timeout=PATIENCE)
        assert rest == "the client left: Closed from other end.\n", rest
    with subprocess.Popen([server, "localhost:0"], stdout=subprocess.PIPE, text=True) as serving:
        address = serving.stdout.readline().split()[-1]
        refused = subprocess.run([client, address, "3", "four"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert refused.returncode == 1 and "add takes two integers" in refused.stderr, refused
        serving.communicate(timeout=PATIENCE)


def free_repliers_get_the_work(folder):
    *table, summary = output_of(build(folder, "workers")).splitlines()
    counts = {line.split()[0]: int(line.split()[-1]) for line in table[1:]}
    assert summary == "80 requests, 80 answered, 80 done exactly once", summary
    assert sum(counts.values()) == 80 and counts["slow"] < counts["quick"] and counts["slow"] < counts["brisk"], counts


def everybody_in_the_chat_hears_everybody_once(folder):
    lines = output_of(build(folder, "chat_nodes"), "6").splitlines()
    everybody = range(1, 7)
    assert lines == ["node %d heard: %s, and 0 more" % (node, " ".join(str(who) for who in everybody if who != node))
                     for node in everybody], lines


def main():
    tests = [chat_goes_from_one_to_the_other, four_contexts_form_a_network, a_client_uses_a_server, free_repliers_get_the_work,
             everybody_in_the_chat_hears_everybody_once, a_real_pyzo_kernel_works_for_the_ide]
    failed = 0
    print("1..%d" % len(tests))
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                print("ok %d - %s" % (number, test.__name__.replace("_", " ")))
            except Skip as reason:
                print("ok %d - %s # SKIP %s" % (number, test.__name__.replace("_", " "), reason))
            except Exception:  # whatever it is, the other tests still run
                failed += 1
                print("not ok %d - %s\n# %s" % (number, test.__name__.replace("_", " "),
                                                traceback.format_exc().replace("\n", "\n# ")))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
