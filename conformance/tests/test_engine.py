#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""yotonspec itself: driven against adapters made up here, good and bad, it says what happened, by verdict, report
and exit code. Prints TAP."""
import html.parser
import json
import os
import pty
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = os.environ.get("YOTONSPEC") or str(ROOT / "build" / "yotonspec")
BROWSER = "HS-12.1"  # a stranger is refused: needs nothing of an adapter but bind
QUICK = ("--timeout-scale", "0.3")
REPORTS = ["index.html", "junit.xml", "results.json", "results.tap"]

# A host that can do the handshake and nothing else. Its first argument says what is wrong with it.
ADAPTER = r'''
import json, os, re, signal, socket, subprocess, sys, threading, time
fault = sys.argv[1] if len(sys.argv) > 1 else ""
memory = sys.argv[2] if len(sys.argv) > 2 else None
ID = "0123456789abcdef"

def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()

def host(listener):
    while True:
        peer, _ = listener.accept()
        data = b""
        while b"\r\n" not in data and (more := peer.recv(100)):
            data += more
        if re.match(rb"YOTON!(?!0{16})[0-9A-Fa-f]{16}\.\d{1,20}\r\n", data):
            listener.close()
            peer.sendall(b"YOTON!%s.7\r\n" % ID.encode())
            while peer.recv(4096):
                pass
            return
        line = b"ERROR: this is Yoton.\r\n"
        if fault == "wrong" or (fault == "flaky" and count() % 2):
            line = b"ERROR: this is Jotun.\r\n"
        peer.sendall(line)
        peer.close()

def count():
    with open(memory, "a") as f:
        f.write(".")
    return os.path.getsize(memory)

def bind(listeners):
    listeners.append(socket.create_server(("127.0.0.1", 0)))
    threading.Thread(target=host, args=(listeners[-1],), daemon=True).start()
    return listeners[-1].getsockname()[1]

listeners, asked = [], 0
if fault == "stays":
    subprocess.Popen(["sleep", "1234"], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
for text in sys.stdin:
    request, asked = json.loads(text), asked + 1
    op, ident = request["op"], request["id"]
    if op == "hello":
        if fault == "no hello":
            print("cannot find my library", file=sys.stderr)
            sys.exit(3)
        say(id=ident, ok=True, protocol=1, implementation="fake", version="1.0 <b>&\"'", pid=7,
            capabilities=[] if fault == "lacks" else ["bind", "host", "port0"], context_id="x" if fault == "bad id" else ID)
    elif op == "bind":
        if fault == "dies":
            print("about to die", file=sys.stderr)
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGSEGV)
        elif fault == "exits":
            sys.exit(9)
        elif fault == "hangs":
            time.sleep(3600)
        elif fault == "floods":
            line = (json.dumps({"event": "received", "channel": "x"}) + "\n") * 1000
            while True:
                sys.stdout.write(line)
        elif fault == "garbage":
            print("Listening now!", flush=True)
        elif fault == "twice":
            answer = json.dumps({"id": ident, "ok": True, "connection": "1", "port": bind(listeners)}) + "\n"
            sys.stdout.write(answer * 2)
            sys.stdout.flush()
            continue
        say(id=ident, ok=True, connection="1", port=bind(listeners))
    else:
        say(id=ident, ok=False, code="unsupported", error="no op `%s` here" % op)
if fault == "dies late" and listeners:
    os.kill(os.getpid(), signal.SIGABRT)
os._exit(0)
'''

number = 0
failed = False


def report(name, *problems):
    """One TAP line; problems are texts, or falsy."""
    global number, failed
    number += 1
    problems = [p for p in problems if p]
    failed |= bool(problems)
    print(("not ok" if problems else "ok") + f" {number} - {name}")
    for problem in problems:
        print("\n".join("# " + line for line in str(problem).splitlines()))
    sys.stdout.flush()


def differs(what, got, wanted):
    return None if got == wanted else f"{what} is {got!r}, not {wanted!r}"


def lacks(what, text, *parts):
    return "; ".join(f"{what} does not say {part!r}: {text[:600]!r}" for part in parts if part not in text)


class Room:
    """A folder with the made-up adapter in it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.script = self.folder / "adapter.py"
        self.script.write_text(ADAPTER)
        self.reports = self.folder / "report"

    def adapter(self, fault=""):
        return f"{sys.executable} {self.script} '{fault}' {self.folder}/memory"

    def spec(self, *arguments, **more):
        return subprocess.run([SPEC, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
                              stdin=subprocess.DEVNULL, **more)

    def run(self, fault, *arguments, case=BROWSER):
        done = self.spec("run", "--command", self.adapter(fault), "--case", case, "--report-dir", self.reports, *arguments)
        return done, self.results()

    def results(self):
        try:
            return json.loads((self.reports / "results.json").read_text())
        except FileNotFoundError:
            return None

    def known(self, *lines):
        path = self.folder / "known"
        path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
        return path


def outcome(done, results, code, verdict, *why):
    """Problems with the exit code, the verdict of the one case, and its reason."""
    problems = [differs("exit code", done.returncode, code)]
    if results is None:
        return [*problems, "there is no results.json: " + done.stderr]
    one = results["cases"][0]
    return [*problems, differs("verdict", one["verdict"], verdict), lacks("why", one["why"], *why),
            differs("exit in results.json", results["exit"], code)]


# ---- Peers --------------------------------------------------------------------------------------


def peers(room):
    done, results = room.run("")
    report("a good peer conforms", *outcome(done, results, 0, "pass"), lacks("output", done.stdout, "conforms", "1 pass"))

    done, results = room.run("wrong")
    one = results["cases"][0]
    report("a wrong line is failed, with what was wrong",
           *outcome(done, results, 1, "fail", "wrong text at offset 15", "this is Jotun"),
           differs("offset", one.get("offset"), 15), differs("field", one.get("field"), "text"),
           lacks("output", done.stdout, "fail HS-12.1 as host", "HS-12 (", "--case HS-12.1 --seed", "index.html"),
           differs("marked entries", sum("wrong" in e for e in one["transcript"]), 1))

    done, results = room.run("dies")
    report("a peer that crashes is named as dead", *outcome(done, results, 5, "fail", "the peer died: signal 11"),
           lacks("stderr of the adapter", results["cases"][0].get("stderr", ""), "about to die"))
    done, results = room.run("exits")
    report("a peer that exits is named as dead", *outcome(done, results, 5, "fail", "the peer died: exit status 9"))
    done, results = room.run("dies late")
    report("a crash at the end of input is seen, too", *outcome(done, results, 5, "fail", "died at the end", "signal 6"))
    done, results = room.run("hangs", *QUICK)
    report("a peer that hangs is named as hanging", *outcome(done, results, 5, "fail", "the peer hangs: no answer to `bind`"))
    done, results = room.run("floods")
    report("a flood is ended", *outcome(done, results, 5, "fail", "floods"))
    done, results = room.run("garbage")
    report("garbage on standard output is the peer's failure",
           *outcome(done, results, 1, "fail", "no JSON object", "Listening now!"))
    done, results = room.run("twice")
    report("two answers to one request are the peer's failure", *outcome(done, results, 1, "fail", "twice"))
    done, results = room.run("lacks")
    report("a capability that is not there is no failure", *outcome(done, results, 0, "unsupported", "`host`"))

    memory = room.folder / "memory"
    memory.unlink(missing_ok=True)
    done, results = room.run("flaky", "--repeat", "4", "--jobs", "1")
    report("verdicts that differ are flaky", *outcome(done, results, 1, "flaky", "2 of 4 runs passed", "Jotun"))

    done, results = room.run("stays")
    left = subprocess.run(["pgrep", "-f", "^sleep 1234$"], capture_output=True, text=True, check=False).stdout
    report("what an adapter leaves behind is ended", *outcome(done, results, 0, "pass"), left and f"still there: {left}")


def unreachable(room):
    for fault, text in (("no hello", "cannot find my library"), ("bad id", "context_id")):
        done, results = room.run(fault)
        report(f"a peer with '{fault}' cannot be judged", differs("exit code", done.returncode, 4),
               lacks("error", done.stderr, text), results and "there is a report", one_line(done))
    done = room.spec("run", "--command", "/no/such/adapter", "--case", BROWSER, "--report-dir", room.reports)
    report("a command that is not there", differs("exit code", done.returncode, 4), one_line(done),
           lacks("error", done.stderr, "/no/such/adapter", "No such file"))
    for peer in ("reference", "pyzo"):
        done = room.spec("run", "--peer", peer, "--report-dir", room.reports,
                         env={**os.environ, "YOTON_BIN": "/no/yoton", "YOTON_PATH": "/no/package"})
        report(f"the peer {peer} is not there", differs("exit code", done.returncode, 4), one_line(done),
               lacks("error", done.stderr, peer, "/no/"))


# ---- The command line ---------------------------------------------------------------------------


def one_line(done):
    lines = done.stderr.splitlines()
    good = len(lines) == 1 and lines[0].startswith("yotonspec: error: ")
    return None if good else f"standard error is not one line: {done.stderr!r}"


def usage(room):
    whom = ("run", "--command", room.adapter())
    (room.folder / "file").write_text("")
    for name, arguments, *parts in (
        ("no command", (), "list, run, adapter-check, check, replay, explain, merge or report"),
        ("an unknown command", ("walk",), "walk"),
        ("an unknown option", ("run", "--fast"), "--fast"),
        ("an option without its value", ("run", "--peer"), "--peer"),
        ("no peer", ("run",), "no peer"),
        ("two peers", (*whom, "--peer", "pyzo"), "more than one"),
        ("an unknown peer", ("run", "--peer", "nobody"), "nobody", "reference"),
        ("a command of nothing", ("run", "--command", " "), "no command"),
        ("a command with a pipe", ("run", "--command", "a | b"), "a | b"),
        ("an address without port", ("run", "--address", "localhost"), "localhost", "HOST:PORT"),
        ("an address as client", ("run", "--address", "localhost:1", "--role", "client"), "client"),
        ("an unknown role", (*whom, "--role", "guest"), "guest", "host, client, both"),
        ("no jobs", (*whom, "--jobs", "0"), "--jobs 0"),
        ("a shard out of range", (*whom, "--shard", "3/2"), "3/2"),
        ("a seed that is no number", (*whom, "--seed", "-1"), "--seed -1"),
        ("a scale that is no number", (*whom, "--timeout-scale", "nan"), "nan"),
        ("a stray word", (*whom, "FRAME-3.1"), "FRAME-3.1"),
        ("an option of another command", ("list", "--seed", "1"), "--seed"),
        ("a known-failures file that is not there", (*whom, "--known-failures", "/no/file"), "/no/file"),
        ("a report folder below a file", (*whom, "--report-dir", room.folder / "file" / "x"), "report folder", "--report-dir"),
        ("explain of nothing", ("explain",), "explain"),
        ("explain of an unknown case", ("explain", "FRAME-999.1"), "FRAME-999.1"),
    ):
        done = room.spec(*arguments)
        report("bad usage: " + name, differs("exit code", done.returncode, 2), one_line(done),
               lacks("error", done.stderr, *parts), differs("standard output", done.stdout, ""))
    for name, arguments in (("a glob", ("--case", "NONE*")), ("exclude", ("--exclude", "*")),
                            ("a shard", ("--case", BROWSER, "--shard", "2/2"))):
        done = room.spec(*whom, "--report-dir", room.reports, *arguments)
        report("nothing selected by " + name, differs("exit code", done.returncode, 3), one_line(done))
    done = room.spec("list", "--case", "NONE*")
    report("nothing to list", differs("exit code", done.returncode, 3), one_line(done))
    done = room.spec("--help")
    report("help", differs("exit code", done.returncode, 0), lacks("help", done.stdout, "usage:", "--known-failures", "exit status"))


def listing(room):
    cases = json.loads(room.spec("list", "--json").stdout)
    plain = room.spec("list").stdout.splitlines()
    wire = (ROOT / "spec" / "wire.md").read_text()
    wrong = [c["id"] for c in cases if f'<a id="{c["requirement"]}">' not in wire or not c["about"]]
    report("list names every case once, each of a requirement that exists", differs("lines", len(plain), len(cases)),
           wrong, differs("ids", len({c["id"] for c in cases}), len(cases)))
    must = json.loads(room.spec("list", "--json", "--level", "must", "--origin", "hardening", "--role", "host").stdout)
    report("list filters", not must and "nothing left",
           [c["id"] for c in must if (c["level"], c["origin"]) != ("must", "hardening") or c["role"] == "client"])
    done = room.spec("explain", "HS-3.2")
    report("explain names the mutants that prove a case and what it shows about the original",
           lacks("stdout", done.stdout, "conformance/mutants/NAME.patch", "own-id-elsewhere: ", "F4: An id with a leading zero"))
    done = room.spec("explain", "FRAME-3", BROWSER)
    report("explain quotes the rule and tells what the case does", differs("exit code", done.returncode, 0),
           lacks("output", done.stdout, "lost track of the stream", "FRAME-3.1", "6.1 Header", "this is Yoton"))
    parts = [room.run("", "--shard", f"{i}/3", "--role", "host", case="HS-1[2-6]*")[1] for i in (1, 2, 3)]
    whole = [c["id"] for c in cases if c["requirement"] in ("HS-12", "HS-13", "HS-14", "HS-15", "HS-16") and
             c["role"] != "client" and not c["slow"]]
    report("shards are parts of the whole", differs("cases", sorted(c["id"] for p in parts for c in p["cases"]), sorted(whole)),
           differs("shards", [p["shard"] for p in parts], ["1/3", "2/3", "3/3"]))


# ---- Known failures -----------------------------------------------------------------------------


def known_failures(room):
    entry = {"case": BROWSER, "role": "host", "reason": "Jotun is older"}

    def judge(name, fault, code, verdict, *why, **fields):
        path = room.known("# a comment\n", "\n", {**entry, **fields})
        done, results = room.run(fault, "--known-failures", path)
        report("known failure: " + name, *outcome(done, results, code, verdict, *why))

    judge("it fails", "wrong", 0, "xfail", "this is Jotun")
    judge("it fails with the expected message", "wrong", 0, "xfail", message="Jotun")
    judge("it fails with another message", "wrong", 1, "fail", "known:3", "Odin", message="Odin")
    judge("it passes", "", 1, "xpass", "known:3")
    judge("it fails, and the entry has expired", "wrong", 1, "fail", "expired on 2020-02-02", expires="2020-02-02")
    judge("it passes, and the entry has expired", "", 1, "xpass", "expired on", expires="2020-02-02")
    judge("it fails before the entry expires", "wrong", 0, "xfail", expires="2999-12-31")
    judge("it is of this version", "wrong", 0, "xfail", peer_version="1.*")
    judge("it is of another version", "wrong", 1, "fail", peer_version="2.*")
    judge("the peer dies, as expected", "dies", 0, "xfail", message="the peer died")

    for name, line, *parts in (
        ("that is no JSON", "{\n", "known:1", "JSON"),
        ("with an unknown field", {**entry, "cause": "x"}, "known:1", "cause"),
        ("without a reason", {"case": BROWSER, "role": "host"}, "known:1", "reason"),
        ("of an unknown case", {**entry, "case": "HS-999.1"}, "known:1", "HS-999.1"),
        ("in a role the case has not", {**entry, "role": "client"}, "known:1", "client"),
        ("in an unknown role", {**entry, "role": "both"}, "known:1", "both"),
        ("with a date that is none", {**entry, "expires": "soon"}, "known:1", "soon"),
        ("that is there twice", json.dumps(entry) + "\n" + json.dumps(entry), "known:2", "line 1"),
    ):
        done, results = room.run("", "--known-failures", room.known(line))
        report("a known failure " + name, differs("exit code", done.returncode, 2), one_line(done),
               lacks("error", done.stderr, *parts))


# ---- Reports ------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Sees that elements nest, and collects ids and text."""

    VOID = {"meta", "input", "br"}
    LOOSE = {"dt", "dd", "td", "th"}  # end where the next begins

    def __init__(self, text):
        super().__init__()
        self.open, self.problems, self.ids, self.text, self.outside = [], [], [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.outside += [v for k, v in attrs if k in ("src", "href")]
        if tag not in self.VOID | self.LOOSE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.LOOSE:
            return
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} closes something else")

    def handle_data(self, data):
        self.text += data


def reports(room):
    if room.reports.exists():
        shutil.rmtree(room.reports)
    done, results = room.run("wrong", case="HS-[128]*")
    files = sorted(p.name for p in room.reports.iterdir())
    report("the four reports and the captures are there and nothing else", differs("files", files, sorted([*REPORTS, "captures"])))
    keys = {"format", "complete", "harness", "spec", "peer", "seed", "shard", "started", "seconds", "counts", "cases", "exit"}
    case_keys = {"id", "requirement", "level", "origin", "role", "verdict", "why"}
    report("results.json has what it promises", differs("missing keys", keys - results.keys(), set()),
           [c["id"] for c in results["cases"] if case_keys - c.keys()], differs("format", results["format"], 1),
           differs("counts", sum(results["counts"].values()), len(results["cases"])),
           [c["id"] for c in results["cases"] if c["verdict"] != "pass" and "transcript" not in c])

    tap = (room.reports / "results.tap").read_text().splitlines()
    points = [line for line in tap if line.startswith(("ok ", "not ok "))]
    bad = [line for line in points if line.startswith("not ok ") and "TODO" not in line.rpartition("# ")[2]]
    report("results.tap has its plan and its points", differs("first line", tap[0], "TAP version 14"),
           differs("plan", tap[1], f"1..{len(points)}"), differs("points", len(points), len(results["cases"])),
           differs("failures", len(bad), results["counts"]["fail"]), differs("yaml", tap.count("  ---"), tap.count("  ...")))

    junit = (room.reports / "junit.xml").read_text()
    lint = subprocess.run(["xmllint", "--noout", room.reports / "junit.xml"], capture_output=True, text=True, check=False)
    report("junit.xml is well-formed, with failures as failures", lint.stderr,
           differs("testcases", junit.count("<testcase "), len(results["cases"])),
           differs("failures", junit.count("<failure "), results["counts"]["fail"]), differs("errors", junit.count("<error"), 0))

    text = (room.reports / "index.html").read_text()
    page = Page(text)
    wanted = [f"{c['id']}-{c['role']}" for c in results["cases"]]
    report("index.html is whole, needs nothing else, and escapes what the peer says", *page.problems,
           differs("open at the end", page.open, []), differs("leads to", sorted(page.outside), sorted(c["capture"] for c in results["cases"] if "capture" in c)),
           sorted(set(wanted) - set(page.ids)), lacks("page", page.text, "1.0 <b>&\"'", "this is Jotun", "first wrong byte"))
    steps = [e for c in results["cases"] for e in c.get("transcript", ()) if e["who"] != "adapter" and e["direction"] != "note"
             and ("wrong" in e or not e["what"].startswith("heartbeat"))]
    report("it draws who sent what, an arrow each", differs("arrows", text.count('class="sq-head"'), len(steps)), not steps and "nothing was sent",
           differs("wrong ones", text.count(" sq-wrong"), sum("wrong" in e for e in steps)))

    again = [room.run("wrong", "--seed", seed)[1]["cases"][0]["transcript"] for seed in ("7", "7", "8")]
    lines = [[e["what"] for e in entries if e["who"] == "end 1" and e["direction"] == "sent"] for entries in again]
    report("a rerun sends the same", differs("sent", lines[0], lines[1]))


def unwritable(room):
    shutil.rmtree(room.reports)
    (room.reports / "index.html").mkdir(parents=True)
    done, results = room.run("")
    report("a report that cannot be written is seen before the run", differs("exit code", done.returncode, 2), one_line(done),
           lacks("error", done.stderr, "index.html"))
    (room.reports / "index.html").rmdir()


def terminal(room):
    done, _ = room.run("wrong")
    report("no colour away from a terminal", "\x1b" in done.stdout + done.stderr and "there is an escape")
    for name, environment, coloured in (("a terminal gets colour and progress", {}, True), ("NO_COLOR is heeded", {"NO_COLOR": "1"}, False)):
        master, slave = pty.openpty()
        arguments = [SPEC, "run", "--command", room.adapter("wrong"), "--case", BROWSER, "--report-dir", str(room.reports)]
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                                   env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environment})
        os.close(slave)
        text = b""
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not more:
                break
            text += more
        os.close(master)
        process.wait(30)
        report(name, differs("colour", b"\x1b[1;31m" in text, coloured), lacks("output", text.decode(), "[1/1]"))


