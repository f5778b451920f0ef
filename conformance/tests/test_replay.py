#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`yotonspec replay`: the library of captures against the reference and the original, which answer as was recorded; broken
peers, which do not, and the differences that are named. Prints TAP."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support.spec_run import BUILD, ROOT, SPEC, YOTON, differs, lacks, main, report

CAPTURES = ROOT / "captures"
SLOTS = ["--slots", str(CAPTURES / "slots.txt")]
ORIGINAL = Path(os.environ.get("YOTON_PATH") or BUILD / "peer/pyzo/usr/share/pyzo/pyzo")

# (capture, stream, role) of what cannot be replayed, and why; for the rest the reference answers as recorded.
NOT = {
    ("client-server", 1, "host"): "not Yoton", ("client-server", 1, "client"): "not Yoton",
    **{("lossy", 1, role): "bytes of stream 1 are missing" for role in ("host", "client")},
    **{("snap-cut", 1, role): "bytes of stream 1 are missing" for role in ("host", "client")},
    **{("middle", n, role): "not there from its beginning" for n in (1, 2) for role in ("host", "client")},
    **{(name, 1, role): "not there from its beginning" for name in ("one-way", "nobody-listens") for role in ("host", "client")},
    ("no-yoton-host", 1, "host"): "not Yoton", ("refused-client", 1, "host"): "breaks HS-7", ("refused-http", 1, "client"): "not Yoton",
    ("refused-id", 1, "client"): "not Yoton", ("signals", 1, "client"): "whose name is not known",
    ("silent-client", 1, "host"): "not Yoton", ("silent-client", 1, "client"): "not Yoton", ("silent-host", 1, "host"): "not Yoton",
    ("unterminated-line", 1, "host"): "breaks HS-17", ("unterminated-line", 1, "client"): "not Yoton",
}
# A replier that waits chooses by when it looks: these end there, or go on to the end.
MAY_STOP = {("load-balancing", 1, "host"), ("load-balancing", 3, "client"), ("load-balancing", 4, "client")}
# What the original does otherwise than it was recorded: the recorded end was that of its process, or of another bind.
ORIGINAL_DIFFERS = {("refused-id", 1, "host"), ("own-id-client", 1, "host")}

# Mutants of the original, a capture that shows them, whose place they take, and what is said of the first difference.
MUTANTS = [
    ("big-integers-first", "pub-sub", "host", "payload, from its byte 1 on", "9223372036854775807", "-129"),
    ("bytes-with-an-end", "pub-sub", "host", "payload, from its byte 256 on", "raw.bin.pub-sub", "raw.bin.pub-sub"),
    ("cancelled-silently", "cancelled-request", "client", "it did not come", "'req-'", "nothing"),
    ("deaf-to-close", "close-signal", "host", "it did not end the connection", "the end of the connection", "nothing"),
    ("echoed", "pub-sub", "host", "it was not recorded", "nothing", "'waited for a connection'"),
    ("not-forwarded", "relay", "host", "it did not come", "'through the hub' from", "nothing"),
    ("other-words-for-strangers", "refused-http", "host", "another refusal", '"ERROR: this is Yoton." CRLF', '"ERROR: this is yoton." CRLF'),
    ("pid-in-hex", "handshake", "client", "its line is not good", "YOTON!", "YOTON!"),
    ("reply-to-all", "request-reply", "host", "dest_id", "to 8754da13330dccda", "('hello', "),
    ("reply-without-id", "request-reply", "host", "dest_seq", "dest_seq 2", "yoton_ERROR"),
    ("newcomers-get-nothing", "state", "host", "it did not come", "'calm'", "nothing"),
    ("source-off-by-one", "state", "host", "source_id", "'calm'", "'calm' from"),
]


def captures():
    return sorted(CAPTURES.glob("*.pcapng"))


def replay(*arguments, **environment):
    """The finished process, and the cases of its report."""
    with tempfile.TemporaryDirectory() as folder:
        command = [SPEC, "replay", *map(str, arguments), "--report-dir", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **environment})
        path = Path(folder) / "results.json"
        cases = json.loads(path.read_text())["cases"] if path.exists() else []
        done.page = (Path(folder) / "index.html").read_text() if path.exists() else ""
    return done, cases


def key(case):
    name, stream = case["id"].split(".")[1].split(":")
    return name, int(stream), case["role"]


