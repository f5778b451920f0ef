# SPDX-License-Identifier: BSD-2-Clause
"""An adapter that is wrong in one thing: it stands before a good one and spoils what passes through.

usage: wrong_adapter.py FAULT COMMAND…   (FAULT `none` spoils nothing)
"""
import json
import os
import queue
import subprocess
import sys
import threading
import time

FAULTS = {}  # name -> (the check that must notice, class)


def fault(check):
    """Names a class as the fault that `check` must notice."""

    def keep(kind):
        FAULTS[kind.__name__.replace("_", "-")] = (check, kind)
        return kind

    return keep


class none:
    """What a fault may change: a request, a line that is no request, a reply, an event, the end."""

    def __init__(self, proxy):
        self.proxy = proxy

    def request(self, r):
        return r

    def stray(self, line):
        return line

    def reply(self, r, a):  # the request, None for one without id, and its answer
        return a

    def event(self, e):
        return e

    def end(self):
        pass


def changes(check, name, op=None, **how):
    """A fault that changes answers of `op` by a function each: `reply`, `request`, `event`."""
    methods = {}
    if "reply" in how:
        methods["reply"] = lambda self, r, a: how["reply"](r, a) if r is not None and op in (None, r["op"]) else a
    if "request" in how:
        methods["request"] = lambda self, r: how["request"](r) if op in (None, r.get("op")) else r
    if "event" in how:
        methods["event"] = lambda self, e: how["event"](e)
    FAULTS[name] = (check, type(name, (none,), methods))


def without(d, *keys):
    return {k: v for k, v in d.items() if k not in keys}


def code(a, old, new):
    return {**a, "code": new} if a.get("code") == old else a


def fine(a, *codes):
    return {"id": a["id"], "ok": True} if a.get("code") in codes else a


changes("AD-1.1", "pid-left-out", "hello", reply=lambda r, a: without(a, "pid"))
changes("AD-1.1", "capabilities-in-one-text", "hello",
        reply=lambda r, a: {**a, "capabilities": " ".join(a.get("capabilities", ()))} if r.get("protocol") == 1 and not seen(r) else a)
