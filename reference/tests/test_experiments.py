#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the experiments with sockets in their short form, without namespaces, interrupted, killed, and with a program
that breaks a rule. Prints TAP. The program is $YOTON, or `yoton` in the folder $BUILD (build unless said)."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import uuid

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
YOTON = os.path.abspath(os.environ.get("YOTON") or os.path.join(TOP, os.environ.get("BUILD", "build"), "yoton"))
RUN = [sys.executable, os.path.join(TOP, "reference", "experiments", "run.py")]
PATIENCE = 60.0
MARK = "YOTON_EXPERIMENTS_TEST"

# A `yoton` whose agent gives the same reason for every end: what it writes goes through sed.
SAME_REASON = """#!%s
import os, subprocess
sed = subprocess.Popen(["sed", "-u", "s/Other end dropped the connection/Closed from other end/"], stdin=subprocess.PIPE)
os.dup2(sed.stdin.fileno(), 1)
os.execv(%r, [%r, "agent"])
"""


def environment(**more):
    """The tests' own, with a mark by which all that is started can be found."""
    return {**os.environ, "YOTON": YOTON, MARK: uuid.uuid4().hex, **more}


def marked(env):
    """The processes that have the mark, as (process id, network namespace)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                if ("%s=%s" % (MARK, env[MARK])).encode() in f.read().split(b"\0"):
                    found.append((int(pid), os.readlink("/proc/%s/ns/net" % pid)))
        except OSError:
            pass  # it has gone, or is somebody else's
    return found


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "%s: not within %g s" % (what, PATIENCE)
        time.sleep(0.01)


def nothing_left(env):
    wait_for(lambda: not marked(env), "all processes end, and %s is left" % marked(env))
    for command in (["ip", "netns", "list"], ["ip", "link", "show"]):
        if shutil.which("ip"):
            seen = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            assert "yoton" not in seen, "%s shows %s" % (" ".join(command), seen)


def call(*arguments, prefix=(), **more):
    """Status, output, measured values, standard error."""
    env = environment(**more)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "values.json")
        done = subprocess.run([*prefix, *RUN, *arguments, "--json", path], env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        nothing_left(env)
        values = None
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                values = json.load(f)
    return done.returncode, done.stdout, values, done.stderr


def values_of(values, situation):
    return next(s["values"] for s in values["situations"] if s["name"] == situation)


def between(values, name, low, high):
    for value in values[name]:
        assert low <= value <= high, "%s is %s, not between %s and %s" % (name, value, low, high)


def short_form():
    """the short form measures what can be, and leaves nothing behind"""
    status, text, values, errors = call("--quick")
    assert status == 0 and not errors, (status, text, errors)
    assert values["violations"] == [] and values["troubles"] == [], values
    killed, stalled = values_of(values, "same-box-killed"), values_of(values, "same-box-stalled")
    between(killed, "killed", 0, 10)
    between(killed, "nice", 0, 10)
    assert killed["plain"] == ["EOF"], killed
    assert killed["killed-reason"] != killed["nice-reason"], killed
    between(stalled, "told", 0.5, 10)
    between(stalled, "held", 0.5, 5)
    between(stalled, "takes", 64 * 32768, 1 << 27)
    between(stalled, "plain-takes", 1, 1 << 27)
    assert stalled["arrives"] == ["all"], stalled
    if values["namespaces"]["allowed"]:
        names = values["namespaces"]["names"]
        assert len(set(names)) == 2 and os.readlink("/proc/self/ns/net") not in names, names
        cable = values_of(values, "cable-back-late")
        between(cable, "near-told", 0.5, 10)
        between(cable, "far-told", 0.5, 10)
        between(cable, "near-again", 0, 15)
        assert cable["arrives"] == ["all"], cable
    else:
        assert values["namespaces"]["why"] in text, text
    for word in ("Same box: the other process goes", "the manual", "agrees", "1. ", "2. ", "3. "):
        assert word in text, text
    assert "\033" not in text and max(map(len, text.splitlines())) <= 120, text


def without_namespaces():
    """where namespaces are not allowed it says so, and does the rest"""
    forbid = ["unshare", "--user", "--map-root-user", "sh", "-c",
              'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"', "sh"]
    if subprocess.run([*forbid, "true"], capture_output=True, check=False).returncode:
        return "SKIP no user namespaces here, in which others could be forbidden"
    status, text, values, _ = call("--only", "same-box-killed", "--only", "cable-*", "--repeat", "1", prefix=forbid)
    assert status == 0, (status, text)
    assert values["namespaces"]["allowed"] is False and values["namespaces"]["why"], values
    assert "this system gives us no network namespaces" in " ".join(text.split()), text
    assert [s["name"] for s in values["situations"]] == ["same-box-killed"], values
    between(values_of(values, "same-box-killed"), "killed", 0, 10)
    return None


def has_no_way_out(pid):
    """Whether the network device of this process's box is down: then nothing leads there."""
    try:
        with open("/proc/%d/net/route" % pid, encoding="ascii") as f:
            return len(f.readlines()) < 2
    except OSError:
        return False