def the_reference():
    done, cases = replay(*captures(), *SLOTS, "--peer", "reference")
    report(f"{len(cases)} conversations of {len(captures())} captures", differs("exit code", done.returncode, 0), len(cases) < 80 and done.stderr)
    for path in captures():
        wrong = []
        for case in (c for c in cases if key(c)[0] == path.stem):
            why, verdict = NOT.get(key(case)), case["verdict"]
            good = verdict == "skip" and why in case["why"] if why else verdict == "pass"
            stopped = key(case) in MAY_STOP and verdict == "skip" and "another of the requests that waited" in case["why"]
            wrong += [] if good or stopped else [f"{key(case)}: {verdict} {case['why'][:300]}, expected {why or 'no difference'}"]
        report(f"{path.name}: the reference answers as was recorded", *wrong)


def the_original():
    done, cases = replay(*captures(), *SLOTS, "--peer", "pyzo")
    found = {key(c) for c in cases if c["verdict"] == "fail"}
    report("the original answers as it did, but where its process ended", differs("exit code", done.returncode, 1),
           differs("what differs", found, ORIGINAL_DIFFERS), *[f"{key(c)}: {c['why'][:300]}" for c in cases if c["verdict"] == "fail" and key(c) not in ORIGINAL_DIFFERS])


def mutants():
    with tempfile.TemporaryDirectory() as folder:
        for name, capture, role, what, recorded, live in MUTANTS:
            copy = Path(folder) / name
            shutil.copytree(ORIGINAL / "yoton", copy / "yoton")
            shutil.copy2(ORIGINAL / "__init__.py", copy / "__init__.py")
            patch = ROOT / "conformance/mutants/pyzo" / f"{name}.patch"
            subprocess.run(["patch", "-p1", "-s", "-f", "-F0", "-i", patch], cwd=copy, check=True, capture_output=True)
            arguments = [CAPTURES / f"{capture}.pcapng", *SLOTS, "--role", role, "--peer", "pyzo"]
            good, _ = replay(*arguments)
            done, cases = replay(*arguments, YOTON_PATH=str(copy))
            first = cases[0].get("differences", [{}])[0] if cases else {}
            report(f"{name} in {capture} as {role}: {what}", differs("exit code of the original", good.returncode, 0), differs("exit code", done.returncode, 1),
                   lacks("what differs", first.get("what", ""), what), lacks("recorded", first.get("recorded", ""), recorded),
                   lacks("live", first.get("live", ""), live), lacks("the terminal", done.stdout, f"    recorded  {first.get('recorded')}"),
                   lacks("the terminal", done.stdout, f"    live      {first.get('live')}"), lacks("the page", done.page, "<h4>Recorded and live</h4>"),
                   lacks("how to see it again", done.stdout, f"replay {CAPTURES / capture}.pcapng --slots"))


FILTER = r"""
import json, subprocess, sys, threading
child = subprocess.Popen([sys.argv[1], "agent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
if len(sys.argv) > 2:
    print(json.dumps({"id": 0, "op": "options", "context_id": sys.argv[2]}), file=child.stdin, flush=True)
def up():
    for line in child.stdout:
        message = json.loads(line)
        if message.get("id") == 0:
            continue
        if "capabilities" in message:
            message["capabilities"] = [c for c in message["capabilities"] if c != "context_id"]
        print(json.dumps(message), flush=True)
threading.Thread(target=up, daemon=True).start()
for line in sys.stdin:
    child.stdin.write(line)
    child.stdin.flush()
child.kill()
"""


def other_ids():
    """A peer whose id cannot be chosen: the recorded one is replaced wherever it stands."""
    with tempfile.TemporaryDirectory() as folder:
        adapter = Path(folder) / "adapter.py"
        adapter.write_text(FILTER)
        names = ("request-reply", "own-id", "own-id-client", "relay", "state", "loop", "load-balancing", "mixed")
        for chosen in ("", "096b148e993cb95d", "0000000000000abc"):  # echo gives ids without leading zeros
            command = f"'{sys.executable}' -S -E '{adapter}' '{YOTON}' {chosen}"
            done, cases = replay(*[CAPTURES / f"{n}.pcapng" for n in names], *SLOTS, "--command", command)
            wrong = [f"{key(c)}: {c['verdict']} {c['why'][:300]}" for c in cases if c["verdict"] != "pass" and not (key(c) in MAY_STOP and c["verdict"] == "skip")]
            report(f"{len(cases)} conversations with an id of the peer's choice {chosen}", differs("exit code", done.returncode, 0), *wrong)