changes("AD-1.2", "any-protocol", "hello", request=lambda r: {**r, "protocol": 1})
changes("AD-2.1", "claims-too-little", "hello", reply=lambda r, a: {**a, "capabilities": [c for c in a.get("capabilities", ()) if c != "pending"]})
changes("AD-2.1", "claims-too-much", "select", reply=lambda r, a: {**a, "ok": False, "code": "unsupported", "error": "no select"})
changes("AD-2.1", "unknown-op-is-bad", "zap", reply=lambda r, a: code(a, "unsupported", "bad-request"))
changes("AD-2.2", "unknown-type-is-txt", "open", request=lambda r: {**r, "type": "txt"} if r.get("type") == "zap" else r)
changes("AD-2.2", "unknown-kind-is-bad", "open", reply=lambda r, a: code(a, "unsupported", "bad-request"))
changes("AD-2.3", "unknown-option-ignored", "options", request=lambda r: without(r, "zap"))
changes("AD-2.3", "other-id-counts", "options", reply=lambda r, a: without(a, "context_id"))
changes("AD-2.4", "unknown-mode-is-off", "rep_mode", request=lambda r: {**r, "mode": "off"})
changes("AD-3.2", "text-as-id", request=lambda r: {**r, "id": int(r["id"])} if r["id"] == "7" else r)
changes("AD-3.3", "strict-about-fields", reply=lambda r, a: {**without(a, "connections"), "ok": False, "code": "bad-request", "error": "zap?"} if "zap" in r else a)
changes("AD-5.1", "missing-field-failed", "bind", reply=lambda r, a: code(a, "bad-request", "failed"))
changes("AD-5.1", "half-a-byte", "send", reply=lambda r, a: fine(a, "bad-request"))
changes("AD-5.1", "error-of-two-lines", "open", reply=lambda r, a: {**a, "error": "no\nno"} if "error" in a else a)
changes("AD-5.2", "no-such-channel", "recv", reply=lambda r, a: code(a, "bad-request", "closed"))
changes("AD-5.2", "name-taken", "open", reply=lambda r, a: fine(a, "bad-request"))
changes("AD-6.1", "refusal-is-bad", "bind", reply=lambda r, a: code(a, "failed", "bad-request"))
changes("AD-6.1", "nobody-there-is-a-time-out", "connect", reply=lambda r, a: code(a, "failed", "timeout"))
changes("AD-6.2", "any-time-out", "set_timeout", reply=lambda r, a: fine(a, "failed"))
changes("AD-6.3", "undecodable-is-none", "recv", reply=lambda r, a: {**fine(a, "failed"), "value": None})
changes("AD-7.1", "recv-returns-at-once", "recv", request=lambda r: {**r, "timeout": 0} if r.get("timeout", 0) is None else r)
changes("AD-7.4", "impatient", "recv", request=lambda r: {**r, "timeout": r["timeout"] / 3} if r.get("timeout") == 0.3 else r)
changes("AD-7.4", "time-over-is-closed", "recv", reply=lambda r, a: code(a, "timeout", "closed"))
changes("AD-8.1", "port-asked-for", "bind", reply=lambda r, a: {**a, "port": 1} if "port" in a else a)
changes("AD-9.1", "no-closed", event=lambda e: None if e["event"] == "closed" else e)
changes("AD-9.1", "no-reason", event=lambda e: without(e, "reason"))
changes("AD-9.3", "closed-is-an-error", "close", reply=lambda r, a: {**a, "ok": False, "code": "failed", "error": "closed"} if seen(r) else a)
changes("AD-11.1", "none-is-nothing", "recv", reply=lambda r, a: {"id": a["id"], "ok": False, "code": "timeout", "error": "?"} if a.get("value", 1) is None else a)
changes("AD-11.1", "nothing-is-none", "recv", reply=lambda r, a: {**fine(a, "timeout"), "value": None} if a.get("code") else a)
changes("AD-11.2", "closed-is-a-time-out", "recv", reply=lambda r, a: code(a, "closed", "timeout"))
changes("AD-11.2", "sends-when-closed", "send", reply=lambda r, a: fine(a, "closed"))
changes("AD-11.3", "pending-says-nothing", "pending", reply=lambda r, a: {**a, "count": 0})
changes("AD-11.3", "recv-all-backwards", "recv_all", reply=lambda r, a: {**a, "values": a["values"][::-1]})
changes("AD-12.1", "ends-at-nul", "recv", reply=lambda r, a: {**a, "value": a["value"].split("\0")[0]} if isinstance(a.get("value"), str) else a)
changes("AD-12.2", "short-lines", "recv", reply=lambda r, a: {**a, "value": {"hex": a["value"]["hex"][:65536]}} if "hex" in (a.get("value") or ()) else a)
changes("AD-14.1", "no-name", "status", reply=lambda r, a: {**a, "name": ""})
changes("AD-14.1", "closing-for-ever", "status", reply=lambda r, a: {**a, "state": "closing"} if a.get("state") == "closed" else a)
changes("AD-14.1", "closed-ones-listed", "connections",
        reply=lambda r, a: {**a, "connections": a.get("connections") or [{"connection": "1", "name": "", "state": "closed"}]})

asked = {}


def seen(r):
    """Was the same asked before? The first time is kept."""
    key = json.dumps(without(r, "id"), sort_keys=True)
    return asked.setdefault(key, r["id"]) != r["id"]


def unsigned(value):
    """Zero without its sign."""
    if isinstance(value, list):
        return [unsigned(one) for one in value]
    if isinstance(value, dict):
        return {"float": "0.0"} if value.get("float") and float.fromhex(value["float"]) == 0 else {k: unsigned(v) for k, v in value.items()}
    return value


changes("AD-12.3", "sign-of-zero", "recv", reply=lambda r, a: {**a, "value": unsigned(a["value"])} if "value" in a else a)
changes("AD-12.3", "tuple-is-list", "recv", reply=lambda r, a: {**a, "value": a["value"]["tuple"]} if "tuple" in (a.get("value") or ()) else a)
changes("AD-12.3", "ints-are-floats", "recv", reply=lambda r, a: {**a, "value": {"int": str(int(float(a["value"]["int"])))}} if "int" in (a.get("value") or ()) else a)