# ---- Without an adapter ---------------------------------------------------------------------------


class Target(threading.Thread):
    """A host at a fixed port that binds again after each peer."""

    def __init__(self, times):
        super().__init__(daemon=True)
        self.times = times
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while self.times > 0:
            peer, _ = self.listener.accept()
            data = peer.recv(100)
            if data.startswith(b"YOTON!"):
                peer.sendall(b"YOTON!0123456789abcdef.7\r\n")
            elif data:
                peer.sendall(b"ERROR: this is Yoton.\r\n")
            if data:
                self.times -= 1
            peer.close()
        self.listener.close()


def addresses(room):
    target = Target(1)
    target.start()
    done = room.spec("run", "--address", f"127.0.0.1:{target.port}", "--case", BROWSER, "--case", "HS-3.1",
                     "--report-dir", room.reports)
    verdicts = {c["id"]: c["verdict"] for c in room.results()["cases"]}
    report("an address is judged by the cases that need no adapter", differs("exit code", done.returncode, 0),
           differs("verdicts", verdicts, {BROWSER: "pass", "HS-3.1": "skip"}))
    target = Target(1)
    target.start()
    done = room.spec("run", "--address", f"127.0.0.1:{target.port}", "--case", BROWSER, "--case", "HS-7.1", *QUICK,
                     "--report-dir", room.reports)
    cases = {c["id"]: c for c in room.results()["cases"]}
    report("what a target that does not bind again leaves out is skipped", differs("exit code", done.returncode, 0),
           differs("verdicts", sorted(c["verdict"] for c in cases.values()), ["pass", "skip"]),
           lacks("reasons", " ".join(c["why"] for c in cases.values()), "binds again after each peer"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = room.spec("run", "--address", f"127.0.0.1:{port}", "--case", BROWSER, "--report-dir", room.reports)
    report("an address where nobody is", differs("exit code", done.returncode, 4), one_line(done),
           lacks("error", done.stderr, str(port)))


def main():
    if not os.access(SPEC, os.X_OK):
        print(f"Bail out! {SPEC} is not built")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        room = Room(folder)
        for part in (peers, unreachable, usage, listing, known_failures, reports, unwritable, terminal, addresses):
            part(room)
    print(f"1..{number}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