def an_address():
    """A host without adapter: what it does not have to be told for."""
    with subprocess.Popen([YOTON, "agent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        agent.stdin.write('{"id":1,"op":"bind","address":"127.0.0.1:0"}\n')
        agent.stdin.flush()
        port = json.loads(agent.stdout.readline())["port"]
        done, cases = replay(CAPTURES / "close-signal.pcapng", CAPTURES / "pub-sub.pcapng", *SLOTS, "--role", "host", "--address", f"127.0.0.1:{port}")
        agent.kill()
    got = {key(c)[0]: c["verdict"] for c in cases}
    report("an address alone", differs("exit code", done.returncode, 0), differs("verdicts", got, {"close-signal": "pass", "pub-sub": "skip"}), done.returncode and done.stdout[-1500:])


def times():
    fast, _ = replay(CAPTURES / "pyzo-kernel.pcapng", *SLOTS, "--peer", "reference", "--role", "host")
    slow, cases = replay(CAPTURES / "stopped-process.pcapng", *SLOTS, "--peer", "reference", "--role", "host", "--recorded-times")
    report("as slowly as it was recorded", differs("exit codes", (fast.returncode, slow.returncode), (0, 0)), cases[0]["seconds"] < 1.5 and f"{cases[0]['seconds']} s")


def mistakes():
    for what, arguments, code, text in (
            ("no peer", [CAPTURES / "state.pcapng"], 2, "no peer to judge"), ("no capture", ["--peer", "reference"], 2, "name a capture"),
            ("a file that is none", [ROOT / "README.md", "--peer", "reference"], 4, "README.md"),
            ("a file that is not there", ["/nonexistent.pcap", "--peer", "reference"], 4, "cannot open it"),
            ("names that are not known", [CAPTURES / "pub-sub.pcapng", "--peer", "reference", "--role", "host"], 3, "whose name is not known"),
            ("a stream that is not there", [CAPTURES / "state.pcapng", "--peer", "reference", "--stream", "9"], 3, "no conversation"),
            ("an option of run", [CAPTURES / "state.pcapng", "--peer", "reference", "--slow"], 2, "not an option of this command"),
            ("an option of replay", ["--peer", "reference", "--recorded-times"], 2, "name a capture")):
        done, _ = replay(*arguments)
        report(f"mistakes: {what}", differs("exit code", done.returncode, code), lacks("standard error", done.stderr, text))
    run = subprocess.run([SPEC, "run", "--peer", "reference", "--recorded-times"], capture_output=True, text=True, check=False)
    report("mistakes: --recorded-times is not for run", differs("exit code", run.returncode, 2), lacks("standard error", run.stderr, "not an option"))


def schema():
    """The report of a replay with differences is valid, and its ids name capture and stream."""
    try:
        import jsonschema
    except ImportError:
        report("the schema # SKIP python3-jsonschema is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([SPEC, "replay", CAPTURES / "own-id-client.pcapng", CAPTURES / "refused-id.pcapng", *SLOTS, "--peer", "pyzo", "--report-dir", folder],
                       capture_output=True, check=False, timeout=300)
        results = json.loads((Path(folder) / "results.json").read_text())
        errors = list(jsonschema.Draft202012Validator(json.loads((ROOT / "conformance/report/results.schema.json").read_text())).iter_errors(results))
        ids = [c["id"] for c in results["cases"]]
        report("results.json of a replay is valid", *[e.message[:300] for e in errors[:3]], not any(c.get("differences") for c in results["cases"]) and "no differences in it",
               *[f"id {i}" for i in ids if not re.fullmatch(r"REPLAY-1\.[a-z-]+:\d+", i)])


def with_the_original():
    if not (ORIGINAL / "yoton/__init__.py").is_file():
        report(f"the original and its mutants # SKIP no package `yoton` in {ORIGINAL}")
        return
    the_original()
    mutants()
    schema()


if __name__ == "__main__":
    sys.exit(main(the_reference, with_the_original, other_ids, an_address, times, mistakes))