@fault("AD-3.1")
class ignores_garbage(none):
    def stray(self, line):
        return None


@fault("AD-3.1")
class garbage_is_unsupported(none):
    def reply(self, r, a):
        return a if r else {**a, "code": "unsupported"}


@fault("AD-4.1")
class prints(none):
    def reply(self, r, a):
        if r and r["op"] == "close_channel":
            self.proxy.write("channel closed, good bye")
        return a


@fault("AD-4.1")
class answers_twice(none):
    def reply(self, r, a):
        if r and r["op"] == "close_channel":
            self.proxy.write(json.dumps(a))
        return a


class one_at_a_time(none):
    """Lets nothing pass while a request of this op is not answered."""

    op = ""

    def __init__(self, proxy):
        super().__init__(proxy)
        self.free = threading.Event()
        self.free.set()

    def request(self, r):
        self.free.wait()
        if r.get("op") == self.op:
            self.free.clear()
        return r

    def reply(self, r, a):
        if r and r["op"] == self.op:
            self.free.set()
        return a


@fault("AD-7.1")
class recv_holds_up(one_at_a_time):
    op = "recv"


@fault("AD-7.2")
class connect_holds_up(one_at_a_time):
    op = "connect"


@fault("AD-7.3")
class result_holds_up(one_at_a_time):
    op = "result"


@fault("AD-7.1")
class last_come_first_served(none):
    """Of two recvs that wait the second gets the first message."""

    def __init__(self, proxy):
        super().__init__(proxy)
        self.ids = []

    def reply(self, r, a):
        if r and r["op"] == "recv" and "value" in a:
            self.ids.append(r["id"])
            return {**a, "value": {"one": "two", "two": "one"}.get(a["value"], a["value"])}
        return a


@fault("AD-9.2")
class client_ends_unseen(none):
    """Forgets the end of a connection that it made itself."""

    def __init__(self, proxy):
        super().__init__(proxy)
        self.connecting = False

    def request(self, r):
        self.connecting |= r.get("op") == "connect"
        return r

    def event(self, e):
        return None if self.connecting and e["event"] == "closed" else e


@fault("AD-10.1")
class received_once(none):
    def __init__(self, proxy):
        super().__init__(proxy)
        self.told = False

    def event(self, e):
        if e["event"] != "received":
            return e
        told, self.told = self.told, True
        return None if told else e


@fault("AD-13.1")
class stays(none):
    def end(self):
        time.sleep(5)


class Proxy:
    def __init__(self, kind, command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.fault, self.requests, self.lock = kind(self), {}, threading.Lock()

    def write(self, line):
        with self.lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def answers(self):
        for line in self.child.stdout:
            a = json.loads(line)
            if "event" in a:
                a = self.fault.event(a)
            else:
                a = self.fault.reply(self.requests.pop(a["id"], None), a)
            if a is not None:
                self.write(json.dumps(a))

    def forward(self, lines):
        while (line := lines.get()) is not None:
            try:
                r = json.loads(line)
                good = isinstance(r, dict) and "op" in r and "id" in r
            except ValueError:
                good = False
            if good:
                r = self.fault.request(r)
                self.requests[r["id"]] = r
                line = json.dumps(r) + "\n"
            else:
                line = self.fault.stray(line)
            if line is not None:
                self.child.stdin.write(line.encode())
                self.child.stdin.flush()

    def run(self):
        lines = queue.SimpleQueue()
        threading.Thread(target=self.answers, daemon=True).start()
        threading.Thread(target=self.forward, args=(lines,), daemon=True).start()
        for line in sys.stdin:
            lines.put(line)
        self.fault.end()
        self.child.kill()
        os._exit(0)


if __name__ == "__main__":
    Proxy(none if sys.argv[1] == "none" else FAULTS[sys.argv[1]][1], sys.argv[2:]).run()
