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


def main():
    tests = [chat_goes_from_one_to_the_other]
    failed = 0
    print("1..%d" % len(tests))
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                print("ok %d - %s" % (number, test.__name__.replace("_", " ")))
            except Exception:  # whatever it is, the other tests still run
                failed += 1
                print("not ok %d - %s\n# %s" % (number, test.__name__.replace("_", " "),
                                                traceback.format_exc().replace("\n", "\n# ")))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
