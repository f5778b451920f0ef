#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`yotonspec run --address` judges the reference when that binds one port again and again, with nothing left open:
every case of a host that needs no adapter gets a verdict, and all of them pass."""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", Path(__file__).resolve().parents[2] / "build"))
DEADLINE = 120


class Host:
    """The reference's adapter, kept waiting at one port."""

    def __init__(self):
        self.agent = subprocess.Popen([BUILD / "yoton", "agent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True)
        self.number = 0
        self.send("bind", address="127.0.0.1:0")
        self.port = self.read_until(lambda line: line.get("id") == 1)["port"]
        threading.Thread(target=self.serve, daemon=True).start()

    def send(self, op, **fields):
        self.number += 1
        self.agent.stdin.write(json.dumps({"id": self.number, "op": op, **fields}) + "\n")
        self.agent.stdin.flush()

    def read_until(self, wanted):
        for text in self.agent.stdout:
            line = json.loads(text)
            if wanted(line):
                return line
        raise EOFError

    def serve(self):
        """Binds again whenever the present bind has its peer; a refused bind is tried again at once."""
        try:
            while True:
                self.send("status", connection=str(self.connection()))
                asked = self.number
                state = self.read_until(lambda line: line.get("id") == asked).get("state")
                if state != "waiting":
                    self.send("bind", address=f"127.0.0.1:{self.port}")
                    asked = self.number
                    reply = self.read_until(lambda line: line.get("id") == asked)
                    self.latest = reply.get("connection", self.connection())
                else:
                    time.sleep(0.002)  # there is no event for a bind that has its peer
        except (EOFError, OSError, ValueError):
            pass

    def connection(self):
        return getattr(self, "latest", "1")

    def end(self):
        self.agent.kill()
        self.agent.wait()


def main():
    host = Host()
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [BUILD / "yotonspec", "run", "--address", f"127.0.0.1:{host.port}", "--report-dir", folder],
                capture_output=True, text=True, timeout=DEADLINE, check=False)
            cases = json.loads((Path(folder) / "results.json").read_text())["cases"]
    finally:
        host.end()
    passed = [c for c in cases if c["verdict"] == "pass"]
    other = [c for c in cases if c["verdict"] not in ("pass", "skip")]
    left_out = [c for c in cases if c["verdict"] == "skip" and "needs an adapter" not in c["why"]]
    print("1..3")
    results = (
        (done.returncode == 0 and not other, "no case fails the reference at an address"),
        (len(passed) >= 20, "twenty cases and more get a verdict without an adapter"),
        (not left_out, "only cases that need an adapter are left out"),
    )
    for ok, name in results:
        print(("ok" if ok else "not ok") + f" - {name}")
    for case in other + left_out:
        print(f"# {case['id']}: {case['verdict']}: {case['why']}")
    sys.exit(not all(ok for ok, _ in results))


if __name__ == "__main__":
    main()
