#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The check of the captures can fail, and the recorder and its script say what is wrong. Prints TAP."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile

CAPTURES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD", os.path.join(CAPTURES, "..", "build"))
YOTON = os.path.abspath(os.environ.get("YOTON", os.path.join(BUILD, "yoton")))
RECORDER = os.path.join(BUILD, "recorder")


def run(*command, **environment):
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False,
                          env={**os.environ, "YOTON": YOTON, **environment})


def expect(done, status, *texts):
    said = done.stdout + done.stderr
    if done.returncode != status or not all(text in said for text in texts):
        raise AssertionError(f"exit status {done.returncode}, wanted {status} and {texts}:\n{said}")


class Copy:
    """A copy of the captures, to be spoilt."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.captures = os.path.join(self.folder.name, "captures")
        shutil.copytree(CAPTURES, self.captures, ignore=shutil.ignore_patterns("tests", "__pycache__"))
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.captures, name)

    def check(self, **environment):
        return run(self.path("check.sh"), **environment)


def test_good():
    """captures as they are pass"""
    with Copy() as copy:
        expect(copy.check(), 0, "ok 1 - captures/")


def test_made():
    """packets in another order, and each of them twice, make no difference to what was said"""
    with open(os.path.join(CAPTURES, "pub-sub.log"), encoding="utf-8") as f:
        wanted = f.read()
    for name in ("reordered", "repeated"):
        with open(os.path.join(CAPTURES, name + ".log"), encoding="utf-8") as f:
            assert f.read() == wanted, name


def test_other_event():
    """a log with an event more, less or other fails, and shows it"""
    for change in (lambda lines: lines[:-1], lambda lines: lines + ["1 A>B heartbeat\n"],
                   lambda lines: [line.replace("NEW_", "OLD_") for line in lines]):
        with Copy() as copy:
            with open(copy.path("relay.log"), encoding="utf-8") as f:
                lines = f.readlines()
            with open(copy.path("relay.log"), "w", encoding="utf-8") as f:
                f.writelines(change(lines))
            expect(copy.check(), 1, "- captures/relay.pcapng # the events are not those of captures/relay.log", "\n# +")


def test_missing():
    """a capture without log, a log without capture, a capture cut short, no captures at all, no program"""
    with Copy() as copy:
        os.remove(copy.path("relay.log"))
        expect(copy.check(), 1, "- captures/relay.pcapng # it has no captures/relay.log")
    with Copy() as copy:
        os.remove(copy.path("relay.pcapng"))
        expect(copy.check(), 1, "- captures/relay.log # its capture is not there")
    with Copy() as copy:
        os.truncate(copy.path("relay.pcapng"), 1000)
        expect(copy.check(), 1, "- captures/relay.pcapng # yoton dump failed",
               "# yoton dump: captures/relay.pcapng: after byte")
    with Copy() as copy:
        for name in os.listdir(copy.captures):
            if name.endswith((".pcapng", ".log")):
                os.remove(copy.path(name))
        expect(copy.check(), 1)
    with Copy() as copy:
        expect(copy.check(YOTON=copy.path("absent")), 1, "Bail out!", "absent is not there")


def test_recorder_usage():
    """the recorder refuses wrong usage and interfaces that are not there, in one line"""
    for arguments in ([], ["--port"], ["--port", "70000", "--write", "x"], ["--port", "1"], ["--what", "x"]):
        done = run(RECORDER, *arguments)
        expect(done, 2, "see recorder --help")
        assert done.stderr.count("\n") == 1, done.stderr
    expect(run(RECORDER, "--port", "1", "--write", os.devnull, "--interface", "absent0"), 1, "recorder: absent0: ")


def can_capture():
    """Whether there is the right to capture here."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except (PermissionError, AttributeError, OSError):
        return False
    return os.geteuid() == 0


def test_recorder_deadline():
    """the recorder gives up when nobody speaks, and says so"""
    if not can_capture():
        return "no right to capture here"
    with tempfile.NamedTemporaryFile() as file:
        done = run(RECORDER, "--port", "1", "--write", file.name, "--connections", "1", "--deadline", "1")
    expect(done, 1, "recording\n", "recorder: after 1 s 0 of 1 connections had ended")
    return None


def test_recorder_signal():
    """a signal ends the recorder, and what was recorded is a capture"""
    if not can_capture():
        return "no right to capture here"
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.NamedTemporaryFile() as file:
        port = listener.getsockname()[1]
        command = [RECORDER, "--port", str(port), "--write", file.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "recording\n"
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"YOTON!0123456789abcdef.1\r\n")
                listener.accept()[0].close()
            process.terminate()
            assert process.wait(20) == 0
        expect(run(YOTON, "dump", file.name), 0, "hello id=0123456789abcdef pid=1")
    return None


def test_record():
    """the original can be recorded anew, and its log is what the scenario says"""
    if not can_capture():
        return "no right to capture here"
    if not shutil.which("editcap"):
        return "editcap is not installed (Debian: wireshark-common)"
    if not os.path.isdir(os.environ.get("YOTON_PATH", "")):
        return "the original is not there (YOTON_PATH)"
    with tempfile.TemporaryDirectory() as folder:
        done = run(sys.executable, os.path.join(CAPTURES, "record.py"), "--build", BUILD, "--into", folder,
                   "close-signal", "refused-http")
        expect(done, 0, "recording close-signal")
        made = sorted(os.listdir(folder))
        assert made == ["close-signal.log", "close-signal.pcapng", "refused-http.log", "refused-http.pcapng",
                        "slots.txt"], made
    return None


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            skipped = test()
            print(f"ok {number} - {test.__doc__}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except (AssertionError, subprocess.SubprocessError, OSError) as error:
            failed += 1
            print(f"not ok {number} - {test.__doc__}", flush=True)
            print("\n".join(f"# {name}: {line}" for line in str(error)[:4000].splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