def begin_with_cable(env):
    """Starts a long run with two boxes, and waits until the cable is pulled between processes that are connected."""
    process = subprocess.Popen([*RUN, "--only", "stalled-pulled", "--repeat", "20"], env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    own = os.readlink("/proc/self/ns/net")

    def pulled():
        inside = [pid for pid, space in marked(env) if space != own]
        return len(inside) >= 5 and any(map(has_no_way_out, inside))  # two hold the boxes, three talk

    wait_for(lambda: pulled() or process.poll() is not None, "a cable that is pulled")
    return process


def interrupted():
    """interrupted, it removes what it made"""
    for number, send in ((signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)):  # a terminal tells the whole group
        env = environment()
        process = begin_with_cable(env)
        early = process.poll() is not None
        if not early:
            send(process.pid, number)
        output, errors = process.communicate(timeout=PATIENCE)
        if early:
            return "SKIP no namespaces here"
        assert process.returncode == 130 and errors == "experiments: interrupted; what was made is removed\n", errors
        assert output == "", output
        nothing_left(env)
    return None


def killed():
    """killed, it takes with it what it made"""
    env = environment()
    process = begin_with_cable(env)
    early = process.poll() is not None
    process.kill()
    process.communicate(timeout=PATIENCE)
    nothing_left(env)
    return "SKIP no namespaces here" if early else None


def breaks_a_rule():
    """a requirement that is broken is named, and ends in 1"""
    with tempfile.TemporaryDirectory() as folder:
        wrong = os.path.join(folder, "yoton")
        with open(wrong, "w", encoding="utf-8") as f:
            f.write(SAME_REASON % (sys.executable, YOTON, YOTON))
        os.chmod(wrong, 0o755)
        status, text, values, _ = call("--only", "same-box-killed", "--repeat", "1", YOTON=wrong)
    assert status == 1 and "VIOLATED LINK-18 in same-box-killed" in text, (status, text)
    assert [v["requirement"] for v in values["violations"]] == ["LINK-18"] and values["troubles"] == [], values


def cannot_work():
    """what cannot be done is said, and ends in 1"""
    status, text, values, _ = call("--only", "same-box-killed", "--repeat", "1", YOTON=shutil.which("false"))
    assert status == 1 and "NOT DONE same-box-killed" in text, (status, text)
    assert values["violations"] == [] and len(values["troubles"]) == 1, values
    status, text, _, errors = call("--quick", YOTON="nowhere/yoton")
    assert status == 1 and text == "" and errors.startswith("experiments: there is no nowhere/yoton;"), errors
    status, text, _, errors = call("--only", "nothing-like-that")
    assert status == 2 and "no situation fits nothing-like-that" in errors, errors


def terminal(**more):
    """What a run writes on a terminal."""
    env = {key: value for key, value in environment().items() if key != "NO_COLOR"}
    master, slave = pty.openpty()
    process = subprocess.Popen([*RUN, "--only", "same-box-killed", "--repeat", "1"], stdin=subprocess.DEVNULL,
                               env={**env, "TERM": "xterm", **more}, stdout=slave, stderr=slave)
    os.close(slave)
    text = b""
    try:
        while part := os.read(master, 4096):
            text += part
    except OSError:
        pass  # the other end of the terminal is closed
    os.close(master)
    assert process.wait(PATIENCE) == 0, text
    return text.decode()


def on_a_terminal():
    """on a terminal there are progress and colours, with NO_COLOR progress only"""
    coloured, plain = terminal(), terminal(NO_COLOR="1")
    for text in (coloured, plain):
        assert "\r\033[KSame box: the other process goes (1 of 1)" in text, text
    assert "\033[32myes\033[0m" in coloured, coloured
    assert "\033[32m" not in plain and "\033[1m" not in plain, plain


TESTS = (short_form, without_namespaces, interrupted, killed, breaks_a_rule, cannot_work, on_a_terminal)


def main():
    print("1..%d" % len(TESTS))
    failed = 0
    for number, test in enumerate(TESTS, 1):
        try:
            skip = test()
            print("ok %d - %s%s" % (number, test.__doc__, " # " + skip if skip else ""), flush=True)
        except Exception:  # pylint: disable=broad-except # whatever it is, the test has failed
            failed += 1
            print("not ok %d - %s" % (number, test.__doc__))
            print("".join("# %s\n" % line for line in traceback.format_exc().splitlines()), end="", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
